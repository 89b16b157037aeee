"""User choices in the console: paused pushes, and the theme of the pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from cryptography.hazmat.primitives.asymmetric import ec

from pi_cam_node.console.push.encryption import encoded, public_bytes
from tests.support.broker import Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import Browser, RunningConsole
from tests.support.web_push import PushService

RULE = {
    "when": {"camera": "porch", "event": "motion_started"},
    "do": [{"push": ["Anna"], "text": "There is motion"}],
    "again_after": 0,
}


def test_pushes_are_off_until_a_time_also_over_a_restart(broker: Mosquitto, tmp_path: Path) -> None:
    service = PushService()
    hosts = {"PI_CAM_NODE_CONSOLE_PUSH_HOSTS": f"127.0.0.1:{service.port}", "TZ": "UTC"}

    async def visit(owner: Browser) -> None:
        runner = await service.start()
        await owner.until("/api/nodes", lambda body: body["nodes"], "the node")
        phone = ec.generate_private_key(ec.SECP256R1())
        keys = {"p256dh": encoded(public_bytes(phone)), "auth": encoded(b"0123456789abcdef")}
        told = {"endpoint": f"http://127.0.0.1:{service.port}/wpush/phone", "keys": keys, "label": "Phone"}
        assert (await owner.post_json("/api/push/subscribe", told))[0] == 201
        until = (datetime.now(UTC) + timedelta(hours=3)).strftime("%H:%M")
        for wrong in ("soon", "25:00", ""):
            assert (await owner.post("/pushes", {"until": wrong}))[0] == 400
        assert f"Pushes are off until {until}" in (await owner.post("/pushes", {"until": until}))[1]
        await moved(owner, 1)
        assert "not sent while pushes were off to Phone (Anna)" in (await owner.get("/events/1"))[1]
        assert console.stop() == 0
        console.start()
        assert f"Pushes are off until {until}" in (await owner.get("/"))[1]
        await moved(owner, 2)
        assert service.sent == []
        assert "Pushes are on" in (await owner.post("/pushes", {"on": "yes", "until": until}))[1]
        await moved(owner, 3)
        await owner.until("/api/events", lambda _told: service.sent, "the push")
        assert re.search(r"pushes: <span class=\"data\">off until .*Z", (await owner.get("/settings"))[1])
        assert (await owner.post_json("/api/accounts", guest))[0] == 201
        async with Browser(console) as other:
            await other.log_in("Gast", "correct horse")
            assert (await other.post("/pushes", {"until": until}))[0] == 403
            assert "Pushes" not in (await other.get("/parts/mode"))[1]
        await runner.cleanup()

    async def moved(owner: Browser, count: int) -> None:
        at = datetime.now(UTC).isoformat()
        body = f'{{"event_type": "motion_started", "id": "m{count}", "at": "{at}", "began_at": "{at}"}}'
        client.publish("pi_cam_node/porch/event/motion_started", body)
        fired = "/api/events?kind=motion"
        await owner.until(fired, lambda told: len(told) == count and all(one["rule"] for one in told), "the rule")

    guest = {"name": "Gast", "password": "correct horse", "role": "guest", "cameras": ["porch"]}
    with broker.client() as client:
        announce(client, "porch")
        with RunningConsole(tmp_path / "console", broker.port, hosts, rules=[RULE]) as console:
            console.visit(visit)


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_theme_is_the_accounts_on_every_device(broker: Mosquitto, tmp_path: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"

    async def steps(tab: Tab, _client: object, console: RunningConsole) -> None:
        await tab.look(dark=False)
        await tab.until(f"{ground} !== 'rgba(0, 0, 0, 0)'", "the style sheet")
        light = await tab.value(ground)
        await tab.look(dark=True)
        dark = await tab.value(ground)
        assert light != dark
        await tab.go(f"{console.url}/settings")
        await tab.until("document.readyState === 'complete'", "htmx")
        await tab.value("document.getElementById('theme').value = 'light'")
        await tab.click("label:has(#theme) + button")
        await tab.until(
            "document.documentElement?.dataset.theme === 'light' && document.readyState === 'complete'",
            "the page again",
        )
        await tab.until(f"{ground} === '{light}'", "light on a device that is dark")
        async with Browser(console) as other:
            await other.log_in()
            assert 'data-theme="light"' in (await other.get("/events"))[1]
            assert (await other.post("/settings/look", {"theme": "pink"}))[0] == 422
            assert (await other.post("/settings/look", {"theme": "dark"}))[0] == 200
        await tab.look(dark=False)
        await tab.go(f"{console.url}/settings")
        await tab.until("document.readyState === 'complete'", "htmx")
        await tab.until(f"{ground} === '{dark}'", "dark on a device that is light")
        # What hangs in the header opens, acts and is away again.
        await tab.click(".bell")
        await tab.until("document.getElementById('pushes').matches(':popover-open')", "the choice")
        await tab.click("#pushes button")
        await tab.until("document.querySelector('.bell span')?.textContent === '07:00'", "the pause")
        await tab.until("!document.getElementById('pushes').matches(':popover-open')")
        assert tab.complaints == []

    tour(broker, tmp_path, steps)
