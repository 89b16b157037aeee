"""Parses YAML into a tree of texts with line numbers; only the part of YAML that a settings file needs.

What a text means (a number, a switch, a name) is for the setting to say, not for YAML: ``id: 007``,
``name: on`` and ``password: 1e5`` are what they look like. Anchors, tags and further documents are
refused, and nesting is bounded, so that a hostile file costs no more than its size.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any

import yaml

from pi_cam_node.base.frozen import frozen

DEEPEST = 8
# More faults than people read; the work for a file full of them stays bounded.
MOST_FAULTS = 50

_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Blanks of word processors and web pages, in front of a name.
_WIDE = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000"
_ODD_INDENT = re.compile(f"^[ \t]*([{_WIDE}])(?=[ {_WIDE}]*[^\\s#])", re.MULTILINE)
# Tabs where YAML takes them for blanks and PyYAML does not: behind the colon of a name, and in front of a comment or of
# the end of a line. Within quotes and behind them none is touched.
_TABS = re.compile(r"^ *[^\s#'\"][^'\"\n]*\t[^\n]*$|^ *\t[ \t]*(?=#|$)", re.MULTILINE)
_TAB = re.compile(r"(?<=:)[ \t]+(?=[^\s])|[ \t]+(?=#|$)")
_NULLS = ("", "~", "null", "Null", "NULL")


@frozen
class ScalarNode:
    """A value. ``text`` is ``None`` where nothing, or ``null``, was written."""

    line: int
    text: str | None


@frozen
class SequenceNode:
    """A sequence of YAML."""

    line: int
    items: list[Tree]


@frozen
class MappingNode:
    """A mapping; every child knows the line of its key."""

    line: int
    children: dict[str, Tree] = field(default_factory=dict)


Tree = ScalarNode | SequenceNode | MappingNode


def kind_of(tree: Tree) -> str:
    """Name what a tree is, without a value that may be a secret in the wrong place."""
    return "a list" if isinstance(tree, SequenceNode) else "a section" if isinstance(tree, MappingNode) else "a value"


class YamlError(Exception):
    """The text is not YAML, or uses parts of YAML that are not supported.

    Attributes:
        line: Where, counted from 1.
        why: What is wrong there.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


def read(text: str) -> tuple[MappingNode, list[YamlError]]:
    """Return the mapping that the text holds, and the faults that did not keep it from being read.

    An empty text is an empty mapping.

    Raises:
        YamlError: The text cannot be read any further.
    """
    faults: list[YamlError] = []
    node = compose(text)
    tree = ScalarNode(1, None) if node is None else _tree(node, _line(node), (), faults)
    if isinstance(tree, ScalarNode) and tree.text is None:
        return MappingNode(tree.line), faults
    if not isinstance(tree, MappingNode):
        raise YamlError(tree.line, "found no section; expected lines like `camera:` with the settings indented below")
    return tree, faults


def compose(text: str) -> yaml.Node | None:
    """Return the text as PyYAML's nodes, which know their spans; ``None`` for an empty text.

    Raises:
        YamlError: The text is not YAML, or more of YAML than a settings file needs.
    """
    odd = _NOT_TEXT.search(text)
    if odd:
        raise YamlError(text.count("\n", 0, odd.start()) + 1, f"the character {odd[0]!r} is not allowed")
    indented = _ODD_INDENT.search(text)
    if indented:
        line = text.count("\n", 0, indented.end()) + 1
        raise YamlError(line, f"found the character U+{ord(indented[1]):04X} at the beginning; expected plain blanks")
    try:
        return _Composer(_TABS.sub(_as_blanks, text)).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _in_words(error) from None


def _as_blanks(line: re.Match[str]) -> str:
    """Return a line with blanks for such tabs; as many, so that every place in the text stays where it is."""
    before, quote, rest = re.split(r"(['\"]|$)", line[0], maxsplit=1)
    return _TAB.sub(lambda tabs: " " * len(tabs[0]), before) + quote + rest


class _Composer(yaml.BaseLoader):
    """Refuses anchors, tags and deep nesting at the first node that has them, before anything is made of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call] # the stubs leave it out
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise YamlError(_line(event), "found an anchor or alias (& or *); write the value out")
        # A lone ! says that a text is a text, which it is here anyway. The tag is not repeated: it may be a password.
        if event.tag not in (None, "!"):
            raise YamlError(_line(event), "found a tag (!…); expected a plain value, in quotes where it begins with !")
        if self._depth > DEEPEST:
            raise YamlError(_line(event), f"nested deeper than {DEEPEST} levels")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _tree(node: yaml.Node, line: int, path: tuple[str, ...], faults: list[YamlError]) -> Tree:
    if isinstance(node, yaml.ScalarNode):
        return ScalarNode(line, None if node.style is None and node.value in _NULLS else node.value)
    if isinstance(node, yaml.SequenceNode):
        return SequenceNode(line, [_tree(item, _line(item), (*path, "[]"), faults) for item in node.value])
    mapping = MappingNode(line)
    for key, value in node.value:
        at = _line(key)
        if not isinstance(key, yaml.ScalarNode):
            raise YamlError(at, "found no plain word for the name of a setting")
        child = _tree(value, at, (*path, key.value), faults)
        first = mapping.children.setdefault(key.value, child)
        if first is not child and len(faults) < MOST_FAULTS:
            faults.append(YamlError(at, f"{'.'.join((*path, key.value))}: given twice, first in line {first.line}"))
    return mapping


def _in_words(error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    if error.problem == "but found another document":
        return YamlError(line, "found a second document; expected one")
    if "\\t" in (error.problem or ""):
        return YamlError(line, "found a tab; expected blanks for the indentation")
    begun = f", {error.context} that began in line {error.context_mark.line + 1}" if error.context_mark else ""
    hint = "; is the line indented as its neighbours are?" if "block" in f"{error.problem}{error.context}" else ""
    return YamlError(line, f"not YAML: {error.problem}{begun}{hint}")


def _line(place: yaml.Event | yaml.Node) -> int:
    """Return the line an event or a node begins in, counted from 1."""
    return place.start_mark.line + 1 if place.start_mark else 1
