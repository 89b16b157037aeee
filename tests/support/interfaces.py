"""A running node with MQTT, HTTP and the text port enabled, and clients of each."""

from __future__ import annotations

import json
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.running_node import CommandClient, RunningNode

SERVED = "the live view is at"


class Interfaces:
    """Clients of the three interfaces; a refusal is returned, never raised."""

    def __init__(self, commands: CommandClient, node: RunningNode, http_port: int, tcp_port: int) -> None:
        self.commands, self.node, self.tcp_port = commands, node, tcp_port
        self.url = f"http://127.0.0.1:{http_port}"

    def get(self, path: str, timeout_s: float = 20) -> tuple[int, bytes]:
        """Return status and body."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout_s) as answer:
                return int(answer.status), bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def open(self, path: str) -> Any:
        """Return an open response, for use in a ``with`` block."""
        return urllib.request.urlopen(self.url + path, timeout=60)

    def post(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Return the reply to a command over HTTP."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/commands/{verb}", json.dumps(arguments).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.load(error))

    def say(self, line: str) -> bytes:
        """Send a line to the text port; return the whole answer."""
        with socket.create_connection(("127.0.0.1", self.tcp_port), 20) as conversation:
            conversation.sendall(line.encode())
            return b"".join(iter(lambda: conversation.recv(65536), b""))

    def streamed(self, count: int) -> tuple[list[bytes], str]:
        """Return the frames of a ``shortstream`` over the text port, and the reply after them."""
        answer, frames = self.say(f"shortstream {count}\n"), []
        while length := struct.unpack(">I", answer[:4])[0]:
            frames.append(answer[4 : 4 + length])
            answer = answer[4 + length :]
        return frames, answer[4:].decode().strip()


@contextmanager
def with_interfaces(folder: Path, broker: Mosquitto, *, online: bool = True, **sections: Any) -> Iterator[Interfaces]:
    """Start a node with every interface enabled, and wait until it is online."""
    http, tcp = free_port(), free_port()
    opened: dict[str, Any] = {
        "mjpeg_server": {"enable": True, "port": http},
        "network": {"trigger_enable": True, "trigger_port": tcp},
    }
    before = RunningNode(folder, broker.port).log().count(SERVED)
    with RunningNode(folder, broker.port, **(opened | sections)) as node, broker.client() as client:
        commands = CommandClient(client)
        if online:
            commands.wait_online()
        wait_until(lambda: node.log().count(SERVED) > before, "the live view", 20)
        yield Interfaces(commands, node, http, tcp)


def parts_of(response: Any, count: int) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield headers (lower case) and body of the next parts of a stream."""
    for _ in range(count):
        headers: dict[str, str] = {}
        while (line := response.readline().strip()) or not headers:
            name, _, value = line.decode().partition(":")
            if value:
                headers[name.lower()] = value.strip()
        yield headers, response.read(int(headers["content-length"]))
