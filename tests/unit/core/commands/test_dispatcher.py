"""The dispatcher: exactly one final reply per request."""

from __future__ import annotations

import gc
import json
import tracemalloc
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
def harness() -> CoreHarness:
    harness = CoreHarness()
    harness.see(100)
    harness.facts.clear()
    return harness


def bodies(harness: CoreHarness) -> list[dict[str, Any]]:
    return [dict(reply.body) for reply in harness.said(Replied)]


def test_a_retained_command_is_refused_and_said_so(harness: CoreHarness) -> None:
    replies = harness.send("save", retained=True)
    assert [r["code"] for r in replies] == ["retained"]
    harness.see()
    assert harness.jobs == []
    assert harness.said(FaultReported)[0].code == "retained"


def test_a_repeated_id_is_answered_from_memory(harness: CoreHarness) -> None:
    first = harness.send("set", '{"id":"a","key":"night.gain","value":7}')
    harness.send("set", "night.gain 9")
    again = harness.send("set", '{"id":"a","key":"night.gain","value":7}')
    assert again == first
    assert harness.core.config.night.gain == 9


def test_three_times_the_same_id_is_one_picture_and_three_equal_replies(harness: CoreHarness) -> None:
    for _ in range(2):
        harness.send("save", '{"id":"b"}')
    harness.see()
    harness.work()
    harness.send("save", '{"id":"b"}')
    finals = [b for b in bodies(harness) if b["stage"] == "final"]
    assert len(finals) == 3
    assert finals[0] == finals[1] == finals[2]
    assert len(harness.archive.saved) == 1


def test_256_ids_are_remembered_and_no_more(harness: CoreHarness) -> None:
    for number in range(257):
        harness.send("set", json.dumps({"id": f"n{number}", "key": "night.gain", "value": 5}))
    harness.send("set", "night.gain 9")
    harness.send("set", '{"id":"n1","key":"night.gain","value":5}')
    assert harness.core.config.night.gain == 9
    harness.send("set", '{"id":"n0","key":"night.gain","value":5}')
    assert harness.core.config.night.gain == 5


@pytest.mark.parametrize(
    "expires",
    [
        NOW_EPOCH_S - 100, f"{NOW_EPOCH_S - 100:.0f}\n", 1000 * (NOW_EPOCH_S - 100),
        "2026-11-20T19:44:00Z", "2026-11-20T19:44:00", "20261120", 5,
    ],
)  # fmt: skip
def test_a_command_that_came_too_late_is_expired(harness: CoreHarness, expires: object) -> None:
    assert [r["code"] for r in harness.send("save", json.dumps({"expires": expires}))] == ["expired"]


@pytest.mark.parametrize(
    "expires",
    [
        NOW_EPOCH_S + 100, f"{NOW_EPOCH_S + 100}", 1000 * (NOW_EPOCH_S + 100), f"{1000 * (NOW_EPOCH_S + 100):.0f}",
        "2026-11-20T19:46:00Z", "2026-11-20T21:46:00+02:00", "20261121",
    ],
)  # fmt: skip
def test_a_command_in_time_is_carried_out(harness: CoreHarness, expires: object) -> None:
    assert [r["code"] for r in harness.send("health", json.dumps({"expires": expires}))] == ["ok"]


def test_the_reply_goes_where_the_asker_wants_it(harness: CoreHarness) -> None:
    harness.send("health", reply_to="me/reply", correlation=b"\x01")
    reply = harness.said(Replied)[0]
    assert (reply.reply_to, reply.correlation) == ("me/reply", b"\x01")


def test_long_work_is_accepted_then_progresses_then_ends_once(harness: CoreHarness) -> None:
    harness.send("pastStack", '{"id":"p"}')
    harness.wait(0.2)
    assert bodies(harness) == []
    harness.wait(0.2)
    harness.step(WorkAdvanced(1, 2, 4))
    harness.work()
    assert [b["stage"] for b in bodies(harness)] == ["accepted", "progress", "final"]
    assert {b["id"] for b in bodies(harness)} == {"p"}


def test_quick_work_has_only_a_final_reply(harness: CoreHarness) -> None:
    harness.send("pastStack")
    harness.work()
    assert [b["stage"] for b in bodies(harness)] == ["final"]


def test_work_that_never_ends_is_given_up(harness: CoreHarness) -> None:
    harness.send("pastStack")
    harness.wait(121)
    assert bodies(harness)[-1]["code"] == "timeout"
    harness.step(WorkEnded(1, result=[]))
    assert [b["stage"] for b in bodies(harness)].count("final") == 1


def test_a_full_worker_is_answered_busy(harness: CoreHarness) -> None:
    harness.worker_full = True
    assert [r["code"] for r in harness.send("pastStack")] == ["busy"]


def test_more_waiting_commands_than_fit_are_answered_busy(harness: CoreHarness) -> None:
    codes = [r["code"] for _ in range(70) for r in harness.send("save")]
    assert codes == ["busy"] * 6


def test_a_bug_is_answered_as_internal_and_the_next_command_works(harness: CoreHarness) -> None:
    harness.archive.error = ZeroDivisionError("boom")
    harness.send("pastStack")
    assert [r["code"] for r in harness.work()] == ["internal"]
    assert [r["code"] for r in harness.send("health")] == ["ok"]


def test_what_waits_when_the_node_stops_is_answered(harness: CoreHarness) -> None:
    harness.send("save")
    replies = [f.body for f in harness.core.close() if isinstance(f, Replied)]
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
def test_a_malformed_payload_is_a_bad_request(harness: CoreHarness, verb: str, payload: bytes) -> None:
    before = harness.core.config
    assert [r["code"] for r in harness.send(verb, payload)] == ["bad_request"]
    assert harness.core.config is before
    assert harness.jobs == []


@settings(max_examples=300, deadline=None)
@given(
    verb=st.sampled_from(["", "set", "get", "save", "pastStack", "shortstream", "help", "\x00"]), payload=st.binary()
)
def test_any_bytes_get_exactly_one_final_reply(verb: str, payload: bytes) -> None:
    harness = CoreHarness()
    harness.see(3)
    harness.send(verb, payload)
    harness.see(2)
    harness.work()
    finals = [b for b in bodies(harness) if b["stage"] == "final"]
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
    harness = CoreHarness()
    harness.see(3)
    harness.send(verb, json.dumps(fields))
    harness.see(2)
    harness.work()
    finals = [b for b in bodies(harness) if b["stage"] == "final"]
    assert len(finals) == 1
    assert finals[0]["code"] != "internal", finals[0]


@pytest.mark.promise("B3")
def test_what_is_remembered_of_answers_is_bounded_in_bytes(mocker: MockerFixture) -> None:
    harness = CoreHarness()
    (size,) = (len(json.dumps(reply)) for reply in harness.send("dump_config", '{"id": "first"}'))
    mocker.patch.object(requests, "REPLIES_BYTES", 4 * size)
    for number in range(20):
        harness.send("dump_config", f'{{"id": "{number}"}}')
    kept = harness.core._dispatcher._replies._replies
    assert 1 < len(kept) <= 4
    assert next(reversed(kept)) == "19"
    mocker.patch.object(requests, "REPLIES_BYTES", 1)
    harness.send("dump_config", '{"id": "last"}')
    assert list(kept) == ["last"], "however large it is"


@pytest.mark.promise("B3")
def test_long_arguments_of_remembered_commands_are_bounded_in_bytes() -> None:
    harness = CoreHarness()
    for number in range(requests.IDS_REMEMBERED):
        harness.send("set", f'{{"id": "{number}", "key": "node.name", "value": "{number:060000}"}}')
    kept = harness.core._dispatcher._replies._replies.values()
    assert sum(len(reply.key) + len(reply.json) for reply in kept) <= requests.REPLIES_BYTES
    assert len(kept) > 10


@pytest.mark.promise("B3")
def test_remembered_replies_take_the_memory_of_their_json() -> None:
    harness = CoreHarness()
    harness.send("dump_config", '{"id": "warm"}')
    tracemalloc.start()
    for number in range(100):
        harness.send("dump_config", f'{{"id": "{number}"}}')
    harness.facts.clear()
    gc.collect()
    taken_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept = harness.core._dispatcher._replies._replies.values()
    assert taken_bytes < 1.5 * sum(len(reply.key) + len(reply.json) for reply in kept)


@pytest.mark.promise("B3")
@pytest.mark.parametrize("verb", ["get", "set"])
def test_a_key_that_is_none_is_not_repeated_at_length(verb: str) -> None:
    more = ', "value": 1' if verb == "set" else ""
    (reply,) = CoreHarness().send(verb, f'{{"id": "x", "key": "{"k" * 60_000}"{more}}}')
    assert reply["code"] == "bad_request"
    assert len(json.dumps(reply)) < 2000


def count(value: int) -> str:
    return f'{{"id": "one", "key": "export.stack_count", "value": {value}}}'


def test_an_id_on_another_command_is_refused_and_nothing_is_done(harness: CoreHarness) -> None:
    (first,) = harness.send("set", count(3))
    others = [
        harness.send("set", count(4)),
        harness.send("get", '{"id": "one", "key": "export.stack_count"}'),
        harness.send("set", count(3), origin="http"),
    ]
    assert [[reply["code"] for reply in replies] for replies in others] == [["bad_request"]] * 3
    assert harness.core.config.export.stack_count == 3
    assert harness.send("set", count(3)) == [first], "the refusals did not take the place of the reply"


def test_privacy_with_one_id_for_all_does_what_each_command_says(harness: CoreHarness) -> None:
    for enable in ("true", "false", "true"):
        harness.send("privacy", f'{{"id": "1", "enable": {enable}}}')
        harness.work()
    assert [(reply["code"], reply["message"]) for reply in bodies(harness) if reply["stage"] == "final"] == [
        ("ok", "OK: privacy is on"),
        ("bad_request", "ERROR: this id was used for another command a short while ago; give another id"),
        ("ok", "OK: privacy is on"),
    ]
    assert harness.core.config.privacy.enable


def test_an_id_that_waits_is_refused_to_another_command_too(harness: CoreHarness) -> None:
    harness.see()
    harness.send("save", '{"id": "x", "formats": ["jpg"]}')
    assert [reply["code"] for reply in harness.send("save", '{"id": "x", "formats": ["png"]}')] == ["bad_request"]
    assert harness.send("save", '{"formats": ["jpg"], "id": "x"}') == [], "the same again waits for the same picture"
    harness.see()
    assert len(harness.work()) == 2


def test_after_ten_minutes_the_same_request_is_a_new_one(harness: CoreHarness) -> None:
    harness.send("set", count(3))
    harness.send("set", "export.stack_count 5")
    harness.wait(requests.REPEAT_S - 1)
    harness.send("set", count(3))
    assert harness.core.config.export.stack_count == 5
    harness.wait(2)
    harness.send("set", count(3))
    assert harness.core.config.export.stack_count == 3


def test_a_refusal_is_an_event_and_no_fault_of_the_node(harness: CoreHarness) -> None:
    harness.send("set", "night.gain much")
    (refused,) = harness.said(CommandRefused)
    assert (refused.verb, refused.code, refused.origin) == ("set", "out_of_range", "mqtt")
    assert harness.said(FaultReported) == []


def test_of_a_flood_of_refusals_one_a_second_is_an_event_and_each_has_its_reply(harness: CoreHarness) -> None:
    for _ in range(100):
        assert [reply["code"] for reply in harness.send("nonsense")] == ["unknown_verb"]
    assert len(harness.said(CommandRefused)) == 1
    harness.wait(1)
    harness.send("nonsense")
    assert len(harness.said(CommandRefused)) == 2


def test_a_save_that_fails_is_a_fault_with_its_reason_until_one_works(harness: CoreHarness) -> None:
    harness.archive.error = NotSaved("cannot write /captures: read-only file system")
    harness.send("save")
    harness.see()
    harness.work()
    assert harness.said(FaultReported)[-1] == FaultReported(
        "not_saved", "save: cannot write /captures: read-only file system"
    )
    harness.archive.error = None
    harness.send("save")
    harness.see()
    harness.work()
    harness.wait(1)
    assert harness.said(FaultReported)[-1] == FaultReported("ok", "")


def test_an_auto_save_that_is_refused_is_told_as_a_fault_since_nobody_reads_its_reply(harness: CoreHarness) -> None:
    harness.step(CommandArrived("pastStack", b'{"at": 3600}', harness.clock.monotonic(), origin="self"))
    assert [fault.code for fault in harness.said(FaultReported)] == ["no_frames"]
    assert harness.said(CommandRefused) == []


def test_work_is_accepted_after_a_third_of_a_second_and_not_before(harness: CoreHarness) -> None:
    harness.send("save")
    assert harness.core.due_s <= harness.clock.monotonic() + requests.ACCEPTED_AFTER_S
    harness.wait(0.29)
    assert [body["stage"] for body in bodies(harness)] == []
    harness.wait(0.02)
    assert [body["stage"] for body in bodies(harness)] == ["accepted"]


def test_an_id_is_repeated_sixteen_times_and_no_more(harness: CoreHarness) -> None:
    for _ in range(dispatcher.REPEATS_WAITING + 1):
        assert harness.send("save", '{"id": "x"}') == []
    assert [body["code"] for body in harness.send("save", '{"id": "x"}')] == ["busy"]
    harness.see()
    assert len(harness.work()) == dispatcher.REPEATS_WAITING + 1 == 17


PRESSES = ["PRESS", "press", "ON", "true", "1764381000123", "1764381000", "2026-11-29T14:03:12Z", '"PRESS"']


@pytest.mark.parametrize("press", PRESSES)
@pytest.mark.parametrize("verb", ["health", "overwrite_config", "restart", "save", "pastStack", "shortstream"])
def test_what_a_button_sends_is_a_command_without_arguments(harness: CoreHarness, verb: str, press: str) -> None:
    harness.send(verb, press)
    harness.see()
    harness.work()
    (final,) = [body for body in bodies(harness) if body["stage"] == "final"]
    assert final["code"] == "ok", final


@pytest.mark.parametrize(("verb", "words"), [("health", "OFF"), ("save", "off"), ("restart", "now"), ("health", "12")])
def test_what_is_no_press_is_refused_as_before(harness: CoreHarness, verb: str, words: str) -> None:
    assert [body["code"] for body in harness.send(verb, words)] == ["bad_request"]


@pytest.mark.parametrize("press", ["PRESS", "1764381000123"])
def test_a_press_is_no_answer_to_on_or_off(harness: CoreHarness, press: str) -> None:
    (body,) = harness.send("privacy", press)
    assert (body["code"], body["message"]) == (
        "bad_request",
        f"ERROR: enable: expected on or off (found {press!r}); usage privacy on|off",
    )
