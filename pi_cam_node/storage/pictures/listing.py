"""Listing of the folder of the pictures as packed records, so that a large folder takes little memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pi_cam_node.core.media_ids import parse_file_name
from pi_cam_node.storage.directory import entries
from pi_cam_node.storage.pictures.records import RECORD_BYTES, Entry, Records, key_of

# Leading bytes of a record that are alike within four to five hours. Files are sorted in groups of that length.
_GROUP_BYTES = 5


def list_pictures(directory: Path, beat: Callable[[], None] = lambda: None) -> Records:
    """Return the node's pictures and films, sorted by key, with the sizes of their files.

    Other names, directories and links are ignored.

    Args:
        directory: The folder.
        beat: Called at each file: a large folder takes minutes.

    Raises:
        OSError: The directory cannot be read.
    """
    groups: dict[bytes, bytearray] = {}
    for entry in entries(directory):
        beat()
        named = parse_file_name(entry.name)
        if named is not None and entry.is_file(follow_symlinks=False):
            name, extension = named
            with suppress(FileNotFoundError):  # deleted meanwhile
                file = Entry.of(key_of(name), (extension,), entry.stat(follow_symlinks=False).st_size).record
                groups.setdefault(file[:_GROUP_BYTES], bytearray()).extend(file)
    records = Records()
    for group in sorted(groups):
        _add_pictures(records, groups.pop(group))
    return records


def _add_pictures(records: Records, files: bytearray) -> None:
    """Add the pictures of a group of files; those of one picture have one key."""
    last: Entry | None = None
    for record in sorted(bytes(files[at : at + RECORD_BYTES]) for at in range(0, len(files), RECORD_BYTES)):
        file = Entry(record)
        if last is not None and last.key == file.key:
            file = Entry.of(file.key, (*last.extensions, *file.extensions), last.size_bytes + file.size_bytes)
        elif last is not None:
            records.append(last)
        last = file
    if last is not None:
        records.append(last)
