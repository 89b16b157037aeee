"""Conformance suite of the `Source` interface, run for every source."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.catalogue import make
from pi_cam_node.camera.source import Controls, Opened, Shot, Source, controls_of
from pi_cam_node.camera.sources.synthetic.scene import number_of
from pi_cam_node.camera.sources.v4l2_devices import cameras
from pi_cam_node.camera.worker.picture_maker import shape_of
from pi_cam_node.config import CameraConfig, Config
from tests.support.films import SIZE, make_film, make_raw_film
from tests.support.http_camera_server import http_camera
from tests.support.rtsp_server import RtspServer, why_not

RATE_HZ = 10.0
LOGIN = "cam:canary-secret"
# The images of a switch that may still be of the old mode: buffers of the driver and of the network.
LATE_IMAGES = 30


@dataclass
class Rig:
    """A source and how to open it."""

    source: Source
    camera: CameraConfig
    controls: Controls

    def open(self) -> Opened:
        return self.source.open(self.camera, self.controls)


def _synthetic(_stack: ExitStack, _folder: Path) -> str:
    return "synthetic"


def _film(_stack: ExitStack, folder: Path) -> str:
    return f"file:{make_film(folder / 'film.avi', 25, RATE_HZ)}"


def _raw_film(_stack: ExitStack, folder: Path) -> str:
    return f"file:{make_raw_film(folder / 'film.y4m', 25, RATE_HZ)}"


def _rtsp(stack: ExitStack, _folder: Path) -> str:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    return stack.enter_context(RtspServer("--fps", "10", login=LOGIN)).url


def _http_stream(stack: ExitStack, _folder: Path) -> str:
    return stack.enter_context(http_camera("/stream", "basic"))


def _http_snapshot(stack: ExitStack, _folder: Path) -> str:
    return stack.enter_context(http_camera("/snapshot.jpg", "digest"))


def _v4l2(_stack: ExitStack, _folder: Path) -> str:
    found = cameras()
    if not found:
        pytest.skip("there is no camera that Video4Linux serves")
    return f"v4l2:{found[0]}"


def _picamera2(_stack: ExitStack, _folder: Path) -> str:
    if importlib.util.find_spec("picamera2") is None:
        pytest.skip("picamera2 is not installed")
    return "picamera2"


@pytest.fixture(
    params=[
        pytest.param(_synthetic, id="synthetic"),
        pytest.param(_film, id="file"),
        pytest.param(_raw_film, id="raw-file"),
        pytest.param(_rtsp, id="rtsp", marks=pytest.mark.rtsp),
        pytest.param(_http_stream, id="http-stream"),
        pytest.param(_http_snapshot, id="http-snapshot"),
        pytest.param(_v4l2, id="v4l2"),
        pytest.param(_picamera2, id="picamera2", marks=pytest.mark.picamera2_real),
    ]
)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    find: Callable[[ExitStack, Path], str] = request.param
    with ExitStack() as stack:
        named = {"source": find(stack, tmp_path), "width": 320, "height": 240, "framerate": RATE_HZ}
        config = Config(camera=CameraConfig.model_validate(named))
        night = config.night.model_copy(update={"exposure_us": 200_000, "gain": 2.0})
        config = config.model_copy(update={"night": night})
        made = Rig(make(config.camera.source), config.camera, controls_of(config, "day"))
        stack.callback(made.source.close)
        yield made


def read(source: Source, count: int) -> list[Shot]:
    """Return so many images, each with pixels of its own."""
    shots = []
    for _ in range(count):
        shot = source.read()
        shots.append(replace(shot, pixels=shot.pixels.copy()))
    return shots


def test_images_are_what_was_announced(rig: Rig) -> None:
    opened = rig.open()
    for shot in read(rig.source, 3):
        assert shot.pixels.dtype == np.uint8
        assert shot.pixels.shape == shape_of(opened.size, opened.layout)
        assert shot.pixels.any()


def test_a_source_has_a_name_without_a_login(rig: Rig) -> None:
    name = rig.open().source
    assert name
    assert "canary-secret" not in name


def test_times_are_of_the_past_and_grow(rig: Rig) -> None:
    rig.open()
    last_s = 0.0
    for _ in range(5):
        shot = rig.source.read()
        assert shot.exposed_mono_s <= shot.captured_mono_s <= time.monotonic()
        assert shot.captured_mono_s > last_s
        assert time.monotonic() - shot.captured_mono_s < 2
        last_s = shot.captured_mono_s


def test_an_image_stays_as_it_is_until_the_next_read(rig: Rig) -> None:
    rig.open()
    shot = rig.source.read()
    before = shot.pixels.copy()
    time.sleep(0.25)
    assert np.array_equal(shot.pixels, before)


def test_no_more_images_come_than_were_asked_for(rig: Rig) -> None:
    rig.open()
    read(rig.source, 2)
    began = time.monotonic()
    read(rig.source, 10)
    # A network camera's own clock runs a little fast; twice the rate would be wrong.
    assert time.monotonic() - began > 0.8 * 10 / RATE_HZ


def test_images_say_the_mode_that_was_applied(rig: Rig) -> None:
    opened = rig.open()
    assert rig.source.read().mode == "day"
    night = replace(rig.controls, mode="night", exposure_us=200_000, gain=2.0)
    rig.source.apply(night)
    shot = next(shot for shot in (rig.source.read() for _ in range(LATE_IMAGES)) if shot.mode == "night")
    if opened.controls and shot.sensor.exposure_us is not None:
        assert shot.sensor.exposure_us == pytest.approx(200_000, rel=0.1)
        assert shot.captured_mono_s - shot.exposed_mono_s == pytest.approx(0.2, rel=0.1)
    rig.source.apply(rig.controls)
    assert any(rig.source.read().mode == "day" for _ in range(LATE_IMAGES))


def test_a_source_can_be_opened_in_the_mode_of_the_night(rig: Rig) -> None:
    rig.source.open(rig.camera, replace(rig.controls, mode="night", exposure_us=200_000))
    assert rig.source.read().mode == "night"


def test_a_closed_source_can_be_opened_again(rig: Rig) -> None:
    first = rig.open()
    rig.source.read()
    rig.source.close()
    assert rig.open() == first
    assert rig.source.read().pixels.shape == shape_of(first.size, first.layout)


def test_closing_twice_and_before_opening_does_no_harm(rig: Rig) -> None:
    rig.source.close()
    rig.open()
    rig.source.close()
    rig.source.close()


def test_a_source_that_is_not_open_cannot_be_read(rig: Rig) -> None:
    with pytest.raises(SourceError):
        rig.source.read()
    rig.open()
    rig.source.close()
    with pytest.raises(SourceError):
        rig.source.read()


# ---------------------------------------------------------------- what only some can show

ABSENT = {
    "file": "file:no-such-film.avi",
    "raw-file": "file:no-such-film.y4m",
    "v4l2": "v4l2:/dev/video99",
    "rtsp": "rtsp://cam:canary-secret@127.0.0.1:1/cam",
}


@pytest.mark.parametrize("source", ABSENT.values(), ids=ABSENT.keys())
def test_a_camera_that_is_not_there_is_told_with_advice_and_may_be_closed(source: str) -> None:
    absent = make(source)
    config = Config(camera=CameraConfig(source=source))
    with pytest.raises(SourceError) as caught:
        absent.open(config.camera, controls_of(config, "day"))
    assert len(str(caught.value)) > 40
    assert "canary-secret" not in str(caught.value)
    absent.close()


def number(shot: Shot) -> int:
    return number_of(np.asarray(cv2.cvtColor(shot.pixels, cv2.COLOR_BGR2GRAY), np.uint8))


def test_a_film_begins_again_at_its_end(tmp_path: Path) -> None:
    film = make(f"file:{make_film(tmp_path / 'short.avi', 4, 20.0)}")
    config = Config(camera=CameraConfig(framerate=20.0))
    film.open(config.camera, controls_of(config, "day"))
    assert [number(shot) for shot in read(film, 10)] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    film.close()


def test_a_fast_film_is_thinned_out_and_keeps_its_pace(tmp_path: Path) -> None:
    film = make(f"file:{make_film(tmp_path / 'fast.avi', 60, 30.0)}")
    config = Config(camera=CameraConfig(framerate=10.0))
    film.open(config.camera, controls_of(config, "day"))
    assert film.open(config.camera, controls_of(config, "day")).size == SIZE
    assert [number(shot) for shot in read(film, 5)] == [2, 5, 8, 11, 14]
    film.close()


def test_a_file_that_is_no_film_is_told_with_advice(tmp_path: Path) -> None:
    (tmp_path / "film.avi").write_bytes(b"not a film" * 100)
    film = make(f"file:{tmp_path / 'film.avi'}")
    config = Config()
    with pytest.raises(SourceError, match="convert it"):
        film.open(config.camera, controls_of(config, "day"))


def test_a_relative_film_counts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_film(tmp_path / "film.avi", 3)
    monkeypatch.chdir(tmp_path)
    film = make("file:film.avi")
    config = Config()
    assert film.open(config.camera, controls_of(config, "day")).size == SIZE
    film.close()


@pytest.mark.rtsp
def test_a_wrong_password_is_told_without_showing_it() -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    with RtspServer(login=LOGIN) as server:
        source = make(server.url.replace("canary-secret", "wrong-canary"))
        config = Config()
        with pytest.raises(SourceError, match="refuses the login") as caught:
            source.open(config.camera, controls_of(config, "day"))
        assert "wrong-canary" not in str(caught.value)


@pytest.mark.rtsp
def test_the_first_picture_of_a_stream_is_of_now() -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    with RtspServer("--fps", "10") as server:
        source = make(server.url)
        config = Config()
        source.open(config.camera, controls_of(config, "day"))
        began = time.monotonic()
        read(source, 5)
        # Pictures that had piled up while the stream was opened would all come at once.
        assert time.monotonic() - began > 0.3
        source.close()
