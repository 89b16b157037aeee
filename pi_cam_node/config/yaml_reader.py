"""A YAML text as a tree of texts that know their lines. Takes the part of YAML that a settings file needs, and no more.

What a text means (a number, a switch, a name) is for the setting to say, not for YAML: ``id: 007``,
``name: on`` and ``password: 1e5`` are what they look like. Anchors, tags and further documents are
refused, and nesting is bounded, so that a hostile file costs no more than its size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

DEEPEST = 8
# More faults than anybody reads; the work for a file full of them stays bounded.
MOST_FAULTS = 50

_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A value. ``text`` is ``None`` where nothing, or ``null``, was written."""

    line: int
    text: str | None


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    line: int
    items: list[Tree]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping; every child knows the line of its key."""

    line: int
    children: dict[str, Tree] = field(default_factory=dict)


Tree = ScalarNode | SequenceNode | MappingNode


def kind_of(tree: Tree) -> str:
    """Name what a tree is, without a value that may be a secret in the wrong place."""
    return "a list" if isinstance(tree, SequenceNode) else "a section" if isinstance(tree, MappingNode) else "a value"


class YamlError(Exception):
    """The text is not YAML of our kind.

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
        Unreadable: The text cannot be read any further.
    """
    odd = _NOT_TEXT.search(text)
    if odd:
        raise YamlError(text.count("\n", 0, odd.start()) + 1, f"the character {odd[0]!r} is not allowed")
    reader = _Reader(text)
    try:
        tree = reader.document()
    except yaml.MarkedYAMLError as error:
        raise _in_words(error) from None
    if isinstance(tree, ScalarNode) and tree.text is None:
        return MappingNode(tree.line), reader.faults
    if not isinstance(tree, MappingNode):
        raise YamlError(tree.line, "found no section; expected lines like `camera:` with the settings indented below")
    return tree, reader.faults


def _in_words(error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    if "\\t" in (error.problem or ""):
        return YamlError(line, "found a tab; expected blanks for the indentation")
    begun = f", {error.context} that began in line {error.context_mark.line + 1}" if error.context_mark else ""
    return YamlError(line, f"not YAML: {error.problem}{begun}")


class _Reader:
    """Builds the tree from the parser's events, which hold no more than one token at a time."""

    def __init__(self, text: str) -> None:
        self.faults: list[YamlError] = []
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.SafeLoader))

    def document(self) -> Tree:
        event = self._next()
        while not isinstance(event, yaml.NodeEvent | yaml.StreamEndEvent):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return ScalarNode(1, None)
        tree = self._tree(event, _line(event), ())
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise YamlError(_line(event), "found a second document; expected one")
        return tree

    def _tree(self, event: yaml.Event, line: int, path: tuple[str, ...]) -> Tree:
        if len(path) > DEEPEST:
            raise YamlError(line, f"nested deeper than {DEEPEST} levels")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlError(_line(event), "found an anchor or alias (& or *); write the value out")
        # A lone ! says that a text is a text, which it is here anyway. The tag is not repeated: it may be a password.
        if getattr(event, "tag", None) not in (None, "!"):
            raise YamlError(_line(event), "found a tag (!…); expected a plain value, in quotes where it begins with !")
        if isinstance(event, yaml.ScalarEvent):
            return ScalarNode(line, None if event.style is None and event.value in _NULLS else event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return SequenceNode(line, list(self._items(path)))
        return self._branch(line, path)

    def _items(self, path: tuple[str, ...]) -> Iterator[Tree]:
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            yield self._tree(event, _line(event), (*path, "[]"))

    def _branch(self, line: int, path: tuple[str, ...]) -> MappingNode:
        branch = MappingNode(line)
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key, at = self._key(event), _line(event)
            child = self._tree(self._next(), at, (*path, key))
            if key in branch.children:
                self._fault(at, f"{'.'.join((*path, key))}: given twice, first in line {branch.children[key].line}")
            else:
                branch.children[key] = child
        return branch

    def _key(self, event: yaml.Event) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
            raise YamlError(_line(event), "found no plain word for the name of a setting")
        return event.value

    def _fault(self, line: int, why: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(YamlError(line, why))

    def _next(self) -> yaml.Event:
        return next(self._events)


def _line(event: yaml.Event) -> int:
    """Return the line an event begins in, counted from 1."""
    return event.start_mark.line + 1 if event.start_mark else 1
