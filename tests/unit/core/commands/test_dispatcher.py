"""One door: every request gets exactly one final reply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.core.commands import dispatcher, requests
from pi_cam_node.core.events import CommandRefused, FaultReported, Replied
from pi_cam_node.core.inputs import CommandArrived, WorkAdvanced, WorkEnded
from tests.support.core_harness import CoreHarness

NOW_EPOCH_S = 1795203900  # 2026-11-20 19:45 UTC, where the clock of the tests starts


@pytest.fixture
def world() -> CoreHarness:
    world = CoreHarness()
    world.see(100)
    world.facts.clear()
    return world


def bodies(world: CoreHarness) -> list[dict[str, Any]]:
    return [dict(reply.body) for reply in world.said(Replied)]


def test_a_retained_command_is_refused_and_said_so(world: CoreHarness) -> None:
    replies = world.send("save", retained=True)
    assert [r["code"] for r in replies] == ["retained"]
    world.see()
    assert world.jobs == []
    assert world.said(FaultReported)[0].code == "retained"


def test_a_repeated_id_is_answered_from_memory(world: CoreHarness) -> None:
    first = world.send("set", '{"id":"a","key":"night.gain","value":7}')
    world.send("set", "night.gain 9")
    again = world.send("set", '{"id":"a","key":"night.gain","value":7}')
    assert again == first
    assert world.core.config.night.gain == 9


def test_three_times_the_same_id_is_one_picture_and_three_equal_replies(world: CoreHarness) -> None:
    for _ in range(2):
        world.send("save", '{"id":"b"}')
    world.see()
    world.work()
    world.send("save", '{"id":"b"}')
    finals = [b for b in bodies(world) if b["stage"] == "final"]
    assert len(finals) == 3
    assert finals[0] == finals[1] == finals[2]
    assert len(world.archive.saved) == 1


def test_256_ids_are_remembered_and_no_more(world: CoreHarness) -> None:
    for number in range(257):
        world.send("set", json.dumps({"id": f"n{number}", "key": "night.gain", "value": 5}))
    world.send("set", "night.gain 9")
    world.send("set", '{"id":"n1","key":"night.gain","value":5}')
    assert world.core.config.night.gain == 9
    world.send("set", '{"id":"n0","key":"night.gain","value":5}')
    assert world.core.config.night.gain == 5


@pytest.mark.parametrize("expires", [NOW_EPOCH_S - 100, "2026-11-20T19:44:00Z", "2026-11-20T19:44:00"])
def test_a_command_that_came_too_late_is_expired(world: CoreHarness, expires: object) -> None:
    assert [r["code"] for r in world.send("save", json.dumps({"expires": expires}))] == ["expired"]


@pytest.mark.parametrize("expires", [NOW_EPOCH_S + 100, "2026-11-20T19:46:00Z", "2026-11-20T21:46:00+02:00"])
def test_a_command_in_time_is_carried_out(world: CoreHarness, expires: object) -> None:
    assert [r["code"] for r in world.send("health", json.dumps({"expires": expires}))] == ["ok"]


def test_the_reply_goes_where_the_asker_wants_it(world: CoreHarness) -> None:
    world.send("health", reply_to="me/reply", correlation=b"\x01")
    reply = world.said(Replied)[0]
    assert (reply.reply_to, reply.correlation) == ("me/reply", b"\x01")


def test_long_work_is_accepted_then_progresses_then_ends_once(world: CoreHarness) -> None:
    world.send("pastStack", '{"id":"p"}')
    world.wait(0.2)
    assert bodies(world) == []
    world.wait(0.2)
    world.step(WorkAdvanced(1, 2, 4))
    world.work()
    assert [b["stage"] for b in bodies(world)] == ["accepted", "progress", "final"]
    assert {b["id"] for b in bodies(world)} == {"p"}


def test_quick_work_has_only_a_final_reply(world: CoreHarness) -> None:
    world.send("pastStack")
    world.work()
    assert [b["stage"] for b in bodies(world)] == ["final"]


def test_work_that_never_ends_is_given_up(world: CoreHarness) -> None:
    world.send("pastStack")
    world.wait(121)
    assert bodies(world)[-1]["code"] == "timeout"
    world.step(WorkEnded(1, result=[]))
    assert [b["stage"] for b in bodies(world)].count("final") == 1


def test_a_full_worker_is_answered_busy(world: CoreHarness) -> None:
    world.worker_full = True
    assert [r["code"] for r in world.send("pastStack")] == ["busy"]


def test_more_waiting_commands_than_fit_are_answered_busy(world: CoreHarness) -> None:
    codes = [r["code"] for _ in range(70) for r in world.send("save")]
    assert codes == ["busy"] * 6


def test_a_bug_is_answered_as_internal_and_the_next_command_works(world: CoreHarness) -> None:
    world.archive.error = ZeroDivisionError("boom")
    world.send("pastStack")
    assert [r["code"] for r in world.work()] == ["internal"]
    assert [r["code"] for r in world.send("health")] == ["ok"]


def test_what_waits_when_the_node_stops_is_answered(world: CoreHarness) -> None:
    world.send("save")
    replies = [f.body for f in world.core.close() if isinstance(f, Replied)]
    assert [r["code"] for r in replies] == ["busy"]


HOSTILE = [
    b"\xff\xfe",
    b"{",
    b"{}}",
    b"[" * 100_000,
    b'{"a":' * 30_000,
    b"\x00" * 1_000_000,
    b'{"id":"\\ud800"}',
    b'{"id":""}',
    b'{"id":true}',
    b'{"id":["x"]}',
    b'{"id":"a","id":"b"}',
    b'{"expires":NaN}',
    b'{"expires":1e400}',
    b'{"expires":' + b"9" * 4000 + b"}",
    b'{"expires":"tomorrow"}',
    b'{"expires":{}}',
    b'{"__class__":1}',
]


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("verb", ["save", "set", "health", "pastStack", "shortstream"])
def test_a_malformed_payload_is_a_bad_request(world: CoreHarness, verb: str, payload: bytes) -> None:
    before = world.core.config
    assert [r["code"] for r in world.send(verb, payload)] == ["bad_request"]
    assert world.core.config is before
    assert world.jobs == []


@settings(max_examples=300, deadline=None)
@given(
    verb=st.sampled_from(["", "set", "get", "save", "pastStack", "shortstream", "help", "\x00"]), payload=st.binary()
)
def test_any_bytes_get_exactly_one_final_reply(verb: str, payload: bytes) -> None:
    world = CoreHarness()
    world.see(3)
    world.send(verb, payload)
    world.see(2)
    world.work()
    finals = [b for b in bodies(world) if b["stage"] == "final"]
    assert len(finals) == 1
    assert finals[0]["code"] != "internal"
    json.dumps(finals[0], allow_nan=False).encode()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["id", "expires", "key", "value", "formats", "at", "count", "span_s", "method", "n", "verb"])


@settings(max_examples=300, deadline=None)
@given(
    verb=st.sampled_from(["set", "get", "save", "pastStack", "shortstream", "help"]),
    fields=st.dictionaries(FIELDS, JSON_VALUES, max_size=4),
)
def test_any_json_gets_exactly_one_final_reply(verb: str, fields: dict[str, object]) -> None:
    world = CoreHarness()
    world.see(3)
    world.send(verb, json.dumps(fields))
    world.see(2)
    world.work()
    finals = [b for b in bodies(world) if b["stage"] == "final"]
    assert len(finals) == 1
    assert finals[0]["code"] != "internal", finals[0]


@pytest.mark.promise("B3")
def test_what_is_remembered_of_answers_is_bounded_in_bytes(mocker: MockerFixture) -> None:
    world = CoreHarness()
    (size,) = (len(json.dumps(reply)) for reply in world.send("dump_config", '{"id": "first"}'))
    mocker.patch.object(requests, "REPLIES_BYTES", 4 * size)
    for number in range(20):
        world.send("dump_config", f'{{"id": "{number}"}}')
    kept = world.core._dispatcher._replies._replies
    assert 1 < len(kept) <= 4
    assert next(reversed(kept)) == "19"
    mocker.patch.object(requests, "REPLIES_BYTES", 1)
    world.send("dump_config", '{"id": "last"}')
    assert list(kept) == ["last"], "however large it is"


@pytest.mark.promise("B3")
@pytest.mark.parametrize("verb", ["get", "set"])
def test_a_key_that_is_none_is_not_repeated_at_length(verb: str) -> None:
    more = ', "value": 1' if verb == "set" else ""
    (reply,) = CoreHarness().send(verb, f'{{"id": "x", "key": "{"k" * 60_000}"{more}}}')
    assert reply["code"] == "bad_request"
    assert len(json.dumps(reply)) < 2000


def count(value: int) -> str:
    return f'{{"id": "one", "key": "export.stack_count", "value": {value}}}'


def test_an_id_on_another_command_is_refused_and_nothing_is_done(world: CoreHarness) -> None:
    (first,) = world.send("set", count(3))
    others = [
        world.send("set", count(4)),
        world.send("get", '{"id": "one", "key": "export.stack_count"}'),
        world.send("set", count(3), origin="http"),
    ]
    assert [[reply["code"] for reply in replies] for replies in others] == [["bad_request"]] * 3
    assert world.core.config.export.stack_count == 3
    assert world.send("set", count(3)) == [first], "the refusals did not take the place of the reply"


def test_privacy_with_one_id_for_all_does_what_each_command_says(world: CoreHarness) -> None:
    for enable in ("true", "false", "true"):
        world.send("privacy", f'{{"id": "1", "enable": {enable}}}')
        world.work()
    assert [(reply["code"], reply["message"]) for reply in bodies(world) if reply["stage"] == "final"] == [
        ("ok", "OK: privacy is on"),
        ("bad_request", "ERROR: this id was used for another command a short while ago; give another id"),
        ("ok", "OK: privacy is on"),
    ]
    assert world.core.config.privacy.enable


def test_an_id_that_waits_is_refused_to_another_command_too(world: CoreHarness) -> None:
    world.see()
    world.send("save", '{"id": "x", "formats": ["jpg"]}')
    assert [reply["code"] for reply in world.send("save", '{"id": "x", "formats": ["png"]}')] == ["bad_request"]
    assert world.send("save", '{"formats": ["jpg"], "id": "x"}') == [], "the same again waits for the same picture"
    world.see()
    assert len(world.work()) == 2


def test_after_ten_minutes_the_same_request_is_a_new_one(world: CoreHarness) -> None:
    world.send("set", count(3))
    world.send("set", "export.stack_count 5")
    world.wait(requests.REPEAT_S - 1)
    world.send("set", count(3))
    assert world.core.config.export.stack_count == 5
    world.wait(2)
    world.send("set", count(3))
    assert world.core.config.export.stack_count == 3


def test_a_refusal_is_an_event_and_no_fault_of_the_node(world: CoreHarness) -> None:
    world.send("set", "night.gain much")
    (refused,) = world.said(CommandRefused)
    assert (refused.verb, refused.code, refused.origin) == ("set", "out_of_range", "mqtt")
    assert world.said(FaultReported) == []


def test_of_a_flood_of_refusals_one_a_second_is_an_event_and_each_has_its_reply(world: CoreHarness) -> None:
    for _ in range(100):
        assert [reply["code"] for reply in world.send("nonsense")] == ["unknown_verb"]
    assert len(world.said(CommandRefused)) == 1
    world.wait(1)
    world.send("nonsense")
    assert len(world.said(CommandRefused)) == 2


def test_a_save_that_fails_is_a_fault_with_its_reason_until_one_works(world: CoreHarness) -> None:
    world.archive.error = NotSaved("cannot write /captures: read-only file system")
    world.send("save")
    world.see()
    world.work()
    assert world.said(FaultReported)[-1] == FaultReported(
        "not_saved", "save: cannot write /captures: read-only file system"
    )
    world.archive.error = None
    world.send("save")
    world.see()
    world.work()
    world.wait(1)
    assert world.said(FaultReported)[-1] == FaultReported("ok", "")


def test_an_auto_save_that_is_refused_is_told_as_a_fault_since_nobody_reads_its_reply(world: CoreHarness) -> None:
    world.step(CommandArrived("pastStack", b'{"at": 3600}', world.clock.monotonic(), origin="self"))
    assert [fault.code for fault in world.said(FaultReported)] == ["no_frames"]
    assert world.said(CommandRefused) == []


def test_work_is_accepted_after_a_third_of_a_second_and_not_before(world: CoreHarness) -> None:
    world.send("save")
    assert world.core.due_s <= world.clock.monotonic() + requests.ACCEPTED_AFTER_S
    world.wait(0.29)
    assert [body["stage"] for body in bodies(world)] == []
    world.wait(0.02)
    assert [body["stage"] for body in bodies(world)] == ["accepted"]


def test_an_id_is_repeated_sixteen_times_and_no_more(world: CoreHarness) -> None:
    for _ in range(dispatcher.REPEATS_WAITING + 1):
        assert world.send("save", '{"id": "x"}') == []
    assert [body["code"] for body in world.send("save", '{"id": "x"}')] == ["busy"]
    world.see()
    assert len(world.work()) == dispatcher.REPEATS_WAITING + 1 == 17


PRESSES = ["PRESS", "press", "ON", "true", "1764381000123", "1764381000", "2026-11-29T14:03:12Z", '"PRESS"']


@pytest.mark.parametrize("press", PRESSES)
@pytest.mark.parametrize("verb", ["health", "overwrite_config", "restart", "save", "pastStack", "shortstream"])
def test_what_a_button_sends_is_a_command_without_arguments(world: CoreHarness, verb: str, press: str) -> None:
    world.send(verb, press)
    world.see()
    world.work()
    (final,) = [body for body in bodies(world) if body["stage"] == "final"]
    assert final["code"] == "ok", final


@pytest.mark.parametrize(("verb", "words"), [("health", "OFF"), ("save", "off"), ("restart", "now"), ("health", "12")])
def test_what_is_no_press_is_refused_as_before(world: CoreHarness, verb: str, words: str) -> None:
    assert [body["code"] for body in world.send(verb, words)] == ["bad_request"]


@pytest.mark.parametrize("press", ["PRESS", "1764381000123"])
def test_a_press_is_no_answer_to_on_or_off(world: CoreHarness, press: str) -> None:
    assert [body["code"] for body in world.send("privacy", press)] == ["bad_request"]
