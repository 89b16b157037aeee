"""The MQTT bridge of docs/fleet.md between two mosquitto brokers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.broker import Client, StartBroker, wait_until
from tests.support.certificates import Authority
from tests.support.documents import REPOSITORY, blocks_of
from tests.support.proxy import Proxy
from tests.support.running_node import BASE, RunningNode

DISCOVERY = "homeassistant/device/pi_cam_node_porch/config"
LINE = "$SYS/broker/connection/site-1/state"
# Pictures, which the page leaves out.
PICTURES = ("/frame", "/media/")
Bridge = Callable[[int, Path | None], list[str]]


def bridge(port: int, ca: Path | None) -> list[str]:
    """The page's lines, with the test's address and authority; without an authority the line is not encrypted."""
    (block,) = [one for one in blocks_of(REPOSITORY / "docs" / "fleet.md") if "bridge.conf" in (one.file or "")]
    text, addresses = re.subn(r"^address \S+$", f"address localhost:{port}", block.text, flags=re.MULTILINE)
    text, files = re.subn(r"^bridge_cafile .*$", f"bridge_cafile {ca}" if ca else "", text, flags=re.MULTILINE)
    assert (addresses, files) == (1, 1)
    return text.splitlines()


def password() -> str:
    """The page's, whatever stands there."""
    return next(line.split()[1] for line in bridge(1, None) if line.startswith("remote_password"))


def retained(client: Client, name: str) -> list[str]:
    """Topics of a kind that Home Assistant's discovery message names."""
    body = json.loads(client.wait_for(DISCOVERY).payload)
    return sorted(set(re.findall(rf'"[a-z_]*{name}": "([^"]+)"', json.dumps(body))))


def final_replies(client: Client, name: str) -> list[dict[str, Any]]:
    replies = [json.loads(m.payload) for m in client.messages() if m.topic.startswith(f"{BASE}/reply/")]
    return [reply for reply in replies if reply["id"] == name and reply["stage"] == "final"]


def test_home_assistant_at_the_centre_sees_and_commands_a_node_of_the_site(
    start_broker: StartBroker, authority: Authority, tmp_path: Path
) -> None:
    cert, key = authority.issue("localhost")
    users = {"site-1": password(), "home": "secret"}
    centre = start_broker([f"certfile {cert}", f"keyfile {key}"], users)
    site = start_broker(bridge(centre.port, authority.ca))
    login = {"host": "localhost", "ca": authority.ca, "username": "home", "password": "secret"}
    with (
        RunningNode(tmp_path, site.port, node={"groups": ["garden"]}),
        site.client() as there,
        centre.client(**login) as home,
    ):
        there.subscribe(f"{BASE}/#", "homeassistant/#")
        home.subscribe("pi_cam_node/#", "homeassistant/#", LINE)
        home.wait_for(f"{BASE}/camera/availability", "online")
        home.wait_for(LINE, "1")

        named = [t for t in retained(there, "topic") if t in there.table() and not any(p in t for p in PICTURES)]
        assert len(named) > 40
        wait_until(lambda: all(topic in home.table() for topic in named), "what Home Assistant needs", 60)

        for number, topic in enumerate(
            (f"{BASE}/cmd/health", "pi_cam_node/all/cmd/health", "pi_cam_node/group/garden/cmd/health")
        ):
            home.publish(topic, json.dumps({"id": f"from-home-{number}"}))
            wait_until(lambda name=f"from-home-{number}": final_replies(home, name), f"a reply to {topic}")  # type: ignore[misc]
        setting = next(topic for topic in retained(there, "command_topic") if topic.endswith("jpeg_quality"))
        home.publish(setting, "77")
        home.wait_for(f"{BASE}/config/export.jpeg_quality", "77")
        # A command without an id is done as often as it arrives.
        home.publish("pi_cam_node/all/cmd/save", "jpg")
        home.wait_for(f"{BASE}/event/picture_saved")
        home.publish(f"{BASE}/cmd/health", json.dumps({"id": "last"}))
        wait_until(lambda: final_replies(home, "last"), "the last reply")
        assert len(home.on(f"{BASE}/event/picture_saved")) == 1
        assert not any(p in topic for topic in home.table() for p in PICTURES), "pictures cross the line"


def test_events_wait_for_the_line_and_commands_do_not(start_broker: StartBroker, tmp_path: Path) -> None:
    centre = start_broker(users={"site-1": password(), "home": "secret"})
    with Proxy(centre.port) as line:
        site = start_broker(bridge(line.port, None))
        with (
            RunningNode(tmp_path, site.port),
            site.client() as there,
            centre.client(username="home", password="secret") as home,
        ):
            there.subscribe(f"{BASE}/#")
            home.subscribe(f"{BASE}/#", LINE)
            home.wait_for(f"{BASE}/camera/availability", "online")
            home.wait_for(LINE, "1")
            home.clear()

            line.manner = "silent"
            line.cut()
            home.wait_for(LINE, "0")
            home.publish(f"{BASE}/cmd/save", json.dumps({"id": "too-late", "formats": ["jpg"]}))
            there.publish(f"{BASE}/cmd/trigger", json.dumps({"id": "door", "name": "door"}))
            there.wait_for(f"{BASE}/event/triggered")
            assert home.latest(f"{BASE}/availability") is None, "the centre has not heard that the line is cut"

            line.manner = "serve"
            line.cut()
            home.wait_for(LINE, "1")
            home.wait_for(f"{BASE}/event/triggered")
            home.publish(f"{BASE}/cmd/health", json.dumps({"id": "after"}))
            wait_until(lambda: final_replies(home, "after"), "a reply to a command after the cut")
            assert final_replies(home, "too-late") == []
            assert there.on(f"{BASE}/cmd/save") == []
