"""Which organizations work together, as far as relay knows."""

import asyncio

import pytest

from services.relay.tests.kit import FakeApi, Stage
from sextant_relay import memberships as memberships_module
from sextant_relay.memberships import Memberships
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import MembershipChanged
from sextant_shared.contract.routing import API, RELAY
from sextant_shared.http.peers import Peers
from sextant_shared.settings import PeerSettings


@pytest.fixture
def api(stage: Stage) -> FakeApi:
    stage.api.collaborations = {3: [1, 2], 5: [2], 6: [1]}
    return stage.api


@pytest.fixture
def memberships(stage: Stage, api: FakeApi) -> Memberships:
    del api
    peers = Peers(stage.network, PeerSettings(client_secret="secret"), name=RELAY)
    return Memberships(peers.peer(API))


def change(collaboration_id: int, *organizations: int, revision: int = 2, deleted: bool = False) -> MembershipChanged:
    return MembershipChanged(
        collaboration_id=collaboration_id, organization_ids=list(organizations), revision=revision, deleted=deleted
    )


async def test_api_says_where_an_organization_takes_part(memberships: Memberships) -> None:
    assert await memberships.collaborations_of(2) == {3, 5}


async def test_an_organization_that_api_does_not_know_takes_part_nowhere(memberships: Memberships) -> None:
    assert await memberships.collaborations_of(99) == frozenset()


async def test_those_who_ask_together_share_one_question(memberships: Memberships, api: FakeApi) -> None:
    await asyncio.gather(*(memberships.collaborations_of(2) for _ in range(5)))
    await memberships.collaborations_of(2)
    assert api.asked == [2]


async def test_an_answer_does_not_live_for_ever(
    memberships: Memberships, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memberships_module, "TIME_TO_LIVE_SECONDS", 0)
    await memberships.collaborations_of(2)
    await memberships.collaborations_of(2)
    assert api.asked == [2, 2]


async def test_a_change_makes_answers_old(memberships: Memberships, api: FakeApi) -> None:
    await memberships.collaborations_of(2)
    api.collaborations[6] = [1, 2]
    memberships.note(change(6, 1, 2))
    assert await memberships.collaborations_of(2) == {3, 5, 6}


async def test_an_answer_that_was_on_its_way_while_something_changed_is_not_kept(
    memberships: Memberships, api: FakeApi
) -> None:
    asking = asyncio.create_task(memberships.collaborations_of(2))
    await asyncio.sleep(0)
    memberships.note(change(6, 1, 2))
    await asking
    api.collaborations[6] = [1, 2]
    assert await memberships.collaborations_of(2) == {3, 5, 6}


async def test_api_being_away_is_said_and_not_remembered(memberships: Memberships, api: FakeApi) -> None:
    api.down = True
    with pytest.raises(UnavailableError):
        await memberships.collaborations_of(2)
    api.down = False
    assert await memberships.collaborations_of(2) == {3, 5}


async def test_a_node_is_taken_for_a_member_without_asking(memberships: Memberships, api: FakeApi) -> None:
    assert (await memberships.is_member(2, 3), api.asked) == (True, [])


@pytest.mark.parametrize("news", [change(3, 1), change(3, 1, 2, deleted=True)], ids=["left", "deleted"])
async def test_a_node_is_no_member_once_a_change_said_so_and_api_confirms_it(
    memberships: Memberships, api: FakeApi, news: MembershipChanged
) -> None:
    api.collaborations[3] = [1]
    memberships.note(news)
    assert await memberships.is_member(2, 3) is False


async def test_a_change_that_api_does_not_confirm_does_not_count(memberships: Memberships) -> None:
    memberships.note(change(3, 1))
    assert await memberships.is_member(2, 3) is True


async def test_an_older_change_does_not_undo_a_newer_one(memberships: Memberships, api: FakeApi) -> None:
    api.collaborations[3] = [1]
    memberships.note(change(3, 1, revision=3))
    memberships.note(change(3, 1, 2, revision=2))
    assert await memberships.is_member(2, 3) is False
