"""The schema's history, and what the bootstrap leaves behind."""

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from services.auth.tests.kit import KEY_SECRET, Auth, running
from sextant_auth.models import audit_log, metadata, role_rules, roles, rules, signing_keys, user_roles, users
from sextant_auth.schema import alembic, prepare
from sextant_shared.contract.routing import AUTH
from sextant_shared.db import Database
from sextant_shared.db.migration import check_schema
from sextant_shared.testing.schema import schema_differences


async def test_the_history_leads_to_the_tables_of_the_code(auth: Auth) -> None:
    async with auth.db.engine.connect() as connection:
        assert await connection.run_sync(schema_differences, metadata) == []
    await check_schema(auth.db, alembic())


async def test_a_generated_root_password_is_told_once_and_opens(empty_database_url: str) -> None:
    async with Database(empty_database_url, source=AUTH) as db:
        first = await prepare(db, key_encryption_secret=KEY_SECRET)
        second = await prepare(db, key_encryption_secret=KEY_SECRET)

    assert first is not None
    assert second is None
    async with running(empty_database_url) as auth:
        assert (await auth.log_in("root", first))["user_url"] == "/api/user/1"
        (root,) = await auth.rows(users)
        assert first not in root.password_hash


async def test_a_given_root_password_is_not_told(empty_database_url: str) -> None:
    async with Database(empty_database_url, source=AUTH) as db:
        told = await prepare(db, key_encryption_secret=KEY_SECRET, root_password=SecretStr("simple"))

    assert told is None
    async with running(empty_database_url) as auth:
        assert (await auth.log_in("root", "simple"))["access_token"]


async def test_the_bootstrap_makes_rules_roles_root_and_a_key(auth: Auth) -> None:
    counts = {}
    async with auth.db.read() as session:
        for table in (rules, roles, role_rules, users, user_roles, signing_keys):
            counts[table.name] = await session.scalar(select(func.count()).select_from(table))
        names = list(await session.scalars(select(roles.c.name).order_by(roles.c.id)))
        root = (await session.execute(select(users))).one()

    assert counts == {
        "rules": 86,
        "roles": 7,
        "role_rules": 86 + 8 + 10 + 15 + 17 + 25 + 41,
        "users": 1,
        "user_roles": 1,
        "signing_keys": 1,
    }
    assert (names[0], names[-1]) == ("Root", "Collaboration Admin")
    assert (root.id, root.username, root.email, root.organization_id) == (1, "root", "root@domain.ext", 1)


async def test_the_bootstrap_may_be_repeated_and_mends_default_roles(auth: Auth) -> None:
    before = {table: await auth.rows(table) for table in (rules, roles, role_rules, users, signing_keys)}
    async with auth.db.transaction() as tx:
        await tx.session.execute(delete(role_rules).where(role_rules.c.role_id == 4, role_rules.c.rule_id < 40))
        await tx.session.execute(role_rules.insert().values(role_id=3, rule_id=86))
        await tx.session.execute(update(roles).where(roles.c.id == 5).values(description="changed"))

    await prepare(auth.db, key_encryption_secret=KEY_SECRET, root_password=SecretStr("Other-Pass-1!"))

    after = {table: await auth.rows(table) for table in before}
    assert {table: sorted(rows) for table, rows in after.items() if table is not signing_keys} == {
        table: sorted(rows) for table, rows in before.items() if table is not signing_keys
    }
    assert len(after[signing_keys]) == 1


async def test_the_bootstrap_makes_no_second_root(auth: Auth) -> None:
    await auth.set_user("root", username="boss", username_folded="boss")

    assert await prepare(auth.db, key_encryption_secret=KEY_SECRET) is None
    assert [row.username for row in await auth.rows(users)] == ["boss"]


async def test_a_role_made_after_the_bootstrap_gets_a_new_id(auth: Auth) -> None:
    answer = await auth.post("/api/role", await auth.token_of("root"), name="eighth", rules=[])

    assert answer.json()["id"] == 8


@pytest.mark.parametrize("change", ["UPDATE audit_log SET outcome = 'done'", "DELETE FROM audit_log"])
async def test_the_audit_log_is_only_ever_added_to(auth: Auth, change: str) -> None:
    await auth.post("/api/token/user", username="nobody", password="x")

    with pytest.raises(DBAPIError, match="append-only"):
        async with auth.db.transaction() as tx:
            await tx.session.execute(text(change))

    assert [row.outcome for row in await auth.rows(audit_log)] == ["refused"]
