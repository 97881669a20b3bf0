"""Python binding of libstatus1to1: the C functions through ctypes, JSON as dicts.

    from status1to1 import Client

    with Client({"store": {"path": "alice.db", "passphrase": "correct horse"}}) as client:
        if client.identity is None:
            print(client.call("identity.create")["phrase"])
        client.call("messages.send", to="zQ3sh...", text="Hello")
        for event in client.events():
            print(event["type"], event["data"])

The library is found by the environment variable STATUS1TO1_LIB, in ../../build, or
where the system keeps libraries. include/status1to1.h is the manual and
docs/c-api.md the reference.
"""

import ctypes
import ctypes.util
import json
import os
import pathlib
import select
import sys
import threading
import warnings

ABI_VERSION = 1

__all__ = ["ABI_VERSION", "Client", "Error", "info", "schema"]


class Error(Exception):
    """What a call failed with. Decide by code; the message is for people."""

    def __init__(self, error):
        self.code = error["code"]
        self.category = error["category"]
        self.message = error["message"]
        self.retryable = error["retryable"]
        self.field = error["field"]
        self.details = error["details"]
        where = f" ({self.field})" if self.field else ""
        super().__init__(f"{self.code}{where}: {self.message}")
        self._error = error

    def __reduce__(self):
        return type(self), (self._error,)  # for pickle, and so for multiprocessing


_EVENT_FN = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_char_p, ctypes.c_void_p)

# Name -> (result type, argument types). char * results are void * here, because
# ctypes would turn char * into bytes and lose the pointer that must be freed.
_FUNCTIONS = {
    "abi_version": (ctypes.c_uint32, []),
    "info": (ctypes.c_void_p, []),
    "schema": (ctypes.c_void_p, []),
    "open": (ctypes.c_void_p, [ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint64)]),
    "call": (ctypes.c_void_p, [ctypes.c_uint64, ctypes.c_char_p, ctypes.c_char_p]),
    "next_event": (ctypes.c_void_p, [ctypes.c_uint64, ctypes.c_int32]),
    "event_fd": (ctypes.c_int, [ctypes.c_uint64]),
    "set_event_callback": (ctypes.c_void_p, [ctypes.c_uint64, _EVENT_FN, ctypes.c_void_p]),
    "close": (ctypes.c_void_p, [ctypes.c_uint64]),
    "free": (None, [ctypes.c_void_p]),
}


def _find():
    """The path of the library."""
    given = os.environ.get("STATUS1TO1_LIB")
    if given:
        return given
    name = "libstatus1to1.dylib" if sys.platform == "darwin" else "libstatus1to1.so"
    built = pathlib.Path(__file__).resolve().parents[2] / "build" / name
    return str(built) if built.exists() else ctypes.util.find_library("status1to1") or name


class _Library:
    """The C functions, loaded at the first use."""

    def __init__(self):
        self._lock = threading.Lock()
        self._loaded = None

    def __getattr__(self, name):
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
        return getattr(self._loaded, "status1to1_" + name)

    @staticmethod
    def _load():
        lib = ctypes.CDLL(_find())
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(lib, "status1to1_" + name)
            function.restype, function.argtypes = result, arguments
        found = lib.status1to1_abi_version()
        if found != ABI_VERSION:
            raise ImportError(f"libstatus1to1 has ABI version {found}, this binding needs {ABI_VERSION}")
        return lib


_lib = _Library()


def _take(pointer):
    """The text of a string of the library, which is freed."""
    try:
        return ctypes.string_at(pointer).decode("utf-8")
    finally:
        _lib.free(pointer)


def _result(text):
    """What an envelope holds: the result, or the error raised."""
    answer = json.loads(text)
    if not answer["ok"]:
        raise Error(answer["error"])
    return answer["result"]


def info():
    """Version, build and specifications of the library."""
    return _result(_take(_lib.info()))


def schema():
    """The OpenRPC document: methods, events, error codes."""
    return _result(_take(_lib.schema()))


#: The event callback of each open client by its handle: the library may call it for as
#: long as the client is open, also when nobody has the Client any more.
_callbacks = {}


class Client:
    """An open client. Its methods may be called from any thread. Close it, or use it in a
    with statement: dropping it closes nothing. In the configuration a path may be any
    path-like object."""

    handle = None

    def __init__(self, config):
        handle = ctypes.c_uint64()
        text = json.dumps(config, default=os.fspath)
        opened = _result(_take(_lib.open(text.encode(), ctypes.byref(handle))))
        self.handle = handle.value
        self._closed = False
        #: The identity that was in the store, or None when there was none.
        self.identity = opened["identity"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, method, **params):
        """Calls a method: client.call("messages.send", to=key, text="Hello")."""
        return _result(_take(_lib.call(self.handle, method.encode(), json.dumps(params).encode())))

    def next_event(self, timeout=None):
        """The next event, or None after timeout seconds. None waits for ever, and
        cannot be interrupted by Ctrl-C: in the main thread use events()."""
        ms = -1 if timeout is None else max(0, min(int(timeout * 1000), 2**31 - 1))
        return _result(_take(_lib.next_event(self.handle, ms)))

    def event_fd(self):
        """A descriptor that is readable while events wait. It is the library's: do
        not read or close it, and stop watching it before close()."""
        return _lib.event_fd(self.handle)

    def events(self, timeout=None, ack=True):
        """Yields events until the client closes, or none came for timeout seconds.
        With ack, an event is acknowledged when the next one is asked for."""
        ready = select.poll()  # select() knows descriptors below 1024 only
        fd = self.event_fd()
        if fd >= 0:  # else the client is closed, and what is left comes without waiting
            ready.register(fd, select.POLLIN)
        while True:
            event = self.next_event(0)
            if event is None:
                if fd < 0 or not ready.poll(None if timeout is None else timeout * 1000):
                    return
                continue
            yield event
            if event["type"] == "closed":
                return
            if ack and event["seq"]:
                self.call("events.ack", up_to=event["seq"])

    async def events_async(self, ack=True):
        """Like events(), for asyncio."""
        import asyncio

        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        fd = self.event_fd()
        loop.add_reader(fd, ready.set)
        try:
            while True:
                event = self.next_event(0)
                if event is None:
                    ready.clear()
                    await ready.wait()
                    continue
                yield event
                if event["type"] == "closed":
                    return
                if ack and event["seq"]:
                    self.call("events.ack", up_to=event["seq"])
        finally:
            loop.remove_reader(fd)

    def set_event_callback(self, function):
        """Has function(event) called on a thread of the library; None ends it."""
        callback = _EVENT_FN(0)
        if function is not None:
            def invoke(_client, text, _data):
                running = callback  # not freed while it runs, even if it takes itself away
                function(_result(text.decode("utf-8")))
                del running
            callback = _EVENT_FN(invoke)
        _result(_take(_lib.set_event_callback(self.handle, callback, None)))
        _callbacks[self.handle] = callback

    def close(self):
        """Closes the client and waits for it. Closing twice is fine."""
        self._closed = True
        _result(_take(_lib.close(self.handle)))
        _callbacks.pop(self.handle, None)

    def __del__(self, _warn=warnings.warn):
        if self.handle is not None and not self._closed:
            _warn(f"client {self.handle} was dropped and is still open: close() it", ResourceWarning, source=self)
