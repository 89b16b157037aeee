"""Values of the configuration file and the environment by dotted key, before they are validated.

Each value has its origin, so that an error can name the line or variable.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pi_cam_node.base.errors import nearest
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import Config, Section
from pi_cam_node.config.catalogue import NODE_SCHEMA, Root, Schema, catalogue
from pi_cam_node.config.settings import nearest_key
from pi_cam_node.config.values import quoted
from pi_cam_node.config.yaml_reader import MOST_FAULTS, MappingNode, ScalarNode, Tree, YamlError, kind_of, read

LONGEST_NAME = 100

# Line in the file, or `AFTER_THE_FILE`, and message.
Problem = tuple[int, str]
AFTER_THE_FILE = 1 << 30


@frozen
class LayerValue:
    """A value as given, with its origin.

    Attributes:
        where: ``config.yaml:12``, or the name of a variable.
        line: Line in the file, or `AFTER_THE_FILE`; order of the errors.
        tree: The value as parsed YAML.
    """

    where: str
    line: int
    tree: Tree


@dataclass(slots=True)
class Layer:
    """Values of one origin (file or environment), and its faults.

    Attributes:
        givens: Values by dotted key.
        lists: Values of the schema's lists, by key.
        problems: Errors.
    """

    givens: dict[str, LayerValue] = field(default_factory=dict)
    lists: dict[str, Tree] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@functools.cache
def sections(root: type[Section] = Config) -> frozenset[str]:
    """Return the names of the sections: ``mqtt``, ``mqtt.tls`` and so on."""
    parents = (key.rpartition(".")[0] for key in catalogue(root))
    return frozenset(parent for path in parents for parent in _prefixes(path))


def from_file(text: str, label: str, schema: Schema[Any] = NODE_SCHEMA) -> Layer:
    """Parse the values of a configuration file.

    Args:
        text: Content of the file.
        label: Name of the file in messages.
        schema: Schema of the file.
    """
    layer = Layer()
    try:
        tree, faults = read(text)
    except YamlError as fault:
        layer.problems.append((fault.line, f"{label}:{fault.line}: {fault.why}"))
        return layer
    layer.problems += [(fault.line, f"{label}:{fault.line}: {fault.why}") for fault in faults]
    for name in schema.lists:
        if name in tree.children:
            layer.lists[name] = tree.children.pop(name)
    _gather(layer, tree, "", label, schema.root)
    return layer


def _gather(layer: Layer, branch: MappingNode, prefix: str, label: str, root: type[Section]) -> None:
    for name, child in branch.children.items():
        key, where = prefix + name, f"{label}:{child.line}"
        if "." in name:
            problem = f"{where}: {_brief(key)}: found a dot in a name, expected sections with their keys indented below"
            layer.problems.append((child.line, problem))
        elif key in catalogue(root):
            layer.givens[key] = LayerValue(where, child.line, child)
        elif key in sections(root):
            if isinstance(child, MappingNode):
                _gather(layer, child, f"{key}.", label, root)
            elif not isinstance(child, ScalarNode) or child.text is not None:
                layer.problems.append(
                    (child.line, f"{where}: {key}: found {kind_of(child)}, expected {_members(key, root)}")
                )
        else:
            hint = root if len(layer.problems) < MOST_FAULTS else None
            layer.problems.append(
                (child.line, f"{where}: {_refusal(key, is_section=isinstance(child, MappingNode), hint=hint)}")
            )


def from_environment(environ: Mapping[str, str], schema: Schema[Any] = NODE_SCHEMA) -> Layer:
    """Return the values of the variables ``PI_CAM_NODE__SECTION__KEY``."""
    layer, prefix = Layer(), schema.environment_prefix
    for name in sorted(name for name in environ if name.startswith(prefix)):
        key = name.removeprefix(prefix).replace("__", ".").lower()
        if key in catalogue(schema.root) and name == variable(key, prefix):
            layer.givens[key] = LayerValue(name, AFTER_THE_FILE, ScalarNode(AFTER_THE_FILE, environ[name]))
        else:
            layer.problems.append((AFTER_THE_FILE, f"{_brief(name)}: {_variable_refusal(key, schema)}"))
    return layer


def variable(key: str, prefix: str = NODE_SCHEMA.environment_prefix) -> str:
    """Return the environment variable of a setting, e.g. ``PI_CAM_NODE__MQTT__TLS__CA``."""
    return prefix + key.replace(".", "__").upper()


def _variable_refusal(key: str, schema: Schema[Root]) -> str:
    known, prefix = catalogue(schema.root), schema.environment_prefix
    if key in known:
        return f"names are written in capitals: {variable(key, prefix)}"
    if key in sections(schema.root):
        example = next(variable(k, prefix) for k in known if k.startswith(f"{key}."))
        return f"{key} is a section, expected a variable for one of its keys, like {example}"
    nearest = nearest_key(key, schema.root) if len(key) <= LONGEST_NAME else None
    return "unknown key" + (f"; did you mean {variable(nearest, prefix)}?" if nearest else "")


def _refusal(key: str, *, is_section: bool, hint: type[Section] | None) -> str:
    """Return the message for an unknown name, with a suggestion ``hint``."""
    nearest = _nearest(key, hint, is_section=is_section) if hint is not None and len(key) <= LONGEST_NAME else None
    return f"{_brief(key)}: unknown key" + (f"; did you mean {nearest}?" if nearest else "")


def _nearest(key: str, root: type[Section], *, is_section: bool) -> str | None:
    outside = [section for section in sections(root) if not key.startswith(f"{section}.")]
    alike = nearest(key.lower(), outside)
    return alike if is_section else nearest_key(key, root) or alike


def _prefixes(key: str) -> Iterator[str]:
    """Yield the prefixes of a dotted key: ``mqtt``, ``mqtt.tls`` for ``mqtt.tls``."""
    parts = key.split(".")
    return (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _members(section: str, root: type[Section]) -> str:
    names = dict.fromkeys(
        k.removeprefix(f"{section}.").partition(".")[0] for k in catalogue(root) if k.startswith(f"{section}.")
    )
    return "a section with " + ", ".join(names)


def _brief(name: str) -> str:
    return name if name.isprintable() and 0 < len(name) <= LONGEST_NAME else quoted(name)
