"""The tasks that users made: they are api's, so api is asked about them, while no transaction is open."""

from sextant_shared.http.peers import Peer


class UserTasks:
    """What auth has to know of tasks before a user goes.

    Args:
        api: the owner.
    """

    def __init__(self, api: Peer) -> None:
        self._api = api

    async def count(self, user_id: int) -> int:
        """Say how many tasks a user has made.

        Raises:
            UnavailableError: api does not answer.
        """
        return int((await self._api.get(_path(user_id)))["count"])

    async def delete(self, user_id: int) -> None:
        """Have all tasks of a user ended and deleted; safe to repeat.

        Raises:
            UnavailableError: api does not answer.
        """
        await self._api.request("DELETE", _path(user_id))


def _path(user_id: int) -> str:
    return f"/internal/users/{user_id}/tasks"
