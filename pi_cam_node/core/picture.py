"""A picture on its way to disk: pixels or a finished JPEG, and its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import Config, Format
from pi_cam_node.core.events import PictureSaved
from pi_cam_node.core.history import MediaRow, Page, PictureKind, Query
from pi_cam_node.core.rules.ring import RingFrame
from pi_cam_node.imaging.frame import Frame, Mode, RawImage, Sensor


@frozen
class Picture:
    """Pixels or JPEG of a picture to save, with its metadata.

    Attributes:
        kind: Kind of picture.
        content: A frame with the data for its formats, pixels, or the bytes of a JPEG.
        frames: Numbers of its frames, in order of time.
        first_at: UTC time of the first of them.
        last_at: UTC time of the last of them.
        first_mono_s: The same on the monotonic clock.
        last_mono_s: The same on the monotonic clock.
        mode: Mode of the camera.
        sensor: Exposure and gain of the first frame.
        method: Stacking method; empty for one frame.
        small: JPEG at most ``export.thumbnail_px`` wide, if there is one already.
    """

    kind: PictureKind
    content: Frame | RawImage | bytes
    frames: tuple[int, ...]
    first_at: datetime
    last_at: datetime
    first_mono_s: float
    last_mono_s: float
    mode: Mode
    sensor: Sensor
    method: str = ""
    small: bytes | None = None

    def saved_as(
        self,
        picture_id: str,
        paths: tuple[str, ...],
        first_file: tuple[int, str],
        previews: tuple[bytes | None, bytes | None],
    ) -> PictureSaved:
        """Return the event of this picture on disk.

        Args:
            picture_id: Its id.
            paths: Its files.
            first_file: Size in bytes and SHA-256 of the first of them.
            previews: Image and thumbnail, see `PictureSaved`.
        """
        return PictureSaved(
            id=picture_id,
            kind=self.kind,
            paths=paths,
            size_bytes=first_file[0],
            sha256=first_file[1],
            frames=self.frames,
            first_at=self.first_at,
            last_at=self.last_at,
            first_mono_s=self.first_mono_s,
            last_mono_s=self.last_mono_s,
            image=previews[0],
            thumbnail=previews[1],
        )


def picture_of_ring(
    kind: PictureKind,
    frames: Sequence[RingFrame],
    content: RawImage | bytes,
    method: str = "",
    small: bytes | None = None,
) -> Picture:
    """Return a picture made of frames of the ring."""
    first, last = frames[0], frames[-1]
    return Picture(
        kind=kind,
        content=content,
        frames=tuple(frame.seq for frame in frames),
        first_at=first.at,
        last_at=last.at,
        first_mono_s=first.mono_s,
        last_mono_s=last.mono_s,
        mode=last.mode,
        sensor=first.sensor,
        method=method,
        small=small,
    )


class Archive(Protocol):
    """Port of the archive of saved pictures."""

    def save(self, picture: Picture, formats: Sequence[Format], config: Config) -> PictureSaved:
        """Write the picture in each format; synced to disk on return.

        Thread: the worker.

        Raises:
            NoSpace: The disk is full, or the reserve would be touched.
            NotSaved: A file could not be written; no file is left.
        """
        ...

    def reload(self, config: Config, picture_id: str = "") -> PictureSaved | None:
        """Read a saved picture, by default the newest, as returned by `save`, without a link.

        Thread: the worker.

        Returns:
            ``None`` if there is none.

        Raises:
            NotSaved: The folder cannot be read.
        """
        ...

    def find(self, picture_id: str) -> str | None:
        """Return the path of a saved picture's first file; ``None`` if it does not exist (any more)."""
        ...

    def is_gone(self, media_id: str) -> bool:
        """Tell whether a picture or film has no file on disk, finished or not. Thread: any."""
        ...

    def media(self, query: Query) -> Page[MediaRow]:
        """Return saved pictures and films, newest first. Thread: the worker.

        Raises:
            LookupError: ``before`` is an id that is not there.
            NotSaved: The folder cannot be read.
        """
        ...

    def keep(self, media_id: str, *, kept: bool) -> None:
        """Store in the side-car whether a picture is protected from retention; synced on return. Thread: the worker.

        Raises:
            BadRequest: There is no such picture.
            NoSpace, NotSaved: Nothing was changed.
        """
        ...

    def delete(self, media_id: str) -> None:
        """Remove a picture with all its files. Thread: the worker.

        Raises:
            BadRequest: There is no such picture.
            Forbidden: It is kept.
            NotSaved: A file cannot be removed.
        """
        ...
