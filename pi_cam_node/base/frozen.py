"""Dataclasses that never change, which share the methods that are the same for all of them.

``@dataclass(frozen=True, slots=True)`` compiles six methods for every class, and there are hundreds of classes in the
node: 15 kB of memory and half a millisecond of the start for each. Of ``@frozen`` only ``__init__`` is one's own; it
takes 5 kB. Fields, `dataclasses.replace`, patterns and pydantic work as ever.
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
    """Make a class what ``@dataclass(frozen=True, slots=True)`` makes of it; methods that it has itself stay."""
    made: Any = dataclass(frozen=True, slots=True, eq=False, repr=False)(cls)
    made.__setattr__, made.__delattr__ = _set, _delete  # in place of its own, which are freed
    return _with_shared_methods(cls, made)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def statically_frozen(cls: type[T]) -> type[T]:
    """Make a class what `frozen` makes of it, but leave it to the type checker to refuse assignments.

    For objects that are made with each picture: an ``__init__`` that has to get round its own class's refusal takes
    three times as long, which for a frame and all that it passes through is 30 µs.
    """
    return _with_shared_methods(cls, dataclass(slots=True, eq=False, repr=False)(cls))


def _with_shared_methods(cls: type[T], made: Any) -> type[T]:
    for name, method in {"__repr__": _repr, "__eq__": _eq, "__hash__": _hash}.items():
        if cls.__dict__.get(name) is None:  # one that defines how it compares has None for a hash
            setattr(made, name, method)
    return made  # type: ignore[no-any-return]


@cache
def _compared(cls: Any) -> Callable[[object], object]:
    """Return the function that returns what counts when an object of a class is compared."""
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
