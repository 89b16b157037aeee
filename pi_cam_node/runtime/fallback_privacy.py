"""The last good settings must not show what the file hides: its section ``privacy`` holds where the rest does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pi_cam_node.base.errors import nearest
from pi_cam_node.config import Config
from pi_cam_node.config.loader import MAX_FILE_BYTES, LoadedConfig
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.config.settings import with_value
from pi_cam_node.config.turned_areas import with_turned_areas
from pi_cam_node.config.yaml_reader import MappingNode, SequenceNode, Tree, YamlError, read

NAMES = ("privacy", "masks")
NAME_LETTERS_MAX = 20
_SECTION = re.compile(rb"^privacy[ \t]*:.*?(?=^[^ \t\r\n#-]|\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(rb"(^|\s)#.*$", re.MULTILINE)
# A line that is a remark, up to what may be another end of a line for YAML: NEL, LS and PS begin with these bytes.
_REMARK = re.compile(rb"(?:^|(?<=[\r\n]))[ \t]*#[^\r\n\xc2\xe2]*")
# A name itself, or a letter of it as YAML lets it be written between double quotes.
_MENTION = re.compile(rb"privacy|mask|\\[xuU]", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


def with_privacy_of(good: LoadedConfig, file: LoadedConfig | None, content: bytes | None) -> LoadedConfig:
    """Return the last good settings with the masks, and the switch, of the file.

    Where the file cannot be read as settings and says anything else of privacy than they do, or where it cannot be
    told what it says, privacy is on: it is not known what it was meant to hide.

    Args:
        good: The last good settings.
        file: The settings of the file; ``None`` where they are not usable.
        content: The content of the file; ``None`` where it cannot be read.
    """
    if file is not None:
        return replace(good, config=_with(good.config, file.config))
    if content is None or _say_the_same(content, good.content or b""):
        return good
    return replace(good, config=with_value(good.config, PRIVACY_KEY, True))


def said_of_privacy(content: bytes) -> bytes:
    """Return the section ``privacy`` of a file, word by word and without its comments; empty where there is none."""
    return b" ".join(b" ".join(_COMMENT.sub(b"", found) for found in _sections(content)).split())


def _sections(content: bytes) -> list[bytes]:
    return _SECTION.findall(content.removeprefix(_BOM))


def _say_the_same(content: bytes, good: bytes) -> bool:
    """Whether a file that is not usable certainly says of privacy what the last good one does.

    Its words must be the same, and its meaning: as YAML the same key may be written in quotes, further to the right,
    or between braces. A file that is no YAML must not mention it but in a section of its own that can be read alone.
    """
    bare = content.replace(b"\0", b"")  # what UTF-16 puts between the letters
    if len(content) >= MAX_FILE_BYTES or said_of_privacy(bare) != said_of_privacy(good):
        return False
    told, meant = _meaning(content), _meaning(good)
    if told is not None:
        return told == meant
    sections, rest = _sections(bare), bare
    for section in sections:
        rest = rest.replace(section, b"\n")
    if _MENTION.search(_REMARK.sub(b"", rest)):
        return False
    return not sections or _meaning(b"".join(sections)) == meant


def _meaning(content: bytes) -> list[object] | None:
    """Return what is given under the names of privacy, or what resembles them; ``None`` for other text."""
    try:
        tree, faults = read(content.decode("utf-8-sig"))
    except (YamlError, UnicodeDecodeError):
        return None
    return None if faults else list(_given(tree))


def _given(tree: Tree) -> Iterator[object]:
    """Yield each name that resembles one of privacy, wherever it stands, and its value."""
    for name, child in tree.children.items() if isinstance(tree, MappingNode) else ():
        if nearest(name.lower()[:NAME_LETTERS_MAX], NAMES):
            yield name, _plain(child)
        else:
            yield from _given(child)


def _plain(tree: Tree) -> object:
    if isinstance(tree, MappingNode):
        return {name: _plain(child) for name, child in tree.children.items()}
    return [_plain(item) for item in tree.items] if isinstance(tree, SequenceNode) else (tree.text,)


def _with(good: Config, file: Config) -> Config:
    """Return the last good settings with the section of the file, its masks on the part of the scene that they hide."""
    turned = {name: getattr(good.camera, name) for name in ("rotation", "hflip", "vflip")}
    as_turned = with_turned_areas(file, file.model_copy(update={"camera": file.camera.model_copy(update=turned)}))
    return good.model_copy(update={"privacy": as_turned.privacy})
