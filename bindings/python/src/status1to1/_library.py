"""Finds and loads libstatus1to1, and speaks its JSON envelope."""

from __future__ import annotations

import base64
import ctypes
import json
import os
import pathlib
import sys
import threading
from typing import Any

from .errors import error_of

#: The version of the C interface that this package is written for.
ABI_VERSION = 1

EVENT_FN = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_char_p, ctypes.c_void_p)

#: Name -> (result type, argument types). char * results are void * here, because ctypes would
#: turn char * into bytes and lose the pointer that must be freed.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "abi_version": (ctypes.c_uint32, []),
    "info": (ctypes.c_void_p, []),
    "schema": (ctypes.c_void_p, []),
    "open": (ctypes.c_void_p, [ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint64)]),
    "call": (ctypes.c_void_p, [ctypes.c_uint64, ctypes.c_char_p, ctypes.c_char_p]),
    "next_event": (ctypes.c_void_p, [ctypes.c_uint64, ctypes.c_int32]),
    "event_fd": (ctypes.c_int, [ctypes.c_uint64]),
    "set_event_callback": (ctypes.c_void_p, [ctypes.c_uint64, EVENT_FN, ctypes.c_void_p]),
    "close": (ctypes.c_void_p, [ctypes.c_uint64]),
    "free": (None, [ctypes.c_void_p]),
}

_MACOS = sys.platform == "darwin"
_NAME = "libstatus1to1.dylib" if _MACOS else "libstatus1to1.so"
#: The name for the dynamic linker.
_LINKED_NAME = f"libstatus1to1.{ABI_VERSION}.dylib" if _MACOS else f"libstatus1to1.so.{ABI_VERSION}"


def _candidates() -> list[str]:
    """Where the library may be, the first that exists being the right one. The last is for the
    dynamic linker to find."""
    given = os.environ.get("STATUS1TO1_LIB")
    if given:
        return [given]
    here = pathlib.Path(__file__).resolve().parent
    places = [here / _NAME]  # in a wheel
    root = here.parents[3] if len(here.parents) > 3 else here
    if here == root / "bindings" / "python" / "src" / "status1to1":  # in a checkout
        places.append(root / "build" / _NAME)
    return [str(place) for place in places if place.exists()] + [_LINKED_NAME]


def _load() -> ctypes.CDLL:
    path = _candidates()[0]
    try:
        lib = ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(f"libstatus1to1 cannot be loaded: {error}. Install a wheel that carries it, or the library "
                          "itself, or set STATUS1TO1_LIB to its path") from error
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(lib, "status1to1_" + name)
        function.restype, function.argtypes = result, arguments
    found = lib.status1to1_abi_version()
    if found != ABI_VERSION:
        raise ImportError(f"{path} has ABI version {found}, this package needs {ABI_VERSION}")
    return lib


class _Library:
    """The C functions, loaded at the first use: until then a process may still fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if name not in _FUNCTIONS:
            raise AttributeError(name)
        with self._lock:
            if name not in self.__dict__:
                lib = _load()
                for function in _FUNCTIONS:
                    self.__dict__[function] = getattr(lib, "status1to1_" + function)
        return self.__dict__[name]


lib = _Library()


def take(pointer: int) -> str:
    """The text of a string of the library, which is freed."""
    try:
        return ctypes.string_at(pointer).decode("utf-8")
    finally:
        lib.free(pointer)


def result(text: str) -> Any:
    """What an envelope holds: the result, or the error raised."""
    answer = json.loads(text)
    if not answer["ok"]:
        raise error_of(answer["error"])
    return answer["result"]


def _plain(value: object) -> str:
    """What JSON has no type for: bytes are base64 there, and paths are strings."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def to_json(value: object) -> bytes:
    """A request in JSON."""
    return json.dumps(value, default=_plain).encode("utf-8")


def info() -> dict[str, Any]:
    """What status1to1_info gives."""
    found: dict[str, Any] = result(take(lib.info()))
    return found


def schema() -> dict[str, Any]:
    """The OpenRPC document of the library: methods, events and error codes."""
    found: dict[str, Any] = result(take(lib.schema()))
    return found
