"""The few REST calls that the demo's researcher and stations share."""

import json
from base64 import b64decode, b64encode
from typing import Any, Self

import httpx2


class Rest:
    """A client with a token.

    Args:
        http: with the server's address.
        token: access token.
    """

    def __init__(self, http: httpx2.AsyncClient, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self.token = token

    @classmethod
    async def login(cls, http: httpx2.AsyncClient, path: str, credentials: dict[str, str]) -> Self:
        """Log in at `/api/token/<path>`.

        Raises:
            httpx2.HTTPStatusError: refused.
        """
        answer = await http.post(f"/api/token/{path}", json=credentials)
        answer.raise_for_status()
        return cls(http, answer.json()["access_token"])

    def speaking_as(self, token: str) -> "Rest":
        """The same server with another token."""
        return Rest(self._http, token)

    async def get(self, path: str, **query: Any) -> Any:
        """GET JSON."""
        answer = await self._http.get(f"/api{path}", params=query, headers=self._headers)
        answer.raise_for_status()
        return answer.json()

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST JSON."""
        answer = await self._http.post(f"/api{path}", json=body, headers=self._headers)
        answer.raise_for_status()
        return answer.json()

    async def patch(self, path: str, body: dict[str, Any]) -> Any:
        """PATCH JSON."""
        answer = await self._http.patch(f"/api{path}", json=body, headers=self._headers)
        answer.raise_for_status()
        return answer.json()

    async def results(self, task_id: int) -> list[Any]:
        """Wait for a task's end (the server holds the question until its status changes) and fetch what came out."""
        while (await self.get(f"/task/{task_id}/status"))["status"] in ("pending", "initializing", "active"):
            pass
        answer = await self.get("/result", task_id=task_id, per_page=100)
        return [unpacked(result["result"]) for result in answer["data"]]


def packed(value: Any) -> str:
    """Encode an input or result for a collaboration without encryption."""
    return b64encode(json.dumps(value).encode()).decode()


def unpacked(text: str) -> Any:
    """Decode what `packed` encoded."""
    return json.loads(b64decode(text))
