"""Archive of pictures in a folder: atomic saves, lookup by id, retention."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from pi_cam_node.base.atomic_files import make_directory
from pi_cam_node.base.clock import Clock, IsClockSynced, clock_is_set
from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.file_system import joined
from pi_cam_node.config import FORMATS, Config, Format
from pi_cam_node.core.events import PictureSaved
from pi_cam_node.core.file_access import FileAccess
from pi_cam_node.core.history import MediaRow, Page, Query
from pi_cam_node.core.media_ids import FILM_FORMAT, SIDECAR, boot_part, parse_id, unfinished_film
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.storage.directory import (
    as_storage_error,
    check_writable,
    is_plain_file,
    nearest_directory,
    remove_parts,
)
from pi_cam_node.storage.io_heartbeat import IoHeartbeat
from pi_cam_node.storage.pictures.folder_watch import FolderWatch
from pi_cam_node.storage.pictures.index import Index, Usage
from pi_cam_node.storage.pictures.library import Library
from pi_cam_node.storage.pictures.listing import list_pictures
from pi_cam_node.storage.pictures.previews import previews
from pi_cam_node.storage.pictures.quota import Quota
from pi_cam_node.storage.pictures.records import Entry, key_of
from pi_cam_node.storage.pictures.recovery import Recovered, recover
from pi_cam_node.storage.pictures.reload import reload
from pi_cam_node.storage.pictures.sidecar import Origin
from pi_cam_node.storage.pictures.writer import WriteJob, Written, write

_log = logging.getLogger(__name__)


class PictureArchive:
    """Implements `pi_cam_node.core.picture.Archive` in one flat folder.

    A picture is one file per format and a JSON side-car, all named by its id. Other files are never touched.

    Thread: the worker, except where a method says otherwise.
    """

    def __init__(
        self,
        base_dir: Path,
        boot_id: str,
        clock: Clock,
        images: ImageTasks,
        *,
        clock_set: IsClockSynced = clock_is_set,
        packet_limit: Callable[[], int | None] = lambda: None,
        film_removed: Callable[[str], None] = lambda _film_id: None,
    ) -> None:
        """Create the archive without accessing the disk.

        Args:
            base_dir: The folder, created at the first save; relative to the working directory.
            boot_id: Id of this run of the node; begins with 8 hex digits.
            clock: The clocks.
            images: Image processing.
            clock_set: Tells whether UTC is synchronised; if not, nothing is removed by age.
            packet_limit: Returns the broker's packet limit in bytes, for the published picture.
            film_removed: Called with the id of each removed film.

        Raises:
            ValueError: The boot id does not begin with 8 hex digits.
        """
        self._directory = base_dir.absolute()
        self._boot = boot_id
        self._boot_part = boot_part(boot_id)
        self._clock = clock
        self._images = images
        self._clock_set = clock_set
        self._packet_limit = packet_limit
        self._index = Index()
        self._watch = FolderWatch(self._directory)
        self._heartbeat = IoHeartbeat(clock)
        self._quota = Quota(self._directory, self._index, clock, clock_set, self._heartbeat, film_removed=film_removed)
        self._library = Library(self._directory, self._index, self._quota, self._heartbeat)

    def open(self) -> None:
        """Remove partial files left by a crash, and index the folder.

        Should be the worker's first job; otherwise `save` and `tidy` call it.

        Raises:
            NotSaved: The folder cannot be read.
        """
        with as_storage_error(f"cannot read {self._directory}"), self._heartbeat.timed():
            parts = remove_parts(self._directory, self._heartbeat.beat)
            changed_ns = self._watch.begin()
            found = list_pictures(self._directory, self._heartbeat.beat)
            if self._index.usage is None and recover(self._directory, found, self._heartbeat.beat) != Recovered():
                found = list_pictures(self._directory, self._heartbeat.beat)
            self._watch.listed(any_found=len(found) > 0, changed_ns=changed_ns)
        self._index.reconcile(found)
        self._quota.retry_undeletable()
        self._index.publish()
        if parts:
            _log.warning("removed %d half-written files of an earlier run from %s", parts, self._directory)

    def save(self, picture: Picture, formats: Sequence[Format], config: Config) -> PictureSaved:
        """Write the picture in each format and its side-car; all are on disk on return.

        The oldest pictures are removed before if the disk is full, and afterwards if a limit is exceeded.

        Raises:
            NoSpace: The disk or a quota is full, or the reserve would be touched.
            NotSaved: A file could not be written. In both cases no file is left.
        """
        with as_storage_error(f"cannot save into {self._directory}"):
            with self._heartbeat.timed():
                access = FileAccess.of(config.storage)
                make_directory(self._directory, access.directory_mode, access.group_id)
            self._open_once()
            is_known = self._watch.is_unchanged
            written = self._write(picture, formats, config)
        self._remember(written)
        if not is_known and self._quota.is_over(config.storage):
            with suppress(NotSaved):  # files deleted by hand count as free space
                self.open()
                is_known = True
        self._keep_within_limits(config)
        self._watch.saved(is_known=is_known)
        return self._saved(picture, written, config)

    def reload(self, config: Config, picture_id: str = "") -> PictureSaved | None:
        """See `pi_cam_node.core.picture.Archive`."""
        self._open_once()
        newest = next((entry.id for entry in reversed(self._index) if not entry.is_film), "")
        with self._heartbeat.timed():
            return reload(self._directory, picture_id or newest, config, self._images, self._packet_limit())

    def tidy(self, config: Config) -> int:
        """Index the folder again and apply retention; return the number of removed pictures.

        Raises:
            NotSaved: The folder cannot be read.
        """
        self.open()
        return self._keep_within_limits(config)

    def look(self, config: Config) -> None:
        """Check that a picture can be saved, removing the oldest if space is needed. Writes nothing.

        Raises:
            NoSpace: The reserve is touched, and no picture can be removed.
            NotSaved: The disk is read-only, dead, or not writable for the node.
        """
        with as_storage_error(f"cannot save into {self._directory}"):
            with self._heartbeat.timed():
                directory = nearest_directory(self._directory)
                self._quota.measure(directory)
                check_writable(directory)
            self._open_once()
            with self._heartbeat.timed():
                self._quota.make_room(0, config.storage, directory)
        self._index.publish()

    def media(self, query: Query) -> Page[MediaRow]:
        """Return saved pictures and films, newest first.

        Raises:
            LookupError: ``before`` is an id that is not there.
            NotSaved: The folder cannot be read, or its disk is not mounted.
        """
        self._open_once()
        page = self._library.page(query)
        if any(self.is_gone(row.id) for row in page.rows):  # deleted by hand: update index and figures
            self._check_mounted()
            self.open()
            page = self._library.page(query)
        return page

    def keep(self, media_id: str, *, kept: bool) -> None:
        """Write into the side-car whether retention spares a picture or film; synced to disk on return.

        Raises:
            BadRequest: There is no such picture or film.
            NoSpace, NotSaved: Nothing was changed.
        """
        self._check_mounted()
        self._open_once()
        self._library.keep(media_id, kept=kept)

    def delete(self, media_id: str) -> None:
        """Remove a picture or film with all its files.

        Raises:
            BadRequest: There is no such picture or film.
            Forbidden: It is kept.
            NotSaved: A file cannot be removed.
        """
        self._check_mounted()
        self._open_once()
        try:
            self._library.delete(media_id)
        finally:
            self._index.publish()

    def find(self, picture_id: str) -> str | None:
        """Return the path of a saved picture's first file: its JPEG if it has one, else PNG, else npy; or its film.

        ``None`` for anything that is not an id of the node, or not a regular file.

        Thread: any.
        """
        extensions = () if parse_id(picture_id) is None else (*FORMATS, FILM_FORMAT)
        paths = (joined(self._directory, f"{picture_id}.{extension}") for extension in extensions)
        return next(filter(is_plain_file, paths), None)

    def is_gone(self, media_id: str) -> bool:
        """See `pi_cam_node.core.picture.Archive`."""
        in_progress = joined(self._directory, unfinished_film(media_id))
        return not (self.find(media_id) or is_plain_file(in_progress))

    @property
    def is_away(self) -> bool:
        """Whether the disk of the pictures is not mounted, so that a missing file may still exist. Thread: any."""
        return self._watch.is_away

    def newest(self, count: int) -> tuple[str, ...]:
        """Return the ids of the newest pictures, the newest first; none before `open`. Thread: any."""
        return self._index.newest(count)

    def usage(self) -> Usage | None:
        """Return number and bytes of the pictures, from memory; ``None`` before `open`. Thread: any."""
        return self._index.usage

    def free_bytes(self) -> int | None:
        """Return the free bytes of the disk as of the last check; ``None`` if unknown. Thread: any."""
        return None if self.is_silent else self._quota.free_bytes

    @property
    def is_silent(self) -> bool:
        """Whether a disk call of any job has taken longer than `SILENT_S`. Thread: any."""
        return self._heartbeat.is_stale

    def _check_mounted(self) -> None:
        if self.is_away:
            raise NotSaved(f"the disk of {self._directory} is unavailable")

    def _open_once(self) -> None:
        if self._index.usage is None:
            self.open()

    def _write(self, picture: Picture, formats: Sequence[Format], config: Config) -> Written:
        origin = Origin(self._boot, self._clock_set())
        make_room = partial(self._quota.make_room, limits=config.storage)
        wanted, quality = tuple(dict.fromkeys(formats)), config.export.jpeg_quality
        access = FileAccess.of(config.storage)
        job = WriteJob(self._directory, wanted, quality, origin, make_room, self._images, self._heartbeat, access)
        return write(picture, self._boot_part, job)

    def _remember(self, written: Written) -> None:
        extensions = [*(file.format for file in written.files), SIDECAR]
        self._index.add(Entry.of(key_of(written.name), extensions, written.size_bytes, self._clock.monotonic()))

    def _keep_within_limits(self, config: Config) -> int:
        try:
            with self._heartbeat.timed():
                return self._quota.tidy(config.storage)
        except OSError as error:  # the picture is saved; the next save or tidy retries retention
            _log.warning("retention failed in %s: %s", self._directory, error)
            return 0
        finally:
            self._index.publish()

    def _saved(self, picture: Picture, written: Written, config: Config) -> PictureSaved:
        shown = previews(picture, written.jpg, config, self._images, self._packet_limit())
        first = written.files[0]
        paths = tuple(file.path for file in written.files)
        return picture.saved_as(written.name.id, paths, (first.size_bytes, first.sha256), shown)
