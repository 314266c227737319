"""Decides who is told which rules somebody holds: those who may see the role, or the user's roles."""

from collections.abc import Sequence
from typing import Any

from sextant_auth.roles.service import Roles
from sextant_auth.rules import repository
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.db import Database, Row
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal


class Rules:
    """The catalogue, as far as it is shown.

    Args:
        db: auth's database.
        roles: knows who may see which role.
    """

    def __init__(self, db: Database, roles: Roles) -> None:
        self._db = db
        self._roles = roles

    async def read(self, rule_id: int) -> Row[Any]:
        """One rule.

        Raises:
            NotFoundError: there is none of this id.
        """
        async with self._db.read() as session:
            row = await repository.find(session, rule_id)
        if row is None:
            raise NotFoundError("There is no such rule")
        return row

    async def listed(
        self, caller: Principal, filters: repository.Filters, page: Page | None
    ) -> tuple[Sequence[Row[Any]], int]:
        """One page of rules (or all of them), and how many there are.

        Raises:
            BadRequestError: there is no such role or user.
            PermissionDeniedError: the caller may not know what the role or user holds.
        """
        await self._roles.check_role_filter(caller, filters.role_id)
        await self._roles.check_user_filter(caller, filters.user_id)
        async with self._db.read() as session:
            return await repository.listed(session, filters, page)
