"""Takes the pictures of README: the node's page, the console, and Home Assistant; see `scripts/screenshots`.

``python -m tests.tools.screenshots [FOLDER [page|house|home-assistant]]``.

A real node on the synthetic camera, a real broker, a real browser; Home
Assistant where its tool lies beside the repository, else its picture stays as it is.
"""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from tests.support.broker import Client, Mosquitto, free_port, wait_until
from tests.support.chromium import browsing, find_chromium
from tests.support.home_assistant import TOOLS, run_tool
from tests.support.running_node import BASE, REPOSITORY, CommandClient, RunningNode

INSTANCE = "pi-cam-node-screenshots"
IMAGES = REPOSITORY / "docs" / "images"
DESKTOP, PHONE = (1280, 1000), (390, 1500)
# A zone around the house, and the frame number, which changes all the time.
ZONE, FRAME_NUMBER = "house=0.05,0.2 0.98,0.2 0.98,0.98 0.05,0.98", "0,0 1,0 1,0.1 0,0.1"
EVENTS = 3
PASSWORD = "correct horse"
# How long to wait for the door of the house to be opened three times, in seconds.
HOUSE_S = 180
# Colours of a picture in README; more only make the file larger.
COLOURS = 128


def write(png: bytes, path: Path) -> None:
    """Write a screenshot with few colours."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    print(f"{path}: {image.width} x {image.height}, {path.stat().st_size // 1000} kB")  # noqa: T201 - a program


@contextmanager
def running_porch(folder: Path, broker_port: int) -> Iterator[int]:
    """Run a node with some pictures saved; yield the port of its page."""
    port = free_port()
    settings: dict[str, Any] = {
        "node": {"id": "porch", "name": "Porch"},
        "camera": {"source": "synthetic?still_s=8&moves_s=5", "width": 1024, "height": 768},
        "mjpeg_server": {"enable": True, "port": port, "fps": 5},
        "telemetry": {"interval_s": 2},
        "motion": {"enable": True, "zones": [ZONE], "ignore": [FRAME_NUMBER], "clear_s": 2},
        "recording": {"mode": "motion", "pre_roll_s": 3, "post_roll_s": 2},
    }
    with RunningNode(folder, broker_port, **settings) as node, Client(broker_port) as client:
        commands = CommandClient(client)
        commands.wait_online()
        wait_until(lambda: "the live view is at" in node.log(), "the page", 20)
        wait_until(lambda: float(commands.state("ring_seconds") or 0) >= 6, "pictures in the ring", 30)
        for verb, fields in (("save", {}), ("pastStack", {"at": 2}), ("pastStack", {"at": 4}), ("save", {})):
            assert commands.ask(verb, formats=["jpg"], **fields)["ok"]
        assert client.latest(f"{BASE}/media/last")
        wait_until(lambda: len(saved_films(commands)) >= EVENTS, "some films", 120)
        yield port


def saved_films(commands: CommandClient) -> list[Any]:
    """Return the films that the node has."""
    return list(commands.ask("media", kind="recording")["data"]["media"])


async def shoot_page(url: str, folder: Path, profile: Path) -> None:
    """Take pictures of the page in the window of a desktop and of a phone."""
    async with browsing(profile) as tab:
        for name, (width, height), phone in (("page", DESKTOP, False), ("page-phone", PHONE, True)):
            await tab.look(width=width, height=height, phone=phone)
            await tab.go(url)
            await tab.until("document.querySelector('#picture').naturalWidth > 0", "the live picture")
            await asyncio.sleep(4)  # some seconds of brightness to draw
            write(await tab.screenshot(whole=False), folder / f"{name}.png")
        await tab.look(width=DESKTOP[0], height=900, dark=True)
        await tab.value("[...document.querySelectorAll('#events .event a')].at(-1).click()")
        await tab.until("document.querySelector('dialog[open] video')?.readyState >= 1", "the film")
        await tab.value("document.querySelector('dialog[open] video').currentTime = 5")
        await asyncio.sleep(3)
        write(await tab.screenshot(whole=False), folder / "page-event.png")


async def shoot_console(link: str, folder: Path, profile: Path) -> None:
    """Take a picture of the console's first page, with an owner and some events."""
    async with browsing(profile) as tab:
        await tab.look(width=1200, height=1000, dark=True)
        await tab.go(link)
        await tab.until("document.activeElement?.id === 'name'", "the form of the account")
        await tab.value("document.getElementById('name').value = 'Anna'")
        await tab.write("#password", PASSWORD)
        await tab.until("location.pathname === '/'", "the cameras")
        await tab.until("document.querySelectorAll('#tiles article').length === 4", "four cameras")
        for _ in range(HOUSE_S):
            if await tab.value(
                "document.querySelectorAll('#strip img').length >= 4 && !document.querySelector('#strip .no-picture')"
            ):
                break
            await asyncio.sleep(1)
        await asyncio.sleep(2)
        write(await tab.screenshot(), folder / "console.png")


def shoot_house(folder: Path, work: Path) -> None:
    """Take a picture of the console of ``scripts/run house``."""
    command = [sys.executable, "-m", "pi_cam_node", "house", "--folder", str(work / "house"), "--port", "0"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as house:
        try:
            assert house.stdout is not None
            link = next(line.split()[-1] for line in house.stdout if "Make your account: " in line)
            asyncio.run(shoot_console(link, folder, work / "profile"))
        finally:
            house.terminate()


def shoot_home_assistant(folder: Path, work: Path) -> None:
    """Take the device's page and the dashboard in a fresh Home Assistant, with a node on its broker."""
    if not (TOOLS / "ha_up").exists():
        print("Home Assistant's pictures stay as they are: it is not beside the repository")  # noqa: T201
        return
    started = run_tool("ha_up", "--instance", INSTANCE, "--fresh", "--ha-port", "0", "--mqtt-port", "0")
    if started.returncode:
        raise SystemExit(started.stderr[-500:])
    try:
        sys.path.append(str(TOOLS))
        from ha_client import HA  # noqa: PLC0415 - found only once its folder is in the path

        home = HA.from_state(INSTANCE)
        with running_porch(work, int(home.mqtt_port)):
            shoot_frontend("device:pi_cam_node_porch", "1280x1200", folder / "home-assistant.png", work)
            dashboard = yaml.safe_load((REPOSITORY / "homeassistant" / "dashboard.yaml").read_text())
            home.ws.command("lovelace/dashboards/create", url_path="pi-camera", title="Camera", mode="storage")
            home.ws.command("lovelace/config/save", url_path="pi-camera", config=dashboard)
            shoot_frontend("/pi-camera/0", "1400x1000", folder / "home-assistant-dashboard.png", work)
    finally:
        run_tool("ha_down", "--instance", INSTANCE, "--purge")


def shoot_frontend(page: str, size: str, path: Path, work: Path) -> None:
    """Take a page of Home Assistant's frontend."""
    shot = work / path.name
    done = run_tool("ha_shot", page, str(shot), "--instance", INSTANCE, "--wait", "12", "--size", size)
    if done.returncode:
        raise SystemExit(done.stderr[-500:])
    write(shot.read_bytes(), path)


def main(folder: Path, only: str) -> None:
    """Take all pictures, or only those of the ``page``, the ``house`` or ``home-assistant``."""
    if find_chromium() is None:
        raise SystemExit("chromium is needed; as root: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pi-cam-node-shots-") as name:
        work = Path(name)
        for part in ("broker", "node", "home", "profile", "console/profile"):
            (work / part).mkdir(parents=True)
        if only in ("", "page"):
            with Mosquitto(work / "broker") as broker, running_porch(work / "node", broker.port) as port:
                asyncio.run(shoot_page(f"http://127.0.0.1:{port}/", folder, work / "profile"))
        if only in ("", "house"):
            shoot_house(folder, work / "console")
        if only in ("", "home-assistant"):
            shoot_home_assistant(folder, work / "home")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES, sys.argv[2] if len(sys.argv) > 2 else "")
