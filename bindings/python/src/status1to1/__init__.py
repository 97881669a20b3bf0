"""Private one-to-one chat with the people of Status: the Python binding of libstatus1to1.

    from status1to1 import Client
    from status1to1.events import MessageReceived

    with Client({"store": {"path": "alice.db", "passphrase": "correct horse"}}) as client:
        if client.stored_identity is None:
            print(client.identity.create().phrase)
        client.messages.send(to="zQ3sh...", text="Hello")
        for event in client.events():
            if isinstance(event, MessageReceived):
                print(event.message.text)

AsyncClient is the same for asyncio. status1to1.types has the objects of parameters and results,
status1to1.events the events, status1to1.errors the exceptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _library, types
from ._client import Client
from ._library import ABI_VERSION
from ._version import __version__
from .errors import (
    ContactError, Error, IdentityError, InternalError, MessageError, NetworkError, PairingError, RequestError, StoreError,
)
from .events import Event

if TYPE_CHECKING:
    from ._async_client import AsyncClient

__all__ = [
    "ABI_VERSION", "AsyncClient", "Client", "ContactError", "Error", "Event", "IdentityError", "InternalError", "MessageError",
    "NetworkError", "PairingError", "RequestError", "StoreError", "__version__", "info", "schema",
]


def info() -> types.Info:
    """The version, the build and the specifications of the library."""
    return types.Info._read(_library.info())


def schema() -> dict[str, Any]:
    """The OpenRPC document of the library: methods, events and error codes."""
    return _library.schema()


def __getattr__(name: str) -> Any:
    if name == "AsyncClient":  # it needs asyncio, which other programs need not load
        from ._async_client import AsyncClient

        globals()[name] = AsyncClient
        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
