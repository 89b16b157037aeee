"""Changes values in a YAML text and leaves the rest as somebody wrote it.

ruamel.yaml keeps comments and order. Two things it does not keep are mended here: spacing, and the
comment above a section, which it takes for the end of the section before and which a new last key
of that section would push aside.
"""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.tokens import CommentToken

# Comparing lines costs the square of their number; a longer file keeps its comments but not its spacing.
MOST_LINES = 5000


def with_changes(text: str, changes: Mapping[str, Any]) -> str:
    """Return a text of mappings with other values, by dotted key; keys that it lacks are added to their sections.

    Raises:
        ValueError: The two YAML libraries do not agree on what the text says.
    """
    text = "".join(_lines(text))
    round_trip = _round_trip(text)
    try:
        document = round_trip.load(text)
    except YAMLError as error:
        raise ValueError(str(error)) from error
    if document is None:  # nothing but comments, which ruamel.yaml would drop
        document, kept = CommentedMap(), text
    else:
        kept = ""
    for key, value in changes.items():
        _put(document, key.split("."), value, is_top=True)
    stream = io.StringIO(kept)
    stream.seek(0, io.SEEK_END)
    round_trip.dump(document, stream)
    return stream.getvalue()


def keep_formatting(old: str, new: str) -> str:
    """Return the new text, but every line that says the same as before with the spacing it had."""
    before, after = _lines(old), _lines(new)
    if max(len(before), len(after)) > MOST_LINES:
        return new
    matcher = difflib.SequenceMatcher(None, [_said(s) for s in before], [_said(s) for s in after], autojunk=False)
    lines: list[str] = []
    indents: dict[int, int] = {}  # from how far ruamel.yaml indents a level here to how far the file does
    for what, start, end, new_start, new_end in matcher.get_opcodes():
        there = before[start:end]
        by_name = {_name(line): line for line in there}
        for number, line in enumerate(after[new_start:new_end]):
            like = there[number] if what == "equal" else by_name.get(_name(line))
            depth = _indent(line)
            if _name(line)[:1] not in ("", "#"):
                indents = {level: width for level, width in indents.items() if level <= depth}
                if like is not None:
                    indents[depth] = _indent(like)
            ours = " " * indents.get(depth, depth) + line.lstrip(" ")
            lines.append(there[number] if what == "equal" else ours)
    return "".join(lines)


def _name(line: str) -> str:
    return line.strip(" -\n").partition(":")[0]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _lines(text: str) -> list[str]:
    """Return the lines with their ends. Not str.splitlines, which knows line ends that are none to YAML."""
    lines = text.split("\n")
    return [f"{line}\n" for line in (lines if lines[-1] else lines[:-1])]


def _said(line: str) -> str:
    return " ".join(line.split())


def _round_trip(text: str) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 16
    yaml.explicit_start = re.search(r"^---\s*$", text, re.MULTILINE) is not None
    yaml.explicit_end = re.search(r"^\.\.\.\s*$", text, re.MULTILINE) is not None
    indented = re.search(r"^( +)[^\s#-]", text, re.MULTILINE)
    width = len(indented[1]) if indented else 2
    yaml.indent(mapping=width, sequence=width + 2, offset=width)
    return yaml


def _put(section: CommentedMap, path: list[str], value: Any, *, is_top: bool = False) -> None:
    name, *rest = path
    if rest and section.get(name) is not None:
        _put(section[name], rest, value)
        return
    for part in reversed(rest):
        value = CommentedMap({part: value})
    if name in section:
        _replace(section, name, value)
    elif is_top:
        section[name] = value
    else:
        _append(section, name, value)


def _replace(section: CommentedMap, name: str, value: Any) -> None:
    old = section[name]
    section[name] = _in_one_line(value)
    if isinstance(old, CommentedSeq) and not old.fa.flow_style() and old:
        # The list stood in lines of its own, and what follows it hung on its last item.
        comment = old.ca.items.get(len(old) - 1)
        if comment:
            section.ca.items[name] = [None, None, comment[0], None]


def _append(section: CommentedMap, name: str, value: Any) -> None:
    """Add a last key, in front of the comments that follow the section."""
    comments, index, slot = _end_of(section) if section else ({}, None, 0)
    tokens = comments.get(index)
    section[name] = _in_one_line(value)
    if not tokens or not tokens[slot]:
        return
    token = tokens[slot]
    token.value, following = _split(token.value, section.lc.col or 0)
    if not token.value.strip():
        del comments[index]
    if following:
        new_comments, new_index, new_slot = _end_of(section)
        entry = new_comments.setdefault(new_index, [None, None, None, None])
        entry[new_slot] = CommentToken("\n" + following, start_mark=token.start_mark)


def _split(comment: str, column: int) -> tuple[str, str]:
    """Part a comment where it leaves a section: its first line and those indented like the section stay."""
    first, *lines = _lines(comment)
    stays = 0
    for number, line in enumerate(lines, 1):
        said = line.strip()
        if said and _indent(line) < column:
            break
        stays = number if said else stays
    return "".join([first, *lines[:stays]]), "".join(lines[stays:])


def _end_of(node: Any) -> tuple[dict[Any, Any], Any, int]:
    """Return where ruamel.yaml keeps the comment after a node's last line: a dict, the key there, the place in that."""
    is_list = isinstance(node, CommentedSeq)
    last = len(node) - 1 if is_list else next(reversed(node))
    child = node[last]
    if isinstance(child, CommentedMap | CommentedSeq) and child and not child.fa.flow_style():
        return _end_of(child)
    return node.ca.items, last, 0 if is_list else 2


def _in_one_line(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    row = CommentedSeq(value)
    row.fa.set_flow_style()
    return row
