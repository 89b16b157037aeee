"""Which thread writes to the broker's socket: the publishing thread small messages, the loop's thread the rest."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import MQTTErrorCode

from pi_cam_node.mqtt.connection import paho_client
from pi_cam_node.mqtt.connection.negotiation import ConnectOptions
from pi_cam_node.mqtt.connection.packet_loop import PacketLoop
from pi_cam_node.mqtt.connection.paho_client import Will

CONNACK = bytes.fromhex("2003000000")
PINGRESP = bytes.fromhex("d000")
# With a reason string, as brokers send it.
SERVER_SHUTTING_DOWN = bytes.fromhex("e0068b041f00012e")
# Of SO_LINGER: the peer closes with a reset.
RESET = struct.pack("ii", 1, 0)
# More than the kernel takes for a peer that does not read.
MUCH_BYTES = 64 << 20
TIMEOUT_S = 20.0


class Wire:
    """A client of MQTT 5 that is connected to a plain socket; its loop runs only where a test calls it."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = paho_client.build("me", ConnectOptions("5"), Will("will", b""))
            self.client.connect("127.0.0.1", listener.getsockname()[1])
            self.peer, _ = listener.accept()
        self.peer.settimeout(TIMEOUT_S)
        self.packets = PacketLoop(self.client)
        self.packets.open()
        self.packets.turn(0)
        self.packet()  # CONNECT
        self.peer.sendall(CONNACK)
        self.packets.turn(TIMEOUT_S)
        assert self.client.is_connected()

    def publish(self, payload: bytes, *, at_once: bool = True) -> None:
        """Publish as the node thread does."""
        assert self.client.publish("t", payload).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        self.packets.flush(at_once=at_once)

    def packet(self) -> bytes:
        """Return the next packet that the peer gets, without its first byte and its length."""
        self._exactly(1)
        length = shift = 0
        while True:
            [digit] = self._exactly(1)
            length |= (digit & 127) << shift
            shift += 7
            if digit < 128:
                return self._exactly(length)

    def payload(self) -> bytes:
        """Return the payload of the next packet, a PUBLISH on ``t`` without properties."""
        packet = self.packet()
        assert packet[:4] == b"\0\1t\0"
        return packet[4:]

    def is_quiet(self) -> bool:
        """Return whether nothing has come to the peer."""
        self.peer.setblocking(False)
        try:
            return not self.peer.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.peer.settimeout(TIMEOUT_S)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += (more := self.peer.recv(size - len(data)))
            assert more, "the connection was closed"
        return data

    def close(self) -> None:
        self.packets.close()
        sock = self.client.socket()
        if isinstance(sock, socket.socket):
            sock.close()
        self.peer.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def test_a_small_message_leaves_although_the_loop_does_not_run(wire: Wire) -> None:
    wire.publish(b"reply")
    assert wire.payload() == b"reply"


def test_what_is_large_is_left_to_the_loop_which_is_woken(wire: Wire) -> None:
    loop = threading.Thread(target=wire.packets.turn, args=(10 * TIMEOUT_S,))
    loop.start()
    wire.publish(b"picture", at_once=False)
    assert wire.payload() == b"picture"
    loop.join(TIMEOUT_S)
    assert not loop.is_alive()


def test_what_comes_after_something_large_waits_behind_it(wire: Wire) -> None:
    wire.publish(b"picture", at_once=False)
    wire.publish(b"reply")
    assert wire.is_quiet(), "the picture would have been written by the thread that was to be spared it"
    wire.packets.turn(TIMEOUT_S)
    assert [wire.payload(), wire.payload()] == [b"picture", b"reply"]
    wire.publish(b"next")
    assert wire.payload() == b"next"


def test_a_peer_that_does_not_read_holds_nobody_up(wire: Wire) -> None:
    payload, sent = bytes(1 << 20), 0
    while not wire.client.want_write():
        assert sent * len(payload) < MUCH_BYTES
        wire.publish(payload)
        sent += 1
    wire.publish(b"last")
    loop = threading.Thread(target=run, args=(wire,))
    loop.start()
    assert all(wire.payload() == payload for _ in range(sent))
    assert wire.payload() == b"last"
    wire.peer.close()
    loop.join(TIMEOUT_S)
    assert not loop.is_alive()


def test_while_the_loop_writes_nobody_waits_for_it(wire: Wire) -> None:
    with wire.packets._turn:
        flush = threading.Thread(target=wire.publish, args=(b"reply",))
        flush.start()
        flush.join(TIMEOUT_S)
        assert not flush.is_alive()
        assert wire.is_quiet()
    wire.packets.turn(TIMEOUT_S)
    assert wire.payload() == b"reply"


def test_reading_and_writing_are_done_by_one_thread_at_a_time_and_nothing_is_left_behind(wire: Wire) -> None:
    inside, mixed = threading.Lock(), []

    def alone(work: Callable[[], MQTTErrorCode]) -> Callable[[], MQTTErrorCode]:
        def run_alone() -> MQTTErrorCode:
            if not inside.acquire(blocking=False):
                mixed.append(work)
                return work()
            time.sleep(0.0002)
            try:
                return work()
            finally:
                inside.release()

        return run_alone

    wire.client.loop_write = alone(wire.client.loop_write)  # type: ignore[method-assign]
    wire.client.loop_read = alone(wire.client.loop_read)  # type: ignore[method-assign, assignment]
    loop = threading.Thread(target=run, args=(wire,))
    loop.start()
    count = 500

    def publish() -> None:
        for number in range(count):
            wire.publish(b"%d " % number * (number % 997), at_once=number % 10 > 0)
            time.sleep(0.0003)  # so that the loop finds something to do in between

    publisher = threading.Thread(target=publish)
    publisher.start()
    for number in range(count):
        wire.peer.send(PINGRESP)  # the loop's thread reads meanwhile
        assert wire.payload() == b"%d " % number * (number % 997)
    publisher.join(TIMEOUT_S)
    wire.peer.close()
    loop.join(TIMEOUT_S)
    assert not loop.is_alive()
    assert not mixed


def test_why_the_broker_ended_it_is_read_before_anything_is_written(wire: Wire) -> None:
    reasons: list[str] = []
    wire.client.on_disconnect = lambda _c, _u, _f, reason, _p: reasons.append(str(reason))
    wire.peer.sendall(SERVER_SHUTTING_DOWN)
    wire.peer.close()
    for _ in range(3):
        wire.publish(b"reply")  # the answer to the first one would be a reset, and the second would fail
        time.sleep(0.02)
    while wire.packets.turn(TIMEOUT_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
        pass
    assert reasons[0] == "Server shutting down"


def test_all_that_the_broker_said_is_read_before_what_waits_is_written(wire: Wire) -> None:
    reasons: list[str] = []
    wire.client.on_disconnect = lambda _c, _u, _f, reason, _p: reasons.append(str(reason))
    wire.publish(b"picture", at_once=False)
    wire.peer.sendall(PINGRESP + SERVER_SHUTTING_DOWN)
    wire.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    wire.peer.close()
    run(wire)
    assert reasons[0] == "Server shutting down"


def test_why_the_broker_ended_it_is_read_where_it_comes_between_the_look_and_the_write(wire: Wire) -> None:
    """On a busy machine the broker objects and closes while the thread that publishes is half-way through a burst."""
    reasons: list[str] = []
    wire.client.on_disconnect = lambda _c, _u, _f, reason, _p: reasons.append(str(reason))
    wire.packets._ending.unregister(wire.packets._descriptor)
    wire.peer.sendall(SERVER_SHUTTING_DOWN)
    wire.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    wire.peer.close()
    wire.publish(b"state")
    run(wire)
    assert reasons[0] == "Server shutting down"


def test_an_error_inside_paho_ends_the_connection_and_not_the_thread_that_publishes(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> MQTTErrorCode:
        raise struct.error("a packet that paho-mqtt does not understand")

    with monkeypatch.context() as patch:
        patch.setattr(wire.client, "loop_write", fail)
        wire.publish(b"reply")
    with pytest.raises(struct.error, match="does not understand"):
        wire.packets.turn(TIMEOUT_S)


def test_a_write_that_fails_ends_the_loop(wire: Wire) -> None:
    wire.packets._ending.unregister(wire.packets._descriptor)  # the peer resets the connection just after the look
    wire.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    wire.peer.close()
    loop = threading.Thread(target=run, args=(wire,))
    wire.publish(b"reply")
    loop.start()
    loop.join(TIMEOUT_S)
    assert not loop.is_alive()
    assert wire.client.socket() is None


def test_after_the_end_nothing_is_written(wire: Wire) -> None:
    wire.packets.close()
    wire.publish(b"late")
    assert wire.is_quiet()


def run(wire: Wire) -> None:
    """Let the loop run to the end of the connection."""
    client: paho.Client = wire.client
    while wire.packets.turn(10 * TIMEOUT_S) == MQTTErrorCode.MQTT_ERR_SUCCESS and client.socket() is not None:
        pass
