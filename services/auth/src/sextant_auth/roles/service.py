"""Decides about roles: who sees, makes, changes and deletes them.

One may put into a role only what one holds, and take out only that. Default roles belong to everybody: nobody
changes them. What has to be asked of others (who shares a collaboration) is asked before the transaction.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError, Target
from sextant_auth.directory.service import Directory
from sextant_auth.policy import covers, covers_all, denied, holds_all, reach
from sextant_auth.roles import repository
from sextant_auth.roles.schemas import NewRole, RoleChanges
from sextant_auth.rules import repository as rules
from sextant_auth.users import repository as users
from sextant_shared.contract.errors import BadRequestError, NotFoundError
from sextant_shared.contract.events import PrincipalsChanged
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.db import Database, Row, Session, Transaction
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal


def unknown_role() -> NotFoundError:
    """There is no such role."""
    return NotFoundError("There is no such role")


def _default_role() -> BadRequestError:
    return BadRequestError("Default roles cannot be changed")


class Roles:
    """The life of roles.

    Args:
        db: for what is looked up before a transaction.
        directory: who shares a collaboration with whom.
    """

    def __init__(self, db: Database, directory: Directory) -> None:
        self._db = db
        self._directory = directory

    async def listed(
        self, caller: Principal, filters: repository.Filters, page: Page
    ) -> tuple[Sequence[Row[Any]], int]:
        """One page of the roles that the caller sees, and how many there are.

        Raises:
            PermissionDeniedError: the caller may not ask by this organization, collaboration or user.
            NotFoundError: there is no such rule.
            BadRequestError: there is no such user.
        """
        if filters.organization_ids and not await covers_all(
            self._directory, caller, Resource.ROLE, Operation.VIEW, filters.organization_ids
        ):
            raise denied()
        await self._check_collaboration(caller, filters.collaboration_id)
        scope = reach(caller, Resource.ROLE, Operation.VIEW)
        async with self._db.read() as session:
            if filters.rule_id is not None and await rules.find(session, filters.rule_id) is None:
                raise NotFoundError("There is no such rule")
        await self.check_user_filter(caller, filters.user_id)
        async with self._db.read() as session:
            return await repository.listed(session, repository.visible_to(caller, scope), filters, page)

    async def read(self, session: Session, caller: Principal, role_id: int) -> Row[Any]:
        """One role.

        Raises:
            NotFoundError: there is none of this id.
            PermissionDeniedError: the caller may not see it.
        """
        visible = repository.visible_to(caller, reach(caller, Resource.ROLE, Operation.VIEW))
        found = await repository.find_with_view(session, role_id, visible)
        if found is None:
            raise unknown_role()
        row, is_visible = found
        if not is_visible:
            raise denied()
        return row

    async def check_role_filter(self, caller: Principal, role_id: int | None) -> None:
        """See whether the caller may narrow a list of rules by a role.

        Raises:
            BadRequestError: there is no such role.
            PermissionDeniedError: the caller may not see it.
        """
        if role_id is None:
            return
        async with self._db.read() as session:
            try:
                await self.read(session, caller, role_id)
            except NotFoundError as error:
                raise BadRequestError(error.msg) from error

    async def check_user_filter(self, caller: Principal, user_id: int | None) -> None:
        """See whether the caller may know which roles (and rules) a user has.

        Raises:
            BadRequestError: there is no such user.
            PermissionDeniedError: the caller may not see its roles.
        """
        if user_id is None or user_id == caller.id:
            return
        async with self._db.read() as session:
            user = await users.find_identity(session, user_id)
        if user is None:
            raise BadRequestError("There is no such user")
        if not await covers(self._directory, caller, Resource.ROLE, Operation.VIEW, user.organization_id):
            raise denied()

    async def admit_new(self, caller: Principal, new: NewRole) -> int:
        """Decide whether the caller may make a role for an organization; returns which.

        Raises:
            NotFoundError: there is no such organization.
            PermissionDeniedError: the caller may not.
        """
        organization_id = new.organization_id or caller.organization_id
        if not await self._directory.exists(organization_id):
            raise NotFoundError("There is no such organization")
        if not await covers(self._directory, caller, Resource.ROLE, Operation.CREATE, organization_id):
            raise denied()
        return organization_id

    async def create(self, tx: Transaction, caller: Principal, new: NewRole, organization_id: int) -> Row[Any]:
        """Make a role for an organization that `admit_new` allowed.

        Raises:
            NotFoundError: there is no such rule.
            RefusedError: the caller does not hold all the rules.
        """
        wanted = set(new.rules)
        await self._check_rules(tx, caller, wanted, Action.ROLE_CREATED, None)
        row = await repository.add(
            tx.session,
            name=new.name,
            description=new.description if "description" in new.model_fields_set else None,
            organization_id=organization_id,
            rule_ids=wanted,
        )
        await audit.write(tx.session, audit.Entry(Actor.of(caller), Action.ROLE_CREATED, target=Target("role", row.id)))
        return row

    async def admit_change(self, caller: Principal, role_id: int, operation: Operation) -> None:
        """Decide whether the caller may change (or delete) a role.

        Raises:
            NotFoundError: there is none of this id.
            BadRequestError: it is a default role.
            PermissionDeniedError: the caller may not.
        """
        async with self._db.read() as session:
            row = await repository.find(session, role_id)
        if row is None:
            raise unknown_role()
        if row.is_default_role:
            raise _default_role()
        if not await covers(self._directory, caller, Resource.ROLE, operation, row.organization_id):
            raise denied()

    async def change(self, tx: Transaction, caller: Principal, role_id: int, changes: RoleChanges) -> Row[Any]:
        """Change a role that `admit_change` allowed.

        Raises:
            NotFoundError: it is gone, or there is no such rule.
            RefusedError: the caller does not hold all the rules that come or go.
        """
        row = await repository.lock(tx.session, role_id)
        if row is None:
            raise unknown_role()
        values = changes.model_dump(include={"name", "description"}, exclude_unset=True)
        if values:
            row = await repository.change(tx.session, role_id, values)
        if "rules" in changes.model_fields_set:
            wanted = set(changes.rules)
            held = await repository.rule_ids(tx.session, role_id)
            await self._exchange(tx, caller, role_id, come=wanted - held, go=held - wanted)
        await self._note(tx, caller, Action.ROLE_CHANGED, role_id)
        return row

    async def give_rule(self, tx: Transaction, caller: Principal, role_id: int, rule_id: int) -> Sequence[Row[Any]]:
        """Put a rule into a role that `admit_change` allowed; returns the rules it has then.

        Raises:
            NotFoundError: there is no such rule, or the role is gone.
            RefusedError: the caller does not hold the rule.
        """
        if await repository.lock(tx.session, role_id) is None:
            raise unknown_role()
        held = await repository.rule_ids(tx.session, role_id)
        await self._check_rules(tx, caller, {rule_id}, Action.ROLE_CHANGED, role_id)
        await self._exchange(tx, caller, role_id, come={rule_id} - held, go=())
        await self._note(tx, caller, Action.ROLE_CHANGED, role_id)
        return await repository.rule_rows(tx.session, role_id)

    async def take_rule(self, tx: Transaction, caller: Principal, role_id: int, rule_id: int) -> Sequence[Row[Any]]:
        """Take a rule out of a role that `admit_change` allowed; returns the rules it has then.

        Raises:
            NotFoundError: there is no such rule, or the role is gone or does not have it.
            RefusedError: the caller does not hold the rule.
        """
        if await repository.lock(tx.session, role_id) is None:
            raise unknown_role()
        await self._check_rules(tx, caller, {rule_id}, Action.ROLE_CHANGED, role_id)
        if rule_id not in await repository.rule_ids(tx.session, role_id):
            raise NotFoundError("The role does not have this rule")
        await self._exchange(tx, caller, role_id, come=(), go={rule_id})
        await self._note(tx, caller, Action.ROLE_CHANGED, role_id)
        return await repository.rule_rows(tx.session, role_id)

    async def delete(self, tx: Transaction, caller: Principal, role_id: int, *, with_dependents: bool) -> None:
        """Delete a role that `admit_change` allowed.

        Raises:
            NotFoundError: it is gone.
            BadRequestError: users have it, and `with_dependents` is not set.
        """
        if await repository.lock(tx.session, role_id) is None:
            raise unknown_role()
        if not with_dependents and await repository.is_held(tx.session, role_id):
            raise BadRequestError("Users have this role; set delete_dependents to take it from them")
        await repository.advance_holders(tx.session, role_id)
        await repository.remove(tx.session, role_id)
        await self._note(tx, caller, Action.ROLE_DELETED, role_id)
        tx.record(PrincipalsChanged(role_id=role_id))

    async def _check_collaboration(self, caller: Principal, collaboration_id: int | None) -> None:
        if collaboration_id is None:
            return
        scope = reach(caller, Resource.ROLE, Operation.VIEW)
        is_inside = scope is Scope.COLLABORATION and await self._directory.takes_part(
            caller.organization_id, collaboration_id
        )
        if scope is not Scope.GLOBAL and not is_inside:
            raise denied()

    async def _exchange(
        self, tx: Transaction, caller: Principal, role_id: int, *, come: Collection[int], go: Collection[int]
    ) -> None:
        if not come and not go:
            return
        await self._check_rules(tx, caller, {*come, *go}, Action.ROLE_CHANGED, role_id)
        await repository.remove_rules(tx.session, role_id, go)
        await repository.add_rules(tx.session, role_id, come)
        await repository.advance_holders(tx.session, role_id)
        tx.record(PrincipalsChanged(role_id=role_id))

    async def _check_rules(
        self, tx: Transaction, caller: Principal, rule_ids: set[int], action: Action, role_id: int | None
    ) -> None:
        if await rules.unknown(tx.session, rule_ids):
            raise NotFoundError("There is no such rule")
        if not holds_all(caller, await rules.texts_of(tx.session, rule_ids=rule_ids)):
            raise RefusedError(
                denied(),
                audit.Entry(
                    Actor.of(caller),
                    action,
                    Outcome.REFUSED,
                    target=Target("role", role_id) if role_id else None,
                    reason="rules_not_held",
                ),
            )

    async def _note(self, tx: Transaction, caller: Principal, action: Action, role_id: int) -> None:
        await audit.write(tx.session, audit.Entry(Actor.of(caller), action, target=Target("role", role_id)))
