"""Commands about motion, recording and clips."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pi_cam_node.base.clock import iso
from pi_cam_node.base.errors import BadRequest, CameraDown, NodeError, NotSaved
from pi_cam_node.core.commands.pictures import longest_frame_s, moment_of, stamp
from pi_cam_node.core.commands.registry import (
    SWITCH_WORDS,
    Arguments,
    Button,
    Context,
    FreshFrame,
    Result,
    Steps,
    Work,
    command,
)
from pi_cam_node.core.commands.reply_data import (
    ClipData,
    MotionData,
    NightData,
    RecordingBegan,
    RecordingData,
    RecordingEnded,
)
from pi_cam_node.core.commands.reply_deadlines import CLIP_MAX_S
from pi_cam_node.core.commands.status import night_level
from pi_cam_node.core.film import ClipOrder, Film
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.media_facts import EventFacts
from pi_cam_node.core.open_events import EVENTS_MAX

_TRIGGER_NAME = re.compile(r"[a-z0-9_-]{1,32}")
_AT_REST = ("off", "false", "no", "0", "null")


class TriggerArguments(Arguments):
    """Name of the trigger, and duration of the event."""

    name: Annotated[str, Field(description="name of the sensor: at most 32 of a-z, 0-9, _ and -")] = "trigger"
    seconds: Annotated[float, Field(gt=0, le=3600, description="how long the event lasts from now")] = 10.0

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[name]``, but not the word of a sensor for nothing: a closed door must not start a film."""
        if words.lower() in _AT_REST:
            raise BadRequest(f"ERROR: nothing is started for a sensor that sends {words}; usage trigger [name]")
        return {"name": words} if words else {}

    @field_validator("name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not _TRIGGER_NAME.fullmatch(value):
            raise ValueError("a name is a-z, 0-9, _ and -, at most 32 characters")
        return value


class RecordArguments(Arguments):
    """On, off, or a duration in seconds."""

    state: Annotated[Literal["on", "off"], Field(description="start or stop; on where `seconds` is given")]
    seconds: Annotated[float | None, Field(gt=0, le=86_400, description="stop after this time")] = None

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``on``, ``off`` or a number of seconds."""
        if not words:
            raise BadRequest("ERROR: usage record on|off|<seconds>")
        return {"state": words} if words.lower() in SWITCH_WORDS else {"seconds": words}

    @model_validator(mode="before")
    @classmethod
    def _on_for_seconds(cls, values: object) -> object:
        if isinstance(values, dict) and "seconds" in values and "state" not in values:
            return {**values, "state": "on"}
        return values


class ClipArguments(Arguments):
    """Time span of the clip."""

    before_s: Annotated[
        float | None, Field(ge=0, le=CLIP_MAX_S, description="seconds before; `recording.pre_roll_s` otherwise")
    ] = None
    after_s: Annotated[float, Field(ge=0, le=CLIP_MAX_S, description="seconds after")] = 0.0
    at: Annotated[
        float | str | None, Field(description="seconds ago, or an absolute ISO 8601 time; now unless told otherwise")
    ] = None

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[seconds]``."""
        return {"before_s": words} if words else {}


class ExplainArguments(Arguments):
    """Decision to explain."""

    what: Annotated[Literal["motion", "night", "recording"], Field(description="the decision")]

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``motion``, ``night`` or ``recording``."""
        if not words:
            raise BadRequest("ERROR: usage explain motion|night|recording")
        return {"what": words}


@command(
    "trigger",
    "trigger [name]",
    "Starts an event for an outside sensor, as motion does; during an event it extends that one.",
    TriggerArguments,
    EventFacts,
    needs_camera=True,
    shows=True,
)
def trigger(context: Context, arguments: TriggerArguments, _arrival: CommandArrived) -> Result:
    """Begin or extend an event, and return it."""
    event = context.activity.trigger(arguments.name, arguments.seconds)
    return Result(f"OK: event {event.id}", event.facts())


@command(
    "record",
    "record on|off|<seconds>",
    "Starts or stops a recording by command, with the seconds before it; has priority over motion.",
    RecordArguments,
    RecordingBegan | RecordingEnded,
)
def record(context: Context, arguments: RecordArguments, _arrival: CommandArrived) -> Result:
    """Begin a recording, or end it."""
    if arguments.state == "off":
        context.activity.stop_recording()
        return Result("OK: recording stopped", {"recording": False})
    context.privacy_gate.check()
    if not context.camera_online:
        raise CameraDown("ERROR: no frames arrive from the camera")
    event = context.activity.record(arguments.seconds)
    return Result(f"OK: recording {event.id}", {**event.facts(), "recording": True})


@command(
    "clip",
    "clip [seconds]",
    "Saves the past as video: the last recording.pre_roll_s seconds, or a given span.",
    ClipArguments,
    ClipData,
    button=Button("Clip of the past", "mdi:movie-open-outline"),
    shows=True,
)
def clip(context: Context, arguments: ClipArguments, arrival: CommandArrived) -> Steps:
    """Wait for the end of the time span, and encode it."""
    config = context.config
    at_s = arrival.mono_s if arguments.at is None else moment_of(context, arguments.at, arrival)
    before_s = config.recording.pre_roll_s if arguments.before_s is None else arguments.before_s
    first_s, last_s = at_s - before_s, at_s + arguments.after_s
    if not 0 < last_s - first_s <= CLIP_MAX_S:
        raise BadRequest(f"ERROR: a clip lasts more than 0 and at most {CLIP_MAX_S:g} s")
    if context.recorder.missing:
        raise NotSaved(f"ERROR: {context.recorder.missing}")
    order = ClipOrder(first_s, last_s, config.recording.quality, masked=bool(config.privacy.masks))
    try:
        wait_s = last_s - context.clock.monotonic()
        if wait_s > 0:
            if not context.camera_online:
                raise CameraDown("ERROR: no frames arrive from the camera")
            yield FreshFrame(last_s, wait_s + config.camera.capture_timeout_s + longest_frame_s(context))
        job = context.privacy_gate.guard_job(lambda progress: context.recorder.make_clip(order, progress))
        film: Film = yield Work(job)
    except NodeError as error:
        error.text = "NO_FRAMES" if error.code == "no_frames" else "NOT_SAVED"
        raise
    context.events.save_recording(film.row())
    context.privacy_gate.check()
    return Result(_clip_message(context, film), clip_facts(context, film))


@command(
    "explain",
    "explain motion|night|recording",
    "Explains the last decision: the figures it was made from, and why the other outcome was ruled out.",
    ExplainArguments,
    MotionData | NightData | RecordingData,
)
def explain(context: Context, arguments: ExplainArguments, arrival: CommandArrived) -> Result:
    """Return the inputs of a decision, and a sentence."""
    if arguments.what == "night":
        return night_level(context, Arguments(), arrival)
    if arguments.what == "recording":
        told = context.activity.explain_recording()
        why = f" because of {told['cause']}" if told["cause"] else f": {told['why_not']}"
        return Result(f"RECORDING={told['state']}{why}", told)
    told = context.activity.motion.explain(context.clock.monotonic())
    return Result(f"MOTION={told['state']}: {_motion_words(context, told)}", told)


def _motion_words(context: Context, told: Mapping[str, object]) -> str:
    if not context.config.motion.enable:
        return "motion.enable is off"
    if told["light"] is None:
        return "no picture has been looked at lately"
    if not told["armed"]:
        return f"held by the gate '{told['gate']}'"
    blobs = told["blobs"]
    assert isinstance(blobs, list)
    failed = [blob["failed"] for blob in blobs if blob["failed"]]
    if len(failed) < len(blobs):
        limit = f"; no event, as {EVENTS_MAX} began within an hour" if context.activity.is_flooded else ""
        return f"{len(blobs) - len(failed)} of {len(blobs)} blobs move on{limit}"
    if blobs:
        return f"blobs failed: {', '.join(failed)}"
    what = "only small places differ" if told["share"] else "nothing differs"
    return f"{what} from the background (share {told['share']})"


def clip_facts(context: Context, film: Film) -> dict[str, object]:
    """Return the metadata of a clip."""
    facts = film.facts()
    del facts["media"]
    url = context.url_of(film.id)
    return {
        "id": film.id,
        **({} if url is None else {"url": url}),
        "path": str(film.path),
        "kind": film.kind,
        **facts,
        "at": iso(film.first_at),
    }


def _clip_message(context: Context, film: Film) -> str:
    now_s, last_s = context.clock.monotonic(), film.first_mono_s + film.last_picture_s
    last_at = stamp(film.first_at + timedelta(seconds=film.last_picture_s))
    return (
        f"Saved clip: {film.path} | {film.seconds:.1f} s | first frame timestamp: {stamp(film.first_at)} "
        f"(age: {now_s - film.first_mono_s:.2f}s) | last frame timestamp: {last_at} (age: {now_s - last_s:.2f}s)"
    )
