"""Recognises a request for a task that was carried out already, but whose answer got lost.

The official client repeats any request for ever when its connection breaks, also one that had been carried out: a
process that is killed between commit and answer would leave two tasks. So each task is made together with a row that
holds its request's fingerprint, and the row goes once the answer is on its way. A request whose fingerprint is found
in a row that stays is a repetition, and gets the task that there is.

Two equal requests that are meant as two stay two. The client of a user waits a second before it repeats, so a younger
row is none of its business; an older one is gone, or goes within `patience_seconds`. What cannot be told from here is
that an answer was sent and got lost further on; then there are two tasks, and both can run.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import structlog

from sextant_api.tasks import repository, unheard
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.db import Database, Transaction
from sextant_shared.security import Principal

_log = structlog.get_logger(__name__)

_CLIENT_PAUSE_SECONDS = 0.9
"""Less than the official client waits after a broken connection. What repeats for algorithms does not wait."""
_LOOK_AGAIN_SECONDS = 0.1
_RETRY_SECONDS = 0.5


def fingerprint(caller: Principal, body: bytes) -> str:
    """Tell requests apart: the same caller and the same bytes give the same text."""
    who = f"{caller.client_type}:{caller.id}:{caller.organization_id}"
    return hashlib.sha256(who.encode() + b"\0" + body).hexdigest()


class Repeats:
    """The tasks of whose making nobody may have heard.

    Args:
        db: api's database.
        patience_seconds: how long another replica may take to note that it has sent an answer.
        window_seconds: how long after its making a task is the answer to the same request.
    """

    def __init__(self, db: Database, *, patience_seconds: float, window_seconds: float) -> None:
        self._db = db
        self._patience_seconds = patience_seconds
        self._window_seconds = window_seconds
        self._heard: set[int] = set()
        self._woken = asyncio.Event()

    async def find(self, caller: Principal, mark: str) -> Sequence[Any] | None:
        """Find the task that the same request has made without its client hearing of it.

        Args:
            caller: who asks.
            mark: the request's fingerprint.

        Returns:
            The task's `TASK_COLUMNS`, or None if the request is new.

        Raises:
            UnavailableError: the database is away.
        """
        youngest = 0.0 if caller.is_container else _CLIENT_PAUSE_SECONDS
        clock = asyncio.get_running_loop()
        until = clock.time() + self._patience_seconds
        while (task_id := await self._first_unheard(mark, youngest)) is not None:
            # a row is more often one that another replica is about to delete
            if clock.time() >= until:
                _log.info("task_request_repeated", task_id=task_id)
                async with self._db.read() as session:
                    return await repository.find_columns(session, task_id)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return None

    async def note_made(self, tx: Transaction, task_id: int, mark: str) -> None:
        """Write, in the transaction that makes a task, that nobody has heard of it yet."""
        await unheard.add(tx.session, task_id, mark)

    async def note_heard(self, task_id: int) -> None:
        """Remember that the answer was sent; the next round of `run` writes it down."""
        self._heard.add(task_id)
        self._woken.set()

    async def run(self) -> None:
        """Write down what was heard, as much as there is at a time, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.flush()
            except UnavailableError as error:
                _log.warning("heard_tasks_wait", reason=error.msg)
                await asyncio.sleep(_RETRY_SECONDS)
                self._woken.set()

    async def flush(self) -> None:
        """Write down what was heard.

        Raises:
            UnavailableError: the database is away; nothing is forgotten.
        """
        heard = set(self._heard)
        if heard:
            async with self._db.transaction() as tx:
                await unheard.forget(tx.session, heard)
            self._heard -= heard

    async def close(self) -> None:
        """Write down what can be written down before the process ends."""
        try:
            await self.flush()
        except UnavailableError as error:
            _log.warning("heard_tasks_lost", reason=error.msg)

    async def tidy(self) -> None:
        """Throw away what is too old to be asked for again.

        Raises:
            UnavailableError: the database is away.
        """
        async with self._db.transaction() as tx:
            await unheard.forget_old(tx.session, seconds=self._window_seconds)

    async def _first_unheard(self, mark: str, youngest: float) -> int | None:
        async with self._db.read() as session:
            task_ids = await unheard.find(session, mark, oldest=self._window_seconds, youngest=youngest)
        return next((task_id for task_id in task_ids if task_id not in self._heard), None)
