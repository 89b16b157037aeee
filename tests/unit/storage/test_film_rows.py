"""Database rows of films removed by retention, with a kill after each step."""

from __future__ import annotations

import itertools
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.core.history import RecordingRow
from pi_cam_node.storage.events.database import EventDatabase
from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES
from tests.support.pictures import BOOT, config

FILMS, FILM_BYTES, LIMIT_BYTES, KEPT = 6, 10_000, 30_000, 1
START = datetime(2026, 11, 20, 19, 45, tzinfo=UTC)
# Two films stay: three have with their side-cars a little more than the limit. Of each other one two files go.
STEPS = 2 * (FILMS - 2)


class Killed(BaseException):
    """Ends the process where it stands."""


class Run:
    """The archive and the database of one run of a node."""

    def __init__(self, folder: Path) -> None:
        self.directory = folder / "captures"
        self.database = EventDatabase(folder / "events.db", FakeClock())
        self.archive = PictureArchive(
            self.directory, BOOT, FakeClock(), IMAGES, film_removed=self.database.forget_recording
        )

    def write(self) -> None:
        """Let the thread of the database do what waits, and end."""
        self.database._writer._check()
        self.database._writer._stopping = True
        self.database._writer._run()
        self.database._writer._stopping = False

    def tidy(self) -> None:
        self.archive.tidy(config(recordings={"max_bytes": LIMIT_BYTES}))

    def on_disk(self) -> set[str]:
        return {path.stem for path in self.directory.glob("*.mp4")}

    def in_rows(self) -> set[str]:
        return {row.id for row in self.database.recordings("closed", "repaired")}


def name_of(number: int) -> str:
    return f"20261120T1945{number:02d}000Z-3f2a91c0-{number:06d}-recording"


def first_run(folder: Path) -> Run:
    """Return a run that has recorded more than may stay; one film is kept."""
    run = Run(folder)
    run.directory.mkdir()
    for number in range(FILMS):
        path = run.directory / f"{name_of(number)}.mp4"
        path.write_bytes(bytes(FILM_BYTES))
        path.with_suffix(".json").write_text(json.dumps({"id": path.stem, "kept": number == KEPT}))
        at = START + timedelta(seconds=number)
        run.database.save_recording(RecordingRow(path.stem, "closed", str(path), at, at + timedelta(seconds=1)))
    run.write()
    return run


@pytest.mark.promise("S9")
@pytest.mark.parametrize("is_written", [False, True], ids=["rows wait", "rows written"])
@pytest.mark.parametrize("step", range(STEPS))
def test_after_a_kill_at_any_step_the_database_tells_the_films_that_are_there(
    tmp_path: Path, step: int, is_written: bool, mocker: MockerFixture
) -> None:
    run, steps, unlink = first_run(tmp_path), itertools.count(), os.unlink

    def last(path: str) -> None:
        if next(steps) == step:
            raise Killed
        unlink(path)

    mocker.patch.object(os, "unlink", last)
    with pytest.raises(Killed):
        run.tidy()
    mocker.stopall()
    if is_written:
        run.write()
    again = Run(tmp_path)
    again.write()
    again.archive.open()
    assert again.in_rows() == again.on_disk()
    again.tidy()
    again.write()
    assert again.in_rows() == again.on_disk()
    assert len(again.on_disk()) * FILM_BYTES <= LIMIT_BYTES + FILM_BYTES
    assert name_of(KEPT) in again.on_disk()
    assert {path.stem for path in again.directory.glob("*.json")} == again.on_disk()


def test_a_film_that_somebody_deletes_loses_its_row(tmp_path: Path) -> None:
    run = first_run(tmp_path)
    run.archive.delete(name_of(0))
    run.write()
    assert run.in_rows() == run.on_disk() == {name_of(number) for number in range(1, FILMS)}
