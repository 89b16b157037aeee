"""Rebuilds a lost database from the side-car files of films.

A recorder writes into the side-car of a film ``{"id", "first_at", "last_at", "boot", "clock_set", "frames_count",
"gap_s", "codec", "width", "height", "cause", "bytes", "event": {…}}``; ``event`` is `EventRow.facts` of its event.
Missing and malformed fields are skipped; no content of a side-car can crash the node.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pi_cam_node.base.file_system import joined
from pi_cam_node.core.history import EventRow, RecordingRow
from pi_cam_node.core.media_ids import FILM_FORMAT, SIDECAR, parse_file, parse_id
from pi_cam_node.core.sidecar import event_of, number_of, text_of, time_of
from pi_cam_node.storage.directory import entries
from pi_cam_node.storage.pictures.sidecar import read_sidecar

_log = logging.getLogger(__name__)


def rows_in(folder: Path) -> Iterator[EventRow | RecordingRow]:
    """Yield the rows in all side-cars of films; takes seconds for some thousand films.

    Raises:
        OSError: The folder cannot be read.
    """
    names = (entry.name for entry in entries(folder) if entry.name.endswith(f".{FILM_FORMAT}"))
    films = sorted(named[0] for name in names if (named := parse_file(name)) is not None)
    for film in films:
        facts = read_sidecar(joined(folder, f"{film}.{SIDECAR}"))
        yield _recording(film, joined(folder, f"{film}.{FILM_FORMAT}"), facts)
        event = event_of(facts, film)
        if event is not None:
            yield event


def _recording(recording_id: str, path: str, facts: Mapping[str, Any]) -> RecordingRow:
    name = parse_id(recording_id)
    assert name is not None, recording_id
    try:
        size_bytes = os.stat(path).st_size  # noqa: PTH116 - see `joined`
    except OSError:
        size_bytes = 0
    return RecordingRow(
        id=recording_id,
        state="closed",
        path=path,
        at=time_of(facts.get("first_at")) or name.at,
        ended_at=time_of(facts.get("last_at")),
        cause=text_of(facts.get("cause")),
        boot=text_of(facts.get("boot")),
        size_bytes=size_bytes,
        frames=int(number_of(facts.get("frames_count"))),
        gap_s=number_of(facts.get("gap_s")),
        codec=text_of(facts.get("codec")),
        width_px=int(number_of(facts.get("width"))),
        height_px=int(number_of(facts.get("height"))),
    )
