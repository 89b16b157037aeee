"""Reads a file of another system; recognizes the system by the content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.config.loader import content_of, decode
from pi_cam_node.config.yaml_reader import YamlError, read
from pi_cam_node.console.imports import frigate, go2rtc, motioneye
from pi_cam_node.console.imports.camera_list import CameraList


def cameras_in(path: Path, environ: Mapping[str, str]) -> CameraList:
    """Return the cameras of a ``go2rtc.yaml``, a ``config.yml`` of Frigate, or a file, folder or backup of motionEye.

    Args:
        path: The file or folder; at most 1 MiB of YAML, 16 MiB of an unpacked backup.
        environ: Values of variables in addresses.

    Raises:
        ConfigError: It cannot be read, or is none of these.
    """
    try:
        if path.is_dir() or motioneye.is_file_of_camera(path.name):
            return _of_motioneye(path)
        content = content_of(path)
        if content.startswith(motioneye.GZIP):
            return _of_motioneye(path)
    except ConfigError:  # a ValueError, too: it names the file itself
        raise
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from None
    try:
        root, faults = read(decode(content, path))
    except YamlError as error:
        raise ConfigError([f"{path}:{error.line}: {error.why}"]) from None
    if "cameras" in root.children:
        found = frigate.cameras_of(root, environ)
    elif "streams" in root.children:
        found = go2rtc.cameras_of(root, environ)
    else:
        raise ConfigError([f"{path}: has neither `streams:` of go2rtc nor `cameras:` of Frigate"])
    found.notes += [f"line {fault.line}: {fault.why}" for fault in faults]
    return found


def _of_motioneye(path: Path) -> CameraList:
    texts = motioneye.texts_in(path)
    if not texts:
        raise ConfigError([f"{path}: holds no camera-N.conf of motionEye"])
    return motioneye.cameras_of(texts)
