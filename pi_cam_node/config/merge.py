"""Merges layers into a `Config`: converts the values and validates them together. No I/O."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Generic

from pydantic import ValidationError

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.config.catalogue import Root, Schema, SettingInfo, catalogue
from pi_cam_node.config.layers import AFTER_THE_FILE, Layer, LayerValue, Problem, variable
from pi_cam_node.config.settings import Fault, faults_of, interpret
from pi_cam_node.config.values import nested, quoted
from pi_cam_node.config.yaml_reader import MOST_FAULTS, MappingNode, ScalarNode, SequenceNode, Tree, kind_of

PASSWORD, PASSWORD_FILE, PICTURES = "mqtt.password", "mqtt.password_file", "export.base_dir"


class MergedLayers(Generic[Root]):
    """Merged values of the layers, with the faults found so far.

    Args:
        file: Layer of the configuration file.
        environment: Layer of the environment, which takes precedence.
        folder: Folder for relative paths.
        schema: Schema of the file.

    Attributes:
        givens: Given values by dotted key.
        values: Valid converted values by dotted key, and defaults of paths; paths are absolute.
    """

    def __init__(self, file: Layer, environment: Layer, folder: Path, schema: Schema[Root]) -> None:
        self._folder = folder
        self._root, self._prefix = schema.root, schema.environment_prefix
        self._known = catalogue(schema.root)
        self._problems: list[Problem] = [*file.problems, *environment.problems]
        self._faulty: set[str] = set()
        self.givens = self._merged(file.givens, environment.givens)
        self.values: dict[str, Any] = {}
        for info in self._known.values():
            self._take(info)

    def _merged(self, file: dict[str, LayerValue], environment: dict[str, LayerValue]) -> dict[str, LayerValue]:
        """Merge the layers; the environment takes precedence, also if the password is given by different keys."""
        for layer in (file, environment):
            if _says_something(layer, PASSWORD) and _says_something(layer, PASSWORD_FILE):
                where = layer[PASSWORD_FILE]
                self._problems.append(
                    (where.line, f"{where.where}: {PASSWORD_FILE}: found beside {PASSWORD}, expected one of them")
                )
        overruled = {
            other
            for key, other in ((PASSWORD, PASSWORD_FILE), (PASSWORD_FILE, PASSWORD))
            if _says_something(environment, key)
        }
        return {key: given for key, given in file.items() if key not in overruled} | environment

    def _take(self, info: SettingInfo) -> None:
        """Convert the given value of a setting; defaults come from the models."""
        value: Any = None
        given = self.givens.get(info.key)
        if given is not None:
            misfit = _misfit(info, given.tree)
            if misfit:
                quotes = ", in quotes if it begins with { or [" if info.kind == "text" and misfit != "nothing" else ""
                self.fault(info.key, f"found {misfit}, expected {info.expected}{quotes}")
                return
            value = interpret(info, _raw(given.tree))
            if info.kind == "text" and not info.secret and re.fullmatch(r"\$\{?\w+\}?", str(value)):
                name = variable(info.key, self._prefix)
                self.fault(info.key, f"found {quoted(value)}, which nothing fills in; give the value, or {name}")
                return
        if info.is_path:
            value = info.default if value is None else value
            value = self._absolute(value) if value else value
        elif info.key == "camera.source" and isinstance(value, str) and value.startswith("file:") and value != "file:":
            value = "file:" + self._absolute(value.removeprefix("file:"))
        if value is not None:
            self.values[info.key] = value

    def is_absolute(self, key: str) -> bool:
        """Whether the path of a setting was given as an absolute one."""
        given = self.givens.get(key)
        return given is not None and Path(str(_raw(given.tree))).expanduser().is_absolute()

    def _absolute(self, path: str) -> str:
        return str(self._folder / os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises where there is no home directory

    def fault(self, key: str, why: str) -> None:
        """Record an error of a value."""
        given = self.givens.get(key) or LayerValue("the settings", AFTER_THE_FILE, ScalarNode(AFTER_THE_FILE, None))
        self._faulty.add(key)
        self._problems.append((given.line, f"{given.where}: {key}: {why}"))

    def validate(self) -> Root:
        """Return the settings.

        Raises:
            ConfigError: Lists every error in the order of the file.
        """
        try:
            config = self._root.model_validate(nested(self.values))
        except ValidationError as error:
            raws = {key: _raw(self.givens[key].tree) for key in self.values if key in self.givens}
            for fault in faults_of(error, raws, self._root):
                self._note(fault)
            raise self._refusal() from None
        if self._problems:
            raise self._refusal()
        return config

    def _note(self, fault: Fault) -> None:
        if fault.key in self._known:
            said = f"found {fault.found}" if fault.found else ""
            wanted = fault.reason or f"expected {fault.expected}"
            self.fault(fault.key, f"{said}, {wanted}" if said else wanted)
        elif not any(key.startswith(f"{fault.key}.") for key in self._faulty):
            # Incompatible settings: skipped if an error in one of them is listed already.
            self._note_conflict(fault)

    def _note_conflict(self, fault: Fault) -> None:
        members = [key for key in self.givens if key.startswith(f"{fault.key}.")]
        named = [key for key in members if key.rpartition(".")[2] in fault.reason]
        given = self.givens[(named or members)[0]]
        self._problems.append((given.line, f"{given.where}: {fault.key}: {fault.reason}"))

    def _refusal(self) -> ConfigError:
        lines = [text for _, text in sorted(self._problems, key=lambda problem: problem[0])]
        more = len(lines) - MOST_FAULTS
        return ConfigError(lines[:MOST_FAULTS] + ([f"… and {more} more"] if more > 0 else []))


def _says_something(givens: dict[str, LayerValue], key: str) -> bool:
    given = givens.get(key)
    return given is not None and not (isinstance(given.tree, ScalarNode) and not given.tree.text)


def _misfit(info: SettingInfo, tree: Tree) -> str:
    """Describe a value of the wrong YAML kind (mapping, list, scalar); empty if the kind is right."""
    if isinstance(tree, MappingNode) or (isinstance(tree, SequenceNode) and info.kind != "list"):
        return kind_of(tree)
    if isinstance(tree, SequenceNode):
        return next((f"{kind_of(item)} in the list" for item in tree.items if not isinstance(item, ScalarNode)), "")
    may_be_empty = info.kind == "list" or (info.kind == "text" and not info.default)
    return "nothing" if tree.text is None and not may_be_empty else ""


def _raw(tree: Tree) -> object:
    """Return the raw value: a string or a list of strings."""
    if isinstance(tree, SequenceNode):
        return [item.text for item in tree.items if isinstance(item, ScalarNode)]
    return tree.text or "" if isinstance(tree, ScalarNode) else None
