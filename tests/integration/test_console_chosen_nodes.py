"""A console that is told its nodes shows these alone, whatever others make up on the broker."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

import yaml

from tests.support.broker import Client, Mosquitto
from tests.support.console_tour import announce
from tests.support.running_console import Browser, RunningConsole

MADE_UP = 64


def move(client: Client, node: str) -> None:
    """Publish an event of a node."""
    body = {"event_type": "motion_started", "id": uuid.uuid4().hex, "at": "2026-11-29T10:00:00.000Z"}
    client.publish(f"pi_cam_node/{node}/event/motion_started", json.dumps(body))


def make_up(client: Client) -> None:
    """Publish as many nodes as a console shows, each of which speaks and has an event."""
    for number in range(MADE_UP):
        base = f"pi_cam_node/junk{number:02}"
        client.publish(f"{base}/availability", "online", retain=True)
        client.publish(f"{base}/telemetry", json.dumps({"uptime_s": number}))
        move(client, f"junk{number:02}")


def ids(told: dict[str, list[dict[str, str]]]) -> set[str]:
    """Return the ids of the nodes that the API lists."""
    return {node["id"] for node in told["nodes"]}


def test_nodes_that_are_named_have_their_place_beside_any_number_of_made_up_ones(
    broker: Mosquitto, tmp_path: Path
) -> None:
    made_up: list[int] = []

    async def overrun(owner: Browser) -> None:
        make_up(client)
        await owner.until("/api/nodes", lambda told: len(told["nodes"]) == MADE_UP, "the made-up nodes")
        announce(client, "porch")
        client.publish("pi_cam_node/porch/telemetry", '{"uptime_s": 5}')
        announce(client, "junk00")  # what comes after it was taken
        await owner.until("/api/nodes", lambda told: any(n["name"] == "Junk00" for n in told["nodes"]), "its name")
        assert "porch" not in ids(await owner.json("/api/nodes"))
        events = await owner.until("/api/events?limit=200", lambda told: len(told) == MADE_UP, "their events")
        made_up.extend(event["number"] for event in events)

    async def empty(owner: Browser) -> None:
        _, page = await owner.get("/")
        assert "None of the nodes that console.nodes lists" in page
        assert "junk" not in page

    async def chosen(owner: Browser) -> None:
        assert await owner.json("/api/events?limit=200") == [], "those of before are hidden"
        assert await owner.json("/api/events?camera=junk00&kind=motion&before=2030-01-01T00:00:00Z") == []
        assert (await owner.get("/api/events?camera=junk00"))[0] == 404
        assert (await owner.get(f"/events/{made_up[0]}"))[0] == 404
        await owner.until("/api/nodes", lambda told: told["nodes"], "the node")
        make_up(client)
        move(client, "porch")
        path = "/api/events?limit=200"
        seen = await owner.until(path, lambda told: any(e["node"] == "porch" for e in told), "the event")
        assert [event["node"] for event in seen] == ["porch"]
        assert ids(await owner.json("/api/nodes")) == {"porch"}
        assert (await owner.get("/cameras/junk00"))[0] == 404

    def choose(console: RunningConsole, *nodes: str) -> None:
        console.stop()
        tree = yaml.safe_load(console.config.read_text())
        tree["console"]["nodes"] = list(nodes)
        console.config.write_text(yaml.safe_dump(tree))
        console.start()

    with broker.client() as client, RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(overrun)
        choose(console, "elsewhere")
        console.visit(empty)
        choose(console, "porch")
        console.visit(chosen)
