"""The text port for clients of the predecessor service, over real sockets with a real core.

The numbers in the headings are those of the old service's flaws that must not come back.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.config import Config
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.tcp.connection import Timeouts
from pi_cam_node.tcp.server import CLIENTS_MAX, TextPort
from tests.support.broker import HOST, free_port, wait_until
from tests.support.text_port import SHORT, StubNode, everything, frames_and_rest, reset

StartNode = Callable[..., StubNode]


@pytest.fixture
def start_node() -> Iterator[StartNode]:
    with ExitStack() as stack:

        def start(timeouts: Timeouts = SHORT, port: int | None = None) -> StubNode:
            node = StubNode(timeouts, port or free_port()).start()
            stack.callback(node.stop)
            return node

        yield start


@pytest.fixture
def node(start_node: StartNode) -> StubNode:
    return start_node()


# ------------------------------------------------------------------ what old clients do


@pytest.mark.parametrize("sent", [b"night_level", b"night_level\n", b"night_level\r\n"])
def test_a_command_gets_one_line_and_the_end_of_the_connection(node: StubNode, sent: bytes) -> None:
    node.see()
    reply = node.ask(sent)
    assert reply.startswith(b"LEVEL=1.0 relevant threshold=50 ")
    assert reply.endswith(b" STATUS=DAY\n")


def test_a_client_that_closes_its_half_gets_its_reply_at_once(start_node: StartNode) -> None:
    node = start_node(Timeouts(silence_s=3600, line_s=3600))
    with node.connect() as client:
        client.sendall(b"set night.gain 8")
        client.shutdown(socket.SHUT_WR)
        assert everything(client) == b"OK: changed night.gain from 6 to 8\n"
    assert node.core.config.night.gain == 8


def test_a_reply_of_many_lines_comes_whole(node: StubNode) -> None:
    reply = node.ask(b"dump_config\n").decode()
    assert reply.startswith("{\n    ")
    assert '"trigger_enable": true' in reply
    assert reply.endswith("}\n")
    assert node.ask(b"help").count(b"\n") == len(registry())


def test_save_waits_for_a_fresh_frame_and_names_the_path(node: StubNode) -> None:
    node.see(2)
    with node.connect() as client:
        client.sendall(b"save jpg")
        wait_until(lambda: node.core.figures()["commands_waiting"], "the command")
        node.see()
        reply = everything(client)
    assert reply.startswith(b"Saved single full-resolution image: /captures/single-0001.jpg (timestamp: ")


def test_past_stack_answers_without_frames(node: StubNode) -> None:
    assert node.ask(b"pastStack\n") == b"NO_FRAMES\n"


@pytest.mark.parametrize(
    "sent", [b"shortstream 3\n", b" shortstream\t3\r\n", b'"shortstream 3"', b"shortstream\x1e3\n"]
)
def test_shortstream_is_frames_with_their_lengths_a_zero_and_the_reply_line(node: StubNode, sent: bytes) -> None:
    node.see(5)
    frames, rest = frames_and_rest(node.ask(sent))
    assert frames == [frame.jpeg for frame in node.core.ring.last(3)]
    assert rest == b"STREAM_DONE: sent=3, skipped=0, available=3\n"


def test_a_large_shortstream_arrives_whole_at_a_slow_reader(node: StubNode) -> None:
    node.see(40)
    with node.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"shortstream 40")
        came = bytearray()
        while data := client.recv(997):
            came += data
    frames, rest = frames_and_rest(bytes(came))
    assert len(frames) == 40
    assert rest == b"STREAM_DONE: sent=40, skipped=0, available=40\n"


# ------------------------------------------------------------------ flaw 1: one bad command ends all service


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"set camera.framerate abc", b"ERROR: camera.framerate: "),
        (b"set camera 5", b"ERROR: invalid key camera\n"),
        (b"set camera.framerate.x 1", b"ERROR: invalid key camera.framerate.x\n"),
        (b"set night x", b"ERROR: invalid key night\n"),
        (b"set night.dark_threshold nan", b"ERROR: night.dark_threshold: "),
        (b"set", b"ERROR: usage set <key_path> <value>\n"),
        (b"save", b"ERROR: no frames arrive from the camera\n"),
        (b"save\xff\xfe", b"ERROR: the payload is not UTF-8"),
        (b"\x00\x01\x02", b"UNKNOWN_COMMAND\n"),
        (b"\n", b"UNKNOWN_COMMAND\n"),
        (b"   ", b"UNKNOWN_COMMAND\n"),
        (b"overwrite_config", b"ERROR: internal error (OSError)"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\nset night.gain 8\n", b"UNKNOWN_COMMAND\n"),
        (b"x" * (1 << 20), b"ERROR: the command is longer than 65536 bytes\n"),
    ],
)
def test_a_bad_command_is_answered_and_the_next_one_served(node: StubNode, sent: bytes, reply: bytes) -> None:
    assert node.ask(sent).startswith(reply)
    assert node.ask(b"health") == b"RSS=1.0MiB SWAP=0.0%\n"
    assert node.core.config.night.gain == 6


@pytest.mark.parametrize("words", [b"abc", b"0", b"-3", b"2.5", b"1e999"])
def test_a_refused_shortstream_ends_its_stream_before_the_reply(node: StubNode, words: bytes) -> None:
    node.see(3)
    frames, rest = frames_and_rest(node.ask(b"shortstream " + words))
    assert frames == []
    assert rest.startswith(b"ERROR: n: ")
    assert rest.count(b"\n") == 1


@pytest.mark.parametrize("sent", [b"", b"hea", b"health\n", b"shortstream 3\n"])
def test_a_client_that_resets_before_the_reply_harms_nobody(
    node: StubNode, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    node.see(3)
    for _ in range(5):
        client = node.connect()
        client.sendall(sent)
        reset(client)
    assert node.ask(b"health") == b"RSS=1.0MiB SWAP=0.0%\n"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


# ------------------------------------------------------------------ flaw 2: one idle client blocks all


def test_idle_clients_hold_up_nobody_and_are_sent_away(start_node: StartNode) -> None:
    node = start_node(Timeouts(line_s=1.0, silence_s=0.1, linger_s=0.1))
    idle = [node.connect() for _ in range(CLIENTS_MAX - 1)]
    assert node.ask(b"health") == b"RSS=1.0MiB SWAP=0.0%\n"
    for client in idle:
        assert everything(client) == b"ERROR: no whole command came within 1 s\n"
        client.close()


def test_more_clients_than_there_is_room_for_are_told_so(start_node: StartNode) -> None:
    node = start_node(Timeouts(line_s=3600, silence_s=0.1, linger_s=0.1))
    idle = [node.connect() for _ in range(CLIENTS_MAX)]
    assert node.ask(b"health\n") == b"ERROR: busy\n"
    for client in idle:
        client.close()
    wait_until(lambda: node.ask(b"health\n") != b"ERROR: busy\n", "room")


def test_a_flood_of_connections_leaves_the_port_usable(start_node: StartNode) -> None:
    node = start_node(Timeouts(line_s=0.5, silence_s=0.1, linger_s=0.1))
    clients = [node.connect() for _ in range(300)]
    for client in clients:
        client.close()

    def is_answered() -> bool:
        try:
            return node.ask(b"health\n") == b"RSS=1.0MiB SWAP=0.0%\n"
        except ConnectionError:  # beyond a number connections are cut without a word while the flood lasts
            return False

    wait_until(is_answered, "an answer")


def test_a_client_that_dribbles_is_sent_away(start_node: StartNode) -> None:
    node = start_node(Timeouts(line_s=0.6, silence_s=0.5, linger_s=0.1))
    with node.connect() as client:
        client.settimeout(0.05)
        came = b""
        for _ in range(100):
            client.sendall(b"x")
            try:
                came = client.recv(100)
            except TimeoutError:
                continue
            break
    assert came == b"ERROR: no whole command came within 0.6 s\n"


def test_a_node_that_does_not_answer_is_not_waited_for_for_ever(start_node: StartNode) -> None:
    node = start_node(Timeouts(silence_s=0.1, linger_s=0.1, answer_s=0.3))
    assert node.ask(b"health").startswith(b"RSS=")
    node.frozen.set()
    assert node.ask(b"health") == b"ERROR: the node did not answer within 0.3 s\n"
    assert node.ask(b"shortstream") == bytes(4) + b"ERROR: the node did not answer within 0.3 s\n"
    node.frozen.clear()


def test_work_that_was_begun_may_take_longer_than_an_answer(start_node: StartNode) -> None:
    node = start_node(Timeouts(silence_s=0.1, linger_s=0.1, answer_s=1.0))
    node.see()
    with node.connect() as client:
        client.sendall(b"save jpg")
        client.settimeout(1.5)
        with pytest.raises(TimeoutError):
            client.recv(100)
        client.settimeout(10)
        node.see()
        assert everything(client).startswith(b"Saved single full-resolution image: ")


# ------------------------------------------------------------------ flaw 3: one packet is not one command


def test_a_command_in_pieces_is_one_command(start_node: StartNode) -> None:
    node = start_node(Timeouts(silence_s=5))
    with node.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"set night.gain 7\n":
            client.sendall(bytes([byte]))
        assert everything(client) == b"OK: changed night.gain from 6 to 7\n"


def test_a_command_longer_than_1024_bytes_is_one_command(node: StubNode) -> None:
    assert node.ask(b"set night.gain " + b" " * 5000 + b"7\n") == b"OK: changed night.gain from 6 to 7\n"


# ------------------------------------------------------------------ flaw 4: text inside the stream


def test_nothing_but_the_reply_line_follows_the_end_of_a_stream(node: StubNode) -> None:
    frames, rest = frames_and_rest(node.ask(b"shortstream"))
    assert frames == []
    assert rest == b"STREAM_DONE: sent=0, skipped=10, available=0\n"


def test_what_others_ask_meanwhile_does_not_get_into_a_stream(node: StubNode) -> None:
    node.see(50)
    replies: list[bytes] = []
    askers = [threading.Thread(target=lambda: replies.append(node.ask(b"help"))) for _ in range(4)]
    for asker in askers:
        asker.start()
    frames, rest = frames_and_rest(node.ask(b"shortstream 50"))
    for asker in askers:
        asker.join(10)
    assert [frame[:2] + frame[-2:] for frame in frames] == [b"\xff\xd8\xff\xd9"] * 50
    assert rest == b"STREAM_DONE: sent=50, skipped=0, available=50\n"
    assert len(replies) == 4
    assert set(replies) == {node.ask(b"help")}


# ------------------------------------------------------------------ flaw 5: what only begins like a command


@pytest.mark.parametrize("sent", [b"settling", b"savefoo", b"dump_configX", b"shortstreams 3", b"SAVE"])
def test_what_only_begins_like_a_command_is_none(node: StubNode, sent: bytes) -> None:
    assert node.ask(sent) == b"UNKNOWN_COMMAND\n"


# ------------------------------------------------------------------ flaw 6: a port in use is not reported


def test_a_node_restarted_at_once_has_its_port_again(start_node: StartNode) -> None:
    port = free_port()
    for _ in range(3):
        node = StubNode(SHORT, port).start()
        assert node.ask(b"health").startswith(b"RSS=")
        node.stop()


def test_a_port_that_is_taken_is_said_once_with_advice_and_had_later(
    start_node: StartNode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        node = start_node(port=taken.getsockname()[1])
        wait_until(lambda: "trying on" in caplog.text, "the warning")
        node.see()
        assert "commands over TCP on 127.0.0.1" not in caplog.text.replace("no commands over TCP on 127.0.0.1", "")
    assert node.ask(b"health").startswith(b"RSS=")
    warnings = [record.getMessage() for record in caplog.records if "no commands over TCP" in record.getMessage()]
    [warning] = warnings
    assert warning.startswith(f"no commands over TCP on 127.0.0.1 port {node.port}: ")
    assert warning.endswith(
        "another program uses the port; change network.trigger_port, or find it with: ss -ltnp; trying on"
    )


# ------------------------------------------------------------------ flaw 7 and the end


def test_the_port_is_closed_unless_its_owner_opens_it() -> None:
    config = Config.model_validate({"network": {"trigger_port": free_port()}})
    trigger = TextPort(config, Inbox(), SystemClock(), PrivacyGate())
    trigger.start()
    assert config.network.trigger_host == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, config.network.trigger_port), 5)
    trigger.close(1)


def test_who_waits_while_the_node_stops_is_told_so(node: StubNode) -> None:
    node.see()
    with node.connect() as client, node.connect() as idle:
        client.sendall(b"save")
        wait_until(lambda: node.core.figures()["commands_waiting"], "the command")
        node.stop()
        assert everything(client) == b"NOT_SAVED\n"
        assert everything(idle) == b""
