"""Writes the current settings into the configuration file; comments, order and spacing are kept.

Only settings that differ from the file are changed. Secrets are never written. The new content is parsed before it is
written, so the node can start with it.
"""

from __future__ import annotations

import errno
import logging
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi_cam_node.base.atomic_files import refuse_special, replace_atomically, sync
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

# Errors of rename() if a container mounts the file itself rather than its folder.
_MOUNTED_ALONE = (errno.EBUSY, errno.EXDEV)
# Masks are only right together with the rotation for which they were drawn.
_MASKED = ("privacy.masks", "camera.rotation", "camera.hflip", "camera.vflip")


def write_back(
    path: Path | None, config: Config, base: bytes | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Update the file to the current settings; the old file is kept as ``<name>.bak``.

    An invalid file is kept as ``<name>.bad``, if it is readable, and the new one is based on ``base``.

    A file that is up to date is not written. Thread: any, but one at a time. Takes up to half a second on a small
    board.

    Args:
        path: The file of the node; ``None`` if there is none.
        config: The settings in force.
        base: Content from which the settings were loaded, if not the file's.
        environ: The environment of the next start; ``None`` if it contains no settings.

    Raises:
        NotSaved: The file is unchanged; the message says why.
    """
    if path is None:
        raise NotSaved("started without a configuration file; start with --config")
    refuse_pipe(path)
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
            sync(path)  # an earlier run may have been killed before the sync
    except ConfigError as error:
        raise NotSaved(f"the file is not valid as it stands: {error.problems[0]}") from error
    except NotSaved:
        raise  # an OSError, too, with a complete message
    except OSError as error:
        hint = "; mount its folder instead of the file alone" if error.errno in _MOUNTED_ALONE else ""
        raise NotSaved(f"{path}: {error.strerror}{hint}") from error
    return path


def refuse_pipe(path: Path) -> None:
    """Refuse to write into what settings were read from where that is no file: reading it again would not end.

    Raises:
        NotSaved: It is a pipe, a device or a folder.
    """
    try:
        refuse_special(path)
    except OSError:
        raise NotSaved(f"{path} is no file; start with --config and a file to keep changes") from None


def _replaced(path: Path, config: Config, base: bytes, environ: Mapping[str, str] | None) -> Path:
    """Set an invalid file aside, and create a valid one."""
    new = rewritten(base, path, config)
    _check_masks(new, path, config, environ)
    try:
        replace_atomically(path.with_name(f"{path.name}.bad"), path.read_bytes())
    except OSError as error:
        _log.warning("%s cannot be kept aside: %s", path, error.strerror)
    replace_atomically(path, new)
    return path


def _check_masks(content: bytes, path: Path, config: Config, environ: Mapping[str, str] | None) -> None:
    """Check that rotation and masks stay consistent at the next start if the environment overrides one of them.

    Raises:
        NotSaved: The masks would cover another part of the scene.
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
    """Return the content updated to the current settings; unchanged if it is up to date.

    Raises:
        ConfigError: The file is invalid.
        NotSaved: The new content does not read back as these settings.
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
    """Return the necessary changes as YAML values by key, without secrets and paths of secret files.

    Also without the folder of pictures, which depends on systemd and is not live, and without `privacy.enable`, which
    is stored separately: in the file it would switch privacy on at each start.
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
