"""The client of programs with threads, or with nothing of the kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable, Optional

from . import _methods
from ._connection import Connection, is_end
from .errors import Error
from .events import Event
from .types import IdentityInfo

if TYPE_CHECKING:
    from types import TracebackType

    from .types import Config


class Events(_methods.Events):
    """client.events() iterates over events, client.events.ack() acknowledges them."""

    _client: Client

    def __call__(self, *, timeout: Optional[float] = None, ack: bool = True) -> Iterator[Event]:
        """Yields events until the client is closed, or none came for timeout seconds. With ack,
        an event is acknowledged when the next one is asked for: what your program was doing
        with it is done by then. Ctrl-C interrupts the waiting."""
        while True:
            try:
                event = self._client.next_event(timeout)
            except Error as error:
                if is_end(error):
                    return
                raise
            if event is None:
                return
            yield event
            if event.type == "closed":
                return
            if ack and event.seq:
                try:
                    self.ack(event.seq)
                except Error as error:
                    if not is_end(error):  # then closed is the next event
                        raise


class Client(_methods.Methods):
    """An open client: one identity with its store and its network.

    It may be used from any thread, and several clients may be open at once. Close it, or use it
    in a with statement: dropping it closes nothing."""

    def __init__(self, config: Config) -> None:
        """Opens a client. Of a store with a passphrase this takes a tenth of a second or more,
        which makes guessing passphrases slow."""
        self._connection = Connection(config)
        found = self._connection.identity
        #: The identity that was in the store when it was opened; None if there was none, and
        #: client.identity.create() or client.identity.restore() comes next.
        self.stored_identity: Optional[IdentityInfo] = None if found is None else IdentityInfo._read(found)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self.handle}>"

    def __reduce__(self) -> Any:
        return self._connection.__reduce__()

    @property
    def handle(self) -> int:
        """The number by which the library knows this client."""
        return self._connection.handle

    @property
    def events(self) -> Events:
        return Events(self)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method by its name, without types: client.call("messages.send", to=key,
        text="Hello"). Bytes become base64, and path-like objects strings."""
        answer: dict[str, Any] = self._connection.call_interruptibly(method, params)
        return answer

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._connection.call_interruptibly(method, params)
        return answer

    def next_event(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event, or None if none came for timeout seconds. Without a timeout it waits
        for ever; Ctrl-C interrupts it."""
        return self._connection.wait_for_event(timeout)

    def event_fd(self) -> int:
        """A descriptor that is readable while events wait, for select() and event loops; -1 when
        the client is closed. It is the library's: do not read or close it, and stop watching
        it before close()."""
        return self._connection.event_fd()

    def set_event_callback(self, function: Optional[Callable[[Event], object]]) -> None:
        """Has function(event) called on a thread of the library; None ends it. What it raises
        goes to sys.unraisablehook. Acknowledge events yourself. Not for sub-interpreters: what C
        calls is run by the main one."""
        self._connection.set_callback(function)

    def close(self) -> None:
        """Closes the client and waits for it: calls in flight end with the code "closed".
        Closing twice is fine."""
        self._connection.close()
