"""Web Push in a real Firefox: subscribe on the console's page, receive and show a rule's push."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Mosquitto
from tests.support.firefox import Firefox, PushService, find_firefox, firefox
from tests.support.running_console import OWNER, PASSWORD, Browser, RunningConsole

pytestmark = pytest.mark.skipif(find_firefox() is None, reason="Firefox is not installed: apt-get install firefox-esr")

DOOR = {"state_topic": "door", "unique_id": "front_door", "device_class": "door", "device": {"name": "Front door"}}
LOG_IN = """
const [name, password] = arguments;
document.getElementById("name").value = name;
document.getElementById("password").value = password;
document.querySelector("form button").click();
done(true);
"""
SUBSCRIBE = """
const label = document.getElementById("push-label");
if (label) label.value = "Firefox";
const button = document.getElementById("push-button");
const wait = () => (button && !button.disabled ? button.click() : setTimeout(wait, 100));
wait();
done(true);
"""
SAID = """
const said = document.getElementById("push-said")?.textContent ?? "";
done([location.pathname, said, document.body.textContent.includes("Send a test")]);
"""
SHOWN = """
navigator.serviceWorker.ready.then((worker) => worker.getNotifications()).then((all) =>
  done(all.map(({ title, body, tag, data }) => ({ title, body, tag, data }))));
"""


async def until(page: Firefox, script: str, holds: Callable[[Any], object], what: str, limit_s: float = 60.0) -> Any:
    loop, until_s = asyncio.get_running_loop(), time.monotonic() + limit_s
    while True:
        found = await loop.run_in_executor(None, page.run, script)
        if found is not None and holds(found):  # None while another page loads
            return found
        assert time.monotonic() < until_s, f"waited for {what}; found {found}"
        await asyncio.sleep(0.2)


def test_a_rules_push_is_shown_by_a_real_browser(broker: Mosquitto, tmp_path: Path) -> None:
    service = PushService()
    rule = {
        "name": "Front door",
        "when": {"sensor": "front_door", "becomes": "open"},
        "do": [{"push": [OWNER], "text": "The door is open"}],
        "again_after": 1,
    }
    hosts = {"PI_CAM_NODE_CONSOLE_PUSH_HOSTS": f"127.0.0.1:{service.port}"}

    async def visit(owner: Browser) -> None:
        runner, loop = await service.start(), asyncio.get_running_loop()
        opened = firefox(tmp_path / "profile", service.port)
        page: Firefox = await loop.run_in_executor(None, opened.__enter__)
        try:
            await loop.run_in_executor(None, page.open, f"{console.url}/login")
            await loop.run_in_executor(None, page.run, LOG_IN, OWNER, PASSWORD)
            await until(page, SAID, lambda found: found[0] == "/", "the dashboard")
            await loop.run_in_executor(None, page.open, f"{console.url}/settings/devices")
            await loop.run_in_executor(None, page.run, SUBSCRIBE)
            await until(page, SAID, lambda found: found[2] and found[1], "the subscription")
            with broker.client() as house:
                house.publish("door", "OFF")
                await asyncio.sleep(0.3)
                house.publish("door", "ON")
                (shown,) = await until(page, SHOWN, lambda found: found, "the notification")
            assert (shown["title"], shown["body"]) == ("The door is open", "Front door")
            assert shown["data"]["navigate"].startswith(f"{console.url}/events/")
            told = await owner.json("/api/events")
            page_of_event = (await owner.get(f"/events/{told[0]['number']}"))[1]
            assert f"sent to Firefox ({OWNER})" in page_of_event
            assert [update["code"] for update in service.acknowledged] == [100]
        finally:
            await loop.run_in_executor(None, opened.__exit__, None, None, None)
            await runner.cleanup()

    with broker.client() as house:
        house.publish("homeassistant/binary_sensor/door/config", json.dumps(DOOR), retain=True)
    with RunningConsole(tmp_path / "console", broker.port, hosts, rules=[rule]) as console:
        console.visit(visit)
