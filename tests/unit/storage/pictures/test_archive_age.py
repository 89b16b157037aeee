"""Retention by age, with a possibly wrong clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.fakes.clock import FakeClock
from tests.support.pictures import archive_in, config, ids_on_disk, picture, save

DAY_S = 86_400


@pytest.mark.promise("T2")
def test_pictures_of_this_run_go_by_their_true_age(archive: PictureArchive, tmp_path: Path, clock: FakeClock) -> None:
    old = save(archive, 1)
    clock.step_utc(-40 * DAY_S)
    clock.advance(DAY_S)
    young = save(archive, 2)
    clock.advance(1.5 * DAY_S)
    newest = save(archive, 3, max_age_days=2)
    assert ids_on_disk(tmp_path) == {young, newest}
    assert old not in ids_on_disk(tmp_path)


def test_pictures_of_earlier_runs_go_by_the_time_in_their_names(
    archive: PictureArchive, tmp_path: Path, clock: FakeClock
) -> None:
    save(archive, 1)
    clock.advance(3 * DAY_S)
    next_run = archive_in(tmp_path, clock, "b" * 8)
    newest = save(next_run, 2, max_age_days=2)
    assert ids_on_disk(tmp_path) == {newest}


@pytest.mark.promise("T2")
def test_nothing_of_an_earlier_run_goes_by_age_while_the_clock_is_not_set(
    archive: PictureArchive, tmp_path: Path, clock: FakeClock
) -> None:
    old = save(archive, 1)
    clock.advance(300 * DAY_S)
    next_run = archive_in(tmp_path, clock, "b" * 8, clock_set=False)
    newest = save(next_run, 2, max_age_days=2)
    assert ids_on_disk(tmp_path) == {old, newest}


@pytest.mark.promise("T2")
def test_a_picture_taken_before_the_clock_was_set_does_not_go_by_age(tmp_path: Path, clock: FakeClock) -> None:
    unset = archive_in(tmp_path, clock, "b" * 8, clock_set=False)
    in_1970 = unset.save(picture(first_at=datetime(1970, 1, 1, 0, 1, tzinfo=UTC)), ["jpg"], config()).id
    next_run = archive_in(tmp_path, clock)
    newest = save(next_run, 2, max_age_days=2)
    assert ids_on_disk(tmp_path) == {in_1970, newest}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_sidecar_stops_nothing(
    archive: PictureArchive, tmp_path: Path, clock: FakeClock, damage: bytes
) -> None:
    old = save(archive, 1)
    (tmp_path / "captures" / f"{old}.json").write_bytes(damage)
    clock.advance(3 * DAY_S)
    next_run = archive_in(tmp_path, clock, "b" * 8)
    newest = save(next_run, 2, max_age_days=2)
    assert ids_on_disk(tmp_path) == {newest}
