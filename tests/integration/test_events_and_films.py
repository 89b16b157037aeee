"""Events of a whole node with intermittent motion: their pictures, and the files of a shared recording."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pi_cam_node.camera.sources.synthetic.scene import number_of
from tests.support.broker import Mosquitto, wait_until
from tests.support.recording_node import (
    FILM_S,
    PRE_S,
    Films,
    assert_each_once,
    number_in,
    pictures_of,
    side_car,
)

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = pytest.mark.broker

# The ball rests for longer than `clear_s` and for less than that and `post_roll_s`.
STILL_S, MOVES_S, CLEAR_S, POST_S, MAX_S = 5, 3, 2, 8, 10
FILES = 3
# The strip of the burnt-in number changes all the time, and is motion to the detector.
NUMBER = "0,0 1,0 1,0.1 0,0.1"
# The picture of an event is one of those of its first seconds, or the next.
PICTURED_S = 1.5
# What a picture with the ball has more of than one without it, in grey levels of a blurred difference.
SHOWN = 20


def numbers_with_the_ball(films: Sequence[Path]) -> set[int]:
    """Return the numbers of the pictures that differ, below the number, from the first one, in which nothing moves."""
    import av  # noqa: PLC0415 - an extra

    found: set[int] = set()
    still: Any = None
    for film in films:
        container: Any
        with av.open(str(film), format="mp4") as container:
            for frame in container.decode(video=0):
                luma = np.ascontiguousarray(frame.to_ndarray(format="yuvj420p")[: frame.height, : frame.width])
                blurred: Any = cv2.blur(luma, (9, 9)).astype(int)
                still = blurred if still is None else still
                if np.abs(blurred - still)[40:].max() > SHOWN:
                    found.add(number_of(luma))
    return found


def test_motion_that_pauses_is_one_recording_whose_files_lose_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    sections: dict[str, Any] = {
        "camera": {"source": f"synthetic?still_s={STILL_S}&moves_s={MOVES_S}"},
        "motion": {"enable": False, "clear_s": CLEAR_S, "ignore": [NUMBER]},
        "recording": {"post_roll_s": POST_S, "max_s": MAX_S},
    }
    films = Films(tmp_path, broker, **sections)
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        assert commands.ask("set", key="motion.enable", value=True)["ok"]
        films.wait_for(commands, "recording_saved", FILES)
        assert commands.ask("set", key="motion.enable", value=False)["ok"]
        wait_until(lambda: commands.state("recording") == "OFF", "the end of the recording", FILM_S)
        told = [message["media"] for message in films.messages(commands, "recording_saved")]
        events = commands.ask("events")["data"]["events"][::-1]
    assert len(events) >= 2, "it paused"
    facts = [side_car(media) for media in told]
    assert {one["event_id"] for one in facts} == {events[0]["id"]}, "one recording"
    pictures = [pictures_of(Path(media["path"])) for media in told]
    assert_each_once([number for film in pictures for _, number in film])
    at = {number: datetime.fromisoformat(one["first_at"]).timestamp() + second
          for one, film in zip(facts, pictures, strict=True) for second, number in film}  # fmt: skip
    assert facts[0]["pre_roll_s"] >= PRE_S - 0.01
    assert all(before["reason"] == "max_s" for before, _ in pairwise(facts))
    with_ball = numbers_with_the_ball([Path(media["path"]) for media in told])
    for event in events:
        picture = films.captures / f"{event['picture_id']}.jpg"
        (film,) = [one for one in facts if one["id"] == event["recording_id"]]
        began_s = datetime.fromisoformat(event["at"]).timestamp()
        first_s = datetime.fromisoformat(film["first_at"]).timestamp()
        assert event["pre_roll_s"] == pytest.approx(began_s - first_s, abs=0.1), "where it is in its film"
        number = number_in(picture)
        next_s = min(at_s for at_s in at.values() if at_s >= began_s + PICTURED_S)
        assert began_s <= at[number] <= next_s + 0.1
        assert number in with_ball, "the picture shows the cause"
