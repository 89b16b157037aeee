"""Privacy of the last good settings: masks and switch are taken from the invalid file, or privacy is on."""

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
# A comment line, up to a byte that may begin a line break of YAML: NEL, LS or PS.
_REMARK = re.compile(rb"(?:^|(?<=[\r\n]))[ \t]*#[^\r\n\xc2\xe2]*")
# A key, or an escape sequence that may be a part of it in double quotes.
_MENTION = re.compile(rb"privacy|mask|\\[xuU]", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


def with_privacy_of(good: LoadedConfig, file: LoadedConfig | None, content: bytes | None) -> LoadedConfig:
    """Return the last good settings with the masks and the privacy switch of the file.

    If the file is invalid and its privacy settings differ from the last good ones, or cannot be determined, privacy is
    on.

    Args:
        good: The last good settings.
        file: The settings of the file; ``None`` if invalid.
        content: The content of the file; ``None`` if unreadable.
    """
    if file is not None:
        return replace(good, config=_with(good.config, file.config))
    if content is None or _say_the_same(content, good.content or b""):
        return good
    return replace(good, config=with_value(good.config, PRIVACY_KEY, True))


def said_of_privacy(content: bytes) -> bytes:
    """Return the text of the section ``privacy`` without comments; empty if there is none."""
    return b" ".join(b" ".join(_COMMENT.sub(b"", found) for found in _sections(content)).split())


def _sections(content: bytes) -> list[bytes]:
    return _SECTION.findall(content.removeprefix(_BOM))


def _say_the_same(content: bytes, good: bytes) -> bool:
    """Whether an invalid file certainly has the same privacy settings as the last good one.

    Both text and parsed values must be equal, as YAML allows quoted, indented or flow-style keys. A file that is not
    YAML may mention privacy only in a section that can be parsed by itself.
    """
    bare = content.replace(b"\0", b"")  # the zero bytes of UTF-16
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
    """Return the values of privacy keys and similar ones; ``None`` if the text is not YAML."""
    try:
        tree, faults = read(content.decode("utf-8-sig"))
    except (YamlError, UnicodeDecodeError):
        return None
    return None if faults else list(_given(tree))


def _given(tree: Tree) -> Iterator[object]:
    """Yield each key similar to a privacy key, at any depth, and its value."""
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
    """Return the last good settings with the file's privacy section; masks keep their part of the scene."""
    turned = {name: getattr(good.camera, name) for name in ("rotation", "hflip", "vflip")}
    as_turned = with_turned_areas(file, file.model_copy(update={"camera": file.camera.model_copy(update=turned)}))
    return good.model_copy(update={"privacy": as_turned.privacy})
