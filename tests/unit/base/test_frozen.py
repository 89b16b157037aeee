"""`frozen` is equivalent to `dataclass(frozen=True, slots=True)`."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

import pi_cam_node
from pi_cam_node.base.frozen import frozen, statically_frozen


@frozen
class Point:
    """Two numbers, and what is no part of comparisons or texts."""

    x: int
    y: float = 0.5
    note: str = field(default="", compare=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Plain:
    """The same, by the standard library."""

    x: int
    y: float = 0.5
    note: str = field(default="", compare=False)
    secret: str = field(default="", repr=False)


@frozen
class Further(Point):
    """With one more field."""

    z: tuple[object, ...] = ()


@statically_frozen
class Quick:
    """The same, for pictures."""

    x: int
    y: float = 0.5
    note: str = field(default="", compare=False)
    secret: str = field(default="", repr=False)


@frozen
class Nothing:
    """Without any field."""


@frozen
class Own:  # noqa: PLW1641 - its hash is made of its fields, as ever
    """With methods of its own."""

    x: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)

    def __repr__(self) -> str:
        return "own"


ARGUMENTS = [(1,), (2,), (1, 0.5, "note"), (1, 0.5, "", "secret"), (1, float("inf"))]


@pytest.mark.parametrize("first", ARGUMENTS)
@pytest.mark.parametrize("second", ARGUMENTS)
def test_it_compares_as_the_standard_one_does(first: Any, second: Any) -> None:
    assert (Point(*first) == Point(*second)) is (Plain(*first) == Plain(*second))
    assert (Point(*first) != Point(*second)) is (Plain(*first) != Plain(*second))
    if Point(*first) == Point(*second):
        assert hash(Point(*first)) == hash(Point(*second))


@pytest.mark.parametrize("first", ARGUMENTS)
@pytest.mark.parametrize("second", ARGUMENTS)
def test_one_that_the_type_checker_guards_differs_in_nothing_else(first: Any, second: Any) -> None:
    assert (Quick(*first) == Quick(*second)) is (Point(*first) == Point(*second))
    assert hash(Quick(*first)) == hash(Point(*first))
    assert repr(Quick(*first)) == repr(Point(*first)).replace("Point", "Quick")
    assert replace(Quick(*first), x=7) == Quick(7, *first[1:])
    assert not hasattr(Quick(*first), "__dict__")


def test_the_type_checker_refuses_what_changes_it() -> None:
    Quick(1).x = 2  # type: ignore[misc]  # mypy says where a comment of this kind is not needed


def test_objects_of_other_classes_are_never_equal() -> None:
    assert Point(1) != Further(1)
    assert Point(1) != Plain(1)  # type: ignore[comparison-overlap]
    assert Nothing() == Nothing()
    assert {Point(1), Point(1), Point(2), Nothing(), Nothing()} == {Point(1), Point(2), Nothing()}


def test_it_shows_its_fields_but_those_that_are_hidden() -> None:
    assert repr(Point(1, note="a", secret="b")) == repr(Plain(1, note="a", secret="b")).replace("Plain", "Point")
    items: list[object] = []
    circle = Further(1, z=(items,))
    items.append(circle)
    assert repr(circle) == "Further(x=1, y=0.5, note='', z=([...],))"


@pytest.mark.parametrize(
    "change",
    [
        lambda point: setattr(point, "x", 2),
        lambda point: setattr(point, "unknown", 2),
        lambda point: delattr(point, "x"),
    ],
)
@pytest.mark.parametrize("make", [Point, Further])
def test_nothing_of_it_changes(make: Callable[[int], Any], change: Callable[[Any], None]) -> None:
    point = make(1)
    with pytest.raises(FrozenInstanceError):
        change(point)
    assert point == make(1)
    assert not hasattr(point, "__dict__")


def test_its_own_methods_stay() -> None:
    assert Own(1) == Own(2)
    assert repr(Own(1)) == "own"
    assert isinstance(hash(Own(1)), int)


def test_it_is_a_dataclass_to_everyone_else() -> None:
    point = replace(Further(1), x=2, z=(3,))
    assert (point.x, point.z) == (2, (3,))
    assert is_dataclass(Nothing)
    assert [each.name for each in fields(Further)] == ["x", "y", "note", "secret", "z"]
    assert copy.deepcopy(point) == point == pickle.loads(pickle.dumps(point))
    assert TypeAdapter(Point).validate_json('{"x": 1, "y": 2}') == Point(1, 2.0)
    match point:
        case Further(x, y):
            assert (x, y) == (2, 0.5)


def test_no_class_of_the_package_compiles_its_own() -> None:
    """One that takes further arguments, such as `order`, may."""
    files = Path(pi_cam_node.__file__).parent.rglob("*.py")
    bare = re.compile(r"^\s*@dataclass\((frozen=True, slots=True|slots=True, frozen=True)\)$", re.MULTILINE)
    assert [file.name for file in files if bare.search(file.read_text("utf-8"))] == []
