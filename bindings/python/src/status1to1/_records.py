"""What results, events and the objects in them have in common.

They are dataclasses that cannot be changed. The methods of a dataclass are usually generated one
by one when its class is defined, which takes the better part of a second for the two hundred
classes here; these share the methods of Record.
"""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, Any, Callable, ClassVar, TypeVar

R = TypeVar("R", bound="Record")
T = TypeVar("T")

if TYPE_CHECKING:
    # Type checkers always have this module; a program need not.
    from typing_extensions import dataclass_transform

    @dataclass_transform(kw_only_default=True, frozen_default=True)
    def record(cls: type[T]) -> type[T]: ...
else:
    def record(cls):
        """Makes a subclass of Record a dataclass."""
        dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
        cls._attributes = {**{name: name for name in cls.__dataclass_fields__}, **cls._renamed}
        return cls


class Record:
    """A dataclass that is read from JSON. Fields that it does not know are ignored, because later
    versions of the library may add some."""

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    #: Attributes by their names in JSON.
    _attributes: ClassVar[dict[str, str]] = {}
    #: Those of them whose name in JSON is a keyword of Python.
    _renamed: ClassVar[dict[str, str]] = {}
    #: How the values of some fields are read, by their names in JSON.
    _readers: ClassVar[dict[str, Callable[[Any], Any]]] = {}
    #: Fields that repr() does not show.
    _sensitive: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, **values: Any) -> None:
        fields = type(self).__dataclass_fields__
        for name in values:
            if name not in fields:
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
        missing = [name for name, field in fields.items()
                   if name not in values and field.default is dataclasses.MISSING]
        if missing:
            raise TypeError(f"{type(self).__name__} needs {', '.join(missing)}")
        self.__dict__.update(values)

    @classmethod
    def _read(cls: type[R], data: dict[str, Any]) -> R:
        """Reads an object of JSON. A field that an older library does not have stays unset."""
        self = object.__new__(cls)
        values, attributes, readers = self.__dict__, cls._attributes, cls._readers
        for name, value in data.items():
            attribute = attributes.get(name)
            if attribute is None:
                continue
            if value is not None and name in readers:
                value = readers[name](value)
            values[attribute] = value
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _compared(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name, None) for name, field in self.__dataclass_fields__.items() if field.compare)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or other.__class__ is not self.__class__:
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def __repr__(self) -> str:
        shown = []
        for name, field in self.__dataclass_fields__.items():
            if field.repr and name in self.__dict__:
                value = "..." if name in self._sensitive else repr(self.__dict__[name])
                shown.append(f"{name}={value}")
        return f"{type(self).__name__}({', '.join(shown)})"


def many(read: Callable[[Any], T]) -> Callable[[list[Any]], tuple[T, ...]]:
    """A reader of lists."""
    return lambda values: tuple([read(value) for value in values])


def each(read: Callable[[Any], T]) -> Callable[[dict[str, Any]], dict[str, T]]:
    """A reader of objects with values of one type."""
    return lambda values: {name: read(value) for name, value in values.items()}


def from_base64(value: str) -> bytes:
    """A reader of bytes."""
    return base64.b64decode(value)
