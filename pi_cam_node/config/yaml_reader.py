"""Parses a safe subset of YAML into a tree of strings with line numbers.

Scalars stay strings, whose type is determined by the setting: ``id: 007``, ``name: on`` and ``password: 1e5`` are kept
as written. Anchors, tags and further documents are refused, and nesting is limited, so that parsing takes no more than
linear time and memory.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any

import yaml

from pi_cam_node.base.frozen import frozen

DEEPEST = 8
# Greatest number of reported faults; bounds the work for a file full of them.
MOST_FAULTS = 50

_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A setting, which stands in a section, whose value YAML takes for something else than text.
_NEEDS_QUOTES = re.compile(r"\s+[\w.-]+:[ \t]+(?:[{\[%@`&*!|>]|- |.*:(?:[ \t]|$))")
# Non-ASCII blanks before a key, copied from word processors and web pages.
_WIDE = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000"
_ODD_INDENT = re.compile(f"^[ \t]*([{_WIDE}])(?=[ {_WIDE}]*[^\\s#])", re.MULTILINE)
# Tabs that YAML allows as blanks but PyYAML does not: after the colon of a key, and before a comment or the end of a
# line. Tabs within and after quotes are not replaced.
_TABS = re.compile(r"^ *[^\s#'\"][^'\"\n]*\t[^\n]*$|^ *\t[ \t]*(?=#|$)", re.MULTILINE)
_TAB = re.compile(r"(?<=:)[ \t]+(?=[^\s])|[ \t]+(?=#|$)")
# Half of a UTF-16 pair: comes from escapes in quotes only, as the file is UTF-8.
_HALF = re.compile("[\ud800-\udfff]")
_NULLS = ("", "~", "null", "Null", "NULL")


@frozen
class ScalarNode:
    """A scalar. ``text`` is ``None`` for an empty value or ``null``."""

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
    """Return the kind of a node for messages, without its value, which may be a secret."""
    if isinstance(tree, SequenceNode):
        return "a list"
    return "a section" if isinstance(tree, MappingNode) else "a value"


class YamlError(Exception):
    """The text is not YAML, or uses parts of YAML that are not supported.

    Attributes:
        line: Line, from 1.
        why: Description of the error.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


def read(text: str) -> tuple[MappingNode, list[YamlError]]:
    """Parse a text; return its mapping and non-fatal errors.

    An empty text is an empty mapping.

    Raises:
        YamlError: The text cannot be parsed.
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
    """Parse a text into PyYAML's nodes, which have spans; ``None`` for an empty text.

    Raises:
        YamlError: The text is not YAML, or uses unsupported features.
    """
    odd = _NOT_TEXT.search(text)
    if odd:
        raise YamlError(text.count("\n", 0, odd.start()) + 1, f"the character {odd[0]!r} is not allowed")
    indented = _ODD_INDENT.search(text)
    if indented:
        line = text.count("\n", 0, indented.end()) + 1
        raise YamlError(line, f"found the character U+{ord(indented[1]):04X} at the beginning; expected plain blanks")
    composer = _Composer(_TABS.sub(_as_blanks, text))
    try:
        return composer.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _in_words(error, text) from None
    except (ValueError, OverflowError):  # PyYAML does not check the digits of \U and of %YAML
        why = "found a number that is out of range, after \\U in quotes or after %YAML"
        raise YamlError(composer.line + 1, why) from None


def _as_blanks(line: re.Match[str]) -> str:
    """Replace such tabs in a line by the same number of blanks, so that offsets stay valid."""
    before, quote, rest = re.split(r"(['\"]|$)", line[0], maxsplit=1)
    return _TAB.sub(lambda tabs: " " * len(tabs[0]), before) + quote + rest


class _Composer(yaml.BaseLoader):
    """PyYAML composer that refuses anchors, tags and deep nesting at the first occurrence."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call] # the stubs leave it out
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise YamlError(_line(event), "found an anchor or alias (& or *); write the value out")
        # A lone ! marks a string, which every scalar is here. The message omits the tag, which may be a password.
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
        return ScalarNode(line, None if node.style is None and node.value in _NULLS else _text(node.value, line))
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


def _text(value: str, line: int) -> str:
    """Return a scalar with pairs of UTF-16 escapes joined, as JSON writes characters beyond 16 bits.

    Raises:
        YamlError: One of a pair is missing; such a text cannot be stored or sent.
    """
    if not _HALF.search(value):
        return value
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise YamlError(line, "found half of a character (\\uD800 to \\uDFFF); expected the whole one") from None


def _in_words(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    if error.problem == "but found another document":
        return YamlError(line, "found a second document; expected one")
    if "\\t" in (error.problem or ""):
        return YamlError(line, "found a tab; expected blanks for the indentation")
    begun = f", {error.context} that began in line {error.context_mark.line + 1}" if error.context_mark else ""
    hint = "; is the line indented as its neighbours are?" if "block" in f"{error.problem}{error.context}" else ""
    if _NEEDS_QUOTES.match((text.splitlines()[line - 1 :] or [""])[0]):
        hint = "; put the value in quotes"
    return YamlError(line, f"not YAML: {error.problem}{begun}{hint}")


def _line(place: yaml.Event | yaml.Node) -> int:
    """Return the line in which an event or node begins, from 1."""
    return place.start_mark.line + 1 if place.start_mark else 1
