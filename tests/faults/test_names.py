"""File names of pictures with equal times: a stopped or reset clock, and two starts with the same boot id."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pi_cam_node.core.media_ids import MediaName, parse_id
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.system.process import new_boot_id
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES
from tests.support.pictures import config, noise, picture

pytestmark = [pytest.mark.faults, pytest.mark.promise("S10")]

EPOCH = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
BOOTS = ("3f2a91c0", "c1aefac6")
# Moments and frame numbers so few that names clash all the time.
SAVES = st.lists(st.tuples(st.sampled_from(BOOTS), st.integers(0, 2), st.integers(1, 2)), min_size=2, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(saves=SAVES)
def test_no_save_touches_what_another_saved(saves: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        before: dict[str, bytes] = {}
        for number, (boot, ms, frame) in enumerate(saves):
            archive = PictureArchive(Path(folder, "captures"), boot, FakeClock(), IMAGES)
            at = EPOCH + timedelta(milliseconds=ms)
            wanted = picture(content=noise(16, 16) + number % 8, frames=(frame,), first_at=at, last_at=at)
            saved = archive.save(wanted, ["npy"], config())
            assert saved.paths[0] not in before
            assert all(Path(path).read_bytes() == content for path, content in before.items())
            before[saved.paths[0]] = Path(saved.paths[0]).read_bytes()


@pytest.mark.short
def test_a_million_names_over_restarts_and_a_clock_that_jumps_are_a_million(
    long: bool, figure: Callable[[str], None]
) -> None:
    chance, wanted = random.Random(11), 1_000_000 if long else 50_000
    names: set[str] = set()
    at, boot, frame = EPOCH, new_boot_id(), 0
    for _ in range(wanted):
        frame += chance.randint(1, 3)
        at += timedelta(milliseconds=chance.choice((0, 1, 100)))
        if chance.random() < 0.001:  # a restart; the clock may be back at what it was at the last one
            boot, frame, at = new_boot_id(), 0, EPOCH
        names.add(MediaName(at, boot, frame, "single").id)
    assert len(names) == wanted
    assert all(parse_id(name) is not None for name in random.Random(1).sample(sorted(names), 1000))
    figure(f"0 of {wanted} names twice")
