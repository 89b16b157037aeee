"""The catalogue of sources."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.camera.catalogue import KINDS, check, make, memory_bytes
from pi_cam_node.camera.sources.auto import AutoSource
from pi_cam_node.camera.sources.picam.source import Picamera2Source
from pi_cam_node.camera.sources.rtsp import RtspSource
from pi_cam_node.camera.sources.synthetic.source import SyntheticSource
from pi_cam_node.camera.sources.v4l2 import V4l2Source
from pi_cam_node.camera.sources.video_file import VideoFileSource
from pi_cam_node.camera.sources.y4m_file import Y4mFileSource
from pi_cam_node.config import CameraConfig

EXAMPLES = {
    "auto": AutoSource,
    "picamera2": Picamera2Source,
    "picamera2:imx219": Picamera2Source,
    "v4l2:/dev/video0": V4l2Source,
    "v4l2:0": V4l2Source,
    "file:films/porch.avi": VideoFileSource,
    "file:/films/a film.avi": VideoFileSource,
    "file:films/porch.y4m": Y4mFileSource,
    "synthetic": SyntheticSource,
    "synthetic?day_s=30&dusk_s=60": SyntheticSource,
}


@pytest.mark.parametrize(("source", "kind"), EXAMPLES.items())
def test_a_source_is_found_by_how_it_is_written(source: str, kind: type) -> None:
    assert type(make(source)) is kind
    assert CameraConfig(source=source).source == source


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "RTSP"])
def test_network_cameras_are_read_with_the_extra_video_where_it_is_installed(
    scheme: str, mocker: MockerFixture
) -> None:
    url = f"{scheme}://porch.example/live"
    mocker.patch("pi_cam_node.camera.catalogue.has_video", return_value=False)
    assert type(make(url)) is RtspSource
    assert check(url) == "sources.rtsp"
    mocker.patch("pi_cam_node.camera.catalogue.has_video", return_value=True)
    assert check(url) == "sources.rtsp_packets"
    pytest.importorskip("av", reason="the extra video is not installed")
    assert type(make(url)).__name__ == "RtspPacketSource"


@pytest.mark.parametrize(
    "source", ["", "webcam", "/dev/video0", "onvif://porch/", "synthetic:", "file:", "v4l2:", "AUTO"]
)
def test_what_names_no_source_is_refused_with_the_choices(source: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(source)
    assert all(kind.form in str(caught.value) for kind in KINDS)
    with pytest.raises(ValidationError):
        CameraConfig(source=source)


def test_a_refused_address_is_told_without_its_login() -> None:
    with pytest.raises(ConfigError) as caught:
        make("rtmp://admin:hunter2@porch/")
    assert "hunter2" not in str(caught.value)


def test_a_wrong_script_is_refused_before_anything_is_started() -> None:
    with pytest.raises(ConfigError, match="dusk_s is a number"):
        make("synthetic?dusk_s=soon")


@pytest.mark.parametrize("password", ["pa#ss", "pa/ss", "pa?ss", "pa%ss", "%zz"])
@pytest.mark.parametrize("scheme", ["rtsp", "https"])
def test_a_password_that_an_address_cannot_hold_is_refused_in_words(scheme: str, password: str) -> None:
    with pytest.raises(ConfigError, match=r"password holds '.', .* # as %23") as refused:
        check(f"{scheme}://cam:{password}@porch:8554/live")
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://cam:pa%23ss%25@porch/live",
        "rtsp://cam:p@ss@porch:554/live",
        "rtsp://porch:554/live@2",
        "http://porch/cgi?user=me@home",
        "HTTP://porch:81/stream",
    ],
)
def test_addresses_that_are_right_pass(url: str) -> None:
    assert check(url)


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "rtsps"])
@pytest.mark.parametrize(
    "place", ["[", "[::1", "porch:abc", "porch:99999", "porch:0", ":80", "/live", "a b", "u:p@:1", "a..b"]
)
def test_an_address_without_a_host_or_with_an_odd_port_is_refused(scheme: str, place: str) -> None:
    with pytest.raises(ConfigError, match="is no host; expected a name or an address, and a port"):
        check(f"{scheme}://{place}/")


@pytest.mark.parametrize(
    "place", ["[::1]", "[fe80::1%25eth0]:554", "porch:", "u:p[w@porch:80", "u:p@ss@porch", "küche.lan"]
)
def test_odd_addresses_that_work_are_taken(place: str) -> None:
    assert check(f"rtsp://{place}/live")


@pytest.mark.parametrize(
    "source", ["rtsp://porch.example/live", "rtsps://porch.example/live", "https://porch.example/a"]
)
def test_the_memory_of_what_reads_from_the_network_is_limited(source: str) -> None:
    assert 0 < memory_bytes(source) <= 1 << 30
    assert not memory_bytes("synthetic")
