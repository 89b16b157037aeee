"""Commands `events`, `media`, `keep` and `delete`: list events, pictures and films; keep or delete one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field

from pi_cam_node.base.errors import BadRequest, OutOfRange
from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.core.commands.parsing import parse_time
from pi_cam_node.core.commands.registry import Arguments, Context, Result, Steps, Work, command
from pi_cam_node.core.commands.reply_data import DeletedData, EventsData, KeptData, MediaData
from pi_cam_node.core.events import MediaDeleted
from pi_cam_node.core.history import LIMIT_DEFAULT, LIMIT_MAX, EventKind, EventRow, MediaKind, MediaRow, Page, Query
from pi_cam_node.core.inputs import CommandArrived

# Overhead of a reply besides its rows, and of an MQTT packet besides its reply.
ENVELOPE_BYTES = 2048
ID_MAX_CHARS = 128

Rows = TypeVar("Rows")

# Values of an unset filter in a form.
_EMPTY_IS_ANY = BeforeValidator(lambda kind: None if kind == "" else kind)
_ID = "20261120T194501123Z-3f2a91c0-000042-single"


class ListArguments(Arguments):
    """Filter and limit of a list of rows, newest first."""

    limit: Annotated[
        int,
        Field(validation_alias=AliasChoices("limit", "n"), description=f"how many at most, 1 to {LIMIT_MAX}"),
    ] = LIMIT_DEFAULT
    before: Annotated[
        str | None,
        Field(max_length=ID_MAX_CHARS, description="only those older than this id or ISO 8601 time, without it"),
    ] = None

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[n]``."""
        return {"limit": words} if words else {}


class MediaListArguments(ListArguments):
    """Filter and limit of a list of pictures and films, newest first."""

    kind: Annotated[MediaKind | None, Field(description="only of this kind"), _EMPTY_IS_ANY] = None


class EventListArguments(ListArguments):
    """Filter and limit of a list of events, newest first."""

    kind: Annotated[EventKind | None, Field(description="only of this kind"), _EMPTY_IS_ANY] = None
    zone: Annotated[str, Field(max_length=32, description="only those that touched this zone")] = ""


class MediaArguments(Arguments):
    """A picture or a film."""

    media_id: Annotated[
        str, Field(min_length=1, max_length=ID_MAX_CHARS, description="its id, as in `media`", examples=[_ID])
    ]

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``<media id>``."""
        return {"media_id": words} if words else {}


class KeepArguments(MediaArguments):
    """A picture or a film, and whether it is kept."""

    off: Annotated[bool, Field(description="allow automatic deletion again")] = False

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``<media id> [off]``."""
        media_id, _, switch = words.partition(" ")
        switch = switch.strip().lower()
        if switch not in ("", "on", "off"):
            raise BadRequest("ERROR: usage keep <media id> [off]")
        return {"media_id": media_id, "off": switch == "off"} if words else {}


@command("events", "events [n=20]", "Lists events, newest first.", EventListArguments, EventsData)
def events(context: Context, arguments: EventListArguments, received: CommandArrived) -> Steps:
    """Return rows of events; without links while privacy is on."""
    query = _query(arguments, arguments.kind, arguments.zone)

    def job(_progress: object) -> Page[EventRow]:
        page = _known(lambda: context.events.events(query), arguments.before)
        return Page(tuple(_with_what_is_there(context, row) for row in page.rows), page.more)

    page: Page[EventRow] = yield Work(job)
    rows = [{**row.facts(), **_about(context, row.picture_id or row.recording_id)} for row in page.rows]
    return _listed(context, "events", rows, received, more=page.more)


@command(
    "media", "media [n=20]", "Lists saved pictures and films, newest first.", MediaListArguments, MediaData, shows=True
)
def media(context: Context, arguments: MediaListArguments, received: CommandArrived) -> Steps:
    """Return rows of saved pictures and films."""
    query = _query(arguments, arguments.kind)

    def job(_progress: object) -> Page[MediaRow]:
        return _known(lambda: context.archive.media(query), arguments.before)

    page: Page[MediaRow] = yield Work(context.privacy_gate.guard_job(job))
    context.privacy_gate.check()
    rows = [{**row.facts(), **_about(context, row.id)} for row in page.rows]
    return _listed(context, "media", rows, received, more=page.more)


@command(
    "keep",
    "keep <media id> [off]",
    "Protects a picture or film from automatic deletion, or ends that.",
    KeepArguments,
    KeptData,
)
def keep(context: Context, arguments: KeepArguments, _received: CommandArrived) -> Steps:
    """Store in the side-car whether it is kept."""
    media_id, kept = arguments.media_id, not arguments.off
    yield Work(lambda _progress: context.archive.keep(media_id, kept=kept))
    verb = "keeping" if kept else "no longer keeping"
    return Result(f"OK: {verb} {media_id}", {"id": media_id, "kept": kept})


@command(
    "delete",
    "delete <media id>",
    "Deletes a picture or film; one that is kept is refused.",
    MediaArguments,
    DeletedData,
)
def delete(context: Context, arguments: MediaArguments, _received: CommandArrived) -> Steps:
    """Remove the files."""
    media_id = arguments.media_id
    yield Work(lambda _progress: context.archive.delete(media_id))
    context.emit(MediaDeleted(media_id))
    return Result(f"OK: deleted {media_id}", {"id": media_id})


def _query(arguments: ListArguments, kind: str | None, zone: str = "") -> Query:
    """Return the arguments of a list as a query.

    Raises:
        OutOfRange: ``limit`` is out of range.
        BadRequest: ``before`` is neither an id nor a time.
    """
    if not 1 <= arguments.limit <= LIMIT_MAX:
        raise OutOfRange(
            f"ERROR: limit: {arguments.limit} is not a whole number from 1 to {LIMIT_MAX}",
            data={"minimum": 1, "maximum": LIMIT_MAX},
        )
    return Query(arguments.limit, _before(arguments.before), kind or "", zone)


def _before(text: str | None) -> str | datetime | None:
    """Parse a time; return the text itself, which may be an id, if it is none."""
    if text is None:
        return None
    try:
        return parse_time(text, "before", "an id or ")
    except BadRequest:
        return text


def _known(ask: Callable[[], Rows], before: str | None) -> Rows:
    try:
        return ask()
    except LookupError:
        text = f"ERROR: before: {str(before)[:40]!r} is neither an id that is there nor a time"
        raise BadRequest(text, data={"missing": str(before)[:80]}) from None


def _with_what_is_there(context: Context, row: EventRow) -> EventRow:
    """Return an event without references to a deleted picture or film."""
    is_gone = context.archive.is_gone
    picture_id = None if row.picture_id and is_gone(row.picture_id) else row.picture_id
    recording_id = None if row.recording_id and is_gone(row.recording_id) else row.recording_id
    return replace(row, picture_id=picture_id, recording_id=recording_id)


def _about(context: Context, media_id: str | None) -> dict[str, object]:
    """Return additional fields of a row: the node, and links while privacy is off."""
    is_shown = media_id is not None and not context.privacy_gate.closed
    return {
        "node": context.config.node.id,
        "url": context.url_of(str(media_id)) if is_shown else None,
        "thumbnail_url": context.links.thumbnail_url(str(media_id)) if is_shown else None,
    }


def _listed(
    context: Context, name: str, rows: list[dict[str, object]], received: CommandArrived, *, more: bool
) -> Result:
    """Return a list as a reply; over MQTT as many rows as fit into the broker's packet limit."""
    limit_bytes = context.links.packet_limit_bytes() if received.origin == "mqtt" else None
    if limit_bytes is not None:
        left_bytes, fitting = limit_bytes - ENVELOPE_BYTES, 0
        for row in rows:
            left_bytes -= len(json_bytes(row)) + len(f"{row['id']} {row['at']} {row['kind']}\n") + 8
            if left_bytes < 0:
                break
            fitting += 1
        more = more or fitting < len(rows)
        rows = rows[:fitting]
    lines = [f"{row['id']} {row['at']} {row['kind']}" for row in rows]
    return Result("\n".join(lines) or f"no {name}", {name: rows, "more": more})
