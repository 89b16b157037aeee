"""Mode and group of saved pictures and films (`storage.file_mode`, `storage.group`): for Samba, NFS and web servers."""

from __future__ import annotations

import functools
import grp
import logging
import os

from pi_cam_node.base.atomic_files import FILE_MODE
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import StorageConfig

_log = logging.getLogger(__name__)


@frozen
class FileAccess:
    """Mode and group of saved files.

    Attributes:
        mode: Permission bits of a file.
        group_id: Its group; ``None``: that of the process, or of a setgid folder.
    """

    mode: int
    group_id: int | None

    @classmethod
    def of(cls, storage: StorageConfig) -> FileAccess:
        """Return mode and group from the settings; an unusable group is logged once and ignored."""
        return _access(storage.file_mode, storage.group)

    @property
    def directory_mode(self) -> int:
        """Permission bits of a folder: search permission for all who may read its files."""
        return self.mode | (self.mode & 0o444) >> 2


OWNER_ONLY = FileAccess(FILE_MODE, None)


def group_id_of(group: str) -> int | None:
    """Return the id of a group given by name or number; ``None`` for an empty text.

    Raises:
        LookupError: This machine knows no such group.
    """
    if not group:
        return None
    return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid


@functools.cache
def _access(file_mode: str, group: str) -> FileAccess:
    mode = int(file_mode, 8)
    try:
        group_id = group_id_of(group)
    except LookupError:
        _log.warning("storage.group: this machine has no group %s; saved files keep the node's", group)
        return FileAccess(mode, None)
    if group_id is not None and os.geteuid() != 0 and group_id not in (os.getegid(), *os.getgroups()):
        _log.warning("storage.group: the node is no member of %s and may not give files to it", group)
        return FileAccess(mode, None)
    return FileAccess(mode, group_id)
