"""What the configuration file and the environment give, by dotted key, before anybody judges the values.

Each layer names where a value comes from, so that a fault can say which line or variable to mend.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.config.settings import nearest_key
from pi_cam_node.config.values import quoted
from pi_cam_node.config.yaml_reader import MOST_FAULTS, MappingNode, ScalarNode, Tree, YamlError, kind_of, read

ENVIRONMENT_PREFIX = "PI_CAM_NODE__"
LONGEST_NAME = 100

# Where in the file, or `AFTER_THE_FILE`, and what to say.
Problem = tuple[int, str]
AFTER_THE_FILE = 1 << 30


@dataclass(frozen=True, slots=True)
class LayerValue:
    """A value as it was given.

    Attributes:
        where: ``config.yaml:12``, or the name of a variable.
        line: In the file, or `AFTER_THE_FILE`; puts faults in order.
        tree: The value.
    """

    where: str
    line: int
    tree: Tree


@dataclass(slots=True)
class Layer:
    """The values of one origin, and what is wrong with the rest of it."""

    givens: dict[str, LayerValue] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@functools.cache
def sections() -> frozenset[str]:
    """Return the names of the sections: ``mqtt``, ``mqtt.tls`` and so on."""
    parents = (key.rpartition(".")[0] for key in catalogue())
    return frozenset(parent for path in parents for parent in _prefixes(path))


def from_file(text: str, label: str) -> Layer:
    """Return what a configuration file gives.

    Args:
        text: Its content.
        label: What to call it in messages.
    """
    layer = Layer()
    try:
        tree, faults = read(text)
    except YamlError as fault:
        layer.problems.append((fault.line, f"{label}:{fault.line}: {fault.why}"))
        return layer
    layer.problems += [(fault.line, f"{label}:{fault.line}: {fault.why}") for fault in faults]
    _gather(layer, tree, "", label)
    return layer


def _gather(layer: Layer, branch: MappingNode, prefix: str, label: str) -> None:
    for name, child in branch.children.items():
        key, where = prefix + name, f"{label}:{child.line}"
        if "." in name:
            problem = f"{where}: {_brief(key)}: found a dot in a name, expected sections with their keys indented below"
            layer.problems.append((child.line, problem))
        elif key in catalogue():
            layer.givens[key] = LayerValue(where, child.line, child)
        elif key in sections():
            if isinstance(child, MappingNode):
                _gather(layer, child, f"{key}.", label)
            elif not isinstance(child, ScalarNode) or child.text is not None:
                layer.problems.append((child.line, f"{where}: {key}: found {kind_of(child)}, expected {_members(key)}"))
        else:
            hint = len(layer.problems) < MOST_FAULTS
            layer.problems.append(
                (child.line, f"{where}: {_refusal(key, is_section=isinstance(child, MappingNode), hint=hint)}")
            )


def from_environment(environ: Mapping[str, str]) -> Layer:
    """Return what the variables ``PI_CAM_NODE__SECTION__KEY`` give."""
    layer = Layer()
    for name in sorted(name for name in environ if name.startswith(ENVIRONMENT_PREFIX)):
        key = name.removeprefix(ENVIRONMENT_PREFIX).replace("__", ".").lower()
        if key in catalogue() and name == variable(key):
            layer.givens[key] = LayerValue(name, AFTER_THE_FILE, ScalarNode(AFTER_THE_FILE, environ[name]))
        else:
            layer.problems.append((AFTER_THE_FILE, f"{_brief(name)}: {_variable_refusal(key)}"))
    return layer


def variable(key: str) -> str:
    """Return the name of the variable that gives a setting: ``PI_CAM_NODE__MQTT__TLS__CA``."""
    return ENVIRONMENT_PREFIX + key.replace(".", "__").upper()


def _variable_refusal(key: str) -> str:
    if key in catalogue():
        return f"names are written in capitals: {variable(key)}"
    if key in sections():
        example = next(variable(k) for k in catalogue() if k.startswith(f"{key}."))
        return f"{key} is a section, expected a variable for one of its keys, like {example}"
    nearest = nearest_key(key) if len(key) <= LONGEST_NAME else None
    return "unknown key" + (f"; did you mean {variable(nearest)}?" if nearest else "")


def _refusal(key: str, *, is_section: bool, hint: bool) -> str:
    """Say why a name in the file is not known, and which one may be meant."""
    nearest = _nearest(key, is_section=is_section) if hint and len(key) <= LONGEST_NAME else None
    return f"{_brief(key)}: unknown key" + (f"; did you mean {nearest}?" if nearest else "")


def _nearest(key: str, *, is_section: bool) -> str | None:
    alike = difflib.get_close_matches(key, sections(), 1)
    return next(iter(alike), None) if is_section else nearest_key(key) or next(iter(alike), None)


def _prefixes(key: str) -> Iterator[str]:
    """Yield ``mqtt``, ``mqtt.tls`` for ``mqtt.tls``."""
    parts = key.split(".")
    return (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _members(section: str) -> str:
    names = dict.fromkeys(
        k.removeprefix(f"{section}.").partition(".")[0] for k in catalogue() if k.startswith(f"{section}.")
    )
    return "a section with " + ", ".join(names)


def _brief(name: str) -> str:
    return name if name.isprintable() and 0 < len(name) <= LONGEST_NAME else quoted(name)
