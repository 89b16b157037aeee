"""Access to settings: list, read, and copy with one setting changed.

A change validates the whole configuration, including cross-checks; a refused one changes nothing. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from pi_cam_node.base.errors import OutOfRange, ReadOnly, UnknownKey, nearest
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.redaction import MASK, logins_in
from pi_cam_node.config import Config, Section, values
from pi_cam_node.config.catalogue import Kind, SettingInfo, catalogue
from pi_cam_node.config.values import as_text, plain

__all__ = [
    "MASK",
    "Fault",
    "Kind",
    "SettingInfo",
    "as_text",
    "catalogue",
    "describe",
    "description_of",
    "differences",
    "faults_of",
    "interpret",
    "nearest_key",
    "plain",
    "raw_value",
    "secrets_of",
    "tree_of",
    "value_of",
    "with_value",
]


@frozen
class Fault:
    """Validation error of a value.

    Attributes:
        key: The setting, or the section with incompatible settings.
        found: The value as text; empty for a secret or a section.
        expected: Allowed values; empty if ``reason`` is sufficient.
        reason: Message of a check of this package.
    """

    key: str
    found: str
    expected: str
    reason: str = ""


def describe(key: str) -> SettingInfo:
    """Return one setting's description.

    Raises:
        UnknownKey: There is none; the most similar one is named.
    """
    info = catalogue().get(key)
    if info is None:
        nearest = nearest_key(key)
        data = {"key": key, "nearest": nearest} if nearest else {"key": key}
        raise UnknownKey(f"ERROR: invalid key {key}", data=data)
    return info


def description_of(info: SettingInfo, config: Config) -> dict[str, Any]:
    """Return the description of a setting for user interfaces, as in ``GET /api/config`` and ``settings``."""
    return {
        "key": info.key,
        "section": info.section,
        "title": info.title,
        "doc": info.doc,
        "type": info.kind,
        "value": value_of(config, info.key),
        "default": MASK if info.secret and info.default else info.default,
        "unit": info.unit,
        "minimum": info.minimum,
        "maximum": info.maximum,
        "step": info.step,
        "choices": list(info.choices),
        "expected": info.expected,
        "live": info.live,
        "secret": info.secret,
    }


def nearest_key(key: str, root: type[Section] = Config) -> str | None:
    """Return the most similar known key: in the same section, with the same name elsewhere, or any."""
    section, _, last = key.lower().rpartition(".")
    known = [(*one.rpartition("."), one) for one in catalogue(root)]
    siblings = {name: one for parent, _, name, one in known if parent == section}
    close = nearest(last, siblings, 0.65)
    cutoff = 0.8 if siblings else 0.6
    same_name = [one for _, _, name, one in known if name == last]
    if close is not None:
        return siblings[close]
    return next(iter(same_name), None) or nearest(key.lower(), catalogue(root), cutoff)


def value_of(config: Config, key: str) -> Any:
    """Return the current value: a bool, number, text, list or ``None``; secrets masked.

    Raises:
        UnknownKey: There is no such setting.
    """
    describe(key)
    return plain(raw_value(config, key))


def raw_value(config: Section, key: str) -> Any:
    """Return the current value with its type in the models: secret, path; logins are not masked."""
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def secrets_of(config: Section) -> set[str]:
    """Return every secret text in the settings, for masking it elsewhere."""
    secrets = set()
    for key in catalogue(type(config)):
        value = raw_value(config, key)
        if isinstance(value, SecretStr):
            secrets.add(value.get_secret_value())
        elif isinstance(value, str):
            secrets.update(logins_in(value))
    return secrets


def with_value(config: Config, key: str, raw: object, *, live_only: bool = True) -> Config:
    """Return a copy of a configuration with one setting changed.

    Args:
        config: The current configuration; not modified.
        key: Dotted key.
        raw: Text (``off``, ``2.5 s``, ``64 MiB``, ``jpg png``), or a JSON value.
        live_only: Refuse settings that take effect at the next start.

    Raises:
        UnknownKey: There is no such setting.
        ReadOnly: The setting takes effect at start only.
        OutOfRange: The value is invalid, by itself or together with others.
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
        faults = faults_of(error, {key: raw})
        why = "; ".join(dict.fromkeys(f.reason or f"{f.found or 'that'} is not {f.expected}" for f in faults))
        raise OutOfRange(f"ERROR: {key}: {why}", data={"key": key, "expected": info.expected}) from None


def faults_of(error: ValidationError, raws: Mapping[str, object], root: type[Section] = Config) -> list[Fault]:
    """Convert a pydantic error to faults in terms of settings.

    Args:
        error: Error of the root's ``model_validate``.
        raws: Raw value of each key, before conversion.
        root: The model of the whole file.
    """
    return [_fault(fault, raws, catalogue(root)) for fault in error.errors(include_url=False)]


def _fault(fault: ErrorDetails, raws: Mapping[str, object], known: Mapping[str, SettingInfo]) -> Fault:
    path = [str(part) for part in fault["loc"]]
    key = next((k for k in (".".join(path[:n]) for n in range(len(path), 0, -1)) if k in known), None)
    reason = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else ""
    if key is None:
        return Fault(".".join(path), "", "a section", reason)
    info = known[key]
    in_item = key != ".".join(path)
    if info.kind == "list" and not in_item and fault["type"] == "too_long":
        return Fault(
            key, "", info.expected, f"found {len(fault['input'])} items, expected {fault['ctx']['max_length']} at most"
        )
    found = "" if info.secret else values.quoted(fault["input"] if in_item else raws.get(key, fault["input"]))
    return Fault(key, found, info.expected_item if in_item else info.expected, reason)


def interpret(info: SettingInfo, raw: object) -> object:
    """Convert a raw value for the models: split lists, resolve units, refuse booleans as numbers."""
    if info.kind in ("int", "float") and isinstance(raw, bool):
        return str(raw)  # JSON true is not the number 1; the models refuse the text
    if isinstance(raw, list):
        return [values.choice(item, info.choices) if isinstance(item, str) else item for item in raw]
    if not isinstance(raw, str):
        return raw
    if info.secret:
        return raw or None  # not stripped: blanks may be part of a secret
    return _of_text(info, raw.strip(values.BLANKS))


def _of_text(info: SettingInfo, text: str) -> object:
    match info.kind:
        case "int" | "float":
            return values.number(text, info.unit)
        case "choice":
            return values.choice(text, info.choices)
        case "list":
            found = values.items(text)
            return interpret(info, found) if isinstance(found, list) else found
        case _:
            return text or (None if info.kind == "text" and info.default is None else text)


def differences(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """Return ``{key: (old value, new value)}`` of the settings that differ, secrets masked."""
    pairs = {key: (value_of(old, key), value_of(new, key)) for key in catalogue()}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def tree_of(config: Config) -> dict[str, Any]:
    """Return the whole configuration as nested mappings of JSON values; secrets masked."""
    return values.nested({key: value_of(config, key) for key in catalogue()})
