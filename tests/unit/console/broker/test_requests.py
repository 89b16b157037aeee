"""Commands and their replies; parsing of topics."""

from __future__ import annotations

import asyncio
import json

import pytest

from pi_cam_node.base.errors import Busy, CameraDown, DeadlinePassed
from pi_cam_node.console.broker.requests import REQUESTS_WAITING_MAX, Requests
from pi_cam_node.console.broker.topics import ConsoleTopics

TOPICS = ConsoleTopics("pi_cam_node", "house", "homeassistant")


def test_the_final_reply_is_the_answer() -> None:
    async def ask() -> dict[str, object]:
        sent: list[tuple[str, str, bytes, bytes]] = []

        def send(node: str, verb: str, payload: bytes, name: bytes) -> bool:
            sent.append((node, verb, payload, name))
            return True

        requests = Requests(send)
        task = asyncio.create_task(requests.ask("porch", "save", {"thumbnail": True}))
        await asyncio.sleep(0)
        node, verb, payload, name = sent[0]
        assert (node, verb, json.loads(payload)) == ("porch", "save", {"thumbnail": True, "id": name.decode()})
        for body, correlation in (
            ({"stage": "accepted"}, name),
            ({"stage": "final", "ok": 1}, b"other"),
            ({"stage": "final", "ok": True}, name),
        ):
            requests.take(json.dumps(body).encode(), correlation)
        requests.take(b"noise", name)
        return await task

    assert asyncio.run(ask()) == {"stage": "final", "ok": True}


def test_no_more_than_a_bounded_number_wait() -> None:
    async def run() -> None:
        requests = Requests(lambda _node, _verb, _payload, _name: True)
        waiting = [asyncio.create_task(requests.ask("porch", "save")) for _ in range(REQUESTS_WAITING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await requests.ask("porch", "save", deadline_s=0.05)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert requests._waiting == {}

    asyncio.run(run())


def test_without_mqtt_5_the_id_tells() -> None:
    async def ask() -> object:
        names: list[str] = []

        def send(_node: str, _verb: str, payload: bytes, _name: bytes) -> bool:
            names.append(json.loads(payload)["id"])
            return True

        requests = Requests(send)
        task = asyncio.create_task(requests.ask("porch", "health"))
        await asyncio.sleep(0)
        requests.take(json.dumps({"stage": "final", "id": names[0], "ok": True}).encode(), None)
        return (await task)["ok"]

    assert asyncio.run(ask()) is True


def test_a_node_that_is_silent_and_a_broker_that_is_away() -> None:
    with pytest.raises(DeadlinePassed):
        asyncio.run(Requests(lambda *_: True).ask("porch", "save", deadline_s=0.01))
    with pytest.raises(CameraDown):
        asyncio.run(Requests(lambda *_: False).ask("porch", "save"))


@pytest.mark.parametrize(
    ("topic", "node"),
    [
        ("pi_cam_node/porch/state/motion/door", ("porch", "state/motion/door")),
        ("pi_cam_node/all/cmd/save", None),
        ("pi_cam_node/porch", None),
        ("pi_cam_node_console/house/availability", None),
        ("other/porch/info", None),
    ],
)
def test_a_nodes_topic_is_taken_apart(topic: str, node: tuple[str, str] | None) -> None:
    assert TOPICS.of_node(topic) == node


def test_other_consoles_are_known_by_their_availability() -> None:
    assert TOPICS.other_console("pi_cam_node_console/garage/availability") == "garage"
    assert TOPICS.other_console(TOPICS.availability) is None
    assert TOPICS.other_console("pi_cam_node_console/garage/x") is None
