"""Multicast DNS packets: queries, and complete, partial and damaged answers."""

from __future__ import annotations

import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.mqtt.broker_discovery import Answers, FoundBroker, query

A, PTR, TXT, SRV, AAAA = 1, 12, 16, 33, 28
ANSWER, IN = 0x8400, 0x8001
SERVICE = b"\x05_mqtt\x04_tcp\x05local\x00"
INSTANCE = b"\x09mosquitto\xc0\x0c"
HOST = b"\x07kitchen\xc0\x17"


def record(name: bytes, kind: int, data: bytes) -> bytes:
    return name + struct.pack("!HHIH", kind, IN, 120, len(data)) + data


def packet(*records: bytes, flags: int = ANSWER) -> bytes:
    return struct.pack("!6H", 0, flags, 0, len(records), 0, 0) + b"".join(records)


def srv(port: int) -> bytes:
    return struct.pack("!HHH", 0, 0, port) + HOST


# The first name stands at offset 12, so that 0xc00c means _mqtt._tcp.local and 0xc017 means local.
POINTER = record(SERVICE, PTR, INSTANCE)
PORT = record(b"\x09Mosquitto\xc0\x0c", SRV, srv(1884))
ADDRESS = record(b"\x07KITCHEN\xc0\x17", A, socket.inet_aton("192.0.2.7"))
BROKER = FoundBroker("mosquitto", "kitchen.local", "192.0.2.7", 1884)


def answers(*packets: bytes) -> Answers:
    found = Answers()
    for one in packets:
        found.add(one)
    return found


def test_the_question_is_one_of_dns_for_the_service() -> None:
    asked = query(Answers().questions())
    assert asked == struct.pack("!6H", 0, 0, 1, 0, 0, 0) + SERVICE + struct.pack("!HH", PTR, 0x8001)


def test_a_broker_told_in_one_packet_is_found_whatever_the_case() -> None:
    others = (record(INSTANCE, TXT, b"\x00"), record(HOST, AAAA, bytes(16)))
    assert answers(packet(POINTER, *others, PORT, ADDRESS)).brokers() == [BROKER]


def test_what_is_missing_is_asked_for() -> None:
    found = answers(packet(POINTER))
    assert found.brokers() == []
    assert found.questions()[1:] == [(("mosquitto", "_mqtt", "_tcp", "local"), SRV)]
    found.add(packet(POINTER, PORT))
    assert found.questions()[1:] == [(("kitchen", "local"), A)]
    found.add(packet(POINTER, ADDRESS))
    assert found.questions()[1:] == []
    assert found.brokers() == [BROKER]


def test_questions_of_others_and_other_services_tell_of_no_broker() -> None:
    assert answers(packet(POINTER, PORT, ADDRESS, flags=0)).brokers() == []
    printer = record(b"\x04_ipp\x04_tcp\x05local\x00", PTR, INSTANCE)
    assert answers(packet(printer, PORT, ADDRESS)).brokers() == []


def test_names_that_would_write_to_a_terminal_are_made_harmless() -> None:
    escape = record(SERVICE, PTR, b"\x05\x1b[2Jx\xc0\x0c")
    port = record(b"\x05\x1b[2Jx\xc0\x0c", SRV, srv(1883))
    assert [broker.name for broker in answers(packet(escape, port, ADDRESS)).brokers()] == ["?[2Jx"]


def test_a_name_that_goes_round_in_a_circle_ends() -> None:
    assert answers(packet(record(b"\xc0\x0c", PTR, INSTANCE))).brokers() == []


def test_a_packet_that_is_cut_off_tells_what_came_before() -> None:
    whole = packet(POINTER, PORT, ADDRESS)
    for length in range(len(whole)):
        assert answers(whole[:length]).brokers() == []
    assert answers(whole[:-4], packet(POINTER, ADDRESS)).brokers() == [BROKER]


def test_strangers_cannot_make_it_remember_without_end() -> None:
    found = Answers()
    for number in range(4000):
        name = str(number).encode()
        found.add(packet(record(SERVICE, PTR, bytes([len(name)]) + name + b"\xc0\x0c")))
    assert len(found._services) <= 1024
    assert len(query(found.questions())) < 1500


@given(st.binary(max_size=300), st.lists(st.integers(0, 100), max_size=4))
def test_no_packet_ends_it(noise: bytes, cuts: list[int]) -> None:
    damaged = bytearray(packet(POINTER, PORT, ADDRESS))
    for at in cuts:
        damaged[at % len(damaged)] ^= 0xFF
    found = answers(noise, ANSWER.to_bytes(4) + noise, packet(noise), bytes(damaged))
    assert len(found.brokers()) <= 2
    query(found.questions())
