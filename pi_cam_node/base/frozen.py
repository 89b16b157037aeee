"""Frozen dataclasses that share their generated methods, to save memory and start-up time.

``@dataclass(frozen=True, slots=True)`` compiles six methods for each of hundreds of classes: 15 kB of memory and half a
millisecond of start-up each. With ``@frozen`` only ``__init__`` is compiled for each class, which takes 5 kB. Fields,
`dataclasses.replace`, patterns and pydantic work as usual.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Decorator equivalent to ``@dataclass(frozen=True, slots=True)``; methods of the class itself are kept."""
    made: Any = dataclass(frozen=True, slots=True, eq=False, repr=False)(cls)
    made.__setattr__, made.__delattr__ = _set, _delete  # replaces the generated ones
    return _with_shared_methods(cls, made)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def statically_frozen(cls: type[T]) -> type[T]:
    """Decorator like `frozen`, but assignments are refused by the type checker only.

    For objects created with each picture: a frozen ``__init__`` takes three times as long, which for a frame on its
    whole way is 30 µs.
    """
    return _with_shared_methods(cls, dataclass(slots=True, eq=False, repr=False)(cls))


def _with_shared_methods(cls: type[T], made: Any) -> type[T]:
    for name, method in {"__repr__": _repr, "__eq__": _eq, "__hash__": _hash}.items():
        if cls.__dict__.get(name) is None:  # a class with __eq__ has None as its hash
            setattr(made, name, method)
    return made  # type: ignore[no-any-return]


@cache
def _compared(cls: Any) -> Callable[[object], object]:
    """Return a function that returns the fields by which objects of a class are compared."""
    names = [each.name for each in fields(cls) if each.compare]
    return attrgetter(*names) if names else lambda _: ()


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: object, other: object) -> bool:
    return bool(_values(self) == _values(other)) if type(self) is type(other) else NotImplemented


def _hash(self: object) -> int:
    return hash(_values(self))


def _values(self: Any) -> object:
    kind: Any = type(self)
    return _compared(kind)(self)


def _set(_self: object, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(_self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
