"""What must be in auth's database before anybody can use it: rules, default roles, a first user, a signing key.

Safe to repeat: rules and default roles are brought to what this release knows, the first user is made only where
there is none at all, and a signing key only where none signs.
"""

from pydantic import SecretStr
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.catalogue import DEFAULT_ROLES, ROOT_ROLE, RULE_IDS, RULES
from sextant_auth.credentials.passwords import PasswordHasher
from sextant_auth.directory import repository as directory
from sextant_auth.keys import repository as keys
from sextant_auth.keys.material import make_key
from sextant_auth.keys.rotation import KeyState
from sextant_auth.models import role_rules, roles, rules, user_roles, users
from sextant_auth.secret_box import SecretBox
from sextant_shared.clock import SystemClock
from sextant_shared.db import Database
from sextant_shared.ids import new_secret

ROOT_ORGANIZATION_ID = 1
"""The organization that api makes first."""
_ROOT_NAME = "root"
_ROOT_EMAIL = "root@domain.ext"


async def bootstrap(db: Database, *, key_encryption_secret: SecretStr, root_password: SecretStr | None) -> str | None:
    """Fill in what is missing.

    Returns:
        The root password, if one had to be generated.
    """
    generated: str | None = None
    async with db.transaction() as tx:
        await _write_rules(tx.session)
        await _write_roles(tx.session)
        if not await tx.session.scalar(select(func.count()).select_from(users)):
            # a suffix makes sure that the generated password keeps our own policy
            password = root_password.get_secret_value() if root_password else (generated := new_secret(18) + "-aA1")
            await _write_root(tx.session, password)
        if not await keys.published(tx.session):
            await keys.add(tx.session, make_key(SecretBox(key_encryption_secret)), KeyState.ACTIVE, SystemClock().now())
    return generated


async def _write_rules(session: AsyncSession) -> None:
    insert = _insert(session)(rules)
    for entry in RULES:
        resource, scope, operation = entry.rule
        await session.execute(
            insert.values(
                id=entry.id, name=resource, scope=scope, operation=operation, description=entry.description
            ).on_conflict_do_update(index_elements=["id"], set_={"description": entry.description})
        )


async def _write_roles(session: AsyncSession) -> None:
    for role in DEFAULT_ROLES:
        await session.execute(
            _insert(session)(roles)
            .values(id=role.id, name=role.name, description=role.description, is_default_role=True)
            .on_conflict_do_update(index_elements=["id"], set_={"name": role.name, "description": role.description})
        )
        wanted = {RULE_IDS[rule] for rule in role.rules}
        held = set(await session.scalars(select(role_rules.c.rule_id).where(role_rules.c.role_id == role.id)))
        if held - wanted:
            await session.execute(
                delete(role_rules).where(role_rules.c.role_id == role.id, role_rules.c.rule_id.in_(held - wanted))
            )
        if wanted - held:
            await session.execute(
                role_rules.insert(), [{"role_id": role.id, "rule_id": rule_id} for rule_id in sorted(wanted - held)]
            )
    if session.get_bind().dialect.name == "postgresql":
        # ids given by hand do not move the sequence; SQLite follows by itself
        await session.execute(text("SELECT setval(pg_get_serial_sequence('roles', 'id'), (SELECT max(id) FROM roles))"))


async def _write_root(session: AsyncSession, password: str) -> None:
    hasher = PasswordHasher(workers=1, queue=1)
    try:
        password_hash = await hasher.hash(password)
    finally:
        await hasher.close()
    user_id = await session.scalar(
        users.insert()
        .values(
            username=_ROOT_NAME,
            username_folded=_ROOT_NAME.casefold(),
            email=_ROOT_EMAIL,
            email_folded=_ROOT_EMAIL.casefold(),
            organization_id=ROOT_ORGANIZATION_ID,
            password_hash=password_hash,
        )
        .returning(users.c.id)
    )
    root_role = next(role.id for role in DEFAULT_ROLES if role.name == ROOT_ROLE)
    await session.execute(user_roles.insert().values(user_id=user_id, role_id=root_role))
    await directory.note_organization(session, ROOT_ORGANIZATION_ID)


def _insert(session: AsyncSession) -> type[sqlite.Insert] | type[postgresql.Insert]:
    return sqlite.Insert if session.get_bind().dialect.name == "sqlite" else postgresql.Insert
