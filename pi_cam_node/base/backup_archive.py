"""Adds members to a streamed tar archive: files as they are, databases as a consistent copy."""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pi_cam_node.base.secret_file import require_plain

if TYPE_CHECKING:
    from _typeshed import SupportsRead

# Begin of the names of all members.
ROOT = "pi-cam-node/"


class OneWayArchive(tarfile.TarFile):
    """A tar archive that is written or read once, from its begin to its end.

    `tarfile` keeps half a kilobyte for each member until the archive is closed; this one forgets them.
    """

    members: list[tarfile.TarInfo]

    def addfile(self, tarinfo: tarfile.TarInfo, fileobj: SupportsRead[bytes] | None = None) -> None:
        """Add a member."""
        super().addfile(tarinfo, fileobj)
        self.members.clear()

    def next(self) -> tarfile.TarInfo | None:
        """Return the next member; ``None`` at the end."""
        self.members.clear()
        return super().next()


def add_file(archive: tarfile.TarFile, name: str, file: Path) -> int | None:
    """Add a file under a name; return its size in bytes, ``None`` if it does not exist (any more).

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    try:
        require_plain(file)
        source = file.open("rb")
    except FileNotFoundError:
        return None
    with source:
        member = _member(name, os.fstat(source.fileno()).st_size)
        archive.addfile(member, source)
    return member.size


def add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file with the given content."""
    archive.addfile(_member(name, len(content)), io.BytesIO(content))


def add_database(archive: tarfile.TarFile, name: str, file: Path) -> int | None:
    """Add a consistent copy of an SQLite database, also while others write it; return its size as `add_file` does.

    Raises:
        sqlite3.Error: The database cannot be copied.
    """
    if not file.exists():
        return None
    with tempfile.TemporaryDirectory(prefix="pi-cam-node-backup-") as folder:
        copy = Path(folder) / file.name
        source = sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True)
        with closing(source) as reader, closing(sqlite3.connect(copy)) as writer:
            reader.backup(writer)
        return add_file(archive, name, copy)


def _member(name: str, size_bytes: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(ROOT + name)
    member.size, member.mode, member.mtime = size_bytes, 0o600, int(datetime.now(UTC).timestamp())
    return member
