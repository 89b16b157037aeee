"""Whether the node of these settings runs already, and answers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from pi_cam_node.cli.call.request import Reply, ask, is_final, request_of
from pi_cam_node.cli.doctor.finding import Finding, failed, ok
from pi_cam_node.mqtt.blocking_client import BlockingClient
from pi_cam_node.mqtt.topics import Topics

CHECK = "node"
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the broker knows of the node.

    Attributes:
        online: It says that it is there.
        health: Its own figures; ``None`` where it did not answer.
        retained: Its retained texts, by topic.
    """

    online: bool
    health: Reply | None
    retained: dict[str, str]


def check(connection: BlockingClient, topics: Topics) -> Generator[Finding, None, Seen]:
    """Ask a running node for its health.

    Raises:
        NoBroker: The connection broke.
    """
    wanted = [topics.availability, topics.camera_availability, topics.state("+"), topics.own_discovery]
    retained = connection.retained([*wanted, topics.birth_topic])
    if retained.get(topics.availability) != "online":
        yield ok(CHECK, f"{topics.node_id} is not running")
        return Seen(online=False, health=None, retained=retained)
    reply = ask(connection, topics, request_of("health", ""), timeout_s=ANSWER_S, on_stage=lambda _: None)
    if reply is None or not is_final(reply) or not reply.get("ok"):
        yield failed(
            CHECK,
            f"{topics.node_id} is said to be online but does not answer",
            f"may its login read {topics.cmd('#')}, and write {topics.root}/reply/#? "
            "If it has died meanwhile, the broker will say so within a minute",
        )
        return Seen(online=True, health=None, retained=retained)
    yield ok(CHECK, f"{topics.node_id} runs and answers: {reply.get('message')}")
    return Seen(online=True, health=reply, retained=retained)
