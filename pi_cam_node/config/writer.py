"""Writes the settings in force into the configuration file, in place: comments, order and spacing stay.

Only settings that differ from what the file gives are touched. Secrets are never written, wherever
they came from. What is written has been read back first, so the node will start with it.
"""

from __future__ import annotations

import errno
import logging
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi_cam_node.base.atomic_files import replace_atomically, sync
from pi_cam_node.base.errors import ConfigError, NotSaved
from pi_cam_node.base.redaction import carries_login
from pi_cam_node.config import Config
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.config.layers import variable
from pi_cam_node.config.loader import decode, parse
from pi_cam_node.config.merge import PASSWORD_FILE, PICTURES
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.config.settings import raw_value
from pi_cam_node.config.yaml_editor import with_changes
from pi_cam_node.config.yaml_reader import YamlError

_log = logging.getLogger(__name__)

# What rename() answers where a container has the file mounted by itself instead of its folder.
_MOUNTED_ALONE = (errno.EBUSY, errno.EXDEV)
# A mask hides what it shall only in a picture that is turned as the one on which it was drawn.
_MASKED = ("privacy.masks", "camera.rotation", "camera.hflip", "camera.vflip")


def write_back(
    path: Path | None, config: Config, base: bytes | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Make the file give the settings in force; the file as it was stays beside it as ``<name>.bak``.

    One that is not valid stays as ``<name>.bad``, where it could be read at all, and the new one is made from the base.

    A file that gives them already is left alone.
    Thread: any, but one at a time. Takes up to half a second on a small board.

    Args:
        path: The file that the node was started with; ``None`` where it was started without one.
        config: The settings in force.
        base: The content that they were loaded from, where that was not the file's.
        environ: The environment of the next start; ``None`` where it gives no settings.

    Raises:
        NotSaved: The file is the old one; the message says why.
    """
    if path is None:
        raise NotSaved("started without a configuration file; start with --config")
    try:
        if base is not None and not _is_usable(path):
            return _replaced(path, config, base, environ)
        content = path.read_bytes()
        new = rewritten(content, path, config)
        _check_masks(new, path, config, environ)
        if new != content:
            mode = stat.S_IMODE(path.stat().st_mode)
            replace_atomically(path.with_name(f"{path.name}.bak"), content, mode)
            replace_atomically(path, new, mode)
        else:
            sync(path)  # an earlier run may have been killed between giving it its name and syncing that
    except ConfigError as error:
        raise NotSaved(f"the file is not valid as it stands: {error.problems[0]}") from error
    except NotSaved:
        raise  # which is an OSError, but says all already
    except OSError as error:
        hint = "; mount its folder instead of the file alone" if error.errno in _MOUNTED_ALONE else ""
        raise NotSaved(f"{path}: {error.strerror}{hint}") from error
    return path


def _replaced(path: Path, config: Config, base: bytes, environ: Mapping[str, str] | None) -> Path:
    """Set a file aside with which the node could not start, and create a valid one."""
    new = rewritten(base, path, config)
    _check_masks(new, path, config, environ)
    try:
        replace_atomically(path.with_name(f"{path.name}.bad"), path.read_bytes())
    except OSError as error:
        _log.warning("%s cannot be kept aside: %s", path, error.strerror)
    replace_atomically(path, new)
    return path


def _check_masks(content: bytes, path: Path, config: Config, environ: Mapping[str, str] | None) -> None:
    """Raise where the next start would not turn picture and masks together, because the environment gives one of them.

    Raises:
        NotSaved: The masks would hide another part of the scene.
    """
    if not config.privacy.masks or not environ:
        return
    started = parse(decode(content, path), path, environ)
    if others := [key for key in _MASKED if _value(started, key) != _value(config, key)]:
        raise NotSaved(
            f"the environment gives {', '.join(map(variable, others))}, with which the masks would hide another part "
            "of the scene after the next start; remove it there and ask again"
        )


def _is_usable(path: Path) -> bool:
    try:
        content = path.read_bytes()
        return bool(content.strip(b" \t\r\n\0")) and parse(decode(content, path), path) is not None
    except (OSError, ConfigError):
        return False


def rewritten(content: bytes, path: Path, config: Config) -> bytes:
    """Return the content that gives the settings in force; the same content where it does already.

    Raises:
        ConfigError: The file is not valid as it stands.
        NotSaved: No change was found that a start would read as meant.
    """
    text = decode(content, path)
    changes = _changes(parse(text, path), config)
    if not changes:
        return content
    lines = text.replace("\r\n", "\n")
    try:
        edited = with_changes(lines, changes)
    except YamlError:
        edited = lines
    if not _gives(edited, path, config):
        raise NotSaved(
            f"{path} is written in a way that cannot be changed safely; change it by hand: {', '.join(changes)}"
        )
    written = edited.replace("\n", "\r\n") if "\r\n" in text else edited
    return (b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b"") + written.encode()


def _changes(filed: Config, config: Config) -> dict[str, Any]:
    """Return the changes that the file needs, as YAML values by key. Never a secret, nor where one is kept.

    Nor where the pictures are, which depends on systemd too and cannot change while the node runs; nor whether privacy
    is on, which is remembered by itself: on in the file would bring it back at each start.
    """
    changes = {}
    for key, info in catalogue().items():
        value = _value(config, key)
        if (
            info.secret
            or key in (PASSWORD_FILE, PICTURES, PRIVACY_KEY)
            or carries_login(str(value))
            or value == _value(filed, key)
        ):
            continue
        changes[key] = value
    return changes


def _value(config: Config, key: str) -> Any:
    value = raw_value(config, key)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, Path) else value


def _gives(text: str, path: Path, config: Config) -> bool:
    try:
        return not _changes(parse(text, path), config)
    except ConfigError:
        return False
