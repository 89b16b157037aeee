"""Commands for pictures: save a new one, or export frames of the ring."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from pi_cam_node.base.clock import mono_of
from pi_cam_node.base.errors import BadRequest, NodeError, NoFrames
from pi_cam_node.config import Format
from pi_cam_node.core.commands.parsing import parse_time
from pi_cam_node.core.commands.picture_arguments import CountArguments, PastArguments, SaveArguments
from pi_cam_node.core.commands.registry import Button, Context, FreshFrame, Result, Steps, Work, command
from pi_cam_node.core.commands.reply_data import PicturesData, StreamData
from pi_cam_node.core.commands.ring_export import RingExport, save_each, save_stack
from pi_cam_node.core.events import FramesSent, PictureSaved
from pi_cam_node.core.history import PictureKind
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.picture import Picture
from pi_cam_node.core.rules.camera_timeout import changeover_s, interval_s
from pi_cam_node.core.rules.ring import TOLERANCE_S, RingFrame
from pi_cam_node.imaging.frame import Demand, Frame
from pi_cam_node.imaging.tasks import STACK_MAX

# Frames that the link to the broker accepts at once; more would be lost.
STREAM_FRAMES = 400
STREAM_BYTES = 3 << 20
# Frames for a client over HTTP or TCP. They are copies, which stay in memory until it has read them: six slow clients
# could hold the ring six times.
CLIENT_STREAM_BYTES = 32 << 20


@command(
    "save",
    "save [formats…]",
    "Saves a fresh full-resolution frame whose exposure begins after the command.",
    SaveArguments,
    PicturesData,
    button=Button("Take picture", "mdi:camera"),
    needs_camera=True,
    shows=True,
)
def save(context: Context, arguments: SaveArguments, received: CommandArrived) -> Steps:
    """Wait for a frame exposed after the command, and save it."""
    config = context.config
    timeout_s = config.camera.capture_timeout_s + longest_frame_s(context)
    try:
        formats = arguments.formats or config.export.formats
        frame: Frame = yield FreshFrame(received.mono_s, timeout_s, demand_of(formats, config.export.jpeg_quality))
        picture = picture_of(frame, "auto" if received.origin == "self" else "single")
        job = context.privacy_gate.guard_job(lambda _progress: context.archive.save(picture, formats, config))
        saved: PictureSaved = yield Work(job, frame.size_bytes)
    except NodeError as error:
        error.text = "NOT_SAVED"
        raise
    (saved,) = announced(context, [saved], thumbnail=arguments.thumbnail)
    age_s = context.clock.monotonic() - saved.first_mono_s
    message = (
        f"Saved single full-resolution image: {saved.paths[0]} (timestamp: {stamp(saved.first_at)}, age: {age_s:.2f}s)"
    )
    return Result(message, facts_of(context, [saved], thumbnail=arguments.thumbnail))


@command(
    "pastStack",
    "pastStack [formats…]",
    "Saves what the camera saw export.save_before_s seconds ago, stacked or frame by frame.",
    PastArguments,
    PicturesData,
    button=Button("Picture of the past", "mdi:camera-timer"),
    shows=True,
)
def past_stack(context: Context, arguments: PastArguments, received: CommandArrived) -> Steps:
    """Select frames around a time, stack and save them."""
    config = context.config
    frames = choose(context, arguments, received)
    stacked = config.export.stack_dark_frames or arguments.method is not None
    past = RingExport(
        context.archive,
        context.images,
        frames,
        arguments.formats or config.export.formats,
        arguments.method or "mean",
        config,
        automatic=received.origin == "self",
    )
    job = context.privacy_gate.guard_job(partial(save_stack if stacked else save_each, past))
    try:
        pictures: list[PictureSaved] = yield Work(job, past.size_bytes)
    except NodeError as error:
        error.text = "NOT_SAVED"
        raise
    pictures = announced(context, pictures, thumbnail=arguments.thumbnail)
    facts = facts_of(context, pictures, thumbnail=arguments.thumbnail)
    return Result(past_message(context, pictures, stacked=stacked), facts)


@command(
    "shortstream",
    "shortstream [n=10]",
    "Sends the last n frames of the ring, fewer where the connection takes no more.",
    CountArguments,
    StreamData,
    shows=True,
)
def shortstream(context: Context, arguments: CountArguments, received: CommandArrived) -> Result:
    """Send frames of the ring, oldest first, as many as the connection accepts."""
    available = min(arguments.n, len(context.ring))
    most_bytes = STREAM_BYTES if received.origin == "mqtt" else CLIENT_STREAM_BYTES
    count = min(arguments.n, STREAM_FRAMES)
    if arguments.at is None:
        frames = context.ring.last(count, most_bytes)
    else:
        frames = context.ring.around(moment_of(context, arguments.at, received), count)
        while sum(frame.size_bytes for frame in frames) > most_bytes:
            frames = frames[1:]
    for index, frame in enumerate(frames):
        sent_frame = FramesSent(index, len(frames), frame.seq, frame.at, frame.jpeg, received.origin, received.reply_to)
        context.emit(sent_frame)
    sent, skipped = len(frames), arguments.n - len(frames)
    return Result(
        f"STREAM_DONE: sent={sent}, skipped={skipped}, available={available}",
        {"sent": sent, "skipped": skipped, "available": available},
    )


def longest_frame_s(context: Context) -> float:
    """Return the longest time of two frames: the one being exposed, and the next, perhaps after a switch."""
    config, mode, wanted = context.config, context.night.mode, context.night.wanted
    return interval_s(config, mode) + interval_s(config, wanted) + changeover_s(config, mode, wanted)


def demand_of(formats: Sequence[Format], quality: int) -> Demand:
    """Return what a frame must include to be saved in these formats."""
    return Demand(quality if "jpg" in formats else None, any(each != "jpg" for each in formats))


def picture_of(frame: Frame, kind: PictureKind) -> Picture:
    """Return a fresh frame as a picture to save."""
    return Picture(
        kind=kind,
        content=frame,
        frames=(frame.seq,),
        first_at=frame.captured_at,
        last_at=frame.captured_at,
        first_mono_s=frame.captured_mono_s,
        last_mono_s=frame.captured_mono_s,
        mode=frame.mode,
        sensor=frame.sensor,
    )


def choose(context: Context, arguments: PastArguments, received: CommandArrived) -> Sequence[RingFrame]:
    """Return the frames of the ring that a request selects, oldest first.

    Raises:
        NoFrames: The ring does not reach back to that time, or is empty.
        BadRequest: The time lies in the future, or both count and span are given.
    """
    at_s = moment_of(context, arguments.at, received)
    if arguments.count is not None and arguments.span_s is not None:
        raise BadRequest("ERROR: give count or span_s, not both")
    if arguments.span_s is None:
        frames = context.ring.around(at_s, arguments.count or default_count(context, arguments, at_s))
    else:
        half_s = arguments.span_s / 2
        frames = context.ring.between(at_s - half_s, at_s + half_s, STACK_MAX)
    newest_mono_s = context.ring.newest_mono_s
    is_over = newest_mono_s is not None and not context.camera_online and at_s > newest_mono_s + TOLERANCE_S
    if not frames or is_over:
        held = {"ring_seconds": round(context.ring.seconds, 1), "ring_frames": len(context.ring)}
        raise NoFrames("the ring holds no frame of that moment", data=held, text="NO_FRAMES")
    if len(frames) > STACK_MAX:
        raise BadRequest(f"ERROR: more than {STACK_MAX} frames lie in that span, and no more can be stacked")
    return frames


def default_count(context: Context, arguments: PastArguments, at_s: float) -> int:
    """Return the default number of frames around a time.

    Dark frames are stacked to reduce noise; by day, when stacking would blur motion, it is one frame.
    """
    export = context.config.export
    nearest = context.ring.around(at_s, 1)
    is_day = bool(nearest) and nearest[0].mode == "day"
    return 1 if is_day and export.stack_dark_frames and arguments.method is None else export.stack_count


def moment_of(context: Context, at: float | str | None, received: CommandArrived) -> float:
    """Return the monotonic time of ``at``: seconds before the command, or an absolute time."""
    if at is None:
        return received.mono_s - context.config.export.save_before_s
    seconds = _seconds(at)
    if seconds is None:
        mono_s = mono_of(parse_time(str(at), "at", "a number of seconds ago or "), context.clock)
    else:
        mono_s = received.mono_s - seconds
    if mono_s > received.mono_s + 1:
        raise BadRequest("ERROR: at lies in the future")
    return mono_s


def _seconds(at: float | str) -> float | None:
    try:
        seconds = float(at)
    except ValueError:
        return None
    if not math.isfinite(seconds):
        raise BadRequest("ERROR: at must be a number of seconds or a time")
    return seconds


def past_message(context: Context, pictures: Sequence[PictureSaved], *, stacked: bool) -> str:
    """Return the plain-text reply."""
    before_s = context.config.export.save_before_s
    now_s = context.clock.monotonic()
    first, last = pictures[0], pictures[-1]
    begin = f"timestamp: {stamp(first.first_at)} (age: {now_s - first.first_mono_s:.2f}s)"
    if not stacked:
        return (
            f"Saved {len(pictures)} separate images from ring buffer, starting at {begin}"
            f"(export.save_before_s: {before_s:g} s)"
        )
    return (
        f"Saved stacked image: {first.paths[0]} | stack of {len(first.frames)} frames | first frame {begin} | "
        f"last frame timestamp: {stamp(last.last_at)} (age: {now_s - last.last_mono_s:.2f}s)"
        f"(export.save_before_s: {before_s:g} s)"
    )


def stamp(at: datetime) -> str:
    """Format a UTC time for plain-text replies."""
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"


def announced(context: Context, pictures: Sequence[PictureSaved], *, thumbnail: bool) -> list[PictureSaved]:
    """Emit an event for each saved picture, and return the pictures, all with links.

    Raises:
        PrivacyOn: Privacy was switched on meanwhile; the files are kept.
    """
    context.privacy_gate.check()
    told = [replace(saved, thumbnail_asked=thumbnail, url=context.url_of(saved.id)) for saved in pictures]
    for saved in told:
        context.emit(saved)
    return told


def facts_of(context: Context, pictures: Sequence[PictureSaved], *, thumbnail: bool) -> dict[str, Any]:
    """Return the data of a reply: fields of the first picture, and a list of all."""
    now_s = context.clock.monotonic()
    told = [{**saved.facts(), "age_s": round(now_s - saved.first_mono_s, 3)} for saved in pictures]
    facts: dict[str, Any] = {**told[0], "pictures": told}
    if thumbnail and pictures[0].thumbnail is not None:
        facts["thumbnail"] = base64.b64encode(pictures[0].thumbnail).decode()
    return facts
