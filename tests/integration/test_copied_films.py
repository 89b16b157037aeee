"""Films of a network camera: packets are copied, or pictures are encoded where masks are set."""

from __future__ import annotations

import hashlib
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.camera.source import Controls
from pi_cam_node.config import CameraConfig
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.rtsp_node import PRE_S, START_S, node, saved, side_car, start_recording
from tests.support.rtsp_server import RtspServer, why_not
from tests.support.running_node import BASE

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

LYING_SERVER = Path(__file__).parents[1] / "support" / "rtsp_lying_server.py"
# Twenty pictures at ten a second, on a busy machine.
SOON_S = 20.0

pytestmark = [
    pytest.mark.rtsp,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]


def slices(packet: Any) -> bytes:
    """Return the pictures in a packet, without what else there may be: in a file it has lengths, not start codes."""
    data, pictures = bytes(packet), b""
    while data:
        size = int.from_bytes(data[:4], "big")
        if data[4] & 0x1F in (1, 5):
            pictures += data[4 : 4 + size]
        data = data[4 + size :]
    return pictures


def of_the_camera(data: bytes) -> bytes:
    """Return the same of a packet with start codes."""
    from pi_cam_node.imaging.h264 import kind_of, nal_units  # noqa: PLC0415 - of the code under test, for its test

    return b"".join(unit for unit in nal_units(data) if kind_of(unit) in (1, 5))


def decoded(path: Path) -> tuple[int, float]:
    """Return the pictures of a film and its length in seconds; decodes all of it."""
    with av.open(str(path)) as film:
        frames = sum(1 for _ in film.decode(video=0))
        return frames, float(film.duration / av.time_base)


def test_the_camera_s_packets_become_the_film_byte_by_byte(broker: Mosquitto, tmp_path: Path) -> None:
    with RtspServer("--fps", "21") as server:
        sent: set[str] = set()
        with (
            av.open(server.url, options={"rtsp_transport": "tcp"}) as camera,
            node(tmp_path, broker, server.url) as commands,
        ):
            packets = camera.demux(video=0)
            commands.ask("record", seconds=2)
            reply = commands.ask("clip", before_s=1)
            film = saved(commands)
            for packet in packets:
                sent.add(hashlib.sha256(of_the_camera(bytes(packet))).hexdigest())
                if len(sent) > 400 or len(sent) > 21 * 12:
                    break
        for media in (film["media"], reply["data"]):
            path = Path(media["path"])
            told = side_car({"path": path})
            assert (told["copied"], told["masked"], told["gap_s"]) == (True, False, 0)
            frames, seconds = decoded(path)
            assert frames == told["frames_count"]
            assert seconds == pytest.approx(frames / 21, rel=0.1), "the length is of the real rate"
            with av.open(str(path)) as copy:
                hashes = [hashlib.sha256(slices(p)).hexdigest() for p in copy.demux(video=0) if p.size]
            assert set(hashes) <= sent
        assert film["pre_roll_s"] >= PRE_S


def test_a_camera_that_makes_a_key_frame_a_minute_is_seen_as_soon_as_it_is_open() -> None:
    """What it greets with was thrown away, so that it was away for most of each minute."""
    from pi_cam_node.camera.sources.rtsp_packets import RtspPacketSource  # noqa: PLC0415 - needs PyAV

    with RtspServer("--fps", "10", "--says", "10", "--key-s", "60", script=LYING_SERVER) as server:
        source = RtspPacketSource(server.url)
        source.open(CameraConfig(), Controls("day", 10.0, 100_000, 1.0, "stream"))
        opened_s = time.monotonic()
        shots = [source.read() for _ in range(20)]
        source.close()
    assert shots[-1].captured_mono_s - opened_s < SOON_S
    assert len({shot.pixels.tobytes() for shot in shots}) > 10
    packets = [packet for shot in shots for packet in shot.packets]
    assert [packet.key for packet in packets[:15]] == [True, *[False] * 14], "a film can be copied from the beginning"


def test_what_is_masked_turned_or_labelled_is_never_copied(broker: Mosquitto, tmp_path: Path) -> None:
    with (
        RtspServer("--fps", "10") as server,
        node(tmp_path, broker, server.url, privacy={"masks": ["0,0 1,0 1,0.5 0,0.5"]}) as commands,
    ):
        commands.ask("record", seconds=1)
        film = saved(commands)
        told = side_car(film["media"])
        assert (told["copied"], told["masked"]) == (False, True)
        with av.open(film["media"]["path"]) as copy:
            for frame in copy.decode(video=0):
                luma = bytes(frame.planes[0])[: frame.planes[0].line_size * (frame.height // 2 - 8)]
                assert max(luma) < 40, "the masked half is black in the film"


def test_a_server_that_dies_ends_the_film_and_the_next_one_is_whole(broker: Mosquitto, tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(RtspServer("--fps", "10", port=port))
        commands = stack.enter_context(node(tmp_path, broker, server.url))
        start_recording(commands)
        server.signal(signal.SIGKILL)
        first = saved(commands)
        assert first["reason"] == "camera_lost"
        # With another size it has another SPS.
        stack.enter_context(RtspServer("--fps", "10", "--size", "640x480", port=port))
        wait_until(lambda: commands.client.latest(f"{BASE}/camera/availability") == b"online", "the camera", START_S)
        wait_until(lambda: commands.ask("record", seconds=2)["ok"], "a camera that delivers", START_S)
        second = saved(commands, 2)
    for film, size in ((first, (320, 240)), (second, (640, 480))):
        told = side_car(film["media"])
        assert told["copied"] is True
        assert (told["width"], told["height"]) == size
        assert decoded(Path(film["media"]["path"]))[0] == told["frames_count"]
