"""Paths as text, and network file systems, which may corrupt SQLite databases."""

from __future__ import annotations

import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
# Source: sqlite.org/howtocorrupt.html (locks of network file systems do not hold) and the kernel's list of such ones.
_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "fuse.sshfs",
    "fuse.rclone",
    "fuse.gluster",
    "davfs",
)


def joined(directory: str | Path, *names: str) -> str:
    """Return the path of a file as text, for the many files whose names are used a few times each.

    pathlib enters each part of a path into CPython's table of interned strings. By the names of thousands of pictures
    the table doubles, to 2 MiB, and it never shrinks.
    """
    return os.path.join(directory, *names)  # noqa: PTH118 - see above


def may_exist(file: Path) -> bool:
    """Return whether a file exists or may exist: where it cannot be looked for, reading it will say why."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def is_directory(path: Path) -> bool:
    """Return whether there is a directory; false where a parent of it may not be searched, for which pathlib raises."""
    return os.path.isdir(path)  # noqa: PTH112 - see above


def network_file_system(folder: Path) -> str:
    """Return the type of a folder's file system if it is a network one; empty otherwise or if unknown.

    Source: proc(5), mountinfo.
    """
    try:
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    real = os.path.realpath(folder)
    longest, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, types = before.split(" "), after.split(" ")
        if len(fields) < 5 or not types[0]:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])  # a blank is written as \040
        is_inside = real == point or real.startswith(point.rstrip("/") + "/")
        if is_inside and len(point) >= longest:  # of two mounts on one path the later hides the earlier
            longest, kind = len(point), types[0]
    return kind if kind.startswith(_NETWORK) else ""
