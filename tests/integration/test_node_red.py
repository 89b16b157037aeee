"""The flows of `examples/node-red` in a real Node-RED, with a real broker, node and browser."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from pi_cam_node.cli.reference.asyncapi.channels import channels
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas
from pi_cam_node.imaging import jpeg
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.chromium import browsing, find_chromium
from tests.support.node_red import DASHBOARD, FLOW, NodeRed, flow_for, running_node_red
from tests.support.other_brokers import OtherBroker
from tests.support.running_node import BASE, CommandClient, RunningNode

TAB = "camera.porch.tab"
# What the flows of two cameras share: Node-RED has one broker, one dashboard and one theme for both.
SHARED = {"camera.broker", "camdash.base", "camdash.theme"}
# A node for the end of the door's branch, where a user puts mail or a message.
MAIL = {
    "id": "test.mail",
    "type": "function",
    "z": TAB,
    "func": "flow.set('mailed', [...(flow.get('mailed') || []), {name: msg.filename, size: msg.payload.length}]);",
    "outputs": 0,
    "wires": [],
}


IMAGE = "document.querySelector('.cam-%s img')"
VALUE = "document.querySelector('.cam-%s .nrdb-ui-text-value')"
# Whether a pixel of the chart has the colour of its line.
CHARTED = """(() => {
    const canvas = document.querySelector('.cam-chart canvas')
    const pixels = canvas?.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data ?? []
    for (let at = 0; at < pixels.length; at += 4)
        if (pixels[at] === 0x0d && pixels[at + 1] === 0x74 && pixels[at + 2] === 0xce) return true
    return false
})()"""
CHOOSE = "[...document.querySelectorAll('.cam-%s button')].find(b => b.innerText.trim().toLowerCase() === '%s').click()"


@pytest.fixture
def node_red(tmp_path: Path) -> Iterator[NodeRed]:
    (tmp_path / "node-red").mkdir()
    with running_node_red(tmp_path / "node-red") as running:
        yield running


@pytest.mark.parametrize("file", [FLOW, DASHBOARD], ids=lambda file: file.stem)
def test_every_wire_leads_to_a_node_and_every_group_to_a_page(file: Path) -> None:
    nodes = json.loads(file.read_text())
    ids = {node["id"] for node in nodes}
    assert len(ids) == len(nodes)
    assert {wire for node in nodes for output in node.get("wires", []) for wire in output} <= ids
    assert {node[key] for node in nodes for key in ("z", "group", "page", "ui", "theme", "broker") if node.get(key)} - {
        "localhost"
    } <= ids


@pytest.mark.parametrize("file", [FLOW, DASHBOARD], ids=lambda file: file.stem)
def test_the_flow_of_a_second_camera_shares_only_broker_dashboard_and_theme(file: Path) -> None:
    first, text = json.loads(file.read_text()), file.read_text().replace("porch", "garden")
    second = {node["id"]: node for node in json.loads(text)}
    assert {node["id"] for node in first} & second.keys() == SHARED & second.keys()
    addresses = [{n["path"] for n in nodes if n["type"] == "ui-page"} for nodes in (first, second.values())]
    assert not addresses[0] & addresses[1]


def test_the_plain_flow_uses_only_node_red_s_own_nodes() -> None:
    nodes = json.loads(FLOW.read_text())
    own = {"tab", "comment", "inject", "change", "switch", "function", "debug", "rbe"}
    assert {node["type"] for node in nodes} <= own | {"mqtt-broker", "mqtt in", "mqtt out", "http in", "http response"}


def test_the_flow_gives_commands_shows_replies_and_serves_the_picture(
    broker: Mosquitto, tmp_path: Path, node_red: NodeRed
) -> None:
    with RunningNode(tmp_path, broker.port) as node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        node_red.import_flows(flow_for(broker.port))
        wait_until(lambda: node_red.flow_value(TAB, "camera"), "the states in the flow", 60)
        wait_until(lambda: float(commands.state("ring_seconds") or 0) > 3, "pictures in the ring", 60)
        node_red.press("camera.porch.past")
        client.wait_for(f"{BASE}/reply/pastStack", lambda reply: json.loads(reply.payload)["stage"] == "final", 60)
        wait_until(lambda: node_red.get("/porch.jpg"), "the picture", 60)
        assert jpeg.decode(node_red.get("/porch.jpg")).shape == (240, 320, 3)
        client.clear()
        client.publish("zigbee2mqtt/door", '{"contact":false}')
        client.wait_for(f"{BASE}/reply/pastStack", lambda reply: json.loads(reply.payload)["ok"], 60)
        node_red.press("camera.porch.private")
        client.wait_for(f"{BASE}/state/privacy", "ON", 60)
        wait_until(lambda: node_red.get("/porch.jpg") == b"", "no picture while privacy is on", 60)
        node_red.press("camera.porch.gain")
        client.wait_for(f"{BASE}/config/night.gain", "8", 60)
        assert node.running
    assert "[error]" not in node_red.log.read_text()


def test_a_door_that_opens_asks_once_and_gets_its_own_picture(
    broker: Mosquitto, tmp_path: Path, node_red: NodeRed
) -> None:
    nodes = flow_for(broker.port)
    next(node for node in nodes if node["id"] == "camera.porch.answer_of")["wires"][0].append(MAIL["id"])
    with RunningNode(tmp_path, broker.port), broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        wait_until(lambda: float(commands.state("ring_seconds") or 0) > 3, "pictures in the ring", 60)
        assert commands.ask("save")["ok"]  # retained, and not what the door asks for
        node_red.import_flows([*nodes, MAIL])
        wait_until(lambda: node_red.get("/porch.jpg"), "the picture before", 60)
        for contact, battery in ((True, 97), (False, 97), (False, 96)):
            client.publish("zigbee2mqtt/door", json.dumps({"contact": contact, "battery": battery}))
        reply = client.wait_for(f"{BASE}/reply/pastStack", lambda found: json.loads(found.payload)["ok"], 60)
        picture = json.loads(reply.payload)["data"]["id"]
        wait_until(lambda: node_red.flow_value(TAB, "mailed"), "the picture where it is mailed", 60)
        assert commands.ask("save")["ok"]  # the reply to another request
        client.publish("zigbee2mqtt/door", '{"contact":true}')
        client.publish("zigbee2mqtt/door", '{"contact":false}')
        wait_until(lambda: len(node_red.flow_list(TAB, "mailed")) > 1, "the picture of the second opening", 60)
        mailed = node_red.flow_list(TAB, "mailed")
    assert [mailed[0]["name"], len(mailed)] == [f"{picture}.jpg", 2]
    assert min(one["size"] for one in mailed) > 1000


def test_a_node_without_power_is_not_shown_as_online(broker: Mosquitto, tmp_path: Path, node_red: NodeRed) -> None:
    if find_chromium() is None:
        pytest.skip("Chromium is not installed")
    with RunningNode(tmp_path, broker.port) as node, broker.client() as client:
        CommandClient(client).wait_online()
        dashboard = [one for one in flow_for(broker.port, DASHBOARD) if one["id"] != "camera.broker"]
        node_red.import_flows([*flow_for(broker.port), *dashboard])
        wait_until(lambda: node_red.flow_object(TAB, "camera").get("online"), "the camera in the flow", 60)
        asyncio.run(lose_the_node(node_red.url, node, tmp_path))
        assert client.latest(f"{BASE}/camera/availability") == b"online"  # retained: the node had no time to say more
        assert not node_red.flow_object(TAB, "camera")["online"]
        node.start()
        wait_until(lambda: node_red.flow_object(TAB, "camera")["online"], "the camera in the flow again", 60)
    assert "[error]" not in node_red.log.read_text()


async def lose_the_node(url: str, node: RunningNode, folder: Path) -> None:
    """Look at the page while the node dies without a word."""
    async with browsing(folder / "profile") as tab:
        await tab.go(f"{url}/dashboard/porch")
        await tab.until(f"{IMAGE % 'live'}?.naturalWidth === 320", "the live picture")
        await in_thread(node.stop, signal.SIGKILL)
        shown = f"({VALUE % 'camera'})?.innerText"
        await tab.until(f"{shown}.includes('the node is offline')", "that the node is away")
        await tab.until(f"{IMAGE % 'live'} === null", "no picture of before")


def test_the_flow_of_a_node_with_the_name_of_a_topic(broker: Mosquitto, tmp_path: Path, node_red: NodeRed) -> None:
    flow = json.loads(json.dumps(flow_for(broker.port)).replace("porch", "camera"))
    with RunningNode(tmp_path, broker.port, node={"id": "camera"}):
        node_red.import_flows(flow)
        wait_until(lambda: node_red.flow_object("camera.camera.tab", "camera").get("online"), "the camera", 60)


def test_the_flows_work_with_a_broker_of_mqtt_3_1_1_alone(tmp_path: Path, node_red: NodeRed) -> None:
    with OtherBroker("aedes", tmp_path) as broker, RunningNode(tmp_path, broker.port):
        node_red.import_flows(flow_for(broker.port))
        wait_until(lambda: node_red.flow_object(TAB, "camera").get("online"), "the camera in the flow", 60)


def test_both_flows_name_topics_that_there_are() -> None:
    described = {re.sub(r"{(\w+)}", "+", channel.address) for channel in channels(Schemas())}
    for file in (FLOW, DASHBOARD):
        topics = [n.get("topic", "") for n in json.loads(file.read_text()) if n["type"].startswith("mqtt ")]
        assert topics
        for topic in topics:
            known = topic.replace("pi_cam_node/porch/", "pi_cam_node/+/")
            is_known = known in described or any(paho.topic_matches_sub(known, one) for one in described)
            assert is_known or not topic.startswith("pi_cam_node/"), topic


def test_the_dashboard_shows_the_camera_and_commands_it(broker: Mosquitto, tmp_path: Path, node_red: NodeRed) -> None:
    if find_chromium() is None:
        pytest.skip("Chromium is not installed")
    http = {"enable": True, "port": free_port()}
    with RunningNode(tmp_path, broker.port, mjpeg_server=http) as node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        node_red.import_flows(flow_for(broker.port, DASHBOARD))
        asyncio.run(use_dashboard(node_red.url, commands, tmp_path))
        assert node.running
        assert "[error]" not in node_red.log.read_text()
        # What no node sends: it costs nothing but its own message.
        for topic in ("reply/save", "event/picture_saved"):
            for payload in ("null", "7", "[]", '{"stage":"final"}'):
                client.publish(f"{BASE}/{topic}", payload)
        asyncio.run(lose_the_broker(node_red.url, broker, tmp_path))
    assert "[error] [function" not in node_red.log.read_text()


async def lose_the_broker(url: str, broker: Mosquitto, folder: Path) -> None:
    """Look at the page while the broker is unreachable, and when it is back."""
    async with browsing(folder / "second") as tab:
        await tab.go(f"{url}/dashboard/porch")
        shown = f"({VALUE % 'camera'})?.innerText"
        await tab.until(f"{shown} !== undefined", "the camera's state")
        await in_thread(broker.stop)
        await tab.until(f"{shown}.includes('no connection to the broker')", "that what is shown is old")
        await in_thread(broker.start)
        await tab.until(f"['online', 'offline'].includes({shown}.trim())", "the camera's state again")


async def use_dashboard(url: str, commands: CommandClient, folder: Path) -> None:
    """Look at everything on the page and use every control, as a person would."""
    async with browsing(folder / "profile") as tab:
        await tab.look(width=1280, height=1000)
        await tab.go(f"{url}/dashboard/porch")
        await tab.until(f"{IMAGE % 'live'} && {IMAGE % 'live'}.naturalWidth === 320", "the live picture")
        for name, wanted in (("camera", "online"), ("mode", "day"), ("motion", "OFF"), ("error", "ok")):
            await tab.until(f"({VALUE % name})?.innerText.trim() === '{wanted}'", f"{name} to be {wanted}")
        await tab.until("document.querySelector('.cam-gauge svg') !== null", "the gauge")
        await tab.until(CHARTED, "the light in the chart, of which a steady scene has one value only")
        await in_thread(wait_until, lambda: float(commands.state("ring_seconds") or 0) > 3, "pictures in the ring", 60)

        await tab.click("button.cam-save, .cam-save button")
        await reply_to(commands, "save")
        await tab.until(f"{IMAGE % 'thumbnail'}?.naturalWidth > 0", "the thumbnail")
        await tab.until("document.querySelector('.cam-events')?.innerText.includes('Picture saved')", "the event")

        ago = "document.querySelector('.cam-ago [role=slider]')"
        await tab.until(f"{ago}.ariaValueNow === '5'", "the slider at `export.save_before_s`")
        await tab.value(f"{ago}.focus()")
        for _ in range(6):
            await tab.press("ArrowLeft", 37)
        await tab.click("button.cam-past, .cam-past button")
        data = (await reply_to(commands, "pastStack"))["data"]
        assert data["age_s"] > 1
        await tab.until("document.querySelector('.cam-reply a')?.href.includes('/media/')", "the link to the picture")
        await tab.click("button.cam-clip, .cam-clip button")
        clip = await reply_to(commands, "clip")
        assert clip["ok"] == (find_spec("av") is not None), clip
        if clip["ok"]:
            await tab.until("document.querySelector('.cam-reply a')?.innerText === 'Open the clip'", "the clip's link")

        await tab.click(".cam-detection input")
        await setting(commands, "motion.enable", "on")
        for name, key, choice in (("night", "night.override", "night"), ("record", "recording.mode", "motion")):
            await tab.value(CHOOSE % (name, choice))
            await setting(commands, key, choice)
        await tab.value("document.querySelector('.cam-gain [role=slider]').focus()")
        await tab.press("ArrowRight", 39)
        await in_thread((folder / "dashboard.png").write_bytes, await tab.screenshot())
        await tab.click(".cam-privacy input")
        await setting(commands, "privacy.enable", "on")
        gone = f"{IMAGE % 'live'} === null && {IMAGE % 'thumbnail'} === null"
        await tab.until(gone, "no picture while privacy is on")
        assert [asked for asked in tab.requests if not asked.startswith(("data:", "blob:", url))] == []


async def in_thread(wait: Any, *arguments: Any) -> Any:
    """Wait without holding up the browser's messages."""
    return await asyncio.get_running_loop().run_in_executor(None, wait, *arguments)


async def reply_to(commands: CommandClient, verb: str) -> dict[str, Any]:
    """Wait for the final reply to a command of another client."""
    found: list[dict[str, Any]] = []

    def came() -> bool:
        found[:] = [r for r in commands.replies() if (r["verb"], r["stage"]) == (verb, "final")]
        return bool(found)

    await in_thread(wait_until, came, f"the reply to {verb}", 60)
    return found[-1]


async def setting(commands: CommandClient, key: str, value: str) -> None:
    """Wait until a setting is in force."""
    latest = commands.client.latest
    await in_thread(wait_until, lambda: latest(f"{BASE}/config/{key}") == value.encode(), f"{key} {value}", 60)
