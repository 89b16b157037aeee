"""Catalogue of the settings, derived from the models once, for ``set``, the entities, the file and the documents."""

from __future__ import annotations

import functools
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import annotated_types
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import Config, Section, Setting, values

Kind = Literal["bool", "int", "float", "choice", "list", "text"]
Root = TypeVar("Root", bound=Section)


@frozen
class SettingInfo:
    """One setting, described for people and programs.

    Attributes:
        key: Dotted key, e.g. ``night.gain``.
        kind: Kind of the value.
        default: Default value; ``None`` for an empty one.
        unit: Unit of the number, or empty.
        minimum: Least value; ``None`` without a limit.
        maximum: Greatest value; ``None`` without a limit.
        step: The number is a multiple of this; ``None`` for any.
        choices: The values allowed, for a choice or the items of a list; empty otherwise.
        live: Whether a change takes effect at once.
        secret: Whether the value is masked.
        title: A short name for people.
        doc: One or two sentences for people.
        expected: What a value must be, in words: ``a number from 0 to 255``.
        expected_item: What an item of a list must be; empty for other kinds.
        is_path: Whether it is the path of a file or folder.
    """

    key: str
    kind: Kind
    default: object
    unit: str
    minimum: float | None
    maximum: float | None
    step: float | None
    choices: tuple[str, ...]
    live: bool
    secret: bool
    title: str
    doc: str
    expected: str
    expected_item: str
    is_path: bool

    @property
    def section(self) -> str:
        """Section of the setting: the first part of its key."""
        return self.key.partition(".")[0]


@frozen
class Schema(Generic[Root]):
    """Model and names of one kind of configuration file.

    Attributes:
        root: The model of the whole file.
        environment_prefix: Prefix of the environment variables that override it.
        lists: Top-level keys whose items are mappings; they are validated by their own models.
    """

    root: type[Root]
    environment_prefix: str
    lists: tuple[str, ...] = ()


NODE_SCHEMA = Schema(Config, "PI_CAM_NODE__")


def catalogue(root: type[Section] = Config) -> Mapping[str, SettingInfo]:
    """Return every setting of a root model in the order of the file, by dotted key."""
    return _catalogue(root)


@functools.cache
def _catalogue(root: type[Section]) -> Mapping[str, SettingInfo]:
    return types.MappingProxyType({info.key: info for info in _walk(root, "")})


def _walk(model: type[BaseModel], prefix: str) -> Iterator[SettingInfo]:
    for name, field in model.model_fields.items():
        marker = next((m for m in field.metadata if isinstance(m, Setting)), None)
        if marker is not None:
            yield _describe(prefix + name, field, marker)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _walk(field.annotation, f"{prefix}{name}.")
        else:
            raise TypeError(f"{prefix}{name} is declared without Setting(…)")


def _describe(key: str, field: FieldInfo, marker: Setting) -> SettingInfo:
    kind, choices, secret = _kind_of(field.annotation)
    rules: dict[type, Any] = {type(rule): rule for rule in field.metadata}
    is_path = Path in (field.annotation, *typing.get_args(field.annotation))
    item = ""
    if kind == "list":
        item = f"one of {', '.join(choices)}" if choices else marker.form or "text"
    return SettingInfo(
        key=key,
        kind=kind,
        default=values.plain(field.get_default(call_default_factory=False)),
        unit=marker.unit,
        minimum=getattr(rules.get(annotated_types.Ge), "ge", None),
        maximum=getattr(rules.get(annotated_types.Le), "le", None),
        step=getattr(rules.get(annotated_types.MultipleOf), "multiple_of", None),
        choices=choices,
        live=marker.live,
        secret=secret,
        title=marker.title or re.sub(r"[._]", " ", re.sub(r"_(s|us|bytes|px|days)$", "", key)).capitalize(),
        doc=marker.doc,
        expected=_expected(kind, choices, marker, rules, "a path" if is_path else "text"),
        expected_item=item,
        is_path=is_path,
    )


def _expected(kind: Kind, choices: tuple[str, ...], marker: Setting, rules: dict[type, Any], text: str) -> str:
    """Describe the allowed values in words."""
    longest = getattr(rules.get(annotated_types.MaxLen), "max_length", None)
    if kind == "bool":
        return "on or off"
    if kind == "choice":
        return "one of " + ", ".join(choices)
    if kind == "list":
        items = f"a list, each item {marker.form}" if marker.form else f"a list of {', '.join(choices) or 'names'}"
        shortest = getattr(rules.get(annotated_types.MinLen), "min_length", 0)
        if not longest:
            return items
        return f"{items}; {shortest} to {longest}" if shortest else f"{items}; {longest} at most"
    if kind == "text":
        return marker.form or (f"{text} of at most {longest} characters" if longest else text)
    step = rules.get(annotated_types.MultipleOf)
    number = "a whole number" if kind == "int" else "a number"
    if step:
        number = f"a multiple of {step.multiple_of}"
    return f"{number} {values.span(rules[annotated_types.Ge].ge, rules[annotated_types.Le].le, marker.unit)}"


def _kind_of(annotation: Any) -> tuple[Kind, tuple[str, ...], bool]:
    """Return kind, choices and secrecy of a field's type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return "choice", tuple(str(a) for a in arguments), False
    if origin is list:
        item = arguments[0]
        return "list", tuple(typing.get_args(item)) if typing.get_origin(item) is Literal else (), False
    if SecretStr in (annotation, *arguments):
        return "text", (), True
    kinds: dict[Any, Kind] = {bool: "bool", int: "int", float: "float"}
    return kinds.get(annotation, "text"), (), False
