"""REST as the official client does it: it repeats for ever what got no answer, and takes every answer for one.

With two differences. A request whose connection stands still is given up after a while and counts as lost, so that a
test ends. And an answer of 500 or more is noted and repeated after a second, where the official node would throw a
result away over it: so it shows as itself (`nobody_is_answered_with_a_server_error`), not as a dozen other complaints.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from tests.faults.history import History, Lost, Refused

REPEAT_SECONDS: Final = 1.0
LOST: Final = (aiohttp.ClientError, OSError, TimeoutError)
_UNAUTHORIZED: Final = 401
_BAD: Final = 400
_SERVER_ERROR: Final = 500
_STILL_SECONDS: Final = 90


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]
    seconds: float


class WrongAnswerError(AssertionError):
    """The suite answered something else than a test needs to go on."""


class LoginRefusedError(WrongAnswerError):
    """Whoever it was exists no more."""


def new_session() -> aiohttp.ClientSession:
    """Make what all who play a part share; nobody keeps cookies, so nobody is another."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=_STILL_SECONDS),
    )


class Rest:
    """One principal's requests.

    Args:
        session: carries them.
        url: of the suite.
        who: for the history.
        login: path and body that give a token.
        history: is told of everything that is not well.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, who: str, login: tuple[str, Mapping[str, Any]], history: History
    ) -> None:
        self.who = who
        self.token = ""
        self._session = session
        self._url = url
        self._login = login
        self._history = history

    async def log_in(self) -> str:
        """Get a token; for as long as it takes."""
        path, body = self._login
        answer = await self._until_answered("POST", path, body)
        if answer.status != 200:
            raise LoginRefusedError(f"{self.who} cannot log in: {answer}")
        self.token = answer.body["access_token"]
        return self.token

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask until there is an answer; with a new token if the old one is refused."""
        if not self.token:
            await self.log_in()
        answer = await self._until_answered(method, path, body)
        if answer.status == _UNAUTHORIZED:
            await self.log_in()
            answer = await self._until_answered(method, path, body)
        return answer

    async def get(self, path: str) -> Any:
        """Ask for what is there."""
        return (await self._expect(200, "GET", path)).body

    async def make(self, path: str, body: Any, *, status: int = 201) -> Any:
        """Make something."""
        return (await self._expect(status, "POST", path, body)).body

    async def pages(self, path: str) -> list[Any]:
        """Get a whole list, page by page."""
        found: list[Any] = []
        while path:
            page = await self.get(path)
            found += page["data"]
            path = page["links"].get("next", "")
        return found

    async def once(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask once.

        Raises:
            ClientError, OSError, TimeoutError: there was no answer.
        """
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if body is not None:
            data, headers["Content-Type"] = orjson.dumps(body), "application/json"
        async with self._session.request(method, self._url + path, data=data, headers=headers) as response:
            text = await response.read()
            answer = Answer(response.status, orjson.loads(text), response.headers, time.monotonic() - began)
        if answer.status >= _BAD:
            self._history.note(Refused(self.who, method, path, answer.status, answer.body))
        return answer

    async def _until_answered(self, method: str, path: str, body: Any) -> Answer:
        while True:
            try:
                answer = await self.once(method, path, body)
            except LOST:
                self._history.note(Lost(self.who, method, path))
            else:
                if answer.status < _SERVER_ERROR:
                    return answer
            await asyncio.sleep(REPEAT_SECONDS)

    async def _expect(self, status: int, method: str, path: str, body: Any = None) -> Answer:
        answer = await self.ask(method, path, body)
        if answer.status != status:
            raise WrongAnswerError(f"{self.who}: {method} {path}: {status} expected, got {answer}")
        return answer
