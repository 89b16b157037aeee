"""Repairs films interrupted by a crash, at the start, before anything is recorded."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from pi_cam_node.core.file_access import OWNER_ONLY, FileAccess
from pi_cam_node.core.film import Film
from pi_cam_node.core.media_ids import film_in_progress, is_film_part, unfinished_film
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.film_facts import FilmFacts
from pi_cam_node.recording.film_finish import finish
from pi_cam_node.recording.gaps import COPIED_S, ENCODED_S, GapMeter
from pi_cam_node.recording.mp4.parse import CutOffHeader, FragmentedFile, read_fragmented

_log = logging.getLogger(__name__)


def repair_all(directory: Path, beat: Callable[[], None] = lambda: None, access: FileAccess = OWNER_ONLY) -> list[Film]:
    """Finish every film in progress, and remove temporary files; return the films.

    A foreign file is left alone, as is one that cannot be repaired: its name goes to the log.

    Args:
        directory: The folder of the films.
        beat: Called now and then.
        access: Mode and group of the films and their side-cars.

    Raises:
        OSError: The folder cannot be read.
    """
    if not directory.is_dir():
        return []
    films: list[Film] = []
    with os.scandir(directory) as listing:  # hidden names only: there may be a hundred thousand pictures
        names = sorted(entry.name for entry in listing if entry.name.startswith("."))
    for path in (directory / name for name in names):
        beat()
        if is_film_part(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)
            continue
        film_id = film_in_progress(path.name)
        if film_id is None or path.is_symlink() or not path.is_file():
            continue
        try:
            film = _repaired(directory, film_id, beat, access)
        except (OSError, ValueError) as error:
            _log.warning("the film in %s cannot be repaired, and is left there: %s", path, error)
            continue
        if film is not None:
            films.append(film)
    return films


def _repaired(directory: Path, film_id: str, beat: Callable[[], None], access: FileAccess) -> Film | None:
    path = directory / unfinished_film(film_id)
    with path.open("rb") as file:
        try:
            content = read_fragmented(file)
        except CutOffHeader:
            path.unlink()
            return None
    facts = FilmFacts.decoded(content.notes)
    if facts.id != film_id:
        raise ValueError(f"it says that it is {facts.id[:80]!r}")
    film = finish(directory, facts, "stopped", _gap_s(content, facts), beat, access=access, repaired=True)
    if film is not None:
        _log.warning("repaired the film %s: %.1f s, %d pictures", film.id, film.seconds, film.frames)
    return film


def _gap_s(content: FragmentedFile, facts: FilmFacts) -> float:
    """Return the seconds that are missing in a film, by the times of its pictures."""
    if facts.interval_s:  # a timelapse has no gaps: its pictures are an interval apart, however long that was
        return 0.0
    meter = GapMeter(COPIED_S if facts.copied else ENCODED_S)
    end_ticks = 0
    for sample in content.samples:
        meter.add(sample.ticks / TIMESCALE_HZ, is_lost=sample.ticks > end_ticks)
        end_ticks = sample.end_ticks
    return meter.finish()
