"""The last good settings must not show what the file hides: its section ``privacy`` holds where the rest does not."""

from __future__ import annotations

import re
from dataclasses import replace

from pi_cam_node.config import Config
from pi_cam_node.config.privacy import SWITCH
from pi_cam_node.configfile import LoadedConfig
from pi_cam_node.settings import with_value

_SECTION = re.compile(rb"^privacy[ \t]*:.*?(?=^[^ \t\r\n#-]|\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(rb"(^|\s)#.*$", re.MULTILINE)


def with_privacy_of(good: LoadedConfig, file: LoadedConfig | None, content: bytes | None) -> LoadedConfig:
    """Return the last good settings with the masks, and the switch, of the file.

    Where the file cannot be read as settings and says anything else of privacy than they do, privacy is on: nobody
    knows what it was meant to hide.

    Args:
        good: The last good settings.
        file: The settings of the file; ``None`` where they are not usable.
        content: The content of the file; ``None`` where it cannot be read.
    """
    if file is not None:
        return replace(good, config=_with(good.config, file.config))
    if content is None or said_of_privacy(content) == said_of_privacy(good.content or b""):
        return good
    return replace(good, config=with_value(good.config, SWITCH, True))


def said_of_privacy(content: bytes) -> bytes:
    """Return the section ``privacy`` of a file, word by word and without its comments; empty where there is none."""
    return b" ".join(b" ".join(_COMMENT.sub(b"", found) for found in _SECTION.findall(content)).split())


def _with(good: Config, file: Config) -> Config:
    return good.model_copy(update={"privacy": file.privacy})
