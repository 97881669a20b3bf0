"""What calls fail with: one class a category, all of them kinds of Error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .types import ErrorCategory, ErrorCode

__all__ = [
    "ContactError", "Error", "IdentityError", "InternalError", "MessageError", "NetworkError", "PairingError",
    "RequestError", "StoreError",
]


class Error(Exception):
    """A call failed. Decide by the class or by code; the message is for people."""

    #: A stable name for what went wrong, such as "store_locked".
    code: ErrorCode
    #: What the code is about. Each category has a class; a category of a later version has none.
    category: ErrorCategory
    #: An English sentence. It may change.
    message: str
    #: Whether the same call may succeed later without a change.
    retryable: bool
    #: The path of the parameter at fault, such as "envelopes[1].payload", or "".
    field: str
    #: More about some codes, such as the limit that was passed.
    details: dict[str, Any]

    def __init__(self, error: Mapping[str, Any]) -> None:
        self.code = error["code"]
        self.category = error["category"]
        self.message = error["message"]
        self.retryable = error["retryable"]
        self.field = error["field"]
        self.details = dict(error["details"])
        where = f" ({self.field})" if self.field else ""
        super().__init__(f"{self.code}{where}: {self.message}")

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle, and so for multiprocessing and concurrent.futures."""
        body = {name: getattr(self, name) for name in ("code", "category", "message", "retryable", "field", "details")}
        return type(self), (body,)


class RequestError(Error):
    """The request is wrong, or cannot be met now."""


class IdentityError(Error):
    """There is no identity, or one already; or a key, a phrase or a picture cannot be used."""


class ContactError(Error):
    """The state of a contact does not allow this, or a contact card cannot be used."""


class MessageError(Error):
    """The message cannot be sent as it is."""


class PairingError(Error):
    """Pairing, moving a file or a sync between devices failed."""


class StoreError(Error):
    """The store is locked, damaged or cannot be written, or the passphrase is wrong."""


class NetworkError(Error):
    """The network cannot do this now, or not within the deadline."""


class InternalError(Error):
    """A defect of the library. The client is closed; details has the id of the report."""


_CLASSES: dict[str, type[Error]] = {
    "request": RequestError, "identity": IdentityError, "contact": ContactError, "message": MessageError,
    "pairing": PairingError, "store": StoreError, "network": NetworkError, "internal": InternalError,
}


def error_of(body: Mapping[str, Any]) -> Error:
    """The exception for the error of an answer."""
    return _CLASSES.get(body["category"], Error)(body)
