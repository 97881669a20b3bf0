"""The client of programs that run in an asyncio event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from . import _async_methods
from ._connection import Connection, is_end
from ._methods import WAITING
from .errors import Error
from .events import Event
from .types import IdentityInfo

if TYPE_CHECKING:
    from types import TracebackType

    from .types import Config

T = TypeVar("T")


class Events(_async_methods.Events):
    """client.events() iterates over events, client.events.ack() acknowledges them."""

    _client: AsyncClient

    async def __call__(self, *, timeout: Optional[float] = None, ack: bool = True) -> AsyncIterator[Event]:
        """Yields events until the client is closed, or none came for timeout seconds. With ack,
        an event is acknowledged when the next one is asked for. The iteration may be cancelled
        at any time, and another one begun: no event is lost by that."""
        while True:
            try:
                event = await self._client.next_event(timeout)
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
                    await self.ack(event.seq)
                except Error as error:
                    if not is_end(error):  # then closed is the next event
                        raise


class AsyncClient(_async_methods.Methods):
    """An open client for asyncio: one identity with its store and its network.

        async with AsyncClient(config) as client:
            await client.messages.send(to=key, text="Hello")
            async for event in client.events():
                ...

    Every method runs in a thread of the loop's default executor: most take milliseconds, since
    they commit to the store, and the loop goes on meanwhile. The few that may take longer
    have a thread of their own. Cancelling an await stops the waiting and not the method: a
    message may have been sent all the same. Events are waited for by the loop itself."""

    def __init__(self, config: Config) -> None:
        """A client that is not open yet: enter it, or await open()."""
        self._config = config
        self._opened: Optional[Connection] = None
        self._opening = False
        #: The identity that was in the store when it was opened; None if there was none, and
        #: client.identity.create() or client.identity.restore() comes next.
        self.stored_identity: Optional[IdentityInfo] = None

    async def open(self) -> None:
        """Opens the client. If this is cancelled, the client is closed again."""
        if self._opened is not None or self._opening:
            raise RuntimeError("the client is open already")
        self._opening = True
        try:
            self._opened = await _open(self._config)
        finally:
            self._opening = False
        found = self._opened.identity
        self.stored_identity = None if found is None else IdentityInfo._read(found)

    async def close(self) -> None:
        """Closes the client and waits for it: calls in flight end with the code "closed". It is
        closed also if this is cancelled. Closing twice is fine."""
        if self._opened is not None:
            await _in_thread(self._opened.close)

    async def __aenter__(self) -> AsyncClient:
        await self.open()
        return self

    async def __aexit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                        traceback: Optional[TracebackType]) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncClient {self._opened.handle if self._opened else 'not open'}>"

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            raise RuntimeError("the client is not open: use async with, or await open()")
        return self._opened

    @property
    def handle(self) -> int:
        """The number by which the library knows this client."""
        return self._connection.handle

    @property
    def events(self) -> Events:
        return Events(self)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method by its name, without types: await client.call("messages.send", to=key,
        text="Hello"). Bytes become base64, and path-like objects strings."""
        return await self._call(method, params)

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        connection = self._connection

        def call() -> dict[str, Any]:
            answer: dict[str, Any] = connection.call(method, params)
            return answer

        if method in WAITING:
            return await _in_thread(call)
        return await asyncio.get_running_loop().run_in_executor(None, call)

    async def next_event(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event, or None if none came for timeout seconds."""
        loop, connection = asyncio.get_running_loop(), self._connection
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            event = connection.next_event()  # it is in memory: this takes microseconds
            if event is not None or (deadline is not None and loop.time() >= deadline):
                return event
            await _readable(loop, connection, deadline)


async def _readable(loop: asyncio.AbstractEventLoop, connection: Connection, deadline: Optional[float]) -> None:
    """Waits until there may be an event, the client is closed or the time is over. Each waiting
    task watches a descriptor of its own, because a loop has one reader a descriptor."""
    fd = connection.duplicate()
    if fd < 0:
        return
    over: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not over.done():
            over.set_result(None)

    timer = None if deadline is None else loop.call_at(deadline, end)
    try:
        loop.add_reader(fd, end)
        await over
    finally:
        loop.remove_reader(fd)
        os.close(fd)
        if timer is not None:
            timer.cancel()


async def _in_thread(function: Callable[[], T]) -> T:
    """Runs a function in a thread of its own, for which the end of the program does not wait."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(value: Optional[T], error: Optional[BaseException]) -> None:
        if answer.cancelled():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value, failure = None, None
        try:
            value = function()
        except Exception as error:
            failure = error
        try:
            loop.call_soon_threadsafe(settle, value, failure)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    threading.Thread(target=run, name="status1to1-call", daemon=True).start()
    return await answer


async def _open(config: object) -> Connection:
    """Opens a connection in a thread; one that nobody waits for any more is closed."""
    lock = threading.Lock()
    abandoned = False
    found: list[Connection] = []

    def work() -> None:
        connection = Connection(config)
        with lock:
            if not abandoned:
                found.append(connection)
                return
        connection.close()

    try:
        await _in_thread(work)
        return found.pop()  # the thread, which ends later, keeps it no longer
    except asyncio.CancelledError:
        with lock:
            abandoned = True
        for connection in found:
            threading.Thread(target=connection.close, name="status1to1-close").start()
        raise
