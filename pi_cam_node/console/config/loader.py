"""Reads ``console.yaml`` with the node's loader; the lists ``rules`` and ``cameras`` are validated here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.config.loader import layer_of_file, settled, warnings_of
from pi_cam_node.config.sections.base import Section
from pi_cam_node.config.yaml_reader import MappingNode, ScalarNode, SequenceNode, Tree
from pi_cam_node.console.config import CONSOLE_SCHEMA, ConsoleConfig
from pi_cam_node.console.config.cameras import CAMERAS_MAX, CameraEntry
from pi_cam_node.console.rules.models import RULES_MAX, Rule

Item = TypeVar("Item", bound=Section)


@frozen
class LoadedConsole:
    """Settings, rules and cameras of the console, as loaded.

    Attributes:
        config: The settings; every path is absolute.
        rules: In the order of the file.
        cameras: Nodes that the console runs itself.
        path: The file; ``None`` if there was none.
        warnings: Values that are allowed but unwise, one line each.
        content: The bytes of the file; ``None`` without one.
    """

    config: ConsoleConfig
    rules: tuple[Rule, ...] = ()
    cameras: tuple[CameraEntry, ...] = ()
    path: Path | None = None
    warnings: tuple[str, ...] = ()
    content: bytes | None = field(default=None, repr=False)

    @property
    def base_url(self) -> str:
        """Default base address of links."""
        console = self.config.console
        host = "127.0.0.1" if console.host in {"0.0.0.0", "::"} else console.host  # noqa: S104 - compared, not bound
        scheme = "https" if console.tls.enable else "http"
        return console.public_url or f"{scheme}://{host}:{console.port}"


def load(path: Path | None, environ: Mapping[str, str], content: bytes | None = None) -> LoadedConsole:
    """Return the settings that a file and the variables ``PI_CAM_NODE_CONSOLE__SECTION__KEY`` give together.

    Args:
        path: The file; ``None`` for none.
        environ: The environment.
        content: Used instead of the file's content.

    Raises:
        ConfigError: The file cannot be read, or something in it or in the environment is wrong.
    """
    file, content = layer_of_file(path, content, CONSOLE_SCHEMA)
    label = str(path)
    problems: list[str] = []
    rules = _items(file.lists.get("rules"), _List(Rule, "rules", RULES_MAX, label), problems)
    cameras = _items(file.lists.get("cameras"), _List(CameraEntry, "cameras", CAMERAS_MAX, label), problems)
    twice = {c.id for c in cameras if sum(other.id == c.id for other in cameras) > 1}
    problems += [f"{label}: cameras: two have the id {name}" for name in sorted(twice)]
    folder = path.absolute().parent if path is not None else Path.cwd()
    cameras = [camera.below(folder) for camera in cameras]
    try:
        config = settled(file, environ, path, CONSOLE_SCHEMA)
    except ConfigError as error:
        raise ConfigError([*error.problems, *problems]) from None
    if problems:
        raise ConfigError(problems)
    warnings = tuple(warnings_of(file, config.mqtt, path, catalogue(ConsoleConfig)))
    return LoadedConsole(config, tuple(rules), tuple(cameras), path, warnings, content)


@frozen
class _List(Generic[Item]):
    """A list in the file: its key, the model and greatest number of its items, and the file's name for messages."""

    model: type[Item]
    key: str
    most: int
    label: str


def _items(tree: Tree | None, wanted: _List[Item], problems: list[str]) -> list[Item]:
    """Return the valid items of a list; errors are added to ``problems`` with their lines."""
    label, key, most = wanted.label, wanted.key, wanted.most
    if tree is None or (isinstance(tree, ScalarNode) and tree.text is None):
        return []
    if not isinstance(tree, SequenceNode):
        problems.append(f"{label}:{tree.line}: {key}: expected a list, each item beginning with a hyphen")
        return []
    if len(tree.items) > most:
        problems.append(f"{label}:{tree.line}: {key}: found {len(tree.items)} items, expected at most {most}")
        return []
    items: list[Item] = []
    for number, item in enumerate(tree.items):
        try:
            items.append(wanted.model.model_validate(_plain(item)))
        except ValidationError as error:
            problems += [f"{label}:{_line(item, e['loc'])}: {key}[{number}]{_said(e)}" for e in _faults(error)]
    return items


def _faults(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_input=False))


def _said(fault: Any) -> str:
    path = "".join(f".{part}" for part in fault["loc"])
    why = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"][:1].lower() + fault["msg"][1:]
    return f"{path}: {why}"


def _line(tree: Tree, path: tuple[int | str, ...]) -> int:
    """Return the line of the innermost part of a path that the tree has."""
    line = tree.line
    for part in path:
        if isinstance(tree, MappingNode) and isinstance(part, str) and part in tree.children:
            tree = tree.children[part]
        elif isinstance(tree, SequenceNode) and isinstance(part, int) and part < len(tree.items):
            tree = tree.items[part]
        else:
            break
        line = tree.line
    return line


def _plain(tree: Tree) -> Any:
    """Return a YAML tree as plain lists, dicts and strings for pydantic, which converts them to the model's types."""
    if isinstance(tree, MappingNode):
        return {name: _plain(child) for name, child in tree.children.items()}
    if isinstance(tree, SequenceNode):
        return [_plain(item) for item in tree.items]
    return tree.text
