"""One connection to the namespace `/tasks`, from CONNECT to its end."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sextant_relay.connections.identified import Identified
from sextant_relay.connections.unidentified import Unidentified
from sextant_relay.inbound import Refusal
from sextant_relay.listening import SILENCE, Listening
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.commands import Command
from sextant_shared.security import Principal


class Address(NamedTuple):
    """Where packets for a connection go.

    Attributes:
        sid: of Socket.IO; names the connection within the namespace.
        session: of Engine.IO; names the transport underneath.
    """

    sid: str
    session: str


class Closed:
    """A connection that is over; nothing that it says counts any more."""


class Connection:
    """Holds the state, and no socket.

    Attributes:
        id: known to api as the connection's name; says nothing about the session.
        address: of the socket.
        credentials: the token it came with, if any.
        since: from where on it wants to hear events with their offsets; None if it did not ask for that.
        state: one of the three.
        listening: what it may hear at present.
        subject: whom its token speaks for, once the token's signature is checked.
        dirty: something may have changed that decides what it may hear.
    """

    def __init__(
        self,
        connection_id: str,
        address: Address,
        credentials: str | None,
        *,
        since: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = connection_id
        self.address = address
        self.state: Unidentified | Identified | Closed = Unidentified()
        self.credentials = credentials
        self.since = since
        self.listening: Listening = SILENCE
        self.subject: tuple[ClientType, int] | None = None
        self.dirty = False
        self._monotonic = monotonic
        self._refusals: set[Refusal] = set()

    def is_open(self) -> bool:
        """Whether it is not closed."""
        return not isinstance(self.state, Closed)

    @property
    def principal(self) -> Principal | None:
        """Whose it is, if that is known."""
        return self.state.principal if isinstance(self.state, Identified) else None

    @property
    def kind(self) -> ClientType | None:
        """What kind of principal it is of, if that is known."""
        return self.state.principal.client_type if isinstance(self.state, Identified) else None

    def identify(self, principal: Principal) -> Sequence[tuple[str, tuple[Any, ...]]]:
        """Learn whose connection this is, or how that principal looks by now.

        Returns:
            What was said before and can now be received.

        Raises:
            RuntimeError: it is closed, or somebody else's.
        """
        match self.state:
            case Unidentified() as before:
                self.state = Identified(principal, monotonic=self._monotonic)
                return before.release()
            case Identified() as state:
                if (state.principal.client_type, state.principal.id) != (principal.client_type, principal.id):
                    raise RuntimeError("A connection does not change hands")
                state.principal = principal
                return ()
        raise RuntimeError("The connection is closed")

    def receive(self, event: str, arguments: tuple[Any, ...]) -> Command | None:
        """Take an event of the client; gives the command in it, if there is one and it is known whose it is.

        Raises:
            RefusedEventError: see `Identified.hear` and `Unidentified.hold`.
        """
        match self.state:
            case Identified() as identified:
                return identified.hear(event, arguments)
            case Unidentified() as unidentified:
                unidentified.hold(event, arguments)
        return None

    def close(self) -> bool:
        """End it; tells whether it was open until now."""
        was_open = self.is_open()
        self.state = Closed()
        return was_open

    def is_first(self, refusal: Refusal) -> bool:
        """Whether this is the first refusal of its kind here: one log line each is enough."""
        if refusal in self._refusals:
            return False
        self._refusals.add(refusal)
        return True
