"""Jobs that are done again and again; one that fails once is done at the next time, and the log says why."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from sextant_shared.contract.errors import UnavailableError

_log = structlog.get_logger(__name__)


class Periodic:
    """One job of this replica; other replicas do it too, so it must be safe to be done by several at once.

    Args:
        job: what to do.
        seconds: how long to wait between two times.
        name: for the log.
    """

    def __init__(self, job: Callable[[], Awaitable[object]], *, seconds: float, name: str) -> None:
        self._job = job
        self._seconds = seconds
        self._name = name

    async def run(self) -> None:
        """Do it until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self._job()
            except UnavailableError as error:
                _log.warning("periodic_job_postponed", job=self._name, reason=error.msg)
            except Exception:  # noqa: BLE001 - the next time may go well, and the process serves more than this
                _log.exception("periodic_job_failed", job=self._name)
