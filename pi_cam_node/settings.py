"""The settings in force: list them, read one, and make a new configuration with one changed.

A change validates the whole configuration again, so cross-checks hold, and a refused one changes
nothing. Everything here is pure.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import annotated_types
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from pi_cam_node.config import GIB, KIB, MIB, Config, Setting
from pi_cam_node.errors import OutOfRange, ReadOnly, UnknownKey

Kind = Literal["bool", "int", "float", "choice", "list", "text"]

MASK = "********"


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting, described for people and programs.

    Attributes:
        key: Dotted path, e.g. ``night.gain``.
        kind: What its value is.
        default: The default, ``None`` for an empty one.
        unit: Unit of the number, or empty.
        minimum: Least value; ``None`` where there is none.
        maximum: Greatest value; ``None`` where there is none.
        step: The number is a multiple of this; ``None`` where it need not be.
        choices: The values allowed, for a choice or the items of a list; empty otherwise.
        live: Takes effect at once.
        secret: Never shown.
        doc: One or two sentences for people.
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
    doc: str

    @property
    def section(self) -> str:
        """The first part of the key."""
        return self.key.partition(".")[0]

    @property
    def expected(self) -> str:
        """What a value must be, in words: ``a number from 0 to 255``."""
        if self.kind == "bool":
            return "on or off"
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "list":
            return "a list of " + (", ".join(self.choices) if self.choices else "names")
        if self.kind == "text":
            return "text"
        number = "a whole number" if self.kind == "int" else "a number"
        unit = f" {self.unit}" if self.unit else ""
        return f"{number} from {as_text(self.minimum)} to {as_text(self.maximum)}{unit}"


@functools.cache
def catalogue() -> Mapping[str, SettingInfo]:
    """Return every setting in the order of the file, by dotted key."""
    return types.MappingProxyType({info.key: info for info in _walk(Config, "")})


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
    limits: dict[str, Any] = {}
    for rule in field.metadata:
        for rule_type, attribute in ((annotated_types.Ge, "ge"), (annotated_types.Le, "le")):
            if isinstance(rule, rule_type):
                limits[attribute] = getattr(rule, attribute)
        if isinstance(rule, annotated_types.MultipleOf):
            limits["step"] = rule.multiple_of
    return SettingInfo(
        key=key,
        kind=kind,
        default=plain(field.get_default(call_default_factory=False)),
        unit=marker.unit,
        minimum=limits.get("ge"),
        maximum=limits.get("le"),
        step=limits.get("step"),
        choices=choices,
        live=marker.live,
        secret=secret,
        doc=marker.doc,
    )


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


def describe(key: str) -> SettingInfo:
    """Return one setting's description.

    Raises:
        UnknownKey: There is none; the nearest one is named.
    """
    info = catalogue().get(key)
    if info is None:
        nearest = nearest_key(key)
        data = {"key": key, "nearest": nearest} if nearest else {"key": key}
        raise UnknownKey(f"ERROR: invalid key {key}", data=data)
    return info


def nearest_key(key: str) -> str | None:
    """Return the known key that most resembles a wrong one, or ``None``."""
    last = key.rpartition(".")[2]
    close = difflib.get_close_matches(key, catalogue(), 1, 0.6)
    same_name = [k for k in catalogue() if k.rpartition(".")[2] == last]
    return next(iter(close or same_name), None)


def value_of(config: Config, key: str) -> Any:
    """Return the value in force: a bool, number, text, list or ``None``; secrets masked.

    Raises:
        UnknownKey: There is no such setting.
    """
    describe(key)
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return plain(value)


def plain(value: object) -> Any:
    """Return a setting's value as JSON has it; secrets masked."""
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list):
        return list(value)
    return value if isinstance(value, bool | int | float | str) else None


def as_text(value: object) -> str:
    """Return a value as a topic or a person reads it: ``on``, ``2.5``, ``jpg, png``; empty for none."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def with_value(config: Config, key: str, raw: object, *, live_only: bool = True) -> Config:
    """Return a configuration in which one setting has another value.

    Args:
        config: The configuration in force, which stays as it is.
        key: Dotted key.
        raw: Text as typed (``off``, ``2.5 s``, ``64 MiB``, ``jpg png``), or a JSON value.
        live_only: Refuse settings that are read at start.

    Raises:
        UnknownKey: There is no such setting.
        ReadOnly: It cannot be changed while the node runs.
        OutOfRange: The models refuse the value, by itself or beside the others.
    """
    info = describe(key)
    if live_only and not info.live:
        raise ReadOnly(
            f"ERROR: {key}: is read at start; change it in the configuration file and restart", data={"key": key}
        )
    tree = config.model_dump()
    *path, name = key.split(".")
    branch = tree
    for part in path:
        branch = branch[part]
    branch[name] = interpret(info, raw)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        why = "; ".join(_reason(info, fault, raw) for fault in error.errors())
        raise OutOfRange(f"ERROR: {key}: {why}", data={"key": key, "expected": info.expected}) from None


def _reason(info: SettingInfo, fault: Any, raw: object) -> str:
    """Say what is wrong: our own checks speak for themselves, the type's are put in words."""
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    shown = str(raw) if len(str(raw)) <= 40 else str(raw)[:37] + "…"
    return f"{shown!r} is not {info.expected}"


def interpret(info: SettingInfo, raw: object) -> object:
    """Return a value ready for the models: text split into lists, units resolved, booleans kept from numbers."""
    if info.kind in ("int", "float") and isinstance(raw, bool):
        return str(raw)  # true is not 1 where a number is meant; the models refuse the text
    if not isinstance(raw, str):
        return raw
    text = raw.strip()
    if info.kind in ("int", "float"):
        return _number(text, info.unit)
    if info.kind == "list":
        return _items(text)
    if info.kind == "text" and text == "" and info.default is None:
        return None
    return text


def _items(text: str) -> object:
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return [item for item in re.split(r"[\s,]+", text) if item]


# What one of each suffix is, in the unit that the setting is kept in.
_SCALES: dict[str, dict[str, float]] = {
    "B": {"b": 1, "kib": KIB, "mib": MIB, "gib": GIB, "kb": 1e3, "mb": 1e6, "gb": 1e9},
    "s": {"ms": 1e-3, "s": 1, "min": 60, "h": 3600},
    "µs": {"µs": 1, "us": 1, "ms": 1e3, "s": 1e6},
    "d": {"d": 1, "h": 1 / 24},
    "px": {"px": 1},
    "Hz": {"hz": 1, "fps": 1},
}


def _number(text: str, unit: str) -> object:
    """Return the number of ``2.5 s`` in the setting's own unit; the text itself where it is not one."""
    match = re.fullmatch(r"([-+]?[0-9]*\.?[0-9]+(?:e[-+]?[0-9]{1,3})?)\s*([A-Za-zµ]+)", text, re.IGNORECASE | re.ASCII)
    if match is None:
        match = re.fullmatch(r"([-+]?[0-9.]+)\s*(µs)", text)
    if match is None:
        return text
    scale = _SCALES.get(unit, {}).get(match[2].lower())
    if scale is None:
        return text
    value = float(match[1]) * scale
    return int(value) if value.is_integer() else value


def differences(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """Return ``{key: (old value, new value)}`` of the settings that differ, secrets masked."""
    pairs = {key: (value_of(old, key), value_of(new, key)) for key in catalogue()}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def tree_of(config: Config) -> dict[str, Any]:
    """Return the whole configuration as nested mappings of JSON values; secrets masked."""
    tree: dict[str, Any] = {}
    for key in catalogue():
        *path, name = key.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[name] = value_of(config, key)
    return tree
