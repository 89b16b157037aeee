"""Operations on saved pictures and films: list, keep, delete. Thread: the worker."""

from __future__ import annotations

from heapq import nlargest
from operator import attrgetter
from pathlib import Path

from pi_cam_node.base.atomic_files import FILE_MODE, replace_atomically, sync_directory
from pi_cam_node.base.errors import BadRequest, Forbidden
from pi_cam_node.base.file_system import joined
from pi_cam_node.core.history import MediaRow, Page, Query
from pi_cam_node.core.media_ids import SIDECAR
from pi_cam_node.core.sidecar import is_kept
from pi_cam_node.storage.directory import as_storage_error, is_plain_file
from pi_cam_node.storage.io_heartbeat import IoHeartbeat
from pi_cam_node.storage.pictures.index import Index
from pi_cam_node.storage.pictures.quota import Quota
from pi_cam_node.storage.pictures.records import Entry, first_key_at
from pi_cam_node.storage.pictures.sidecar import changeable_sidecar, read_sidecar, with_kept


class Library:
    """Rows of pictures and films: existence from the index, metadata from the side-cars."""

    def __init__(self, directory: Path, index: Index, quota: Quota, heartbeat: IoHeartbeat) -> None:
        self._directory = directory
        self._index = index
        self._quota = quota
        self._heartbeat = heartbeat

    def page(self, query: Query) -> Page[MediaRow]:
        """Return rows, newest first; reads their side-cars.

        Raises:
            LookupError: ``before`` is an id that is not there.
        """
        older_than = self._older_than(query)
        fitting = (
            entry
            for entry in self._index
            if entry.extensions != (SIDECAR,)
            and (older_than is None or entry.key < older_than)
            and (not query.kind or entry.kind == query.kind)
            and not query.zone  # pictures have none
        )
        found = nlargest(query.limit + 1, fitting, key=attrgetter("key"))  # all rows could take much memory
        with self._heartbeat.timed():
            rows = tuple(self._row(entry) for entry in found[: query.limit])
        return Page(rows, len(found) > query.limit)

    def _older_than(self, query: Query) -> bytes | None:
        """Return the key below which rows are wanted; ``None``: all.

        Raises:
            LookupError: ``before`` is an id that is not there.
        """
        if isinstance(query.before, str):
            entry = self._index.find(query.before)
            if entry.extensions == (SIDECAR,):
                raise LookupError(query.before)
            return entry.key
        return None if query.before is None else first_key_at(query.before)

    def keep(self, picture_id: str, *, kept: bool) -> None:
        """Store in the side-car whether a picture is protected from retention; a missing side-car is created.

        Raises:
            BadRequest: It is not there.
            NoSpace, NotSaved: Nothing was changed.
        """
        entry = self._entry(picture_id)
        path = self._directory / f"{picture_id}.{SIDECAR}"
        with as_storage_error(f"cannot change {path}"), self._heartbeat.timed():
            paths = (joined(self._directory, f"{picture_id}.{each}") for each in entry.extensions if each != SIDECAR)
            if not any(map(is_plain_file, paths)):  # deleted by hand
                raise _missing(picture_id)
            facts = changeable_sidecar(path)
            if is_kept(facts) is not kept:
                replace_atomically(path, with_kept(facts, picture_id, kept=kept), *_access_of(path))
        self._index.note(entry.key, clock_set=entry.clock_set, kept=kept)

    def delete(self, picture_id: str) -> None:
        """Delete a picture or film with all its files; synced to disk on return.

        Raises:
            BadRequest: It is not there.
            Forbidden: It is kept.
            NotSaved: A file cannot be removed.
        """
        entry = self._entry(picture_id)
        with as_storage_error(f"cannot delete {picture_id}"), self._heartbeat.timed():
            if is_kept(read_sidecar(joined(self._directory, f"{picture_id}.{SIDECAR}"))):
                raise Forbidden(
                    f"ERROR: {picture_id} is kept; to delete it, send first: keep {picture_id} off",
                    data={"id": picture_id, "kept": True},
                )
            self._quota.remove(entry)
            sync_directory(self._directory)

    def _entry(self, picture_id: str) -> Entry:
        try:
            return self._index.find(picture_id)
        except KeyError:
            raise _missing(picture_id) from None

    def _row(self, entry: Entry) -> MediaRow:
        name, picture_id = entry.name, entry.id
        path = joined(self._directory, f"{picture_id}.{entry.extensions[0]}")
        facts = read_sidecar(joined(self._directory, f"{picture_id}.{SIDECAR}"))
        seconds = facts.get("seconds")
        length_s = seconds if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None
        return MediaRow(picture_id, name.kind, name.at, path, entry.size_bytes, length_s, is_kept(facts))


def _missing(picture_id: str) -> BadRequest:
    return BadRequest(f"ERROR: no picture or film has the id {picture_id[:80]!r}", data={"missing": picture_id[:80]})


def _access_of(path: Path) -> tuple[int, int | None]:
    """Return mode and group of a file, or those for a new one if it is missing."""
    try:
        found = path.stat()
    except OSError:
        return FILE_MODE, None
    return found.st_mode & 0o777, found.st_gid
