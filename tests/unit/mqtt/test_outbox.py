"""Messages in flight, queued, and held back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pi_cam_node.core.commands.pictures import STREAM_BYTES, STREAM_FRAMES
from pi_cam_node.core.history import Waiting as Stored
from pi_cam_node.mqtt.connection.in_flight import (
    ACK_TIMEOUT_S,
    BUSY_BYTES,
    FOREIGN_TOPICS,
    IN_FLIGHT_BYTES,
    IN_FLIGHT_MESSAGES,
    InFlight,
    Sent,
    Waiting,
)
from pi_cam_node.mqtt.connection.poison_messages import HELD_S, SOON_S, STRIKES, TOPICS_HELD, PoisonMessageGuard
from pi_cam_node.mqtt.messages.message import JPEG, JSON, Message
from pi_cam_node.mqtt.outbox import EVENT_BYTES_WAITING, EVENTS_WAITING, TRIES, WAITING, Outbox


@dataclass
class Receipt:
    """What paho-mqtt gives for a message."""

    mid: int
    published: bool = False

    def is_published(self) -> bool:
        """Return whether the test said so."""
        return self.published


def message(number: int = 0, size: int = 10, **more: object) -> Message:
    return Message(f"t/{number}", bytes(size), **more)  # type: ignore[arg-type]


def sent(number: int = 0, size: int = 10, since_s: float = 0.0, **more: object) -> Sent:
    return Sent(Waiting(message(number, size, **more)), Receipt(number), since_s)


def acknowledge(entry: Sent) -> None:
    assert isinstance(entry.receipt, Receipt)
    entry.receipt.published = True


def test_flight_is_bounded_by_bytes() -> None:
    flight = InFlight()
    large = IN_FLIGHT_BYTES // 2
    first = sent(1, large)
    flight.add(first)
    assert not flight.has_room(message(2, large))
    assert flight.has_room(message(2, large // 2))
    acknowledge(first)
    assert flight.has_room(message(2, large))


def test_a_slow_broker_that_goes_on_acknowledging_is_not_stuck() -> None:
    flight = InFlight()
    entries = [sent(number, since_s=0.0) for number in range(100)]
    for entry in entries:
        flight.add(entry)
    for number, entry in enumerate(entries):
        acknowledge(entry)
        assert not flight.is_stuck(number * (ACK_TIMEOUT_S - 1))
    flight.add(sent(200, since_s=1000.0))
    assert flight.is_stuck(1000.0 + ACK_TIMEOUT_S + 1)


def test_a_flight_that_is_not_laden_has_room_for_a_whole_stream_of_frames() -> None:
    flight = InFlight()
    first = sent(1, BUSY_BYTES - 100)
    flight.add(first)
    assert not flight.is_busy
    user = (("index", "1000"), ("count", "1000"), ("frame", "1000000"), ("time", "2026-11-20T19:45:01.123Z"))
    for number in range(STREAM_FRAMES):
        frame = sent(number, STREAM_BYTES // STREAM_FRAMES, content_type="image/jpeg", user=user)
        assert flight.has_room(frame.message)
        flight.add(frame)
    assert flight.is_busy
    for entry in flight._sent:
        acknowledge(entry)
    assert not flight.is_busy


def test_flight_is_bounded_by_number() -> None:
    flight = InFlight()
    for number in range(IN_FLIGHT_MESSAGES):
        assert flight.has_room(message(number))
        flight.add(sent(number))
    assert not flight.has_room(message())


def test_response_topics_that_the_broker_took_are_remembered_up_to_a_number() -> None:
    flight = InFlight()
    for number in range(FOREIGN_TOPICS + 10):
        entry = sent(number, fallback_topic="t/reply")
        flight.add(entry)
        acknowledge(entry)
        assert flight.has_room(message())
    assert len(flight.foreign_topics) == FOREIGN_TOPICS


def test_a_single_message_may_be_larger_than_the_bound() -> None:
    flight = InFlight()
    assert flight.has_room(message(1, 2 * IN_FLIGHT_BYTES))
    flight.add(sent(1, 2 * IN_FLIGHT_BYTES))
    assert not flight.has_room(message(2))


def test_only_one_live_picture_is_under_way() -> None:
    flight = InFlight()
    picture = sent(1, qos=0)
    flight.add(picture)
    assert not flight.has_room(message(1, qos=0))
    assert flight.has_room(message(2, qos=0))
    assert flight.has_room(message(1, qos=1))
    acknowledge(picture)
    assert flight.has_room(message(1, qos=0))


def test_a_closed_flight_takes_nothing_and_gives_what_was_left() -> None:
    flight = InFlight()
    entries = [sent(number) for number in range(3)]
    for entry in entries:
        assert flight.add(entry)
    acknowledge(entries[1])
    assert flight.close() == [entries[0], entries[2]]
    assert flight.acknowledged == 1
    assert not flight.has_room(message())
    assert not flight.add(sent(9))


def test_a_flight_is_stuck_when_nothing_is_acknowledged_for_long() -> None:
    flight = InFlight()
    assert not flight.is_stuck(1000.0)
    first = sent(1, since_s=100.0)
    flight.add(sent(0, qos=0, since_s=0.0))
    flight.add(first)
    assert not flight.is_stuck(100.0 + ACK_TIMEOUT_S)
    assert flight.is_stuck(100.0 + ACK_TIMEOUT_S + 0.1)
    acknowledge(first)
    assert not flight.is_stuck(1000.0)


def test_an_overloaded_broker_gets_longer() -> None:
    flight = InFlight(patience=3)
    flight.add(sent(1, since_s=100.0))
    assert not flight.is_stuck(100.0 + 3 * ACK_TIMEOUT_S)
    assert flight.is_stuck(100.0 + 3 * ACK_TIMEOUT_S + 0.1)


def test_a_broker_that_has_caught_up_is_left_as_soon_as_usual_when_it_falls_silent() -> None:
    flight = InFlight(patience=8)
    assert not flight.is_stuck(99.0), "nothing was sent yet"
    birth = sent(1, since_s=100.0)
    flight.add(birth)
    assert not flight.is_stuck(100.0 + 7 * ACK_TIMEOUT_S)
    acknowledge(birth)
    assert not flight.is_stuck(150.0)
    flight.add(sent(2, since_s=200.0))
    assert not flight.is_stuck(200.0 + ACK_TIMEOUT_S)
    assert flight.is_stuck(200.0 + ACK_TIMEOUT_S + 0.1)


def test_a_slow_link_gets_time_for_a_large_picture() -> None:
    flight = InFlight()
    flight.add(sent(1, 1_000_000))
    assert not flight.is_stuck(ACK_TIMEOUT_S + 19)
    assert flight.is_stuck(ACK_TIMEOUT_S + 21)


def test_the_topic_of_a_refused_packet_is_known() -> None:
    flight = InFlight()
    flight.add(sent(7))
    assert flight.topic_of(7) == "t/7"
    assert flight.topic_of(8) == ""


def test_a_flight_knows_of_pictures_until_they_are_acknowledged() -> None:
    flight, picture = InFlight(), Message("t/1", b"\xff\xd8", content_type=JPEG)
    receipt = Receipt(1)
    flight.add(Sent(Waiting(message(0)), Receipt(0), 0.0))
    assert not flight.carries_pictures
    flight.add(Sent(Waiting(picture), receipt, 0.0))
    assert flight.carries_pictures
    receipt.published = True
    assert not flight.carries_pictures


def test_what_waits_can_lose_its_pictures() -> None:
    outbox = Outbox()
    reply = json.dumps({"data": {"path": "a.jpg", "thumbnail": "AAAA"}}).encode()
    outbox.put(Waiting(Message("t/reply", reply, queue_offline=True, content_type=JSON), 1))
    outbox.strip_pictures()
    taken = outbox.take()
    assert taken is not None
    assert (json.loads(taken.message.payload), taken.tries) == ({"data": {"path": "a.jpg"}}, 1)


def test_the_oldest_waiting_message_makes_room() -> None:
    outbox = Outbox()
    for number in range(WAITING + 3):
        outbox.put(Waiting(message(number)))
    assert len(outbox) == WAITING
    assert outbox.dropped == 3
    oldest = outbox.take()
    assert oldest is not None
    assert oldest.message.topic == "t/3"


def test_lost_replies_go_before_the_waiting_and_states_do_not_wait() -> None:
    outbox = Outbox()
    outbox.put(Waiting(message(9)))
    outbox.put_back([sent(1, queue_offline=True), sent(2, retain=True), sent(3, queue_offline=True)])
    order = [w.message.topic for w in iter(outbox.take, None)]
    assert order == ["t/1", "t/3", "t/9"]


def test_a_message_is_given_up_after_some_tries() -> None:
    outbox = Outbox()
    waiting = Waiting(message(1, queue_offline=True))
    for _ in range(TRIES - 1):
        outbox.put_back([Sent(waiting, Receipt(1), 0.0)])
        taken = outbox.take()
        assert taken is not None
        waiting = taken
    outbox.put_back([Sent(waiting, Receipt(1), 0.0)])
    assert outbox.take() is None
    assert outbox.dropped == 1


def test_what_could_not_be_sent_stays_first() -> None:
    outbox = Outbox()
    outbox.put(Waiting(message(1)))
    outbox.put(Waiting(message(2)))
    first = outbox.take()
    assert first is not None
    outbox.put_front(first)
    assert outbox.take() == first


def struck(guard: PoisonMessageGuard, times: int, entries: list[Sent], acknowledged: int = 5) -> str | None:
    """End so many sessions alike; return the topic that is held back last, also where it was not at the last one."""
    held = None
    for _ in range(times):
        held = guard.session_ended(entries, acknowledged, 1.0) or held
    return held


def test_the_message_that_ends_session_after_session_is_held_back() -> None:
    guard = PoisonMessageGuard(())
    assert not guard.is_isolating
    assert struck(guard, 1, [sent(1), sent(2, 100_000), sent(3)]) is None
    assert guard.is_isolating, "from now on one message at a time, so the oldest is the one"
    assert struck(guard, STRIKES - 2, [sent(2, 100_000), sent(3)]) is None
    assert struck(guard, 1, [sent(2, 100_000), sent(3)]) == "t/2"
    assert not guard.is_isolating
    size = message(2, 100_000).size_bytes
    assert guard.holds("t/2", size, 2.0)
    assert not guard.holds("t/2", size - 1, 2.0), "a smaller one may pass"
    assert not guard.holds("t/1", size, 2.0)
    assert not guard.holds("t/2", size, 2.0 + HELD_S), "the broker may be another one by then"


def test_a_session_that_ends_well_ends_the_guard() -> None:
    guard = PoisonMessageGuard(())
    struck(guard, 1, [sent(1)])
    struck(guard, 1, [])
    assert not guard.is_isolating


def test_a_flood_of_messages_that_kills_a_session_before_its_first_acknowledgement_puts_on_guard() -> None:
    guard = PoisonMessageGuard(())
    assert struck(guard, 1, [sent(1), sent(2)], acknowledged=0) is None
    assert guard.is_isolating


def test_a_session_in_which_the_broker_took_nothing_blames_nobody() -> None:
    assert struck(PoisonMessageGuard(()), 10, [sent(1)], acknowledged=0) is None


def test_replies_and_events_are_never_held_back() -> None:
    guard = PoisonMessageGuard(())
    assert struck(guard, 10, [sent(1, queue_offline=True)]) is None
    assert not guard.is_isolating, "on a busy topic something is under way whenever the link breaks"


def test_availability_is_never_held_back() -> None:
    assert struck(PoisonMessageGuard({"t/1"}), 10, [sent(1)]) is None


def test_a_session_that_went_on_after_the_message_blames_nobody() -> None:
    guard = PoisonMessageGuard(())
    for _ in range(10):
        assert guard.session_ended([sent(1, since_s=0.0)], 5, SOON_S + 1) is None


def test_different_messages_are_no_pattern() -> None:
    guard = PoisonMessageGuard(())
    for number in range(20):
        assert guard.session_ended([sent(number % 2)], 5, 1.0) is None


def test_the_number_of_topics_held_is_bounded() -> None:
    guard = PoisonMessageGuard(())
    for number in range(TOPICS_HELD + 1):
        assert struck(guard, STRIKES, [sent(number)]) == f"t/{number}"
    assert not guard.holds("t/0", 10_000, 1.0)
    assert guard.holds(f"t/{TOPICS_HELD}", 10_000, 1.0)


def test_a_reply_survives_two_lost_sessions_and_not_a_third() -> None:
    outbox, again = Outbox(), Waiting(message(1, queue_offline=True))
    for _ in range(2):
        outbox.put_back([Sent(again, Receipt(1), 0.0)])
        taken = outbox.take()
        assert taken is not None
        again = taken
    outbox.put_back([Sent(again, Receipt(1), 0.0)])
    assert outbox.take() is None


def test_an_acknowledgement_proves_what_was_written_before_it_and_nothing_later() -> None:
    flight = InFlight()
    before, state, after = sent(1, 500, 1.0, qos=0), sent(2, 10, 2.0), sent(3, 900, 3.0, qos=0)
    for entry in (before, state, after):
        flight.add(entry)
        acknowledge(entry)
    assert [entry.message.topic for entry in flight.unproven] == ["t/3"]
    assert flight.proven_bytes == before.message.size_bytes


def test_an_event_that_was_lost_with_its_session_is_late_when_it_comes_again() -> None:
    outbox = Outbox()
    event = Message("t/event", b'{"event_type":"x"}', queue_offline=True, is_event=True, content_type=JSON)
    outbox.put_back([Sent(Waiting(event), Receipt(1), 0.0)])
    taken = outbox.take()
    assert taken is not None
    assert json.loads(taken.message.payload) == {"event_type": "x", "late": True}


class Store:
    """Keeps what waits, as the database does."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[str, bytes]] = {}
        self.number = 0

    def put(self, topic: str, body: bytes) -> int:
        self.number -= 1
        self.kept[self.number] = (topic, body)
        return self.number

    def waiting(self) -> list[Stored]:
        return []

    def sent(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self.kept[number]


def event(number: int, size: int = 0) -> Message:
    body = json.dumps({"id": number, "fill": "x" * size}).encode()
    return Message(f"e/{number}", body, queue_offline=True, is_event=True, content_type=JSON)


def ids_of(outbox: Outbox) -> list[int]:
    return [json.loads(waiting.message.payload)["id"] for waiting in iter(outbox.take, None)]


def test_an_event_that_waits_for_the_broker_is_stored_and_late() -> None:
    store = Store()
    outbox = Outbox(store)
    outbox.put(Waiting(event(1)), broker_is_away=True)
    outbox.put(Waiting(event(2)))
    assert [json.loads(body)["id"] for _, body in store.kept.values()] == [1]
    first, second = outbox.take(), outbox.take()
    assert first is not None
    assert second is not None
    assert json.loads(first.message.payload)["late"] is True
    assert "late" not in json.loads(second.message.payload)
    assert first.number in store.kept


def test_an_event_is_stored_before_it_is_sent_and_is_not_late_for_that() -> None:
    store = Store()
    outbox = Outbox(store)
    waiting = outbox.stored(event(1))
    assert "late" not in json.loads(waiting.message.payload)
    assert [json.loads(body) for _, body in store.kept.values()] == [{"id": 1, "fill": "", "late": True}]
    outbox.put(waiting)
    assert (outbox.volatile, len(store.kept)) == (0, 1)
    taken = outbox.take()
    assert taken is not None
    assert "late" not in json.loads(taken.message.payload), "it waited for its turn alone"
    outbox.put_back([Sent(taken, Receipt(1), 0.0)])
    again = outbox.take()
    assert again is not None
    assert json.loads(again.message.payload)["late"] is True
    assert (again.number, len(store.kept)) == (waiting.number, 1)
    assert outbox.stored(message(2)).number is None, "a reply is of use to its asker alone"


def test_an_event_that_was_under_way_when_its_session_ended_is_late_once() -> None:
    store = Store()
    outbox = Outbox(store)
    outbox.put_back([Sent(Waiting(event(1)), Receipt(1), 0.0)])
    waiting = outbox.take()
    assert waiting is not None
    outbox.put_back([Sent(waiting, Receipt(2), 0.0)])
    assert len(store.kept) == 1
    again = outbox.take()
    assert again is not None
    assert (again.number, again.tries, again.message) == (waiting.number, 2, waiting.message)
    outbox.put_back([Sent(again, Receipt(3), 0.0)])
    assert (store.kept, outbox.dropped, len(outbox)) == ({}, 1, 0), "given up on disk as well"


def test_replies_do_not_wait_behind_events() -> None:
    outbox = Outbox()
    outbox.put(Waiting(event(1)), broker_is_away=True)
    outbox.put(Waiting(message(2)))
    taken = outbox.take()
    assert taken is not None
    assert taken.message.topic == "t/2"


def test_events_that_wait_are_bounded_in_number_and_bytes() -> None:
    store = Store()
    outbox = Outbox(store)
    for number in range(EVENTS_WAITING + 2):
        outbox.put(Waiting(event(number)), broker_is_away=True)
    assert (len(outbox), len(store.kept), outbox.dropped) == (EVENTS_WAITING, EVENTS_WAITING, 2)
    outbox.put(Waiting(event(7, EVENT_BYTES_WAITING - 1000)), broker_is_away=True)
    assert len(outbox) < 40
    assert len(store.kept) == len(outbox)
    assert ids_of(outbox)[-1] == 7


def test_events_of_an_earlier_run_go_first_and_in_their_order() -> None:
    outbox = Outbox(Store())
    outbox.put(Waiting(event(9)), broker_is_away=True)
    at = datetime(2026, 11, 29, tzinfo=UTC)
    stored = [Stored(number, f"old/{number}", b'{"id": %d, "late": true}' % number, at) for number in (3, 4)]
    outbox.restore(stored, {3: "new/3", 4: "new/4"})
    first = outbox.take()
    assert first is not None
    assert (first.number, first.message.topic, first.message.is_event) == (3, "new/3", True)
    assert ids_of(outbox) == [4, 9]


def test_the_numbers_of_stored_events_come_back_when_they_are_acknowledged() -> None:
    flight = InFlight()
    first, second = (Sent(Waiting(event(n), number=-n), Receipt(n), 0.0) for n in (1, 2))
    flight.add(first)
    flight.add(second)
    acknowledge(second)
    assert flight.take_delivered() == [-2]
    assert flight.take_delivered() == []
    acknowledge(first)
    flight.close()
    assert flight.take_delivered() == [-1]
