"""Decides about users: who sees, makes, changes and deletes them.

One may give only rules that one holds, and take only those. Whoever could change a stronger account's mail address
could take it over, and whoever could delete it could silence it: both need every rule that the account has. What has
to be asked of others (who shares a collaboration, the hash of a password) is asked before the transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError, Target
from sextant_auth.credentials.passwords import PasswordHasher
from sextant_auth.directory import repository as organizations
from sextant_auth.directory.service import Directory
from sextant_auth.policy import covers, denied, holds_all, reach
from sextant_auth.roles import repository as roles
from sextant_auth.rules import repository as rules
from sextant_auth.tokens import repository as families
from sextant_auth.users import repository
from sextant_auth.users.schemas import NewUser, UserChanges
from sextant_auth.users.tasks import UserTasks
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import BadRequestError, NotFoundError
from sextant_shared.contract.events import PrincipalChanged
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.db import Database, Row, Session, Transaction
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal

_PROFILE_FIELDS = {"username", "email", "firstname", "lastname"}


@dataclass(frozen=True)
class AdmittedUser:
    """A new user that may be made."""

    organization_id: int
    password_hash: str


@dataclass(frozen=True)
class Permissions:
    """What a user may do, in ids."""

    role_ids: Sequence[int]
    rule_ids: Sequence[int]
    organization_ids: Sequence[int]


def unknown_user() -> NotFoundError:
    """There is no such user."""
    return NotFoundError("There is no such user")


def tell(tx: Transaction, user_id: int, version: int) -> None:
    """Tell the other services that a user is not what it was."""
    tx.record(PrincipalChanged(client_type=ClientType.USER, principal_id=user_id, principal_version=version))


class Users:
    """The life of users.

    Args:
        db: for what is looked up before a transaction.
        directory: who shares a collaboration with whom.
        hasher: hashes first passwords.
        tasks: that users made.
        clock: says when something ended.
    """

    def __init__(
        self, db: Database, directory: Directory, hasher: PasswordHasher, tasks: UserTasks, clock: Clock
    ) -> None:
        self._db = db
        self._directory = directory
        self._hasher = hasher
        self._tasks = tasks
        self._clock = clock

    async def listed(
        self, caller: Principal, filters: repository.Filters, page: Page
    ) -> tuple[Sequence[Row[Any]], int]:
        """One page of the users that the caller sees, and how many there are.

        Raises:
            PermissionDeniedError: the caller sees nobody, or may not ask by this organization, collaboration or role.
            BadRequestError: there is no such role or rule.
        """
        scope = reach(caller, Resource.USER, Operation.VIEW)
        if scope is None:
            return await self._only_oneself(caller, filters, page)
        await self._check_filters(caller, scope, filters)
        async with self._db.read() as session:
            return await repository.listed(session, repository.visible_to(caller, scope), filters, page)

    async def read(self, caller: Principal, user_id: int) -> Row[Any]:
        """One user.

        Raises:
            NotFoundError: there is none of this id.
            PermissionDeniedError: the caller may not see it.
        """
        async with self._db.read() as session:
            row = await repository.find(session, user_id)
        if row is None:
            raise unknown_user()
        if user_id != caller.id and not await self._covers(caller, Operation.VIEW, row.organization_id):
            raise denied()
        return row

    async def permissions(self, session: Session, row: Row[Any]) -> Permissions:
        """What a user may do."""
        return Permissions(
            sorted(await repository.role_ids(session, row.id)),
            await rules.ids_of_user(session, row.id),
            sorted(await organizations.partners(session, row.organization_id)),
        )

    async def admit_new(self, caller: Principal, new: NewUser) -> AdmittedUser:
        """Decide whether the caller may make a user in an organization, and hash the password.

        Raises:
            PermissionDeniedError: the caller may not.
            NotFoundError: there is no such organization.
            UnavailableError: too many passwords are being hashed.
        """
        organization_id = new.organization_id or caller.organization_id
        if not await self._covers(caller, Operation.CREATE, organization_id):
            raise denied()
        if not await self._directory.exists(organization_id):
            raise NotFoundError("There is no such organization")
        return AdmittedUser(organization_id, await self._hasher.hash(new.password))

    async def create(self, tx: Transaction, caller: Principal, new: NewUser, admitted: AdmittedUser) -> Row[Any]:
        """Make a user that `admit_new` allowed.

        Raises:
            NotFoundError: there is no such role or rule.
            NameTakenError: the name or the mail address is taken.
            RefusedError: the caller does not hold all that is given.
        """
        role_ids, rule_ids = set(new.roles), set(new.rules)
        await self._check_grant(
            tx, caller, Action.USER_CREATED, None, admitted.organization_id, roles_=role_ids, rules_=rule_ids
        )
        profile = new.model_dump(include={"username", "email", "firstname", "lastname"}, exclude_unset=True)
        row = await repository.add(
            tx.session,
            {**profile, "organization_id": admitted.organization_id, "password_hash": admitted.password_hash},
        )
        await repository.give(tx.session, row.id, roles=role_ids, rules=rule_ids)
        await self._note(tx, caller, Action.USER_CREATED, row.id)
        return row

    async def admit_change(self, caller: Principal, user_id: int, changes: UserChanges) -> None:
        """Decide whether the caller may change these fields of a user at all.

        Raises:
            NotFoundError: there is none of this id.
            PermissionDeniedError: the caller may not.
            BadRequestError: the name of somebody else would be changed.
        """
        async with self._db.read() as session:
            row = await repository.find(session, user_id)
        if row is None:
            raise unknown_user()
        is_self = user_id == caller.id
        by_organization = await self._covers(caller, Operation.EDIT, row.organization_id)
        if not by_organization and not (is_self and caller.rights.allow(Resource.USER, Operation.EDIT, Scope.OWN)):
            raise denied()
        if "username" in changes.model_fields_set and not is_self and changes.username != row.username:
            raise BadRequestError("Only the user itself may change its name")

    async def change(self, tx: Transaction, caller: Principal, user_id: int, changes: UserChanges) -> Row[Any]:
        """Change a user as `admit_change` allowed.

        Raises:
            NotFoundError: it is gone, or there is no such role or rule.
            NameTakenError: the name or the mail address is taken.
            PermissionDeniedError: these would be the caller's own roles or rules.
            RefusedError: the account holds rules that the caller does not.
        """
        before = await repository.lock(tx.session, user_id)
        if before is None:
            raise unknown_user()
        sent = changes.model_dump(exclude_unset=True)
        values = {name: value for name, value in sent.items() if name in _PROFILE_FIELDS}
        values = {name: value for name, value in values.items() if getattr(before, name) != value}
        if user_id != caller.id and "email" in values:
            await self._check_strength(tx, caller, user_id, Action.USER_CHANGED)
        has_granted = await self._regrant(tx, caller, user_id, before.organization_id, changes)
        if not values and not has_granted:
            return before
        row = await repository.change(tx.session, user_id, values)
        await self._note(tx, caller, Action.USER_CHANGED, user_id)
        tell(tx, user_id, row.version)
        return row

    async def admit_deletion(self, caller: Principal, user_id: int) -> None:
        """Decide whether the caller may delete a user at all.

        Raises:
            NotFoundError: there is none of this id.
            PermissionDeniedError: the caller may not.
            RefusedError: the account holds rules that the caller does not.
        """
        async with self._db.read() as session:
            row = await repository.find(session, user_id)
            held = await rules.texts_of_user(session, user_id)
        if row is None:
            raise unknown_user()
        by_self = user_id == caller.id and caller.rights.allow(Resource.USER, Operation.DELETE, Scope.OWN)
        if not by_self and not await self._covers(caller, Operation.DELETE, row.organization_id):
            raise denied()
        if user_id != caller.id and not holds_all(caller, held):
            raise self._refused(caller, Action.USER_DELETED, user_id, "stronger_account")

    async def part_with_tasks(self, user_id: int, *, with_dependents: bool) -> None:
        """Let the tasks of a user whose deletion was admitted go before it.

        Raises:
            BadRequestError: there are some, and they are not to go.
            UnavailableError: api does not answer.
        """
        if with_dependents:
            await self._tasks.delete(user_id)
        elif await self._tasks.count(user_id):
            raise BadRequestError("This user has made tasks; set delete_dependents to delete these too")

    async def delete(self, tx: Transaction, caller: Principal, user_id: int) -> None:
        """Delete a user as `admit_deletion` allowed, after its tasks; its logins end.

        Raises:
            NotFoundError: it is gone.
            RefusedError: the account holds rules that the caller does not.
        """
        if user_id != caller.id:
            await self._check_strength(tx, caller, user_id, Action.USER_DELETED)
        version = await repository.remove(tx.session, user_id)
        if version is None:
            raise unknown_user()
        await self._end(tx, user_id, version)
        await self._note(tx, caller, Action.USER_DELETED, user_id)

    async def follow_deleted_organization(self, tx: Transaction, organization_id: int) -> None:
        """Delete the users and roles of an organization that api has deleted."""
        actor = Actor(ClientType.SERVICE, name="api")
        for user_id, version in await repository.remove_of_organization(tx.session, organization_id):
            await self._end(tx, user_id, version)
            await audit.write(tx.session, audit.Entry(actor, Action.USER_DELETED, target=Target("user", user_id)))
        await roles.remove_of_organization(tx.session, organization_id)

    async def _only_oneself(
        self, caller: Principal, filters: repository.Filters, page: Page
    ) -> tuple[Sequence[Row[Any]], int]:
        """Without any rule one may still look oneself up, by one's exact name and nothing else."""
        if filters != repository.Filters(username=caller.name):
            raise denied()
        async with self._db.read() as session:
            row = await repository.find(session, caller.id)
        rows = [row] if row is not None else []
        return rows[page.offset : page.offset + page.per_page], len(rows)

    async def _check_filters(self, caller: Principal, scope: Scope, filters: repository.Filters) -> None:
        if filters.organization_id is not None and not await self._covers(
            caller, Operation.VIEW, filters.organization_id
        ):
            raise denied()
        if filters.collaboration_id is not None and scope is not Scope.GLOBAL:
            is_inside = scope is Scope.COLLABORATION and await self._directory.takes_part(
                caller.organization_id, filters.collaboration_id
            )
            if not is_inside:
                raise denied()
        if filters.role_id is None and filters.rule_id is None:
            return
        async with self._db.read() as session:
            role = await roles.find(session, filters.role_id) if filters.role_id is not None else None
            rule = await rules.find(session, filters.rule_id) if filters.rule_id is not None else None
        if filters.rule_id is not None and rule is None:
            raise BadRequestError("There is no such rule")
        if filters.role_id is not None:
            if role is None:
                raise BadRequestError("There is no such role")
            if role.organization_id is not None and not await self._covers(
                caller, Operation.VIEW, role.organization_id
            ):
                raise denied()

    async def _covers(self, caller: Principal, operation: Operation, organization_id: int) -> bool:
        return await covers(self._directory, caller, Resource.USER, operation, organization_id)

    async def _regrant(
        self, tx: Transaction, caller: Principal, user_id: int, organization_id: int, changes: UserChanges
    ) -> bool:
        """Exchange roles and rules where others were sent; tells whether anything changed."""
        held_roles = await repository.role_ids(tx.session, user_id)
        held_rules = await repository.rule_ids(tx.session, user_id)
        wanted_roles = set(changes.roles) if "roles" in changes.model_fields_set else held_roles
        wanted_rules = set(changes.rules) if "rules" in changes.model_fields_set else held_rules
        if wanted_roles == held_roles and wanted_rules == held_rules:
            return False
        if user_id == caller.id:
            raise denied()
        await self._check_grant(
            tx,
            caller,
            Action.USER_GRANTED,
            user_id,
            organization_id,
            roles_=wanted_roles - held_roles,
            rules_=wanted_rules - held_rules,
        )
        await self._check_rules(
            tx,
            caller,
            Action.USER_GRANTED,
            user_id,
            role_ids=held_roles - wanted_roles,
            rule_ids=held_rules - wanted_rules,
        )
        await repository.take(tx.session, user_id, roles=held_roles - wanted_roles, rules=held_rules - wanted_rules)
        await repository.give(tx.session, user_id, roles=wanted_roles - held_roles, rules=wanted_rules - held_rules)
        return True

    async def _check_grant(
        self,
        tx: Transaction,
        caller: Principal,
        action: Action,
        user_id: int | None,
        organization_id: int,
        *,
        roles_: set[int],
        rules_: set[int],
    ) -> None:
        """See whether a user of an organization may be given roles and rules by the caller."""
        given = await roles.rows_of(tx.session, roles_)
        if len(given) < len(roles_):
            raise NotFoundError("There is no such role")
        if await rules.unknown(tx.session, rules_):
            raise NotFoundError("There is no such rule")
        if any(role.organization_id not in (None, organization_id) for role in given):
            raise self._refused(caller, action, user_id, "role_of_other_organization")
        await self._check_rules(tx, caller, action, user_id, role_ids=roles_, rule_ids=rules_)

    async def _check_rules(
        self,
        tx: Transaction,
        caller: Principal,
        action: Action,
        user_id: int | None,
        *,
        role_ids: Collection[int],
        rule_ids: Collection[int],
    ) -> None:
        if not role_ids and not rule_ids:
            return
        if not holds_all(caller, await rules.texts_of(tx.session, rule_ids=rule_ids, role_ids=role_ids)):
            raise self._refused(caller, action, user_id, "rules_not_held")

    async def _check_strength(self, tx: Transaction, caller: Principal, user_id: int, action: Action) -> None:
        if not holds_all(caller, await rules.texts_of_user(tx.session, user_id)):
            raise self._refused(caller, action, user_id, "stronger_account")

    def _refused(self, caller: Principal, action: Action, user_id: int | None, reason: str) -> RefusedError:
        target = Target("user", user_id) if user_id is not None else None
        return RefusedError(
            denied(), audit.Entry(Actor.of(caller), action, Outcome.REFUSED, target=target, reason=reason)
        )

    async def _end(self, tx: Transaction, user_id: int, version: int) -> None:
        await families.revoke_all(tx.session, ClientType.USER, user_id, reason="deleted", now=self._clock.now())
        tell(tx, user_id, version + 1)

    async def _note(self, tx: Transaction, caller: Principal, action: Action, user_id: int) -> None:
        await audit.write(tx.session, audit.Entry(Actor.of(caller), action, target=Target("user", user_id)))
