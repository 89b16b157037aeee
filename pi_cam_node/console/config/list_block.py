"""Writes a list of ``console.yaml``; comments and formatting of everything else are kept.

PyYAML tells in which line each item begins; an unchanged item keeps its lines and the comments above it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from pi_cam_node.base.atomic_files import FILE_MODE, replace_atomically
from pi_cam_node.base.frozen import frozen

Item = TypeVar("Item")
_WIDTH = 1 << 16


@frozen
class _Block:
    """Lines of a file, split before, into and after the list.

    Attributes:
        head: Lines up to and including the key.
        items: The lines of each item, with the comments above it.
        tail: Lines after the last item.
        indent: How far the hyphens are indented.
    """

    head: list[str]
    items: list[list[str]]
    tail: list[str]
    indent: int = 2


def with_items(
    text: str,
    key: str,
    items: tuple[Sequence[Item], Sequence[Item]],
    written: Callable[[Item, int], list[str]],
) -> str:
    """Return the text of a file with the items of one list replaced.

    Args:
        text: The file.
        key: The list.
        items: The old items and the new ones.
        written: Returns the lines of an item, for the blanks in front of its hyphen.

    Raises:
        yaml.YAMLError: The text is not YAML.
    """
    old, new = items
    block = _block(text, key)
    kept = list(zip(old, block.items, strict=False)) if len(old) == len(block.items) else []
    lines = list(block.head)
    for item in new:
        same = next((pair for pair in kept if pair[0] == item), None)
        if same is not None:
            kept.remove(same)
        lines += same[1] if same is not None else written(item, block.indent)
    if not new:
        lines[-1] = f"{key}: []\n"
    return "".join([*lines, *block.tail])


def replace_file(path: Path, old: bytes, new: bytes) -> None:
    """Replace the content of a file, which is created if missing; the old content is kept as ``.bak``.

    Raises:
        OSError: It cannot be written.
    """
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else FILE_MODE
    if old:
        replace_atomically(path.with_name(f"{path.name}.bak"), old, mode)
    replace_atomically(path, new, mode)


def _block(text: str, name: str) -> _Block:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next(((key, value) for key, value in pairs if key.value == name), None)
    if found is None:
        return _Block([*lines, f"{name}:\n"], [], [])
    key, value = found
    begin = key.start_mark.line
    if not isinstance(value, yaml.SequenceNode) or value.flow_style or not value.value:
        return _Block([*lines[:begin], f"{name}:\n"], [], lines[max(begin, _last_line(value)) + 1 :])
    firsts = [item.start_mark.line for item in value.value]
    lasts = [_last_line(item) for item in value.value]
    starts = [begin + 1, *(last + 1 for last in lasts[:-1])]
    items = [lines[start : last + 1] for start, last in zip(starts, lasts, strict=True)]
    indent = len(lines[firsts[0]]) - len(lines[firsts[0]].lstrip(" "))
    return _Block([*lines[:begin], f"{name}:\n"], items, lines[lasts[-1] + 1 :], indent)


def _last_line(node: yaml.Node) -> int:
    """Return the line of a node's last character; PyYAML's end mark of a block lies behind its comments."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1])
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1][1])
    return int(node.end_mark.line)


def flow(value: Any) -> str:
    """Return a value as YAML on one line."""
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
