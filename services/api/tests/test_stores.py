"""Algorithm stores: who may link them, what they are told, and which addresses this server does not call."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.api.tests.fake_store import FakeStore, serving
from services.api.tests.kit import Api
from services.api.tests.work.world import World
from sextant_api.models import algorithm_stores, tasks
from sextant_api.stores.addresses import Address, AddressPolicy
from sextant_api.stores.client import Caller, StoreAddress, StoreClient, resolve
from sextant_api.stores.errors import StoreAddressRefusedError, StoreRefusedError, StoreUnreachableError
from sextant_shared.security import Principal

PATH = "/api/algorithmstore"
SERVER = "http://api/api"
"""What the tests call the server by."""


@pytest.fixture
async def world(api: Api) -> World:
    return await World.made(api)


@pytest.fixture
async def store() -> AsyncIterator[FakeStore]:
    store = FakeStore()
    async with serving(store):
        yield store


@pytest.fixture
def admin(world: World) -> Principal:
    """Of near, who may edit the collaborations that near is in."""
    rules = {"collaboration:COLLABORATION:EDIT", "collaboration:ORGANIZATION:VIEW"}
    return world.api.auth.add_user(organization_id=world.near, rules=rules)


async def link(world: World, store: FakeStore, caller: Principal, **changes: Any) -> Any:
    body = {"name": "community", "algorithm_store_url": store.url, "force": True, **changes}
    return await world.api.call("POST", PATH, caller, json=body)


async def linked(world: World, **values: Any) -> int:
    return await world.api._insert(algorithm_stores, **{"name": "s", "url": "http://s.test/api", **values})


# -- linking ---------------------------------------------------------------------------------------


async def test_a_store_is_asked_to_trust_this_server_before_it_is_linked(
    world: World, store: FakeStore, admin: Principal
) -> None:
    answer = await link(world, store, admin, collaboration_id=world.collaboration, server_url="http://here.test/")

    body = answer.json()
    assert answer.status_code == 201
    assert body == {
        "id": body["id"],
        "name": "community",
        "url": store.url,
        "collaborations": f"/api/collaboration?algorithm_store_id={body['id']}",
    }
    (asked,) = store.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "vantage6-server", "")
    assert asked.json == {"url": "http://here.test/api", "force": True}
    assert asked.headers["server_url"] == "http://here.test/api"
    assert asked.headers["authorization"] == f"Bearer {answer.request.headers['authorization'].split()[1]}"
    assert asked.headers["host"] == f"127.0.0.1:{store.port}"
    assert (await world.api.get(f"{PATH}/{body['id']}", admin)).json() == body


async def test_a_store_for_all_collaborations_names_none(world: World, store: FakeStore) -> None:
    body = (await link(world, store, world.api.root)).json()

    assert body["collaborations"] is None
    # nobody said by what the store should know this server
    assert store.asked[0].json["url"] == SERVER


async def test_stores_know_this_server_by_what_is_configured(database_url: str, store: FakeStore) -> None:
    api = Api(database_url, public_url="https://sextant.test")
    world = await World.made(api)

    await link(world, store, api.root, server_url="http://elsewhere.test/api")

    assert store.asked[0].json["url"] == "https://sextant.test/api"
    await api.close()


async def test_behind_the_gateway_stores_know_this_server_by_what_the_gateway_was_called(
    world: World, store: FakeStore
) -> None:
    await world.api.call(
        "POST",
        PATH,
        world.api.root,
        json={"name": "community", "algorithm_store_url": store.url, "force": True},
        headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "sextant.test:7601"},
    )

    assert store.asked[0].json["url"] == "https://sextant.test:7601/api"


@pytest.mark.parametrize("collaboration", ["one", [1], "1", 1.0], ids=str)
async def test_the_collaboration_may_be_named_as_clients_do(
    world: World, store: FakeStore, admin: Principal, collaboration: Any
) -> None:
    named = world.collaboration if collaboration == "one" else collaboration

    answer = await link(world, store, admin, collaboration_id=named)

    assert (answer.status_code, world.collaboration) == (201, 1)


NONSENSE: list[tuple[dict[str, Any], str]] = [
    *[
        ({"algorithm_store_url": url}, "algorithm_store_url")
        for url in (
            "",
            "abc",
            "ftp://x.test",
            "http://",
            "https://x.test/a b",
            "https://user@x.test",
            "https://x.test?a=b",
            "https://x.test:port",
            "https://[x.test",
            5,
            None,
            "https://x.test/" + "x" * 1024,
        )
    ],
    *[
        ({"collaboration_id": value}, "collaboration_id")
        for value in ("", "abc", -1, 0, [], [1, 2], None, {}, [None], True)
    ],
    ({"server_url": "nonsense"}, "server_url"),
    ({"force": "perhaps"}, "force"),
    ({"name": ""}, "name"),
    ({"name": None}, "name"),
    ({"foo": 1}, "foo"),
    ({"id": 1}, "id"),
]


@pytest.mark.parametrize(("changes", "wrong"), NONSENSE, ids=lambda value: str(value)[:60])
async def test_nonsense_is_named_and_no_store_is_asked(plain_api: Api, changes: dict[str, Any], wrong: str) -> None:
    body = {"name": "community", "algorithm_store_url": "https://x.test/api", **changes}

    answer = await plain_api.call("POST", PATH, plain_api.root, json=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [wrong])
    assert await plain_api.count(algorithm_stores) == 0


async def test_what_is_missing_is_named(plain_api: Api) -> None:
    answer = await plain_api.post(PATH, plain_api.root)

    assert answer.status_code == 400
    assert sorted(answer.json()["errors"]) == ["algorithm_store_url", "name"]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ((200, {"msg": "known already"}), 201),
        ((201, b""), 201),
        ((400, {"msg": "no"}), 400),
        ((403, {"msg": "forbidden"}), 400),
        ((418, b"<html>"), 400),
        ((500, {"msg": 5}), 400),
        ((307, b""), 400),
    ],
    ids=str,
)
async def test_a_store_is_linked_only_if_it_agrees(
    world: World, store: FakeStore, told: tuple[int, Any], status: int
) -> None:
    store.answers["POST", "vantage6-server"] = told
    store.headers = {"location": "/api/elsewhere"}

    answer = await link(world, store, world.api.root)

    assert answer.status_code == status
    assert await world.api.count(algorithm_stores) == (1 if status == 201 else 0)
    assert len(store.asked) == 1
    if status == 400:
        assert answer.json()["code"] == "store_refused"
        assert str(told[0]) in answer.json()["msg"]


async def test_the_stores_own_words_are_passed_on_and_cut(world: World, store: FakeStore) -> None:
    store.answers["POST", "vantage6-server"] = (400, {"msg": "x" * 10_000})

    msg = (await link(world, store, world.api.root)).json()["msg"]

    assert "x" * 300 in msg
    assert len(msg) < 500


async def test_a_store_that_is_not_there_is_said_to_be_unreachable(world: World) -> None:
    answer = await link(world, FakeStore(port=1), world.api.root)

    assert (answer.status_code, answer.json()["code"]) == (400, "store_unreachable")
    assert await world.api.count(algorithm_stores) == 0


async def test_no_transaction_is_open_while_a_store_thinks(world: World, store: FakeStore) -> None:
    store.held = asyncio.Event()

    asking = asyncio.create_task(link(world, store, world.api.root))
    while not store.asked:
        await asyncio.sleep(0.01)
    in_use = world.api.db.engine.pool.checkedout()
    store.held.set()

    assert (await asking).status_code == 201
    assert in_use == 0


async def test_a_store_is_linked_once_where_it_is_available(world: World, store: FakeStore, admin: Principal) -> None:
    other = await world.api.add_collaboration("other", [world.near])

    told = [
        (await link(world, store, admin, collaboration_id=collaboration)).status_code
        for collaboration in (world.collaboration, other, other)
    ]
    again = await link(world, store, admin, collaboration_id=world.collaboration, algorithm_store_url=store.url + "/")

    assert told == [201, 201, 400]
    assert (again.status_code, again.json()["code"]) == (400, "already_exists")
    assert len(store.asked) == 2


async def test_a_store_that_becomes_one_for_all_takes_the_place_of_others(
    world: World, store: FakeStore, admin: Principal
) -> None:
    for_one = (await link(world, store, admin, collaboration_id=world.collaboration)).json()["id"]
    task = await world.task(world.near)
    async with world.api.db.transaction() as tx:
        await tx.session.execute(tasks.update().values(store_id=for_one))

    for_all = (await link(world, store, world.api.root)).json()["id"]
    again = await link(world, store, world.api.root)
    for_one_again = await link(world, store, admin, collaboration_id=world.collaboration)

    assert await world.api.count(algorithm_stores) == 1
    assert (await world.api.get(f"{PATH}/{for_one}", world.api.root)).status_code == 404
    shown = (await world.api.get(f"/api/task/{task['id']}", world.researcher)).json()
    assert shown["algorithm_store"]["id"] == for_all
    assert [answer.json()["code"] for answer in (again, for_one_again)] == ["already_exists"] * 2


async def test_two_who_link_a_store_at_once_link_it_once(world: World, store: FakeStore) -> None:
    store.held = asyncio.Event()
    both = [asyncio.create_task(link(world, store, world.api.root)) for _ in range(2)]
    while len(store.asked) < 2:
        await asyncio.sleep(0.01)
    store.held.set()

    assert sorted(answer.status_code for answer in await asyncio.gather(*both)) == [201, 400]
    assert await world.api.count(algorithm_stores) == 1


# -- who may ---------------------------------------------------------------------------------------


async def test_stores_are_linked_by_who_may_edit_the_collaborations_they_are_for(
    world: World, store: FakeStore, admin: Principal
) -> None:
    foreign = await world.api.add_collaboration("foreign", [world.far])
    everywhere = world.api.auth.add_user(organization_id=world.strange, rules={"collaboration:GLOBAL:EDIT"})

    async def status(caller: Principal, **changes: Any) -> int:
        answer = await link(world, store, caller, algorithm_store_url=f"{store.url}/{len(store.asked)}", **changes)
        code: int = answer.status_code
        return code

    assert await status(admin, collaboration_id=world.collaboration) == 201
    assert await status(admin, collaboration_id=foreign) == 401
    assert await status(admin) == 401
    assert await status(world.researcher, collaboration_id=world.collaboration) == 401
    assert await status(everywhere, collaboration_id=foreign) == 201
    assert await status(everywhere) == 201
    # what is not there comes first, as on the wire
    assert await status(world.researcher, collaboration_id=987654) == 404
    assert len(store.asked) == 3


async def test_machines_may_see_one_store_and_nothing_more(world: World, store: FakeStore) -> None:
    store_id = await linked(world, collaboration_id=world.collaboration)
    container = world.container(await world.task(world.near))

    told = {
        (str(kind), method): (await world.api.call(method, path, caller, json=body)).status_code
        for kind, caller in (("node", world.near_node), ("container", container))
        for method, path, body in (
            ("GET", PATH, None),
            ("GET", f"{PATH}/{store_id}", None),
            ("POST", PATH, {"name": "community", "algorithm_store_url": store.url}),
            ("PATCH", f"{PATH}/{store_id}", {"name": "other"}),
            ("DELETE", f"{PATH}/{store_id}", None),
        )
    }

    assert await world.api.get(f"{PATH}/{store_id}", world.near_node)
    assert {key for key, status in told.items() if status != 403} == {("node", "GET")}
    assert (await world.api.get(f"{PATH}/{store_id}", world.near_node)).status_code == 200
    assert store.asked == []


async def test_stores_are_seen_by_members_of_the_collaborations_they_are_for(world: World) -> None:
    foreign = await world.api.add_collaboration("foreign", [world.far])
    for_all, near, far = [
        await linked(world, name=name, url=f"http://{name}.test", collaboration_id=collaboration)
        for name, collaboration in (("for_all", None), ("near", world.collaboration), ("far", foreign))
    ]
    blind = world.api.auth.add_user(organization_id=world.near, rules=())

    async def seen(caller: Principal, **query: Any) -> list[int] | int:
        answer = await world.api.get(PATH, caller, **query)
        return [item["id"] for item in answer.json()["data"]] if answer.status_code == 200 else answer.status_code

    async def shown(caller: Principal) -> list[int]:
        return [(await world.api.get(f"{PATH}/{one}", caller)).status_code for one in (for_all, near, far, 987654)]

    assert await seen(world.api.root) == [for_all, near, far]
    assert await seen(world.researcher) == [for_all, near]
    assert await seen(world.stranger) == [for_all]
    assert await seen(blind) == 401
    assert await shown(world.api.root) == [200, 200, 200, 404]
    assert await shown(world.researcher) == [200, 200, 401, 404]
    assert await shown(blind) == [401, 401, 401, 404]
    assert await seen(world.researcher, collaboration_id=world.collaboration) == [for_all, near]
    assert await seen(world.api.root, collaboration_id=foreign) == [for_all, far]
    assert await seen(world.researcher, collaboration_id=foreign) == 401
    # no collaboration has such an id
    for nothing in (987654, "", "abc", "1.5", "99999999999999999999"):
        assert await seen(world.api.root, collaboration_id=nothing) == 404
        assert await seen(blind, collaboration_id=nothing) == 404


async def test_stores_are_listed_by_name_and_address_and_sorted(world: World) -> None:
    ids = {
        name: await linked(world, name=name, url=f"http://{name}.test/api", collaboration_id=None)
        for name in ("beta", "alpha", "gamma")
    }

    async def names(**query: Any) -> list[str]:
        answer = await world.api.get(PATH, world.api.root, **query)
        return [item["name"] for item in answer.json()["data"]]

    assert await names() == ["beta", "alpha", "gamma"]
    assert await names(name="ALP%") == ["alpha"]
    assert await names(url="%gamma%") == ["gamma"]
    assert await names(sort="name") == ["alpha", "beta", "gamma"]
    assert await names(sort="-url") == ["gamma", "beta", "alpha"]
    assert await names(per_page=2, page=2) == ["gamma"]
    assert (await world.api.get(PATH, world.api.root, sort="is_forced")).status_code == 400
    assert len(ids) == 3


@pytest.mark.parametrize("number", [10, 100])
async def test_a_page_of_stores_costs_the_same_whatever_its_size(world: World, number: int) -> None:
    for index in range(number):
        await linked(world, url=f"http://{index}.test", collaboration_id=world.collaboration)

    with world.api.counting() as statements:
        answer = await world.api.get(
            PATH, world.researcher, per_page=number, collaboration_id=world.collaboration, name="%"
        )

    assert len(answer.json()["data"]) == number
    assert len(statements) == 3


# -- changing and removing -------------------------------------------------------------------------


async def test_a_store_is_renamed_and_moved_by_who_may_edit_both_collaborations(world: World, admin: Principal) -> None:
    own, foreign = [
        await world.api.add_collaboration(name, members)
        for name, members in (("own", [world.near]), ("foreign", [world.far]))
    ]
    store_id = await linked(world, collaboration_id=world.collaboration)
    admin_of_far = world.api.auth.add_user(
        organization_id=world.far, rules={"collaboration:COLLABORATION:EDIT", "collaboration:ORGANIZATION:VIEW"}
    )

    async def status(caller: Principal, **changes: Any) -> int:
        return (await world.api.patch(f"{PATH}/{store_id}", caller, **changes)).status_code

    assert await status(admin, name="renamed") == 200
    assert await status(admin) == 200
    assert await status(world.researcher, name="no") == 401
    assert await status(admin, collaboration_id=foreign) == 401
    assert await status(admin, collaboration_id=None) == 401
    assert await status(admin, collaboration_id=987654) == 404
    assert await status(admin, collaboration_id=[own]) == 200
    assert await status(admin_of_far, name="no") == 401
    assert await status(world.api.root, name="") == 400
    assert await status(world.api.root, url="http://other.test") == 400
    shown = (await world.api.get(f"{PATH}/{store_id}", admin)).json()
    assert (shown["name"], shown["url"]) == ("renamed", "http://s.test/api")
    found = await world.api.get("/api/collaboration", admin, algorithm_store_id=store_id)
    assert [item["id"] for item in found.json()["data"]] == [own]
    assert (await world.api.patch(f"{PATH}/987654", admin, name="x")).status_code == 404


async def test_a_store_is_made_one_for_all_by_null(world: World) -> None:
    store_id = await linked(world, collaboration_id=world.collaboration)
    other = await world.api.add_collaboration("other", [world.far])
    await linked(world, collaboration_id=other)

    answer = await world.api.patch(f"{PATH}/{store_id}", world.api.root, collaboration_id=None)

    assert answer.json()["collaborations"] is None
    assert await world.api.count(algorithm_stores) == 1


async def test_a_store_cannot_be_moved_to_where_it_is_already(world: World) -> None:
    other = await world.api.add_collaboration("other", [world.far])
    store_id, _ = [await linked(world, collaboration_id=there) for there in (world.collaboration, other)]

    answer = await world.api.patch(f"{PATH}/{store_id}", world.api.root, collaboration_id=other)

    assert (answer.status_code, answer.json()["code"]) == (400, "already_exists")


async def removed(world: World, store_id: int, caller: Principal, **query: Any) -> Any:
    return await world.api.call("DELETE", f"{PATH}/{store_id}", caller, params=query)


async def test_a_store_that_is_removed_is_told_first_and_its_tasks_stay(
    world: World, store: FakeStore, admin: Principal
) -> None:
    store.servers = {7: "http://another.test/api"}
    store_id = (await link(world, store, admin, collaboration_id=world.collaboration)).json()["id"]
    task = await world.task(world.near)
    async with world.api.db.transaction() as tx:
        await tx.session.execute(tasks.update().values(store_id=store_id))

    refused = await removed(world, store_id, world.researcher)
    answer = await removed(world, store_id, admin, server_url=SERVER)

    assert (refused.status_code, answer.status_code) == (401, 200)
    assert [(asked.method, asked.path) for asked in store.asked[1:]] == [
        ("GET", "vantage6-server"),
        ("DELETE", "vantage6-server/2"),
    ]
    assert all(asked.headers["authorization"].startswith("Bearer ") for asked in store.asked)
    assert store.servers == {7: "http://another.test/api"}
    assert (await removed(world, store_id, admin)).status_code == 404
    assert (await world.api.get(f"/api/task/{task['id']}", world.researcher)).json()["algorithm_store"] is None


async def test_a_store_that_does_not_know_this_server_is_removed_all_the_same(world: World, store: FakeStore) -> None:
    store_id = (await link(world, store, world.api.root)).json()["id"]
    store.servers = {}

    assert (await removed(world, store_id, world.api.root)).status_code == 200


async def test_a_store_that_cannot_be_told_is_removed_only_by_force(world: World, store: FakeStore) -> None:
    store_id = (await link(world, store, world.api.root)).json()["id"]
    store.answers["GET", "vantage6-server"] = (500, {"msg": "broken"})

    refused = await removed(world, store_id, world.api.root)
    forced = await removed(world, store_id, world.api.root, force="true")

    assert (refused.status_code, refused.json()["code"], forced.status_code) == (400, "store_refused", 200)
    assert await world.api.count(algorithm_stores) == 0


async def test_a_store_that_another_collaboration_uses_goes_on_trusting_this_server(
    world: World, store: FakeStore, admin: Principal
) -> None:
    other = await world.api.add_collaboration("other", [world.near])
    first, second = [
        (await link(world, store, admin, collaboration_id=there)).json()["id"] for there in (world.collaboration, other)
    ]
    asked = len(store.asked)

    assert (await removed(world, first, admin)).status_code == 200
    assert len(store.asked) == asked
    assert (await world.api.get(f"{PATH}/{second}", admin)).status_code == 200


# -- which addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001"])
async def test_a_local_store_needs_force_however_it_is_spelled(world: World, store: FakeStore, host: str) -> None:
    url = f"http://{host}:{store.port}/api"

    without = await link(world, store, world.api.root, algorithm_store_url=url, force=False)
    with_force = await link(world, store, world.api.root, algorithm_store_url=url)

    assert (without.status_code, without.json()["code"]) == (400, "store_address_refused")
    assert with_force.status_code == 201
    assert len(store.asked) == 1


async def test_where_local_stores_are_not_allowed_force_does_not_help(database_url: str, store: FakeStore) -> None:
    api = Api(database_url, store_private_addresses="never")
    world = await World.made(api)

    answer = await link(world, store, api.root)

    assert (answer.status_code, answer.json()["code"], store.asked) == (400, "store_address_refused", [])
    await api.close()


async def test_hosts_that_are_named_in_the_settings_need_no_force_and_others_are_not_asked(
    database_url: str, store: FakeStore
) -> None:
    api = Api(database_url, store_hosts=["127.0.0.1", "*.stores.test"])
    world = await World.made(api)

    named = await link(world, store, api.root, force=False)
    other = await link(world, store, api.root, algorithm_store_url=f"http://localhost:{store.port}/api")

    assert (named.status_code, other.status_code, other.json()["code"]) == (201, 400, "store_address_refused")
    assert "force" not in store.asked[0].json
    await api.close()


PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    ("addresses", "passes", "passes_forced"),
    [
        ([PUBLIC], True, True),
        (["2606:2800:21f:cb07:6820:80da:af6b:8b2c"], True, True),
        (["127.0.0.1"], False, True),
        (["::1"], False, True),
        (["10.1.2.3"], False, True),
        (["192.168.0.1"], False, True),
        (["100.64.0.1"], False, True),
        (["fd00::1"], False, True),
        (["::ffff:127.0.0.1"], False, True),
        (["::ffff:8.8.8.8"], True, True),
        (["64:ff9b::7f00:1"], False, True),
        (["64:ff9b::808:808"], True, True),
        (["2002:7f00:1::"], False, True),
        ([PUBLIC, "127.0.0.1"], False, True),
        (["169.254.169.254"], False, False),
        (["::ffff:169.254.169.254"], False, False),
        ([PUBLIC, "169.254.169.254"], False, False),
        (["fe80::1"], False, False),
        (["0.0.0.1"], False, True),
        ([str(IPv4Address(0))], False, False),
        (["::"], False, False),
        (["224.0.0.1"], False, False),
        (["255.255.255.255"], False, False),
        (["240.0.0.1"], False, False),
    ],
    ids=str,
)
def test_addresses_are_judged_by_what_they_are(addresses: list[str], *, passes: bool, passes_forced: bool) -> None:
    def does_pass(*, is_forced: bool) -> bool:
        try:
            AddressPolicy().judge("any.test", [ip_address(one) for one in addresses], is_forced=is_forced)
        except StoreAddressRefusedError:
            return False
        return True

    assert (does_pass(is_forced=False), does_pass(is_forced=True)) == (passes, passes_forced)


@pytest.mark.parametrize(
    ("host", "is_named"),
    [
        ("stores.test", True),
        ("STORES.test.", True),
        ("a.inside.test", True),
        ("a.b.inside.test", True),
        ("inside.test", False),
        ("xinside.test", False),
        ("stores.test.evil.test", False),
    ],
)
def test_hosts_are_named_one_by_one_or_all_below_one(host: str, *, is_named: bool) -> None:
    policy = AddressPolicy(hosts=["stores.test", "*.Inside.test"])

    if is_named:
        policy.judge(host, [ip_address("127.0.0.1")], is_forced=False)
    else:
        with pytest.raises(StoreAddressRefusedError):
            policy.judge(host, [ip_address(PUBLIC)], is_forced=True)


CALLER = Caller("a-token", SERVER)


def resolving(**hosts: Sequence[str]) -> Any:
    """A resolver that knows these hosts, and counts how often it is asked."""
    asked: list[str] = []

    async def found(host: str, port: int) -> Sequence[Address]:
        del port
        asked.append(host)
        return [ip_address(address) for address in hosts.get(host.partition(".")[0], ())]

    found.asked = asked
    return found


def client(**options: Any) -> StoreClient:
    return StoreClient(**{"policy": AddressPolicy(), "timeout_seconds": 5, **options})


async def test_a_name_is_resolved_once_and_what_it_was_judged_by_is_connected_to(store: FakeStore) -> None:
    looked_up = resolving(store=["127.0.0.1"])
    address = StoreAddress(f"http://store.test:{store.port}/api", is_forced=True)

    await client(resolve=looked_up).ask(address, CALLER, "POST", "vantage6-server", json={"url": SERVER})

    assert looked_up.asked == ["store.test"]
    assert store.asked[0].headers["host"] == f"store.test:{store.port}"


async def test_a_name_that_came_to_mean_something_local_is_not_asked(store: FakeStore) -> None:
    address = StoreAddress(f"http://store.test:{store.port}/api", is_forced=False)

    with pytest.raises(StoreAddressRefusedError):
        await client(resolve=resolving(store=["127.0.0.1"])).ask(address, CALLER, "GET", "algorithm")

    assert store.asked == []


async def test_the_next_address_is_tried_if_one_does_not_answer(store: FakeStore) -> None:
    address = StoreAddress(f"http://store.test:{store.port}/api", is_forced=True)

    with pytest.raises(StoreRefusedError):
        await client(resolve=resolving(store=["127.0.0.2", "127.0.0.1"])).ask(address, CALLER, "GET", "algorithm")

    assert len(store.asked) == 1


async def test_a_name_without_an_address_is_unreachable() -> None:
    address = StoreAddress("http://nowhere.test/api", is_forced=True)

    with pytest.raises(StoreUnreachableError):
        await client(resolve=resolving()).ask(address, CALLER, "GET", "algorithm")


async def test_a_store_that_takes_too_long_is_unreachable(store: FakeStore) -> None:
    store.held = asyncio.Event()

    with pytest.raises(StoreUnreachableError):
        await client(timeout_seconds=0.1).ask(StoreAddress(store.url, is_forced=True), CALLER, "GET", "algorithm")


async def test_an_answer_that_is_too_long_is_not_read(store: FakeStore) -> None:
    store.answers["GET", "algorithm"] = (200, b" " * (1024 * 1024 + 1))

    with pytest.raises(StoreRefusedError):
        await client().ask(StoreAddress(store.url, is_forced=True), CALLER, "GET", "algorithm")


async def test_an_answer_that_is_packed_is_not_unpacked(store: FakeStore) -> None:
    store.servers = {1: SERVER}
    store.answers["GET", "algorithm"] = (200, b"\x1f\x8b not really")
    store.headers = {"content-encoding": "gzip"}

    found = await client().ask(StoreAddress(store.url, is_forced=True), CALLER, "GET", "algorithm")

    assert found is None
    assert store.asked[0].headers["accept-encoding"] == "identity"


async def test_the_system_finds_each_address_once() -> None:
    found = await resolve("localhost", 80)

    assert ip_address("127.0.0.1") in found
    assert len(set(found)) == len(found)


def certificate_for(host: str, folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


async def test_over_tls_the_certificate_has_to_be_for_the_name(tmp_path: Path) -> None:
    certificate, key = certificate_for("store.test", tmp_path)
    asking = client(
        resolve=resolving(store=["127.0.0.1"], other=["127.0.0.1"]),
        tls=ssl.create_default_context(cafile=str(certificate)),
    )
    store = FakeStore(servers={1: SERVER})
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(store, certificate=str(certificate), key=str(key)))

        found = await asking.ask(
            StoreAddress(f"https://store.test:{store.port}/api", is_forced=True), CALLER, "GET", "algorithm"
        )
        with pytest.raises(StoreUnreachableError):
            await asking.ask(
                StoreAddress(f"https://other.test:{store.port}/api", is_forced=True), CALLER, "GET", "algorithm"
            )

    assert found == {"data": [], "links": {}}
    assert len(store.asked) == 1
