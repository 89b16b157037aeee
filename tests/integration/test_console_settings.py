"""A node's settings in the console: each kind of control is changed over MQTT, read back, and saved."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

import yaml

from tests.support.broker import Client, Mosquitto, wait_until
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import RunningConsole
from tests.support.running_node import RunningNode

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

ZONES = "door=0.1,0.2 0.5,0.2 0.5,0.9\npath=0.6,0.6 0.9,0.6 0.9,0.9"
# A setting of each kind: what is chosen or typed, and what the broker and the file then have.
CHANGES: tuple[tuple[str, str, str, object], ...] = (
    ("motion.enable", "on", "", True),  # bool
    ("motion.sensitivity", "71", "71", 71),  # int
    ("night.gain", "7.5", "7.5", 7.5),  # float
    ("recording.mode", "continuous", "continuous", "continuous"),  # choice
    ("motion.zones", ZONES, "", ZONES.split("\n")),  # list
    ("overlay.text", "{name} <b>{time}</b>", "{name} <b>{time}</b>", "{name} <b>{time}</b>"),  # text
)


def control(key: str) -> str:
    return f"#set-{key.replace('.', '-')}"


def test_each_kind_of_control_is_changed_and_read_back(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()

    async def put(tab: Tab, key: str, value: str) -> None:
        where = f"document.querySelector('{control(key)}')"
        await tab.value(f"{where}.closest('details').open = true")
        await tab.value(f"{where}.value = {value!r}")
        await tab.click(f"form:has({control(key)}) button")

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        client.subscribe("pi_cam_node/porch/#")
        page = f"{console.url}/settings/nodes/porch"
        await tab.until("fetch('/settings/nodes/porch').then((a) => a.text()).then((t) => t.includes('motion.zones'))")
        await tab.go(page)
        await tab.until("document.readyState === 'complete'", "htmx")
        kinds = await tab.value("[...new Set([...document.querySelectorAll('[name=kind]')].map((one) => one.value))]")
        assert sorted(kinds) == ["bool", "choice", "float", "int", "list", "text"]
        for key, value, told, _ in CHANGES:
            await put(tab, key, value)
            await tab.until(f"document.querySelector('{control(key)}-said').innerText.startsWith('In force')", key)
            if told:
                topic = f"pi_cam_node/porch/config/{key}"
                wait_until(lambda t=topic, v=told: (client.latest(t) or b"").decode().lower() == v.lower(), topic)  # type: ignore[misc]
        # What the node refuses is said beside the control, and what was typed stays there.
        await put(tab, "night.gain", "15.9")
        await tab.until(f"document.querySelector('{control('night.gain')}-said .said') !== null")
        # State that comes meanwhile leaves what is being typed alone.
        await tab.value(f"document.querySelector('{control('overlay.text')}').focus()")
        await tab.value(f"document.querySelector('{control('overlay.text')}').value = 'half ty'")
        client.publish("pi_cam_node/porch/set/motion.sensitivity", "72")
        wait_until(lambda: client.latest("pi_cam_node/porch/config/motion.sensitivity") == b"72", "the change")
        assert await tab.value(f"document.querySelector('{control('overlay.text')}').value") == "half ty"
        client.publish("pi_cam_node/porch/set/motion.sensitivity", "71")
        client.publish("pi_cam_node/porch/set/night.gain", "7.5")
        wait_until(lambda: client.latest("pi_cam_node/porch/config/motion.sensitivity") == b"71", "the change back")
        wait_until(lambda: client.latest("pi_cam_node/porch/config/night.gain") == b"7.5", "the gain")
        await tab.go(page)
        await tab.until("document.readyState === 'complete'", "htmx")
        for key, value, *_ in CHANGES:
            shown = await tab.value(f"document.querySelector('{control(key)}').value")
            assert shown == value, key
        # A secret is never sent to the page, nor back.
        secrets = "[...document.querySelectorAll('.setting input[type=password]')].map((one) => one.value).join('')"
        assert await tab.value(secrets) == ""
        await tab.click(".save-all button")
        await tab.until("document.getElementById('saved').innerText.startsWith('Saved')", "the file")
        # A secret has no name of a person beside it, which browsers recommend for logins.
        assert [one for one in tab.complaints if not one.startswith("recommendation")] == []

    node = RunningNode(tmp_path / "node", broker.port, mqtt={"username": "porch", "password": "very secret"})
    text = node.config.read_text()
    node.config.write_text(f"# Written by hand.\n{text}")
    with node:
        tour(broker, tmp_path, steps)
    written = node.config.read_text()
    assert "# Written by hand." in written
    kept = yaml.safe_load(written)
    for key, _, _, value in CHANGES:
        section, name = key.split(".")
        assert kept[section][name] == value, key
    assert not re.search(r"\*{3,}", written)


def test_a_node_that_is_gone_is_removed_by_a_second_press_of_its_button(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        for node in ("porch", "shed"):
            announce(client, node)
        client.publish("pi_cam_node/shed/availability", "offline", retain=True)
        await tab.until("document.querySelector('#foot-shed a[href]') !== null", "the link below the card")
        assert await tab.value("document.querySelector('#foot-porch a[href]') === null")
        await tab.click("#foot-shed a[href]")
        await tab.until("location.pathname === '/settings/nodes/shed' && document.readyState === 'complete'")
        await tab.click("#remove button")
        await tab.until("document.querySelector('#remove button').dataset.asked === 'yes'", "the question")
        assert await tab.value("location.pathname") == "/settings/nodes/shed"
        await tab.click("#remove button")
        await tab.until("location.pathname === '/' && document.querySelector('#tile-porch') !== null", "the dashboard")
        assert await tab.value("document.querySelector('#tile-shed') === null")

    tour(broker, tmp_path, steps)


def test_a_node_that_does_not_answer_is_waited_for_on_the_page(broker: Mosquitto, tmp_path: Path) -> None:
    """The page was blank for 15 s."""

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        info = {"name": "Porch", "boot": "b1", "commands": ["settings"]}
        client.publish("pi_cam_node/porch/info", json.dumps(info), retain=True)
        await tab.until("fetch('/settings/nodes/porch').then((a) => a.text()).then((t) => t.includes('waited for'))")
        await tab.go(f"{console.url}/settings/nodes/porch")
        assert "waited for" in await tab.text("main")
        await tab.until("document.querySelector('main').innerText.includes('did not answer within')", "what is wrong")

    tour(broker, tmp_path, steps)
