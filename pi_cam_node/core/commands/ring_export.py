"""Exports ring frames as stacks or pictures, on the worker thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import overload

from pi_cam_node.base.errors import NodeError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.threads import Progress
from pi_cam_node.config import Config, Format
from pi_cam_node.core.events import PictureSaved
from pi_cam_node.core.history import PictureKind
from pi_cam_node.core.picture import Archive, picture_of_ring
from pi_cam_node.core.rules.ring import RingFrame
from pi_cam_node.imaging.tasks import THUMBNAIL_MAX_BYTES, ImageTasks, Method

_log = logging.getLogger(__name__)


@frozen
class RingExport:
    """Frames of the ring, and how to export them.

    Attributes:
        archive: Destination.
        images: Image processing.
        frames: Frames of the ring, oldest first, at least one.
        formats: Formats to write.
        method: Stacking method.
        config: Settings at the time of the command.
        automatic: Whether it is an automatic save.
    """

    archive: Archive
    images: ImageTasks
    frames: Sequence[RingFrame]
    formats: Sequence[Format]
    method: Method
    config: Config
    automatic: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of the frames."""
        return sum(frame.size_bytes for frame in self.frames)


def save_stack(past: RingExport, progress: Progress) -> list[PictureSaved]:
    """Stack the frames and save the picture.

    Raises:
        NoSpace, NotSaved: See `Archive.save`.
    """
    kind: PictureKind = "auto" if past.automatic else "stack"
    if len(past.frames) == 1:  # unchanged, without encoding again
        only = past.frames[0]
        return [past.archive.save(picture_of_ring(kind, [only], only.jpeg, past.method), past.formats, past.config)]
    # Pixels are fetched only if a format needs them, as they are copied between processes.
    quality = past.config.export.jpeg_quality if set(past.formats) == {"jpg"} else None
    width_px = past.config.export.thumbnail_px
    small = (width_px, THUMBNAIL_MAX_BYTES) if width_px else None
    stacked = past.images.stack(_Jpegs(past.frames), past.method, progress, quality, small)
    used = [past.frames[index] for index in stacked.used]
    picture = picture_of_ring(kind, used, stacked.image, past.method, stacked.small)
    return [past.archive.save(picture, past.formats, past.config)]


def save_each(past: RingExport, progress: Progress) -> list[PictureSaved]:
    """Save the frames one by one, unchanged; return those not removed at once because of `storage.max_bytes`.

    Raises:
        NoSpace, NotSaved: See `Archive.save`; the pictures saved before are kept and listed in the data.
    """
    saved: list[PictureSaved] = []
    kind: PictureKind = "auto" if past.automatic else "ring"
    for done, frame in enumerate(past.frames, start=1):
        try:
            saved.append(past.archive.save(picture_of_ring(kind, [frame], frame.jpeg), past.formats, past.config))
        except NodeError as error:
            error.data["saved"] = [picture.id for picture in saved]
            raise
        progress(done, len(past.frames))
    kept = [picture for picture in saved if past.archive.find(picture.id) is not None]
    if len(kept) < len(saved):
        gone = len(saved) - len(kept)
        _log.warning(
            "%d of %d pictures were removed at once to make room for others of the same command",
            gone,
            len(saved),
        )
    return kept or saved[-1:]  # at least one is reported even if it was deleted meanwhile


class _Jpegs(Sequence[bytes]):
    """Lazy sequence of the frames' JPEGs, as all together need more memory than the stack."""

    def __init__(self, frames: Sequence[RingFrame]) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        return _Jpegs(self._frames[index]) if isinstance(index, slice) else self._frames[index].jpeg
