"""Visits the console's pages in a browser as its owner, with simulated nodes."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from PIL import Image

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, browsing
from tests.support.running_console import OWNER, PASSWORD, Browser, RunningConsole

PAGES = (
    "/",
    "/cameras/porch",
    "/kiosk",
    "/events",
    "/recordings",
    "/sensors",
    "/settings",
    "/settings/accounts",
    "/settings/devices",
    "/settings/rules",
    "/settings/nodes/porch",
)


def picture(colour: str = "#446688") -> bytes:
    """Return a small JPEG."""
    stream = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(stream, "JPEG")
    return stream.getvalue()


def announce(client: Client, node: str, name: str = "") -> None:
    """Publish the retained messages of a node."""
    base = f"pi_cam_node/{node}"
    body = {"name": name or node.title(), "boot": "b1", "commands": ["save", "pastStack"]}
    client.publish(f"{base}/info", json.dumps(body), retain=True)
    client.publish(f"{base}/state/privacy", "OFF", retain=True)
    client.publish(f"{base}/camera/availability", "online", retain=True)
    client.publish(f"{base}/frame", picture(), retain=True)
    client.publish(f"{base}/availability", "online", retain=True)


def tour(
    broker: Mosquitto,
    folder: Path,
    steps: Callable[[Tab, Client, RunningConsole], Awaitable[None]],
    *,
    is_private: bool = True,
    module: str = "pi_cam_node",
) -> None:
    """Log the owner of a new console in, and run the steps; for ``is_private`` see `browsing`.

    ``module`` is run in place of the program.
    """

    async def run(owner: Browser) -> None:
        del owner  # has created the account
        async with browsing(folder / "profile", is_private=is_private) as tab:
            await tab.go(f"{console.url}/login")
            # Who is quicker than the page's own focus gets a complaint of the browser.
            await tab.until("document.activeElement?.id === 'name'")
            await tab.value(f"document.getElementById('name').value = {json.dumps(OWNER)}")
            await tab.write("#password", PASSWORD)
            await tab.until("location.pathname === '/'", "the dashboard")
            with broker.client() as client:
                await steps(tab, client, console)

    console = RunningConsole(folder / "console", broker.port)
    console.module = module
    with console:
        console.visit(run)
