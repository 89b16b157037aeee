"""Sound of a network camera in films and clips: copied, made into AAC, and none once it is switched off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.broker import Mosquitto, wait_until
from tests.support.rtsp_node import START_S, node, saved, side_car
from tests.support.rtsp_server import SOUND_SERVER, RtspServer, why_no_sound
from tests.support.running_node import BASE

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = [
    pytest.mark.rtsp,
    pytest.mark.skipif(why_no_sound() is not None, reason=str(why_no_sound())),
]


def hear(path: Path) -> tuple[float, float, int]:
    """Return seconds of pictures and of sound of a film, and the pitch of the sound in hertz; decodes all of it."""
    with av.open(str(path)) as film:
        pictures = [float(frame.pts * frame.time_base) for frame in film.decode(video=0)]
    with av.open(str(path)) as film:
        frames = list(film.decode(audio=0))
    rate_hz = frames[0].sample_rate
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    middle = samples[len(samples) // 2 :][:rate_hz]
    pitch_hz = int(np.abs(np.fft.rfft(middle)).argmax()) * rate_hz / len(middle)
    begin_s = float(frames[0].pts * frames[0].time_base)
    assert begin_s < 0.5, "sound and pictures begin together"
    return pictures[-1] + 0.1, begin_s + len(samples) / rate_hz, round(pitch_hz)


def test_sound_is_copied_into_films_and_clips_until_it_is_switched_off(broker: Mosquitto, tmp_path: Path) -> None:
    with (
        RtspServer("--sound", "aac", script=SOUND_SERVER) as server,
        # The packets reach back so far that a machine that is slow to ask for a clip gets it copied.
        node(tmp_path, broker, server.url, recording={"sound": "copy", "pre_roll_s": 30}) as commands,
    ):
        commands.ask("record", seconds=2)
        film, clip = saved(commands)["media"], commands.ask("clip", before_s=1)["data"]
        commands.client.publish(f"{BASE}/set/recording.sound", "off")
        setting = f"{BASE}/config/recording.sound"
        wait_until(lambda: commands.client.latest(setting) == b"off", "the setting", START_S)
        commands.ask("record", seconds=1)
        silent = saved(commands, 2)["media"]  # its pre-roll is of a time when there was sound
    for media in (film, clip):
        path = Path(media["path"])
        assert (side_car(media)["copied"], side_car(media)["sound"]) == (True, "aac")
        pictures_s, sound_s, pitch_hz = hear(path)
        assert sound_s == pytest.approx(pictures_s, abs=0.5)
        assert pitch_hz == pytest.approx(440, abs=3)
    assert (side_car(silent)["copied"], side_car(silent)["sound"]) == (True, None)
    with av.open(silent["path"]) as opened:
        assert [stream.type for stream in opened.streams] == ["video"]


def test_sound_of_another_codec_is_made_into_aac(broker: Mosquitto, tmp_path: Path) -> None:
    with (
        RtspServer("--sound", "pcmu", script=SOUND_SERVER) as server,
        node(tmp_path, broker, server.url, recording={"sound": "aac"}) as commands,
    ):
        commands.ask("record", seconds=2)
        film = saved(commands)["media"]
    assert (side_car(film)["copied"], side_car(film)["sound"]) == (True, "aac")
    pictures_s, sound_s, pitch_hz = hear(Path(film["path"]))
    assert sound_s == pytest.approx(pictures_s, abs=1.0), "the encoder holds two frames of an eighth of a second"
    assert pitch_hz == pytest.approx(440, abs=3)
