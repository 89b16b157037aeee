"""Whether the broker is there, lets us in, and which MQTT it speaks."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Generator

from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning
from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt import transport
from pi_cam_node.mqtt.blocking_client import BlockingClient, NoBroker, connect

BROKER, LOGIN, PROTOCOL = "broker", "login", "protocol"
REACH_S = 5.0

_ADVICE = {
    "network": "is the broker running, and are mqtt.host, mqtt.port and mqtt.tls right?",
    "credentials": "check mqtt.username and mqtt.password_file; `mosquitto_passwd` changes what mosquitto knows",
    "version": "set mqtt.protocol: auto",
    "silence": "is it a broker that listens there, and is mqtt.tls.enable right for that port?",
}


def reach(config: MqttConfig) -> Finding:
    """Open a TCP connection, and nothing above it."""
    began_s = time.monotonic()
    try:
        socket.create_connection((config.host, config.port), REACH_S).close()
    except OSError as error:
        return failed(BROKER, transport.reason_of(error, config.host, config.port), _ADVICE["network"])
    return ok(BROKER, f"{config.host}:{config.port} answers in {(time.monotonic() - began_s) * 1000:.0f} ms")


def enter(config: MqttConfig) -> Generator[Finding, None, BlockingClient | None]:
    """Connect as the node would; yield how it went, and return the connection."""
    try:
        connection = connect(config)
    except NoBroker as error:
        yield failed(LOGIN if error.cause == "credentials" else BROKER, str(error), _ADVICE[error.cause])
        return None
    yield judge_login(config)
    if connection.version == "5":
        yield ok(PROTOCOL, "MQTT 5")
    else:
        yield ok(PROTOCOL, "MQTT 3.1.1: everything works but response topics")
    return connection


def judge_login(config: MqttConfig) -> Finding:
    """Judge who we are to the broker, and who can listen on the way."""
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
    """Return whether a host is surely this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
