"""Writes the rules into ``console.yaml`` and leaves everything else, comments and all, as it stands.

PyYAML tells in which line each rule begins; a rule that stays keeps its lines and the comments above it.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pi_cam_node.base.atomic_files import replace_atomically
from pi_cam_node.base.errors import ConfigError, NotSaved
from pi_cam_node.console.config.loader import load
from pi_cam_node.console.rules.models import Rule

KEY = "rules"
_WIDTH = 1 << 16


def write_rules(path: Path | None, rules: Sequence[Rule], expected: bytes | None) -> bytes:
    """Make the file hold these rules; return its new content. The file as it was stays beside it as ``.bak``.

    Thread: any, but one at a time.

    Args:
        path: The file that the console was started with.
        rules: What it shall hold, in order.
        expected: The content that the rules in force came from; a file edited by hand meanwhile is not overwritten.

    Raises:
        NotSaved: The file is the old one; the message says why.
    """
    if path is None:
        raise NotSaved("the console was started without a file; start it with --config to keep rules")
    try:
        content = path.read_bytes() if path.exists() else b""
        _refuse_changed(path, content, expected)
        new = with_rules(content, path, rules)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
        if content:
            replace_atomically(path.with_name(f"{path.name}.bak"), content, mode)
        replace_atomically(path, new, mode)
    except NotSaved:
        raise
    except OSError as error:
        raise NotSaved(f"{path}: {error.strerror}") from error
    return new


def _refuse_changed(path: Path, content: bytes, expected: bytes | None) -> None:
    if expected is not None and content != expected:
        raise NotSaved(f"{path} was changed by hand meanwhile; restart the console to read it, then try again")


def with_rules(content: bytes, path: Path, rules: Sequence[Rule]) -> bytes:
    """Return the content of a file with these rules in it.

    Raises:
        NotSaved: What would be written does not read back as these rules.
    """
    by_hand = f"{path} is written in a way that cannot be changed safely; change it by hand"
    try:
        old = load(path, {}, content).rules
        new = _replaced(content.decode("utf-8-sig"), old, rules)
        read_back = load(path, {}, new.encode()).rules
    except (ConfigError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise NotSaved(f"{by_hand}: {str(error).splitlines()[0]}") from error
    if read_back != tuple(rules):
        raise NotSaved(by_hand)
    return new.encode()


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines of a file, split before, into and after its rules.

    Attributes:
        head: Lines up to the key, which is the last of them.
        items: The lines of each rule, with the comments above it.
        tail: Lines after the last rule.
        indent: How far the hyphens are indented.
    """

    head: list[str]
    items: list[list[str]]
    tail: list[str]
    indent: int = 2


def _replaced(text: str, old: Sequence[Rule], rules: Sequence[Rule]) -> str:
    block = _block(text)
    kept = list(zip(old, block.items, strict=False)) if len(old) == len(block.items) else []
    lines = list(block.head)
    for rule in rules:
        same = next((pair for pair in kept if pair[0] == rule), None)
        if same is not None:
            kept.remove(same)
        lines += same[1] if same is not None else _written(rule, block.indent)
    if not rules:
        lines[-1] = f"{KEY}: []\n"
    return "".join([*lines, *block.tail])


def _block(text: str) -> _Block:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next(((key, value) for key, value in pairs if key.value == KEY), None)
    if found is None:
        return _Block([*lines, f"{KEY}:\n"], [], [])
    key, value = found
    begin = key.start_mark.line
    if not isinstance(value, yaml.SequenceNode) or value.flow_style or not value.value:
        return _Block([*lines[:begin], f"{KEY}:\n"], [], lines[max(begin, _last_line(value)) + 1 :])
    firsts = [item.start_mark.line for item in value.value]
    lasts = [_last_line(item) for item in value.value]
    starts = [begin + 1, *(last + 1 for last in lasts[:-1])]
    items = [lines[start : last + 1] for start, last in zip(starts, lasts, strict=True)]
    indent = len(lines[firsts[0]]) - len(lines[firsts[0]].lstrip(" "))
    return _Block([*lines[:begin], f"{KEY}:\n"], items, lines[lasts[-1] + 1 :], indent)


def _last_line(node: yaml.Node) -> int:
    """Return the line in which a node's last character stands; PyYAML's own end of a block lies behind its comments."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1])
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1][1])
    return int(node.end_mark.line)


def _written(rule: Rule, indent: int) -> list[str]:
    """Return the lines of a rule; what has its default is left out."""
    plain: dict[str, Any] = rule.model_dump(by_alias=True, exclude_defaults=True, mode="json")
    rows = [f"{key}: {_flow(plain[key])}" for key in ("name", "when", "if") if key in plain]
    rows += ["do:", *(f"  - {_flow(action)}" for action in plain["do"])]
    rows += [f"again_after: {_flow(plain['again_after'])}"] if "again_after" in plain else []
    return [f"{' ' * indent}{'- ' if number == 0 else '  '}{row}\n" for number, row in enumerate(rows)]


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(
        _whole(value), default_flow_style=True, width=_WIDTH, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _whole(value: Any) -> Any:
    """Return a value with whole numbers written as such."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
