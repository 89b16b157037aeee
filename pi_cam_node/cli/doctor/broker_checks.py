"""Checks of the broker: reachable, login, MQTT version, and rights on the node's topics."""

from __future__ import annotations

import ipaddress
import socket
import time
import uuid
from collections.abc import Generator, Sequence
from dataclasses import replace

from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning
from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt.blocking_client import BlockingClient, NoBroker, Received, connect
from pi_cam_node.mqtt.connection import transport
from pi_cam_node.mqtt.messages.topics import Topics

BROKER, LOGIN, PROTOCOL, ACL = "broker", "login", "protocol", "ACL"
ECHO_TIMEOUT_S = 5.0
RIGHTS = "give the node's login the rights in docs/brokers.md"

_ADVICE = {
    "network": "is the broker running, and are mqtt.host, mqtt.port and mqtt.tls right?",
    "certificate": "mqtt.tls.ca names the certificate of its authority, or the broker's own if it is self-signed; "
    "mqtt.host is a name that the certificate has; the dates in it need a clock that is right",
    "credentials": "check mqtt.username and mqtt.password_file; `mosquitto_passwd` changes what mosquitto knows",
    "version": "set mqtt.protocol: auto",
    "silence": "is it a broker that listens there, and is mqtt.tls.enable right for that port?",
    "hangup": "is it a broker that listens there, not over websockets, and is mqtt.tls.enable right for that port?",
    "client id": "the broker wants another client id: set mqtt.client_id",
}


def check_reachable(config: MqttConfig) -> Finding:
    """Open a TCP connection to the broker and close it."""
    began_s = time.monotonic()
    try:
        socket.create_connection((config.host, config.port), transport.CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return failed(BROKER, transport.reason_of(error, config.host, config.port), _ADVICE["network"])
    return ok(BROKER, f"{config.host}:{config.port} answers in {(time.monotonic() - began_s) * 1000:.0f} ms")


def check_login(config: MqttConfig, topics: Topics) -> Generator[Finding, None, BlockingClient | None]:
    """Connect as the node would; yield the findings and return the connection, ``None`` where there is none."""
    try:
        connection = connect(config, topics, "doctor")
    except NoBroker as error:
        check = LOGIN if error.cause == "credentials" else BROKER
        yield failed(check, str(error), _ADVICE.get(error.cause, "the broker's log says more"))
        return None
    yield judge_login(config)
    if connection.version == "5":
        yield ok(PROTOCOL, "MQTT 5")
    else:
        yield ok(PROTOCOL, "MQTT 3.1.1: everything works but response topics")
    for sentence in replace(connection.limits, retain=connection.retains).consequences():
        yield warning(PROTOCOL, sentence, "docs/brokers.md tells what to set on which broker")
    return connection


def judge_login(config: MqttConfig) -> Finding:
    """Judge user name and encryption: who may use the broker, and who can read the password on the way."""
    who = f"as {config.username}" if config.username else "without a name"
    if is_this_machine(config.host) or (config.username and config.tls.enable):
        return ok(LOGIN, who)
    if config.username:
        return warning(
            LOGIN,
            f"{who}; the password crosses the network in the clear",
            "set up mqtt.tls where others share the network",
        )
    return warning(
        LOGIN, f"{who}: whoever reaches the broker commands the camera", "give the broker users, and set mqtt.username"
    )


def is_this_machine(host: str) -> bool:
    """Return whether a host name or address is surely a loopback one."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_acl(connection: BlockingClient, topics: Topics) -> Finding:
    """Publish a random text below the node's root topic and wait until it comes back.

    A broker may drop a forbidden message without a word: over MQTT 3.1.1 it always does.

    Raises:
        NoBroker: The connection broke.
    """
    topic, text = topics.reply("doctor"), uuid.uuid4().hex
    advice = f"let this login read and write {topics.root}/#, in mosquitto: `topic readwrite {topics.root}/#`"
    if connection.subscribe([topic]):
        return failed(ACL, f"the broker refuses to let us read {topic}", advice)
    refusal = connection.publish(topic, text.encode())
    if refusal:
        return failed(ACL, f"the broker refuses to let us write {topic}: {refusal}", advice)

    def came_back(received: Sequence[Received]) -> bool | None:
        return True if any(message.text == text for message in received) else None

    if connection.wait_for(came_back, ECHO_TIMEOUT_S) is None:
        return failed(ACL, f"what is written to {topic} does not come back within {ECHO_TIMEOUT_S:.0f} s", advice)
    return ok(ACL, f"{topics.root}/# can be written and read")
