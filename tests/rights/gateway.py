"""A running distributed suite, asked through its gateway. Nothing that changes it is to be asked."""

from typing import Any, Self

import httpx2
from starlette.types import ASGIApp

from tests.contract.server import Answer


class Gateway:
    """The face of a suite.

    Args:
        base: its address.
    """

    def __init__(self, base: str) -> None:
        self.base = base

    async def __aenter__(self) -> Self:
        self._client = httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_connections=8))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def request(
        self, method: str, path: str, *, token: str | None, body: Any = None, app: ASGIApp | None = None
    ) -> Answer:
        """Ask as whoever has this token."""
        if app is not None:
            raise ValueError("services are not reached past the gateway")
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        content = {} if body is None else {"json": body}
        answer = await self._client.request(method, self.base + path, headers=headers, **content)
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    async def changes(self) -> frozenset[str]:
        """Say that nothing has changed: nobody looks."""
        return frozenset()

    async def restore(self, names: frozenset[str]) -> None:
        """Return to the first state.

        Raises:
            ValueError: always; nothing can be taken back here.
        """
        raise ValueError(f"cannot restore {sorted(names)}")
