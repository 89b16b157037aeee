"""Checks of the running node and of its discovery by Home Assistant, as the broker shows them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence

from pi_cam_node.base.frozen import frozen
from pi_cam_node.cli.call.request import Reply, ask, final_replies, is_final, request_of
from pi_cam_node.cli.doctor.broker_checks import ACL, RIGHTS
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, skipped, warning
from pi_cam_node.config import HomeAssistantConfig
from pi_cam_node.mqtt.blocking_client import BlockingClient, Received
from pi_cam_node.mqtt.connection.forbidden_topics import FORBIDDEN
from pi_cam_node.mqtt.messages.topics import STATE_KEYS, Topics

NODE, CAMERA, DISCOVERY, HOME_ASSISTANT = "node", "camera", "discovery", "Home Assistant"
REPLY_TIMEOUT_S = 5.0
# Another node with the same id answers as fast as the first.
SECOND_REPLY_S = 1.0


@frozen
class NodeOnBroker:
    """State of the node as seen on the broker.

    Attributes:
        topics: The topics of the node.
        online: The retained availability is ``online``.
        health: The reply to the command ``health``; ``None`` without an answer.
        retained: Retained texts by topic.
        is_retained: The broker keeps retained messages; where it does not, the reply alone tells of the camera.
    """

    topics: Topics
    online: bool
    health: Reply | None
    retained: dict[str, str]
    is_retained: bool = True


def check_node(
    connection: BlockingClient, topics: Topics, wait_s: float = 0.0, process: str = ""
) -> Generator[Finding, None, NodeOnBroker]:
    """Read the node's retained topics, and send ``health`` to a node that is online.

    Args:
        connection: The broker.
        topics: The node's topics.
        wait_s: How long a node that has just been started may take to come online with its camera; 0 where none
            is expected to run.
        process: Id of the node's process where it runs on this machine, else empty.

    Raises:
        NoBroker: The connection broke.
    """
    # By name: RabbitMQ finds no retained message by a pattern.
    states = map(topics.state, STATE_KEYS)
    wanted = [topics.availability, topics.camera_availability, *states, topics.own_discovery]
    if wait_s:
        _wait_until_online(connection, topics, wait_s)
    retained = connection.retained([*wanted, topics.birth_topic])
    is_online = retained.get(topics.availability) == "online"
    if is_online or process:
        yield from _check_forbidden(topics, retained)
    if not is_online and connection.retains:
        yield _not_online(topics, wait_s, process)
        return NodeOnBroker(topics, online=False, health=None, retained=retained)
    reply = ask(connection, topics, request_of("health"), timeout_s=REPLY_TIMEOUT_S, on_stage=lambda _: None)
    if reply is None and not connection.retains:
        yield ok(NODE, f"{topics.node_id} does not answer, so it is not running")
        return NodeOnBroker(topics, online=False, health=None, retained=retained)
    if reply is None or not is_final(reply) or not reply.get("ok"):
        yield failed(
            NODE,
            f"{topics.node_id} is said to be online but does not answer",
            f"may its login read {topics.cmd('#')}, and write {topics.root}/reply/#? "
            "If it has died meanwhile, the broker will say so within a minute",
        )
        return NodeOnBroker(topics, online=True, health=None, retained=retained)
    yield ok(NODE, f"{topics.node_id} runs and answers: {reply.get('message')}")
    yield from _check_single(connection, topics, reply)
    return NodeOnBroker(topics, online=True, health=reply, retained=retained, is_retained=connection.retains)


def _wait_until_online(connection: BlockingClient, topics: Topics, wait_s: float) -> None:
    """Wait until the node is online with its camera, or in privacy; go on after the deadline."""

    def is_there(received: Sequence[Received]) -> bool | None:
        latest = {message.topic: message.text for message in received}
        camera = latest.get(topics.camera_availability) == "online" or latest.get(topics.state("privacy")) == "ON"
        return True if latest.get(topics.availability) == "online" and camera else None

    connection.subscribe([topics.availability, topics.camera_availability, topics.state("privacy")])
    connection.wait_for(is_there, wait_s)


def _check_forbidden(topics: Topics, retained: Mapping[str, str]) -> Iterator[Finding]:
    """Report a single topic that the broker forbids to the running node; the probe of `check_acl` is on another."""
    topic = topics.state("last_error")
    fault = retained.get(topic)
    if fault is None and retained.get(topics.availability) == "online":
        yield failed(ACL, f"the node runs, but this login does not see {topic}: it is not written, or not read", RIGHTS)
    elif fault is not None and FORBIDDEN in fault:
        yield failed(ACL, f"the node says {fault}", RIGHTS)


def _not_online(topics: Topics, wait_s: float, process: str) -> Finding:
    see_log = "its log says why: `journalctl -u 'pi-cam-node*' -n 50`"
    if wait_s:
        return failed(NODE, f"{topics.node_id} was started and is not online after {wait_s:g} s", see_log)
    if process:
        why = f"{topics.node_id} runs here (process {process}), but its availability at the broker is not online"
        return failed(NODE, why, f"has it just started? May its login write {topics.availability}? If so, {see_log}")
    return ok(NODE, f"{topics.node_id} is not running")


def _check_single(connection: BlockingClient, topics: Topics, reply: Reply) -> Iterator[Finding]:
    """Report a second node with the same id: it answers the same request, with another boot id."""

    def second(received: Sequence[Received]) -> str | None:
        others = (r for r in final_replies(received) if r.get("id") == reply.get("id"))
        return next((str(r.get("boot")) for r in others if r.get("boot") != reply.get("boot")), None)

    if connection.wait_for(second, SECOND_REPLY_S) is not None:
        yield failed(
            NODE,
            f"two nodes answer as {topics.node_id}: both carry out each command and overwrite each other's states",
            "give one of them another node.id",
        )


def check_running_camera(node: NodeOnBroker) -> Finding:
    """Report what the running node, which holds the camera, says of it."""
    topics, retained = node.topics, node.retained
    figures = node.health["data"] if node.health is not None else {}
    delivers = figures.get("fps", 0) > 0 and not node.is_retained
    if retained.get(topics.camera_availability) == "online" or delivers:
        level = retained.get(topics.state("brightness"), "unknown")
        rate = f", {figures['fps']} frames a second" if "fps" in figures else ""
        return ok(CAMERA, f"the running node has it: brightness {level}{rate}")
    if retained.get(topics.state("privacy")) == "ON":
        return ok(CAMERA, "privacy is on: the running node has closed it")
    if figures.get("fps", 0) > 0 and topics.camera_availability not in retained:
        unseen = (
            f"frames arrive, but this login does not see {topics.camera_availability}: it is not written, or not read"
        )
        return failed(CAMERA, unseen, RIGHTS)
    fault = retained.get(topics.state("last_error"), "no reason given")
    return failed(CAMERA, f"the node runs, but no frames arrive: {fault}", "its log says more; check cable and power")


def check_discovery(config: HomeAssistantConfig, node: NodeOnBroker) -> Iterator[Finding]:
    """Look for the node's discovery message and for Home Assistant's retained status."""
    if not config.enable:
        yield ok(DISCOVERY, "homeassistant.enable is off")
        return
    yield _judge_discovery(node)
    yield _judge_home_assistant(node.topics.birth_topic, node.retained.get(node.topics.birth_topic))


def _judge_discovery(node: NodeOnBroker) -> Finding:
    topic = node.topics.own_discovery
    if not node.is_retained:
        return warning(
            DISCOVERY,
            "the broker keeps no retained messages: Home Assistant finds the node only while both run",
            "allow retained messages on it",
        )
    if topic in node.retained:
        return ok(DISCOVERY, f"the broker holds {topic}")
    if node.online:
        return warning(
            DISCOVERY,
            f"the node runs, but this login does not see {topic}: it was not written, or may not be read",
            f"let the node's login write and read it, in mosquitto: `topic readwrite {topic}`",
        )
    return skipped(DISCOVERY, f"the node sends {topic} when it runs")


def _judge_home_assistant(topic: str, status: str | None) -> Finding:
    if status == "online":
        return ok(HOME_ASSISTANT, f"{topic} says online")
    if status is None:
        return skipped(
            HOME_ASSISTANT, f"nothing is retained on {topic}, as is usual: it cannot be told whether it is there"
        )
    return warning(HOME_ASSISTANT, f"{topic} says {status}", "start Home Assistant, or its MQTT integration")
