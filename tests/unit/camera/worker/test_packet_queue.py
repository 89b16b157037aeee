"""The queue of packets that wait for a picture."""

from __future__ import annotations

from pi_cam_node.camera.worker.packet_queue import AT_ONCE, BYTES_MAX, SOUND_MAX, PacketQueue
from pi_cam_node.imaging.packet import Packet, PacketFacts


def packet(number: int, size: int = 100, *, key: bool = False) -> Packet:
    return Packet(float(number), key, bytes(size), PacketFacts(number))


def numbers(packets: tuple[Packet, ...]) -> list[int]:
    return [each.facts.pts for each in packets]


def test_each_goes_once_and_waits_until_it_is_sent() -> None:
    queue = PacketQueue()
    queue.put([packet(0, key=True), packet(1), packet(2)])
    assert numbers(queue.next(250)) == [0, 1]
    assert numbers(queue.next(250)) == [0, 1], "the picture found no slot"
    queue.sent(2)
    queue.put([packet(3)])
    assert numbers(queue.next(1000)) == [2, 3]
    queue.sent(2)
    assert queue.next(1000) == ()


def test_a_message_names_so_many_at_most() -> None:
    queue = PacketQueue()
    queue.put([packet(number, key=not number) for number in range(AT_ONCE + 10)])
    assert len(queue.next(1 << 20)) == AT_ONCE


def test_what_waits_is_bounded_and_goes_on_with_a_key_frame() -> None:
    queue = PacketQueue()
    queue.put([packet(0, BYTES_MAX, key=True), packet(1), packet(2)])
    assert queue.next(1 << 30) == ()
    queue.put([packet(3), packet(4, key=True), packet(5)])
    assert numbers(queue.next(1 << 20)) == [4, 5]
    assert [each.facts.after_loss for each in queue.next(1 << 20)] == [True, False], "so that the gap is told"


def test_a_packet_that_fits_into_no_slot_is_given_up_with_those_that_need_it() -> None:
    queue = PacketQueue()
    queue.put([packet(0, 500, key=True), packet(1), packet(2, key=True), packet(3)])
    assert numbers(queue.next(400)) == [2, 3]
    assert [each.facts.after_loss for each in queue.next(400)] == [True, False]


def sound(number: int) -> Packet:
    return Packet(float(number), False, bytes(10), PacketFacts(number, sound=b"\x14\x08"))


def test_sound_goes_first_where_pictures_come_too_seldom_to_take_all_along() -> None:
    queue = PacketQueue()
    queue.put([packet(0, key=True), *(sound(number) for number in range(1, SOUND_MAX))])
    assert len(queue.next(10_000)) == AT_ONCE
    queue.put([packet(SOUND_MAX)])
    assert numbers(queue.next(10_000)) == [0, SOUND_MAX]
    assert queue.next(150)[0].key
    queue.sent(2)
    queue.put([packet(number, BYTES_MAX // 2) for number in (1, 2)])
    assert numbers(queue.next(BYTES_MAX)) == [1, 2], "the bytes of the sound were given up as well"
