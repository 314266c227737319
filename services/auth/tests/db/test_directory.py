"""What auth knows of collaborations, and how it learns of changes."""

import asyncio

from services.auth.tests.kit import Auth
from sextant_auth.models import collaborations, memberships, organizations
from sextant_shared.contract.events import MembershipChanged, OrganizationChanged
from sextant_shared.ids import new_id


def members(revision: int, *organization_ids: int, deleted: bool = False) -> MembershipChanged:
    return MembershipChanged(
        collaboration_id=1, organization_ids=list(organization_ids), revision=revision, deleted=deleted
    )


async def partners(auth: Auth, organization_id: int = 2) -> set[int]:
    return await auth.parts.users._directory.partners(organization_id)


async def test_members_are_followed(auth: Auth) -> None:
    await auth.tell(members(1, 2, 3))
    first = await partners(auth)
    await auth.tell(members(2, 2, 4))

    assert (first, await partners(auth)) == ({2, 3}, {2, 4})


async def test_a_late_message_changes_nothing(auth: Auth) -> None:
    await auth.tell(members(2, 2, 4))
    await auth.tell(members(1, 2, 3))

    assert await partners(auth) == {2, 4}


async def test_a_message_that_comes_twice_acts_once(auth: Auth) -> None:
    message_id = new_id()
    await auth.tell(members(1, 2, 3), message_id=message_id)
    await auth.tell(members(1, 2, 3), message_id=message_id)

    assert len(await auth.rows(memberships)) == 2
    assert await auth.parked() == 0


async def test_a_deleted_collaboration_joins_nobody_and_does_not_come_back(auth: Auth) -> None:
    await auth.tell(members(1, 2, 3))
    await auth.tell(members(3, 2, 3, deleted=True))
    await auth.tell(members(2, 2, 3))

    assert await partners(auth) == set()
    assert [row.revision for row in await auth.rows(collaborations)] == [3]


async def test_messages_about_one_collaboration_at_once_leave_the_newest(auth: Auth) -> None:
    await asyncio.gather(*(auth.tell(members(revision, 2, revision + 10)) for revision in range(1, 9)))

    assert await partners(auth) == {2, 18}
    assert await auth.parked() == 0


async def test_a_deleted_organization_does_not_come_back(auth: Auth) -> None:
    await auth.tell(members(1, 2, 3))
    await auth.tell(OrganizationChanged(organization_id=3, name="three", deleted=True))
    await auth.tell(OrganizationChanged(organization_id=3, name="three"))

    assert await partners(auth) == {2}
    assert {row.id: row.deleted for row in await auth.rows(organizations)}[3] is True


async def test_before_a_no_api_is_asked(auth: Auth) -> None:
    """A collaboration that api has just made counts, though no message has come yet."""
    await auth.add_user("admin", organization_id=2, rules=["user:COLLABORATION:VIEW"])
    token = await auth.token_of("admin")
    await auth.add_user("target", organization_id=3)
    before = await auth.get("/api/user", token, organization_id=3)
    auth.api.collaborations[1] = [2, 3]

    after = await auth.get("/api/user", token, organization_id=3)
    again = await auth.get("/api/user", token, organization_id=3)

    assert [answer.status_code for answer in (before, after, again)] == [401, 200, 200]
    assert auth.api.asked == [3, 3]


async def test_while_api_is_away_a_no_is_not_certain(auth: Auth) -> None:
    await auth.add_user("admin", organization_id=2, rules=["user:COLLABORATION:VIEW"])
    token = await auth.token_of("admin")
    await auth.add_collaboration(1, 2, 3)
    auth.api.down = True

    known = await auth.get("/api/user", token, organization_id=3)
    unknown = await auth.get("/api/user", token, organization_id=4)

    assert (known.status_code, unknown.status_code) == (200, 503)
    assert unknown.headers["retry-after"]
