"""Masks in every output of a whole node, for a camera and a video file."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pi_cam_node.config.loader import load
from pi_cam_node.imaging.jpeg import Pixels, decode
from tests.support.broker import Mosquitto, wait_until
from tests.support.films import make_film
from tests.support.interfaces import Interfaces, parts_of, with_interfaces
from tests.support.running_node import BASE, RunningNode

pytestmark = pytest.mark.broker

WIDTH, HEIGHT = 320, 240
# The left third, and a triangle in the lower right corner.
MASKS = ["0,0 0.3333,0 0.3333,1 0,1", "1,0.6 1,1 0.6,1"]
# JPEG rings around the edge of a mask, so what is looked at begins a block inside of it.
BLACK = 16


def is_masked(picture: Pixels, *, tolerance: int = BLACK) -> bool:
    """Tell whether both masks are black, and something is to be seen between them."""
    height, width = picture.shape[:2]
    left = picture[:, : int(width * 0.3333) - width // 32]
    corner = picture[int(height * 0.92) :, int(width * 0.92) :]
    between = picture[: height // 2, int(width * 0.4) : int(width * 0.9)]
    return bool(left.max() <= tolerance and corner.max() <= tolerance and between.mean() > 30)


@pytest.fixture(params=["synthetic", "film", "synthetic in process"])
def interfaces(request: pytest.FixtureRequest, broker: Mosquitto, tmp_path: Path) -> Iterator[Interfaces]:
    source = "synthetic"
    if request.param == "film":
        source = f"file:{make_film(tmp_path / 'film.avi', 50)}"
    camera = {"source": source, "width": WIDTH, "height": HEIGHT, "isolate": request.param != "synthetic in process"}
    sections: dict[str, Any] = {"camera": camera, "privacy": {"masks": MASKS}, "homeassistant": {"camera_fps": 10}}
    with with_interfaces(tmp_path, broker, **sections) as found:
        wait_until(lambda: float(found.commands.state("ring_seconds") or 0) >= 1, "a second in the ring", 20)
        yield found


def test_the_masked_pixels_of_every_output_are_black(interfaces: Interfaces) -> None:
    commands, seen = interfaces.commands, dict[str, bytes]()
    seen["snapshot"] = interfaces.get("/snapshot.jpg")[1]
    seen["fresh snapshot"] = interfaces.get("/snapshot.jpg?fresh=1")[1]
    seen["small snapshot"] = interfaces.get("/snapshot.jpg?width=160")[1]
    with interfaces.open("/stream") as stream:
        seen |= {f"stream {n}": picture for n, (_, picture) in enumerate(parts_of(stream, 3))}
    with interfaces.open("/shortstream?n=3") as ring:
        seen |= {f"ring over HTTP {n}": picture for n, (_, picture) in enumerate(parts_of(ring, 3))}
    seen |= {f"ring over TCP {n}": picture for n, picture in enumerate(interfaces.streamed(3)[0])}
    assert commands.ask("shortstream", n=3)["ok"]
    seen |= {f"ring over MQTT {n}": m.payload for n, m in enumerate(commands.client.on(f"{BASE}/shortstream"))}
    commands.client.wait_count(f"{BASE}/frame", 1)
    seen["frame topic"] = commands.client.on(f"{BASE}/frame")[-1].payload
    reply = commands.ask("save", formats=["jpg", "png", "npy"], thumbnail=True)["data"]
    seen["thumbnail in a reply"] = base64.b64decode(reply["thumbnail"])
    for method in ("mean", "median", "max", "sigma_clip"):
        stack = commands.ask("pastStack", formats=["jpg"], at=0.5, count=4, method=method)["data"]
        seen[f"stack by {method}"] = Path(stack["path"]).read_bytes()
    wait_until(lambda: commands.client.latest(f"{BASE}/media/thumbnail"), "the thumbnail on its topic")
    seen["image topic"] = commands.client.latest(f"{BASE}/media/last/image") or b""
    seen["thumbnail topic"] = base64.b64decode(commands.client.latest(f"{BASE}/media/thumbnail") or b"")
    seen["thumbnail over HTTP"] = interfaces.get(f"/media/{reply['id']}/thumbnail")[1]
    seen["saved jpg"] = Path(reply["paths"][0]).read_bytes()
    assert len(seen) >= 22, sorted(seen)
    assert [name for name, picture in seen.items() if not is_masked(decode(picture))] == []
    png = cv2.imread(reply["paths"][1])
    npy = np.load(reply["paths"][2])
    assert is_masked(np.asarray(png, np.uint8), tolerance=0)
    assert is_masked(npy, tolerance=0)


def test_masks_stay_on_the_scene_while_the_camera_is_turned(interfaces: Interfaces) -> None:
    commands = interfaces.commands
    for key, value, turn in (
        ("rotation", "180", lambda p: p[::-1, ::-1]),
        ("rotation", "90", lambda p: np.rot90(p)),  # noqa: PLW0108 - of one type with the others
        ("rotation", "0", lambda p: p),
        ("hflip", "on", lambda p: p[:, ::-1]),
        ("vflip", "on", lambda p: p[::-1, ::-1]),
    ):
        commands.client.clear()
        reply = commands.ask("set", key=f"camera.{key}", value=value)
        assert (reply["ok"], reply["data"]["live"]) == (True, True), reply
        commands.client.wait_for(f"{BASE}/config/camera.{key}", value)

        def frames() -> list[Pixels]:
            return [decode(message.payload) for message in commands.client.on(f"{BASE}/frame") if message.payload]

        wait_until(lambda t=turn: frames() and is_masked(t(frames()[-1])), f"{key} {value}", 60)  # type: ignore[misc]
        for picture in frames():
            sides = (picture, np.rot90(picture), picture[::-1, ::-1], picture[:, ::-1])
            assert any(map(is_masked, sides)), "none without its masks"
    commands.ask("overwrite_config")
    written = load(interfaces.node.config, {}).config
    assert (written.camera.hflip, written.camera.vflip) == (True, True)
    assert written.privacy.masks[0] == "1,1 0.6667,1 0.6667,0 1,0"


def test_a_mask_that_is_no_polygon_starts_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    with RunningNode(tmp_path, broker.port, privacy={"masks": ["0,0 1,1"]}) as node:
        assert node.process.wait(20) == 2
        assert "privacy.masks: found '0,0 1,1', 2 points are no polygon" in node.log()
