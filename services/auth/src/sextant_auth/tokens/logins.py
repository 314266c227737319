"""Begins and continues logins: a family of refresh tokens, and the pairs that are given out of it."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sextant_auth.tokens import repository as families
from sextant_auth.tokens.issuer import Bearer, TokenIssuer, TokenPair
from sextant_auth.tokens.refresh_policy import RefreshPolicy, Verdict, advanced, judge, new_family
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.db import Transaction
from sextant_shared.ids import new_id


class Logins:
    """The life of logins.

    Args:
        issuer: makes the tokens.
        policies: by kind of principal.
        clock: for the policies.
    """

    def __init__(self, issuer: TokenIssuer, policies: Mapping[ClientType, RefreshPolicy], clock: Clock) -> None:
        self._issuer = issuer
        self._policies = policies
        self._clock = clock

    async def begin(self, tx: Transaction, bearer: Bearer) -> TokenPair:
        """Start a family and give its first pair."""
        family_id = new_id()
        family = new_family(self._policies[bearer.client_type], self._clock.now())
        await families.add(tx.session, family_id, bearer.client_type, bearer.id, family)
        return await self._issuer.pair(bearer, family=family_id, generation=family.generation)

    async def go_on(self, tx: Transaction, bearer: Bearer, family_id: UUID, presented: int) -> TokenPair | Verdict:
        """Give the next pair of a family, or say why not (`REUSED`, `ENDED`)."""
        now = self._clock.now()
        policy = self._policies[bearer.client_type]
        family = await families.find(tx.session, family_id, bearer.client_type, bearer.id)
        if family is None:
            return Verdict.ENDED
        verdict = judge(family, presented, policy, now)
        if verdict in (Verdict.REUSED, Verdict.ENDED):
            return verdict
        if verdict is not Verdict.REPEAT:
            family = advanced(family, presented, policy, now)
            await families.save(tx.session, family_id, family)
        return await self._issuer.pair(bearer, family=family_id, generation=family.generation)


def refresh_policies(
    *, grace_seconds: int, user_seconds: int, user_family_seconds: int, node_seconds: int
) -> dict[ClientType, RefreshPolicy]:
    """Make the policies from settings. A node may go on for ever, as long as it comes back in time."""
    grace = timedelta(seconds=grace_seconds)
    return {
        ClientType.USER: RefreshPolicy(
            grace, timedelta(seconds=user_seconds), absolute_life=timedelta(seconds=user_family_seconds)
        ),
        ClientType.NODE: RefreshPolicy(grace, timedelta(seconds=node_seconds)),
    }
