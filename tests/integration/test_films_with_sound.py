"""Sound of a network camera in films and clips: copied, transcoded to AAC, or switched off."""

from __future__ import annotations

import io
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.chromium import find_chromium
from tests.support.node_page import looking, run
from tests.support.rtsp_node import START_S, node, saved, side_car
from tests.support.rtsp_server import SOUND_SERVER, RtspServer, why_no_sound
from tests.support.running_node import BASE, CommandClient

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = [
    pytest.mark.rtsp,
    pytest.mark.skipif(why_no_sound() is not None, reason=str(why_no_sound())),
]


@contextmanager
def recording_camera(
    folder: Path, broker: Mosquitto, *server_options: str, sound: str = "aac", **sections: Any
) -> Iterator[CommandClient]:
    """Run a network camera with sound, and a node on it."""
    with (
        RtspServer("--sound", sound, *server_options, script=SOUND_SERVER) as server,
        node(folder, broker, server.url, **sections) as commands,
    ):
        yield commands


def assert_has_sound(media: dict[str, Any], tolerance_s: float, **facts: object) -> None:
    """Assert that a film has the tone of the camera as long as it has pictures, and these facts in its side-car."""
    told = side_car(media)
    assert {"sound": told["sound"], **{key: told[key] for key in facts}} == {"sound": "aac", **facts}
    pictures_s, sound_s, pitch_hz = hear(Path(media["path"]))
    assert sound_s == pytest.approx(pictures_s, abs=tolerance_s)
    assert pitch_hz == pytest.approx(440, abs=3)


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
    # The packets reach back so far that a machine that is slow to ask for a clip gets it copied.
    with recording_camera(tmp_path, broker, recording={"sound": "copy", "pre_roll_s": 30}) as commands:
        commands.ask("record", seconds=2)
        film, clip = saved(commands)["media"], commands.ask("clip", before_s=1)["data"]
        commands.client.publish(f"{BASE}/set/recording.sound", "off")
        setting = f"{BASE}/config/recording.sound"
        wait_until(lambda: commands.client.latest(setting) == b"off", "the setting", START_S)
        commands.ask("record", seconds=1)
        silent = saved(commands, 2)["media"]  # its pre-roll is of a time when there was sound
    for media in (film, clip):
        assert_has_sound(media, 0.5, copied=True)
    assert (side_car(silent)["copied"], side_car(silent)["sound"]) == (True, None)
    with av.open(silent["path"]) as opened:
        assert [stream.type for stream in opened.streams] == ["video"]


def test_sound_of_another_codec_is_made_into_aac(broker: Mosquitto, tmp_path: Path) -> None:
    with recording_camera(tmp_path, broker, sound="pcmu", recording={"sound": "aac"}) as commands:
        commands.ask("record", seconds=2)
        film = saved(commands)["media"]
    assert_has_sound(film, 1.0, copied=True)  # the encoder holds two frames of an eighth of a second


def test_a_camera_whose_pictures_cannot_be_copied_is_heard_too(broker: Mosquitto, tmp_path: Path) -> None:
    camera = recording_camera(tmp_path, broker, "--pictures", "jpeg", sound="pcmu", recording={"sound": "aac"})
    with camera as commands:
        commands.ask("record", seconds=2)
        film, clip = saved(commands)["media"], commands.ask("clip", before_s=2)["data"]
    for media in (film, clip):
        assert_has_sound(media, 1.0, copied=False)


def fetched(port: int, name: str) -> bytes:
    """Return a file of the live video."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/hls/{name}", timeout=30) as answer:
        return bytes(answer.read())


def live_video(port: int, variant: str) -> bytes:
    """Return what a player gets of a variant: its header and every segment of a playlist that is full."""
    parts: dict[str, bytes] = {}

    def is_full() -> bool:
        playlist = fetched(port, f"{variant}.m3u8").decode()
        names = [*re.findall(r'URI="([^"]+)"', playlist), *re.findall(r"^[^#].*", playlist, re.MULTILINE)]
        assert "DISCONTINUITY\n" not in playlist
        parts.update({name: fetched(port, name) for name in names if name not in parts})
        return len(parts) >= 7

    wait_until(is_full, "segments", START_S)
    return b"".join(parts.values())


@pytest.mark.parametrize("masks", [[], ["0,0 0.5,0 0.5,0.5 0,0.5"]], ids=["copied", "encoded"])
def test_live_video_has_the_sound_of_the_camera_where_it_is_asked_for(
    masks: list[str], broker: Mosquitto, tmp_path: Path
) -> None:
    port = free_port()
    with recording_camera(
        tmp_path,
        broker,
        recording={"sound": "copy", "pre_roll_s": 5},
        privacy={"masks": masks},
        mjpeg_server={"enable": True, "port": port},
    ) as commands:
        # The very first pictures may be older than the first sound.
        wait_until(lambda: commands.ask("health")["data"]["ring_seconds"] > 6, "a longer ring", START_S)
        master = fetched(port, "master.m3u8").decode()
        videos = [live_video(port, variant) for variant in ("main", "remote")]
    assert master.count(",mp4a.40.2") == 2
    for video in videos:
        with av.open(io.BytesIO(video)) as opened:
            heard_s = [float(frame.pts * frame.time_base) for frame in opened.decode(audio=0)]
        with av.open(io.BytesIO(video)) as opened:
            seen_s = [float(frame.pts * frame.time_base) for frame in opened.decode(video=0)]
        assert np.diff(heard_s) == pytest.approx([1024 / 16_000] * (len(heard_s) - 1), abs=0.002), "no hole"
        # A frame of sound is handed out with the picture after it, and a segment's last one with the next segment.
        # What is copied begins with the first sound that came after the key frame, in the order of the network.
        frame_s, picture_s = 1024 / 16_000, float(max(np.diff(seen_s)))
        assert heard_s[0] == pytest.approx(seen_s[0], abs=2 * frame_s if masks else 0.5)
        assert heard_s[-1] == pytest.approx(seen_s[-1], abs=picture_s + 4 * frame_s)


def test_films_and_clips_of_encoded_pictures_have_the_sound_of_the_camera(broker: Mosquitto, tmp_path: Path) -> None:
    """Pictures with masks are encoded: the camera's own packets would show what is hidden."""
    with recording_camera(
        tmp_path,
        broker,
        recording={"sound": "copy", "pre_roll_s": 3},
        privacy={"masks": ["0,0 0.5,0 0.5,0.5 0,0.5"]},
    ) as commands:
        commands.ask("record", seconds=2)
        film, clip = saved(commands)["media"], commands.ask("clip", before_s=2)["data"]
    for media in (film, clip):
        assert_has_sound(media, 0.6, copied=False, masked=True)
        with av.open(media["path"]) as opened:
            picture = next(iter(opened.decode(video=0))).to_ndarray(format="gray")
        assert picture[:110, :150].max() < 24, "the mask is in the film"


def test_seconds_that_are_lost_on_the_way_are_told(broker: Mosquitto, tmp_path: Path) -> None:
    with recording_camera(tmp_path, broker, "--lose", "6") as commands:
        commands.ask("record", seconds=12)
        message = saved(commands)
    facts = side_car(message["media"])
    assert facts["copied"] is True
    # Two losses of a second each, and each up to the key frame after it.
    assert 1.9 <= facts["gap_s"] <= 6
    assert message["gap_s"] == pytest.approx(facts["gap_s"], abs=0.02)


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_browser_begins_without_sound_and_lets_it_be_heard(broker: Mosquitto, tmp_path: Path) -> None:
    port = free_port()

    async def story() -> None:
        async with looking(f"http://127.0.0.1:{port}", tmp_path) as tab:
            await tab.until("document.querySelector('.watch') !== null")
            assert await tab.value("document.querySelector('.sound').hidden")
            await tab.click(".watch")
            await tab.until("!document.querySelector('.sound').hidden")
            assert await tab.value("document.querySelector('video').muted")
            await tab.click(".sound")
            await tab.until("!document.querySelector('video').muted")
            assert await tab.text(".sound") == "Sound off"
            await tab.until("document.querySelector('video').webkitAudioDecodedByteCount > 0")
            await tab.click(".watch")
            await tab.until("document.querySelector('.sound').hidden && document.querySelector('video').muted")
            assert tab.complaints == []

    with recording_camera(
        tmp_path, broker, recording={"sound": "copy", "pre_roll_s": 5}, mjpeg_server={"enable": True, "port": port}
    ):
        run(story)
