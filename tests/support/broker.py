"""A private mosquitto that tests may stop, kill, freeze and restart, and a small client.

Signals go only to the process that the fixture started. The port is free at the first start and
kept over restarts.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.support import contract, programs

HOST = "127.0.0.1"
WAIT_S = 60.0


def find_mosquitto() -> str | None:
    """Return the path of the broker's program, also outside a user's PATH."""
    return programs.find("mosquitto")


def free_port() -> int:
    """Return a loopback port that no program listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def reserved_port() -> socket.socket:
    """Return a socket bound to a free loopback port, without listening.

    A server with ``SO_REUSEADDR`` may listen on its port, also repeatedly; while the socket is open, the system assigns
    the port to no other program. Registrations of earlier tests for this port are removed.
    """
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, 0))
    contract.port_is_new(port_of(sock))
    return sock


def port_of(sock: socket.socket) -> int:
    """Return the port that a socket is bound to."""
    return int(sock.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str = "the condition", timeout_s: float = WAIT_S) -> None:
    """Wait for a condition to become true; fail with its name after the deadline."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.01)


class StartedProgram(ABC):
    """A program that runs within a ``with`` block."""

    @abstractmethod
    def start(self) -> Self:
        """Start it and wait until it serves."""

    @abstractmethod
    def close(self) -> None:
        """Stop it, if started."""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Mosquitto(StartedProgram):
    """A broker on a loopback port. Without persistence unless ``lines`` enable it, so a restart loses its data.

    Args:
        folder: Folder for its configuration, password file and log.
        lines: Lines of mosquitto.conf, e.g. ``max_packet_size 100000`` or the TLS files.
        users: Passwords by user name; empty: anonymous connections are allowed.
        acl: Text of an ACL file.
    """

    def __init__(
        self, folder: Path, lines: Sequence[str] = (), users: Mapping[str, str] | None = None, acl: str | None = None
    ) -> None:
        self.host = HOST
        self._reserved = reserved_port()  # kept between starts
        self.port = port_of(self._reserved)
        self.folder = folder
        self.started_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._conf = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        self.configure(lines, users, acl)

    def configure(
        self, lines: Sequence[str] = (), users: Mapping[str, str] | None = None, acl: str | None = None
    ) -> None:
        """Write another configuration; it takes effect at the next start."""
        conf = [
            "log_dest stderr",
            "log_type all",
            f"allow_anonymous {'false' if users else 'true'}",
        ]
        if users:
            conf.append(f"password_file {self._write_passwords(users)}")
        if acl is not None:
            path = self.folder / "acl"
            path.write_text(acl)
            path.chmod(0o600)
            conf.append(f"acl_file {path}")
        # Lines of a listener (certfile, max_connections …) must follow it; global ones may follow, too.
        self.write("\n".join([*conf, f"listener {self.port} {HOST}", *lines]) + "\n")

    def write(self, conf: str) -> None:
        """Write a whole mosquitto.conf; it takes effect at the next start."""
        self._conf.write_text(f"user {getpass.getuser()}\n{conf}")

    def _write_passwords(self, users: Mapping[str, str]) -> Path:
        path = self.folder / "passwords"
        path.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
        path.chmod(0o600)
        subprocess.run([shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd", "-U", path], check=True)
        return path

    def close(self) -> None:
        """Stop the broker and release its port."""
        self.stop()
        self._reserved.close()

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the broker and wait until it listens."""
        program = find_mosquitto()
        assert program is not None, "mosquitto is not installed"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", str(self._conf)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(lambda: not self.running or self._listens(), "mosquitto to listen")
        assert self.running, self.log()
        self.started_s = time.monotonic()
        return self

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            return probe.connect_ex((HOST, self.port)) == 0

    def stop(self) -> None:
        """Terminate the broker, if it runs."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the broker, as in a power cut."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        try:
            process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(WAIT_S)

    def restart(self) -> Self:
        """Kill the broker and start it again on the same port, without retained messages."""
        self.kill()
        return self.start()

    def freeze(self) -> None:
        """Suspend the broker; its connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume a frozen broker."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None, "the broker does not run"
        os.kill(self._process.pid, which)

    def log(self) -> str:
        """Return the broker's log of all its starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def client(self, **options: object) -> Client:
        """Return a `Client` of this broker, for use in a ``with`` block."""
        return Client(self.port, **options)  # type: ignore[arg-type]


# Type of the fixture `start_broker`.
StartBroker = Callable[..., Mosquitto]


@dataclass(frozen=True)
class Received:
    """A received message. ``mono_s`` is its arrival on the monotonic clock; the other fields are those of MQTT 5."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    mono_s: float
    reply_to: str | None
    correlation: bytes | None
    content_type: str | None
    user: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The payload as UTF-8."""
        return self.payload.decode()


class Client:
    """MQTT client that stores all received messages. Connects at ``with``, or raises.

    At the end it checks messages of a real node against the AsyncAPI document; see `tests.support.contract`.

    Args:
        port: Port of the broker.
        host: Host of the broker; with TLS a name of the certificate.
        protocol: ``5`` or ``3.1.1``.
        username: Login name.
        password: Its password.
        client_id: Client id; empty: random.
        ca: File of the certificate authority; enables TLS.
        cert: Certificate and key files of the client.
    """

    def __init__(
        self,
        port: int,
        *,
        host: str = HOST,
        protocol: str = "5",
        username: str | None = None,
        password: str | None = None,
        client_id: str = "",
        ca: Path | None = None,
        cert: tuple[Path, Path] | None = None,
    ) -> None:
        self._address = (host, port)
        self.received: list[Received] = []
        self._changed = threading.Condition()
        self._answered = threading.Event()
        self._refusal = "no answer"
        self._subscribed: set[int] = set()
        self._five = protocol == "5"
        version = paho.MQTTv5 if self._five else paho.MQTTv311
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe
        self._client.on_socket_open = _no_delay
        if username is not None:
            self._client.username_pw_set(username, password)
        if ca is not None:
            certfile, keyfile = map(str, cert) if cert else (None, None)
            self._client.tls_set(str(ca), certfile, keyfile)

    def __enter__(self) -> Self:
        self._client.connect(*self._address, keepalive=30)
        self._client.loop_start()
        self._answered.wait(WAIT_S)
        if self._refusal:
            self.__exit__(None, None, None)
            raise ConnectionRefusedError(self._refusal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        if kind is None:
            contract.check_messages(self._address[1], self.received)

    def _on_connect(self, _c: object, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        self._refusal = str(reason) if reason.is_failure else ""
        self._answered.set()

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        properties: Any = message.properties
        received = Received(
            topic=message.topic,
            payload=bytes(message.payload),
            qos=message.qos,
            retain=message.retain,
            mono_s=time.monotonic(),
            reply_to=getattr(properties, "ResponseTopic", None),
            correlation=getattr(properties, "CorrelationData", None),
            content_type=getattr(properties, "ContentType", None),
            user=tuple(getattr(properties, "UserProperty", ())),
        )
        with self._changed:
            self.received.append(received)
            self._changed.notify_all()

    def _on_subscribe(self, _c: object, _u: object, mid: int, _r: object, _p: object) -> None:
        with self._changed:
            self._subscribed.add(mid)
            self._changed.notify_all()

    def subscribe(self, *filters: str, qos: int = 1) -> Self:
        """Subscribe to topic filters and wait for the acknowledgement."""
        if self._five:
            # Options for each filter, as paho-mqtt requires pairs in a list.
            result = self._client.subscribe([(f, SubscribeOptions(qos=qos)) for f in filters])
        else:
            result = self._client.subscribe([(f, qos) for f in filters])
        mid = result[1]
        with self._changed:
            assert self._changed.wait_for(lambda: mid in self._subscribed, WAIT_S), f"no SUBACK for {filters}"
        return self

    def publish(
        self,
        topic: str,
        payload: bytes | str = b"",
        *,
        qos: int = 1,
        retain: bool = False,
        reply_to: str | None = None,
        correlation: bytes | None = None,
    ) -> None:
        """Publish; with QoS 1, wait for the acknowledgement."""
        properties: Any = None
        if reply_to is not None or correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            if reply_to is not None:
                properties.ResponseTopic = reply_to
            if correlation is not None:
                properties.CorrelationData = correlation
        contract.published_by_test(topic, payload)
        sent = self._client.publish(topic, payload, qos, retain, properties)
        if qos:
            sent.wait_for_publish(WAIT_S)
            assert sent.is_published(), f"no acknowledgement for {topic}"

    def clear(self) -> None:
        """Drop received messages."""
        with self._changed:
            self.received.clear()

    def on(self, topic: str) -> list[Received]:
        """Return the messages on a topic, oldest first."""
        with self._changed:
            return [message for message in self.received if message.topic == topic]

    def latest(self, topic: str) -> bytes | None:
        """Return the newest payload of a topic; ``None`` if there is none."""
        messages = self.on(topic)
        return messages[-1].payload if messages else None

    def messages(self) -> list[Received]:
        """Return all received messages, oldest first."""
        with self._changed:
            return list(self.received)

    def table(self) -> dict[str, bytes]:
        """Return the newest payload of each topic, without emptied topics."""
        with self._changed:
            newest = {message.topic: message.payload for message in self.received}
        return {topic: payload for topic, payload in newest.items() if payload}

    def wait_for(
        self, topic: str, matches: bytes | str | Callable[[Received], object] | None = None, timeout_s: float = WAIT_S
    ) -> Received:
        """Wait for a message on a topic with this payload, or for which this function is true; return the first."""

        def found() -> Received | None:
            return next((m for m in self.received if m.topic == topic and _matches(m, matches)), None)

        with self._changed:
            message = self._changed.wait_for(found, timeout_s)
            if message is None:
                came = [(m.topic, m.payload[:60]) for m in self.received[-20:]]
                raise AssertionError(f"waited {timeout_s:g} s for {topic} {matches!r}; the last that came: {came}")
            return message

    def wait_count(self, topic: str, count: int, timeout_s: float = WAIT_S) -> list[Received]:
        """Wait for a number of messages on a topic; return them all."""
        wait_until(lambda: len(self.on(topic)) >= count, f"{count} messages on {topic}", timeout_s)
        return self.on(topic)


def _matches(message: Received, wanted: bytes | str | Callable[[Received], object] | None) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, bytes | str):
        return message.payload == (wanted.encode() if isinstance(wanted, str) else wanted)
    return bool(wanted(message))


def _no_delay(_client: object, _userdata: object, sock: object) -> None:
    with suppress(OSError):
        assert isinstance(sock, socket.socket)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
