"""Edits values in a YAML text in place: everything outside the spans of changed values is kept.

PyYAML gives the span of each node, which is replaced by the new value; a new key is inserted below the last line of its
section, above the comments of the next one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from pi_cam_node.config.values import nested
from pi_cam_node.config.yaml_reader import compose

# (start, end, replacement), in characters of the text.
_Edit = tuple[int, int, str]


def with_changes(text: str, changes: Mapping[str, Any]) -> str:
    r"""Return the text with changed values, by dotted key; missing keys are added to their section.

    Args:
        text: A mapping as YAML, its lines ended by ``\n``.
        changes: Booleans, numbers, texts, or lists of them.

    Raises:
        YamlError: The text is not YAML, or uses unsupported features.
    """
    if text and not text.endswith("\n"):
        text += "\n"
    editor = _Editor(text)
    root, tree = compose(text), nested(changes)
    if root is None:
        editor.insert(len(text), editor.block(tree, 0))
    elif isinstance(root, yaml.MappingNode) and root.value:
        editor.edit_mapping(root, tree)
    else:  # an empty document: --- or {}
        editor.fill_empty(root, tree, 0)
    return editor.result()


class _Editor:
    """Edits of one YAML text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._edits: list[_Edit] = []
        indented = re.search(r"^( +)[^\s#-]", text, re.MULTILINE)
        self._step = len(indented[1]) if indented else 2

    def result(self) -> str:
        """Return the text with all edits; of two insertions at one place the more indented comes first."""
        text = self._text
        for start, end, new in sorted(self._edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def insert(self, index: int, new: str) -> None:
        self._edits.append((index, index, new))

    def edit_mapping(self, node: yaml.MappingNode, tree: Mapping[str, Any]) -> None:
        """Change and add values of a mapping."""
        children = {key.value: (key, value) for key, value in node.value}
        for name in tree.keys() & children.keys():
            self._edit_value(*children[name], tree[name], in_flow=bool(node.flow_style))
        new = {name: value for name, value in tree.items() if name not in children}
        if not new:
            return
        if node.flow_style:
            self.insert(self._end(node.value[-1][1]), f", {_flow(new)[1:-1]}")
        else:
            column = node.start_mark.column
            self.insert(self._end_of_section(node, column), self.block(new, column))

    def _edit_value(self, key: yaml.Node, node: yaml.Node, value: Any, *, in_flow: bool) -> None:
        if isinstance(value, dict):
            if isinstance(node, yaml.MappingNode) and node.value:
                self.edit_mapping(node, value)
            elif in_flow:
                self._replace(node, _flow(value))
            else:
                self.fill_empty(node, value, key.start_mark.column + self._step)
        elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
            self._replace_list(key, node, value)
        else:
            self._replace(node, _flow(value))

    def fill_empty(self, node: yaml.Node, tree: Mapping[str, Any], column: int) -> None:
        """Insert the lines of a section whose value is empty, ``null`` or ``{}``."""
        start, end = node.start_mark.index, node.end_mark.index
        self._edits.append((len(self._text[:start].rstrip(" ")), end, ""))
        self.insert(self._after_line(end), self.block(tree, column))

    def _replace(self, node: yaml.Node, new: str) -> None:
        start, end = node.start_mark.index, self._end(node)
        is_missing = start == end and self._text[start - 1 : start] == ":"
        self._edits.append((start, max(start, end), f" {new}" if is_missing else new))

    def _replace_list(self, key: yaml.Node, node: yaml.SequenceNode, items: list[Any]) -> None:
        """Replace the items of a block-style list; comments stay with their item, those of removed ones move above."""
        start, column = node.start_mark.index, node.start_mark.column
        end = self._after_line(self._end(node)) - 1
        old, lines = self._items_of(node), []
        for item in items:
            above, line, beside = old.pop(str(item), ((), f"- {_flow(item)}", ""))
            lines += [*above, line + beside]
        empty = " " * max(0, key.start_mark.column + self._step - column) + "[]"
        orphans = [comment for above, _, beside in old.values() for comment in (*above, beside.strip()) if comment]
        self._edits.append((start, end, f"\n{' ' * column}".join([*orphans, *(lines or [empty])])))

    def _items_of(self, node: yaml.SequenceNode) -> dict[str, tuple[list[str], str, str]]:
        """Return the items of a block-style list by value: comments above it, its text, the comment beside it."""
        found, index = {}, node.start_mark.index
        for item in node.value:
            start, end = item.start_mark.index, self._end(item)
            above = [line.strip() for line in self._text[index:start].split("\n") if line.lstrip().startswith("#")]
            index = self._after_line(end)
            found[item.value] = above, f"- {self._text[start:end]}", self._text[end:index].rstrip()
        return found

    def block(self, tree: Mapping[str, Any], column: int) -> str:
        """Return the lines of new keys."""
        lines = []
        for name, value in tree.items():
            if isinstance(value, dict):
                lines.append(f"{' ' * column}{name}:\n{self.block(value, column + self._step)}")
            else:
                lines.append(f"{' ' * column}{name}: {_flow(value)}\n")
        return "".join(lines)

    def _end(self, node: yaml.Node) -> int:
        """Return the end of a node's last character; PyYAML's span of a block includes comments after it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        end: int = node.end_mark.index
        return len(self._text[:end].rstrip()) if self._text[end - 1 : end] == "\n" else end

    def _end_of_section(self, node: yaml.Node, column: int) -> int:
        """Return the offset for a new key of a section: below its last line and comments of the same indentation."""
        index = end = self._after_line(self._end(node))
        while match := re.compile(r"( *)(#.*)?\n").match(self._text, index):
            index = match.end()
            if match[2] and len(match[1]) >= column:
                end = index
        return end

    def _after_line(self, index: int) -> int:
        return self._text.index("\n", index) + 1


def _flow(value: object) -> str:
    """Return a value in flow style on one line, quoted as needed."""
    for style in (None, '"'):
        text = yaml.safe_dump([value], default_flow_style=True, default_style=style, width=1 << 16, allow_unicode=True)
        if text.count("\n") == 1:
            break
    return text.strip()[1:-1]
