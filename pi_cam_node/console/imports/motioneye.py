"""Cameras of motionEye: ``camera-N.conf``, in a folder or in the ``.tar.gz`` of its *Backup* button.

Each is a configuration of motion: ``name value`` on a line, and ``# @name value`` for motionEye's own options.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from pi_cam_node.console.imports.camera_list import CameraList, NotTaken, checked

FILES_MAX, FILE_MAX_BYTES, BACKUP_MAX_BYTES = 64, 64 << 10, 16 << 20
GZIP = b"\x1f\x8b"
_FILE = re.compile(r"(?:.*/)?(?:camera|thread)-\d{1,4}\.conf")
_LINE = re.compile(r"^(?:#[ \t]*(@\w+)|(\w+))[ \t]+(\S.*)$", re.MULTILINE)
# Options that are not imported, with the node's settings that replace them.
_ELSEWHERE = {
    "rotate": "camera.rotation",
    "flip_axis": "camera.hflip, camera.vflip",
    "width": "camera.width",
    "height": "camera.height",
    "framerate": "camera.framerate",
    "pre_capture": "recording.pre_roll_s",
    "mask_privacy": "privacy.masks",
    "mask_file": "motion.ignore",
}


def is_file_of_camera(name: str) -> bool:
    """Return whether a file of this name is one camera of motionEye."""
    return _FILE.fullmatch(name) is not None


def texts_in(path: Path) -> list[str]:
    """Return the contents of the cameras' files of a folder, a backup or a single file; nothing is unpacked to disk.

    Raises:
        OSError: Something cannot be read.
        ValueError: It is no backup, or too large for one.
    """
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if is_file_of_camera(each.name))[:FILES_MAX]
        return [_decoded(_head(file)) for file in files if file.is_file()]
    if is_file_of_camera(path.name):
        return [_decoded(_head(path))]
    return list(_members(path))


def cameras_of(texts: list[str]) -> CameraList:
    """Return the cameras that these files describe, in their order."""
    found = CameraList("motionEye")
    for number, content in enumerate(texts, 1):
        values = {(match[1] or match[2]): match[3].rstrip() for match in _LINE.finditer(content)}
        name = values.get("camera_name") or values.get("@name") or f"camera {number}"
        try:
            found.add(name, _source(values))
        except NotTaken as error:
            found.notes.append(f"{name}: not taken: {error}")
            continue
        keys = [
            f"{key} (now {where})" for key, where in _ELSEWHERE.items() if values.get(key, "0") not in ("0", "none")
        ]
        if keys:
            found.notes.append(f"{name}: no part of a camera list, set it on the node's page: {', '.join(keys)}")
    return found


def _source(values: Mapping[str, str]) -> str:
    if values.get("@enabled", "on") != "on":
        raise NotTaken("it is not enabled")
    if values.get("@proto") == "motioneye":
        raise NotTaken(f"it belongs to the motionEye on {values.get('@host', 'another machine')}: install a node there")
    url = values.get("netcam_url", "")
    if url:
        return checked(_with_login(re.sub(r"^mjpe?g://", "http://", url), values.get("netcam_userpass", "")))
    if any(values.get(key) for key in ("mmalcam_name", "libcam_device", "libcam_name")):
        return "picamera2"
    device = values.get("videodevice") or values.get("video_device") or ""
    if re.fullmatch(r"/dev/(?:video\d{1,3}|v4l/[\w./:-]{1,200})", device):
        return f"v4l2:{device}"
    raise NotTaken("it names no camera that a node can read")


def _with_login(url: str, login: str) -> str:
    scheme, mark, rest = url.partition("://")
    if not login or not mark or "@" in rest.partition("/")[0]:
        return url
    user, colon, password = login.partition(":")
    return f"{scheme}://{quote(user, safe='')}{colon}{quote(password, safe='')}@{rest}"


def _members(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise ValueError("it is a pipe, expected a file, which is read twice")
    try:
        with gzip.open(path) as packed:
            content = packed.read(BACKUP_MAX_BYTES + 1)
        if len(content) > BACKUP_MAX_BYTES:
            raise ValueError(f"unpacked it is larger than {BACKUP_MAX_BYTES >> 20} MiB, expected motionEye's backup")
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            files = [each for each in archive if each.isfile() and is_file_of_camera(each.name)][:FILES_MAX]
            for member in sorted(files, key=lambda each: each.name):
                packed_file = archive.extractfile(member)
                yield _decoded(packed_file.read(FILE_MAX_BYTES) if packed_file is not None else b"")
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ValueError("it is no whole .tar.gz, expected motionEye's backup") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FILE_MAX_BYTES)


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "replace")
