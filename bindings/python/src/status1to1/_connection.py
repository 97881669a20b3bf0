"""An open client of the library: what Client and AsyncClient have in common."""

from __future__ import annotations

import atexit
import ctypes
import os
import select
import threading
import time
import warnings
from typing import Any, Callable, Optional, TypeVar

from ._library import EVENT_FN, lib, result, take, to_json
from ._methods import WAITING
from .errors import Error
from .events import Event, read_event

T = TypeVar("T")

#: How often the main thread looks up from a call that waits, in seconds: Ctrl-C takes effect then.
LOOK_UP = 0.1

#: How long the end of the program waits for callbacks that run, in seconds.
EXIT_PATIENCE = 1.0

#: The longest wait that poll() takes, in ms. Who waits longer asks again.
LONGEST_POLL = 2**31 - 1

#: Codes of a client that is closed: while a call ran, and before it began.
CLOSED = ("closed", "bad_client")

#: The event callback of each open client by its handle: the library may call it for as long as
#: the client is open, also when nobody has the Client any more.
_callbacks: dict[int, Any] = {}


def interruptibly(function: Callable[[], T]) -> T:
    """Runs a function that may wait long. Ctrl-C interrupts the main thread, which looks up now
    and then; what the function has begun goes on in another thread. Python runs handlers of
    signals in the main thread only, so others need no such care."""
    if threading.current_thread() is not threading.main_thread():
        return function()
    answer: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(function())
        except BaseException as error:  # the waiting thread raises it
            failure.append(error)

    # A daemon, since the program may end before it has returned.
    thread = threading.Thread(target=run, name="status1to1-call", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # in a sub-interpreter, where no signals come, or at the end of the program
        return function()
    while thread.is_alive():
        thread.join(LOOK_UP)
    if failure:
        raise failure[0]
    return answer[0]


class Connection:
    """A handle of the library, and a descriptor of our own by which to wait for its events.

    The library closes its descriptor with the client, and its number may then be that of another
    file. So waiting is done on duplicates: they stay what they are, and are at their end when the
    client is closed."""

    _fd = -1
    _closed = True

    def __init__(self, config: object) -> None:
        handle = ctypes.c_uint64()
        opened = result(take(lib.open(to_json(config), ctypes.byref(handle))))
        self.handle = handle.value
        self.identity: Optional[dict[str, Any]] = opened["identity"]
        self._lock = threading.Lock()
        try:
            self._fd = os.dup(lib.event_fd(self.handle))
        except OSError:  # too many files are open
            take(lib.close(self.handle))
            raise
        self._closed = False

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """The result of a method, whose answer may take until its deadline."""
        request = to_json(params)
        # C would take a NUL for the end of the name; with another character there is no such method.
        name = method.replace("\0", "\ufffd").encode("utf-8", "replace")
        text: str = take(lib.call(self.handle, name, request))
        return result(text)

    def call_interruptibly(self, method: str, params: dict[str, Any]) -> Any:
        """As call, for the main thread."""
        if method in WAITING:
            return interruptibly(lambda: self.call(method, params))
        return self.call(method, params)

    def next_event(self) -> Optional[Event]:
        """The next event, if one waits."""
        event = result(take(lib.next_event(self.handle, 0)))
        return None if event is None else read_event(event)

    def event_fd(self) -> int:
        """The descriptor of the library."""
        fd: int = lib.event_fd(self.handle)
        return fd

    def duplicate(self) -> int:
        """A descriptor that is readable while events wait and after the end, for the caller to
        close; -1 when the client is closed."""
        with self._lock:
            return -1 if self._fd < 0 else os.dup(self._fd)

    def wait(self, timeout: Optional[float]) -> None:
        """Waits until there may be an event, the client is closed or the time is over. Ctrl-C
        interrupts it."""
        fd = self.duplicate()
        if fd < 0:
            return
        try:
            ready = select.poll()  # select() knows descriptors below 1024 only
            ready.register(fd, select.POLLIN)
            ready.poll(None if timeout is None else min(max(0.0, timeout) * 1000, LONGEST_POLL))
        finally:
            os.close(fd)

    def wait_for_event(self, timeout: Optional[float]) -> Optional[Event]:
        """The next event, or None when the time is over."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            event = self.next_event()
            if event is not None:
                return event
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            self.wait(left)

    def set_callback(self, function: Optional[Callable[[Event], object]]) -> None:
        """Has a function called with each event, on a thread of the library."""
        callback = EVENT_FN(0)
        if function is not None:
            on_event = function

            def invoke(_client: int, text: bytes, _data: int) -> None:
                running = callback  # not freed while it runs, even if it takes itself away
                on_event(read_event(result(text.decode("utf-8"))))
                del running

            callback = EVENT_FN(invoke)
        def replace() -> None:
            result(take(lib.set_event_callback(self.handle, callback, None)))
            _callbacks[self.handle] = callback  # here, as Ctrl-C may end the waiting for this

        self._waiting_for_callbacks(replace)

    def _waiting_for_callbacks(self, function: Callable[[], None]) -> None:
        """Runs what waits for the end of a callback that runs, if there is one."""
        if self.handle in _callbacks:
            interruptibly(function)
        else:
            function()

    def close(self) -> None:
        """Closes the client and waits for it. Closing twice is fine."""
        def end() -> None:
            result(take(lib.close(self.handle)))
            _callbacks.pop(self.handle, None)

        self._closed = True
        try:
            self._waiting_for_callbacks(end)
        finally:
            self._release()

    def _release(self) -> None:
        with self._lock:
            fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if not self._closed:
            _warn(f"client {self.handle} was dropped and is still open: close() it", ResourceWarning, source=self)
            self._release()

    def __reduce__(self) -> Any:
        raise TypeError("a client belongs to its process and cannot be pickled")


def _end_callbacks() -> None:
    """At the end of the program: a callback cannot enter an interpreter that is gone."""
    if not _callbacks:
        return

    def end() -> None:
        for handle in list(_callbacks):
            take(lib.set_event_callback(handle, EVENT_FN(0), None))

    thread = threading.Thread(target=end, name="status1to1-exit", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # too late for another thread in some versions of Python
        end()
    else:
        thread.join(EXIT_PATIENCE)


atexit.register(_end_callbacks)


def is_end(error: Error) -> bool:
    """Whether an error says that a client is closed."""
    return error.code in CLOSED
