"""Copies clips from packets: the camera's own, or those encoded for a film or the live video."""

from __future__ import annotations

from dataclasses import replace

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.threads import Progress
from pi_cam_node.core.film import ClipOrder, Film
from pi_cam_node.imaging.h264 import parameter_sets
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.gaps import COPIED_S, ENCODED_S, GapMeter
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.packet_stream import PacketStream


def copy_clip(stream: PacketStream, order: ClipOrder, progress: Progress, folder: FilmFolder) -> Film | None:
    """Copy a time span, from the preceding key frame on; return ``None`` if the packets are of several tracks.

    Args:
        stream: The packets.
        order: The time span.
        progress: Called with each packet; may raise to end the work.
        folder: The folder of the films.

    Raises:
        OSError: The clip cannot be written.
        NotSaved: Nothing of it reached the disk.
    """
    reader, film, first_track = stream.reader_since(order.first_mono_s), None, -1
    gaps = GapMeter(ENCODED_S)
    try:
        while (item := reader.next()) is not None and item[0].mono_s <= order.last_mono_s:
            record, data = item
            if film is None:
                boxes, first_track = _boxes(stream, record.meta.track, data), record.meta.track
                if boxes is None:
                    return None
                facts = folder.new_facts("clip", record.mono_s, masked=order.masked)
                # Synced and reported once it is complete.
                film = folder.new_film(replace(facts, copied=boxes.is_copied), boxes, is_durable=False)
                gaps = GapMeter(COPIED_S if boxes.is_copied else ENCODED_S)
            if record.meta.track != first_track or reader.lost:
                return None
            if record.meta.sound:
                film.add_sound(data, record.meta.pts, record.meta.sound if stream.sound else b"")
                continue
            film.add(data, record.mono_s, key=record.key)
            gaps.add(record.mono_s, is_lost=record.meta.after_loss)
            progress(film.frames, film.frames + 1)
        if film is None:
            return None
        whole, film = film, None
        saved = whole.close("end", gaps.finish(), lambda: progress(whole.frames, whole.frames))
    finally:
        if film is not None:
            film.discard()
    if saved is None:
        raise NotSaved("nothing of the clip reached the disk")
    return saved


def _boxes(stream: PacketStream, number: int, key_frame: bytes) -> TrackBoxes | None:
    """Return the header of a film that begins with a key frame of a track; ``None`` if its format is unknown."""
    sets, track = parameter_sets(key_frame), stream.track(number)
    if sets is None or track is None:
        return None
    return TrackBoxes(track.size, *sets, is_copied=track.is_copied, sound=stream.sound)
