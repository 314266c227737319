"""Who may sit where, and who is found there."""

import pytest

from sextant_relay.connections import Address, Connection
from sextant_relay.listening import Listening, listening_of_node, listening_of_user
from sextant_relay.rooms import Rooms
from sextant_shared.contract.audiences import NODES, USERS, Audience, depends_on_collaborations
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.rooms import Room
from sextant_shared.security import Principal

NODE = Principal(client_type=ClientType.NODE, id=7, organization_id=2, collaboration_id=3)


def user(*scopes: str) -> Principal:
    return Principal(
        client_type=ClientType.USER,
        id=1,
        organization_id=2,
        rules=frozenset({f"event:{scope}:RECEIVE" for scope in scopes} | {"event:GLOBAL:SEND", "task:GLOBAL:VIEW"}),
    )


def connection(name: str) -> Connection:
    return Connection(name, Address(name, name), None)


def test_a_node_sits_in_the_four_rooms_that_it_belongs_to() -> None:
    told = (Room.collaboration(3), Room.organization(3, 2))
    assert listening_of_node(NODE) == Listening(
        frozenset({Room.all_nodes(), Room.node(7), *told}), told, frozenset({"*.*.3"})
    )


def test_a_node_whose_organization_left_the_collaboration_hears_nothing_of_it() -> None:
    assert listening_of_node(NODE, is_member=False) == Listening(
        frozenset({Room.all_nodes(), Room.node(7)}), (), frozenset()
    )


def test_a_user_with_global_rights_needs_no_list_of_collaborations() -> None:
    listening = listening_of_user(user("GLOBAL", "COLLABORATION", "ORGANIZATION"), ())
    assert listening == Listening(frozenset({Room.user(1), Room.everything()}), (), frozenset({"*.*.*"}))


def test_a_user_with_collaboration_rights_hears_all_of_its_organizations_collaborations() -> None:
    told = (Room.collaboration(3), Room.collaboration(5))
    assert listening_of_user(user("COLLABORATION", "ORGANIZATION"), [5, 3]) == Listening(
        frozenset({Room.user(1), *told}), told, frozenset({"*.*.3", "*.*.5"})
    )


def test_a_user_with_organization_rights_hears_its_own_organizations_part() -> None:
    told = (Room.organization(3, 2), Room.organization(5, 2))
    assert listening_of_user(user("ORGANIZATION"), [5, 3]) == Listening(
        frozenset({Room.user(1), *told}), told, frozenset({"*.*.3", "*.*.5"})
    )


def test_a_user_without_rights_to_receive_hears_of_no_collaboration() -> None:
    assert listening_of_user(user(), [3]) == Listening(frozenset({Room.user(1)}), (), frozenset())


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [((), False), (("GLOBAL", "COLLABORATION"), False), (("COLLABORATION",), True), (("ORGANIZATION",), True)],
)
def test_memberships_matter_to_users_below_global_rights(scopes: tuple[str, ...], expected: bool) -> None:  # noqa: FBT001
    assert depends_on_collaborations(user(*scopes).rights) is expected


def test_a_connection_in_several_rooms_of_an_audience_is_found_once() -> None:
    rooms, node = Rooms(), connection("node")
    rooms.join(node, ClientType.NODE, [Room.collaboration(3), Room.organization(3, 2)])
    assert rooms.members([Audience(Room.collaboration(3)), Audience(Room.organization(3, 2))]) == [node]


def test_an_audience_may_be_one_kind_of_a_room() -> None:
    rooms, node, person = Rooms(), connection("node"), connection("user")
    rooms.join(node, ClientType.NODE, [Room.collaboration(3)])
    rooms.join(person, ClientType.USER, [Room.collaboration(3)])
    found = [rooms.members([Audience(Room.collaboration(3), kinds)]) for kinds in (NODES, USERS)]
    assert found == [[node], [person]]


def test_members_of_another_room_can_be_left_out() -> None:
    rooms, one, two = Rooms(), connection("one"), connection("two")
    rooms.join(one, ClientType.NODE, [Room.collaboration(3), Room.node(1)])
    rooms.join(two, ClientType.NODE, [Room.collaboration(3), Room.node(2)])
    assert rooms.members([Audience(Room.collaboration(3))], but_not=Room.node(1)) == [two]


def test_a_room_ends_with_its_last_member() -> None:
    rooms, node = Rooms(), connection("node")
    rooms.join(node, ClientType.NODE, [Room.collaboration(3), Room.node(7)])
    rooms.leave(node, ClientType.NODE, [Room.collaboration(3)])
    assert (len(rooms), rooms.members([Audience(Room.collaboration(3))])) == (1, [])
