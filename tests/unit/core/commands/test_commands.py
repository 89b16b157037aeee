"""All commands: plain-text replies, and their data."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pi_cam_node.base.errors import CODES, NoSpace, NotSaved
from pi_cam_node.config import Config
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.events import FramesSent, PictureSaved, Replied, SettingChanged
from pi_cam_node.core.inputs import CameraFailed
from pi_cam_node.imaging.frame import Demand
from tests.support.core_harness import CoreHarness
from tests.support.sample_node import config_of

CONTRACTED = [
    "set", "get", "save", "pastStack", "dump_config", "overwrite_config", "night_level", "health", "shortstream",
    "help", "restart", "privacy", "erase", "settings", "events", "media", "keep", "delete", "ticket", "trigger",
    "record", "clip", "explain",
]  # fmt: skip


@pytest.fixture
def harness() -> CoreHarness:
    return CoreHarness()


def only(replies: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(replies) == 1, replies
    return replies[0]


def test_the_registry_holds_the_contracted_verbs_and_no_other() -> None:
    assert sorted(registry()) == sorted(CONTRACTED)


def test_a_reply_has_the_contracted_fields(harness: CoreHarness) -> None:
    reply = only(harness.send("health", '{"id":"a1"}'))
    assert list(reply) == [
        "id", "verb", "ok", "code", "message", "data", "stage", "received", "took_ms", "node", "boot",
    ]  # fmt: skip
    assert (reply["id"], reply["verb"], reply["ok"], reply["code"], reply["stage"]) == (
        "a1",
        "health",
        True,
        "ok",
        "final",
    )
    assert reply["message"] == "RSS=61.5MiB SWAP=0.0%"
    assert (reply["node"], reply["boot"]) == ("porch", "3f2a91c0")
    assert reply["received"] == "2026-11-20T19:45:00.000Z"


# ------------------------------------------------------------------ set and get


@pytest.mark.parametrize("form", ["night.gain 8", '{"key":"night.gain","value":8}', '{"key":"night.gain","value":"8"}'])
def test_set_says_what_it_stored(harness: CoreHarness, form: str) -> None:
    reply = only(harness.send("set", form))
    assert reply["message"] == "OK: changed night.gain from 6 to 8"
    assert reply["data"] == {"key": "night.gain", "old": 6.0, "new": 8.0, "live": True}
    assert harness.core.config.night.gain == 8.0
    assert harness.said(SettingChanged) == [SettingChanged("night.gain", 8.0)]


def test_set_works_as_a_whole_command_line(harness: CoreHarness) -> None:
    assert (
        only(harness.send("", "set export.formats jpg"))["message"] == "OK: changed export.formats from jpg, png to jpg"
    )
    assert harness.core.config.export.formats == ["jpg"]


@pytest.mark.parametrize("word", ["on", "true", "1", "yes", "ON", "True"])
def test_set_takes_the_usual_words_for_on(harness: CoreHarness, word: str) -> None:
    harness.send("set", "night.enable off")
    assert harness.core.config.night.enable is False
    assert only(harness.send("set", f"night.enable {word}"))["ok"]
    assert harness.core.config.night.enable is True


@pytest.mark.parametrize(
    ("form", "code", "message"),
    [
        ("", "bad_request", "ERROR: usage set <key_path> <value>"),
        ("night.gain", "bad_request", "ERROR: usage set <key_path> <value>"),
        ("night.gian 3", "unknown_key", "ERROR: invalid key night.gian"),
        ("night 3", "unknown_key", "ERROR: invalid key night"),
        ("camera.framerate.x 1", "unknown_key", "ERROR: invalid key camera.framerate.x"),
        ("camera.framerate abc", "out_of_range", "ERROR: camera.framerate: 'abc' is not a number from 0.1 to 60 Hz"),
        ("camera.framerate 0", "out_of_range", "ERROR: camera.framerate: '0' is not a number from 0.1 to 60 Hz"),
        ("camera.framerate -5", "out_of_range", "ERROR: camera.framerate: '-5' is not a number from 0.1 to 60 Hz"),
        ("night.gain 1e9", "out_of_range", "ERROR: night.gain: '1e9' is not a number from 1 to 64"),
        (
            "night.dark_threshold nan",
            "out_of_range",
            "ERROR: night.dark_threshold: 'nan' is not a number from 0 to 255",
        ),
        ("export.formats gif", "out_of_range", "ERROR: export.formats: 'gif' is not one of jpg, png, npy"),
        ("mqtt.host evil.example", "read_only", None),
        ("export.base_dir /etc", "read_only", None),
    ],
)
def test_set_refuses_and_changes_nothing(harness: CoreHarness, form: str, code: str, message: str | None) -> None:
    before = harness.core.config
    reply = only(harness.send("set", form))
    assert (reply["ok"], reply["code"]) == (False, code)
    assert message is None or reply["message"] == message
    assert harness.core.config is before
    assert harness.said(SettingChanged) == []


def test_set_suggests_the_nearest_key(harness: CoreHarness) -> None:
    assert only(harness.send("set", "night.gian 3"))["data"]["nearest"] == "night.gain"


def test_set_refuses_a_ring_that_the_budget_cannot_hold(harness: CoreHarness) -> None:
    reply = only(harness.send("set", "ring.max_bytes 1 GiB"))
    assert reply["code"] == "out_of_range"
    assert reply["data"]["maximum"] < 256 << 20
    assert only(harness.send("set", f"ring.max_bytes {reply['data']['maximum']}"))["ok"]


def test_get_tells_type_range_unit_default_and_liveness(harness: CoreHarness) -> None:
    reply = only(harness.send("get", "night.exposure_us"))
    assert reply["message"] == "2000000"
    facts = reply["data"]
    assert (facts["type"], facts["minimum"], facts["maximum"], facts["unit"]) == ("int", 100, 120_000_000, "µs")
    assert (facts["default"], facts["live"], facts["value"]) == (2_000_000, True, 2_000_000)


def test_get_never_shows_a_secret() -> None:
    harness = CoreHarness(Config.model_validate({"mqtt": {"password": "canary-7"}}))
    replies = [
        harness.send("get", "mqtt.password"),
        harness.send("dump_config"),
        harness.send("set", "mqtt.password x"),
    ]
    assert "canary-7" not in json.dumps(replies)
    assert only(harness.send("get", "mqtt.password"))["data"]["value"] == "********"


def test_dump_config_is_indented_json_with_sorted_keys(harness: CoreHarness) -> None:
    message = only(harness.send("dump_config"))["message"]
    tree = json.loads(message)
    assert message == json.dumps(tree, indent=4, sort_keys=True)
    assert tree["night"]["gain"] == 6.0


def test_overwrite_config_names_the_file(harness: CoreHarness) -> None:
    assert harness.send("overwrite_config") == []
    assert only(harness.work())["message"] == "OK: configuration dumped to /etc/config.yaml"
    assert harness.written == [harness.core.config]


def test_overwrite_config_says_why_it_failed(harness: CoreHarness) -> None:
    harness.write_error = NotSaved("read-only file system")
    harness.send("overwrite_config")
    reply = only(harness.work())
    assert (reply["code"], reply["message"]) == (
        "not_saved",
        "ERROR: failed to dump configuration: read-only file system",
    )


# ------------------------------------------------------------------ save


def test_save_takes_a_frame_exposed_after_the_command(harness: CoreHarness) -> None:
    harness.see()
    assert harness.send("save", "jpg") == []
    stale = harness.frame(exposed_before_s=1.0)
    harness.clock.advance(0.05)
    harness.step(stale)
    assert harness.jobs == []
    harness.see()
    reply = only(harness.work())
    assert re.fullmatch(
        r"Saved single full-resolution image: /captures/single-0001\.jpg "
        r"\(timestamp: 2026-11-20 19:45:00\.\d{3}, age: 0\.00s\)",
        reply["message"],
    )
    assert reply["data"]["frames"] == [3]
    assert harness.archive.saved[0][1] == ["jpg"]
    assert len(harness.said(PictureSaved)) == 1


@pytest.mark.parametrize("form", ["jpg npy", "jpg,npy", '{"formats":["jpg","npy"]}', '"jpg npy"'])
def test_save_takes_its_formats_in_every_form(harness: CoreHarness, form: str) -> None:
    harness.see()
    harness.send("save", form)
    harness.see()
    assert only(harness.work())["ok"]
    assert harness.archive.saved[0][1] == ["jpg", "npy"]


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("night.gain", ["night.gain"]),
        ("mqtt.tls", ["mqtt.tls.enable", "mqtt.tls.ca", "mqtt.tls.cert", "mqtt.tls.key"]),
    ],
)
def test_settings_describes_a_section_or_one_setting(harness: CoreHarness, section: str, keys: list[str]) -> None:
    rows: Any = only(harness.send("settings", section))["data"]["settings"]
    assert [row["key"] for row in rows] == keys


def test_save_without_words_takes_the_formats_of_the_settings(harness: CoreHarness) -> None:
    harness.see()
    harness.send("save")
    harness.see()
    harness.work()
    assert harness.archive.saved[0][1] == ["jpg", "png"]


@pytest.mark.parametrize("form", ["gif", '{"formats":["gif"]}', "jpg gif"])
def test_save_names_the_format_it_does_not_know(harness: CoreHarness, form: str) -> None:
    harness.see()
    reply = only(harness.send("save", form))
    assert reply["code"] == "bad_request"
    assert "'gif'" in reply["message"]
    assert "jpg, png, npy" in reply["message"]


def test_save_without_a_camera_is_refused_at_once(harness: CoreHarness) -> None:
    assert only(harness.send("save"))["code"] == "camera_down"


def test_save_is_refused_when_the_camera_is_lost_meanwhile(harness: CoreHarness) -> None:
    harness.see()
    harness.send("save")
    facts = harness.step(CameraFailed("unplugged", "respawn", 1))
    replies = [f.body for f in facts if hasattr(f, "body")]
    assert (replies[0]["code"], replies[0]["message"]) == ("camera_down", "NOT_SAVED")


def test_save_gives_up_when_no_fresh_frame_comes(harness: CoreHarness) -> None:
    harness.see()
    harness.send("save", '{"id":"x"}')
    facts = harness.wait(4.5)
    replies = [f.body for f in facts if hasattr(f, "body")]
    assert (replies[-1]["code"], replies[-1]["message"], replies[-1]["id"]) == ("timeout", "NOT_SAVED", "x")


def test_a_full_disk_is_answered_and_the_next_save_works(harness: CoreHarness) -> None:
    harness.see()
    harness.archive.error = NoSpace("the disk is full")
    harness.send("save")
    harness.see()
    reply = only(harness.work())
    assert (reply["code"], reply["message"]) == ("no_space", "NOT_SAVED")
    assert harness.said(PictureSaved) == []
    harness.archive.error = None
    harness.send("save")
    harness.see()
    assert only(harness.work())["ok"]


# ------------------------------------------------------------------ pastStack


def test_by_day_the_one_frame_nearest_to_the_moment_is_taken_as_it_is(harness: CoreHarness) -> None:
    harness.see(100)
    nearest = harness.core.ring.around(harness.clock.monotonic() - 5, 1)[0]
    harness.send("pastStack", "jpg")
    reply = only(harness.work())
    assert "| stack of 1 frames |" in reply["message"]
    assert (reply["data"]["kind"], reply["data"]["frames"]) == ("stack", [nearest.seq])
    ((picture, _),) = harness.archive.saved
    assert picture.content == nearest.jpeg, "not encoded once more"


@pytest.mark.parametrize(("asked", "count"), [('{"count": 3}', 3), ('{"method": "median"}', 4), ('{"span_s": 0.5}', 5)])
def test_by_day_a_stack_is_made_where_the_command_asks_for_one(harness: CoreHarness, asked: str, count: int) -> None:
    harness.see(100)
    harness.send("pastStack", asked)
    assert only(harness.work())["data"]["frames_used"] == count
    ((picture, _),) = harness.archive.saved
    assert picture.small is not None, "another task would have to decode the stack for it"


def test_the_mode_of_the_moment_counts_and_not_that_of_now(harness: CoreHarness) -> None:
    harness.see(100, mode="night")
    harness.see(40)
    harness.send("pastStack", '{"at": 5}')
    assert only(harness.work())["data"]["frames_used"] == 4


def test_past_stack_uses_frames_on_both_sides_of_the_moment(harness: CoreHarness) -> None:
    harness.see(100, mode="night")
    harness.send("pastStack", "jpg")
    reply = only(harness.work())
    assert reply["data"]["frames"] == [49, 50, 51, 52] or reply["data"]["frames"] == [48, 49, 50, 51]
    assert re.fullmatch(
        r"Saved stacked image: /captures/stack-0001\.jpg \| stack of 4 frames \| "
        r"first frame timestamp: [-0-9]+ [:.0-9]+ \(age: \d+\.\d\ds\) \| "
        r"last frame timestamp: [-0-9]+ [:.0-9]+ \(age: \d+\.\d\ds\)\(export\.save_before_s: 5 s\)",
        reply["message"],
    )


@pytest.mark.parametrize(
    ("form", "frames"),
    [
        ('{"at":2,"count":1}', [80]),
        ('{"at":"2","count":1}', [80]),
        ('{"at":"2026-11-20T19:45:08Z","count":1}', [80]),
        ('{"at":"2026-11-20T20:45:08+01:00","count":1}', [80]),
        ('{"at":2,"span_s":0.25}', [79, 80, 81]),
        ('{"at":0,"count":2}', [99, 100]),
    ],
)
def test_past_stack_finds_the_moment_in_every_form(harness: CoreHarness, form: str, frames: list[int]) -> None:
    harness.see(100)
    harness.send("pastStack", form)
    assert only(harness.work())["data"]["frames"] == frames


def test_past_stack_at_zero_seconds_is_not_the_whole_ring(harness: CoreHarness) -> None:
    harness.see(100, mode="night")
    harness.send("set", "export.save_before_s 0")
    harness.send("pastStack")
    assert only(harness.work())["data"]["frames"] == [97, 98, 99, 100]


def test_past_stack_saves_frames_one_by_one_when_told(harness: CoreHarness) -> None:
    harness.see(100)
    harness.send("set", "export.stack_dark_frames off")
    harness.send("pastStack", "jpg png")
    reply = only(harness.work())
    assert re.fullmatch(
        r"Saved 4 separate images from ring buffer, starting at timestamp: [-0-9]+ [:.0-9]+ "
        r"\(age: \d+\.\d\ds\)\(export\.save_before_s: 5 s\)",
        reply["message"],
    )
    assert len(reply["data"]["pictures"]) == 4
    assert all(len(p["paths"]) == 2 for p in reply["data"]["pictures"])


def test_past_stack_reaches_back_in_seconds_also_at_night(harness: CoreHarness) -> None:
    harness.see(20, mode="night", every_s=2.0)
    harness.send("pastStack", '{"at":10,"count":1}')
    assert only(harness.work())["data"]["frames"] == [15]


@pytest.mark.parametrize(
    ("form", "code", "message"),
    [
        ('{"at":3600}', "no_frames", "NO_FRAMES"),
        ('{"at":-60}', "bad_request", None),
        ('{"at":"yesterday"}', "bad_request", None),
        ('{"at":true}', "bad_request", None),
        ('{"at":2,"count":2,"span_s":1}', "bad_request", None),
        ('{"count":0}', "bad_request", None),
        ('{"count":257}', "bad_request", None),
        ('{"method":"magic"}', "bad_request", None),
        ('{"formats":[]}', "bad_request", None),
        ('{"formats":"gif"}', "bad_request", None),
        ('{"colour":"red"}', "bad_request", None),
    ],
)
def test_past_stack_refuses(harness: CoreHarness, form: str, code: str, message: str | None) -> None:
    harness.see(100)
    reply = only(harness.send("pastStack", form))
    assert reply["code"] == code
    assert message is None or reply["message"] == message
    assert harness.jobs == []


def test_past_stack_with_an_empty_ring_says_so(harness: CoreHarness) -> None:
    assert only(harness.send("pastStack"))["message"] == "NO_FRAMES"


def test_a_thumbnail_comes_with_the_reply_when_asked_for(harness: CoreHarness) -> None:
    harness.see(100)
    harness.send("pastStack", '{"thumbnail":true}')
    assert only(harness.work())["data"]["thumbnail"] == "dGh1bWI="
    harness.send("pastStack")
    assert "thumbnail" not in only(harness.work())["data"]


# ------------------------------------------------------------------ the rest


def test_shortstream_sends_the_newest_frames_and_then_the_count(harness: CoreHarness) -> None:
    harness.see(5)
    reply = only(harness.send("shortstream", "3"))
    sent = harness.said(FramesSent)
    assert [(f.index, f.count, f.seq) for f in sent] == [(0, 3, 3), (1, 3, 4), (2, 3, 5)]
    assert reply["message"] == "STREAM_DONE: sent=3, skipped=0, available=3"
    assert harness.facts.index(sent[-1]) < len(harness.facts) - 1


def test_shortstream_says_what_it_could_not_send(harness: CoreHarness) -> None:
    harness.see(5)
    assert only(harness.send("shortstream"))["message"] == "STREAM_DONE: sent=5, skipped=5, available=5"


@pytest.mark.parametrize("words", ["abc", "0", "-3", "1e9", "2.5"])
def test_shortstream_refuses_a_count_that_is_none(harness: CoreHarness, words: str) -> None:
    harness.see(5)
    assert only(harness.send("shortstream", words))["code"] == "bad_request"


def test_night_level_before_the_first_frame_has_no_data(harness: CoreHarness) -> None:
    assert only(harness.send("night_level"))["message"] == "NO_DATA"


def test_night_level_says_how_bright_it_is_and_why(harness: CoreHarness) -> None:
    harness.see(1, level=100)
    reply = only(harness.send("night_level"))
    assert reply["message"] == (
        "LEVEL=100.0 relevant threshold=50 dark_threshold: < 50 bright_threshold: > 240 STATUS=DAY"
    )
    assert {"dark_frames", "dwell_left_s", "override", "lux", "cause"} <= set(reply["data"])


def test_help_tells_every_verb(harness: CoreHarness) -> None:
    reply = only(harness.send("help"))
    assert [line.split(":")[0].split()[0] for line in reply["message"].splitlines()] == list(registry())
    assert only(harness.send("help", "save"))["message"].startswith("save [formats…]: ")
    assert only(harness.send("help", "nonsense"))["code"] == "unknown_verb"


def test_restart_asks_for_the_restart_code(harness: CoreHarness) -> None:
    assert only(harness.send("restart"))["message"] == "OK: restarting"
    assert harness.exit_code == 75


@pytest.mark.parametrize("line", ["setting x", "savefoo", "dump_configX", "SAVE", "", "stream"])
def test_a_verb_is_matched_whole(harness: CoreHarness, line: str) -> None:
    reply = only(harness.send("", line))
    assert (reply["code"], reply["message"]) == ("unknown_verb", "UNKNOWN_COMMAND")


def test_every_code_a_reply_can_bear_is_contracted() -> None:
    assert len(CODES) == len(set(CODES)) == 17


# ---------------------------------------------------------------- what a frame must bring along


def test_a_save_asks_the_camera_for_what_its_formats_need() -> None:
    harness = CoreHarness(config_of(ring={"quality": 92}))
    harness.see(3)
    for formats, demand in (("jpg", Demand(92)), ("png", Demand(raw=True)), ("jpg,npy", Demand(92, raw=True))):
        harness.demands.clear()
        harness.send("save", json.dumps({"formats": formats.split(",")}))
        assert harness.demands == [(harness.clock.monotonic(), demand)]


def test_a_fresh_frame_without_what_was_asked_for_is_not_taken_and_the_camera_asked_again() -> None:
    harness = CoreHarness()
    harness.see(3)
    harness.delivers = False
    harness.send("save")
    harness.see(2)
    assert (len(harness.demands), harness.jobs) == (3, [])
    harness.delivers = True
    harness.see(1)
    assert len(harness.jobs) == 1
    (reply,) = harness.work()
    assert reply["code"] == "ok"
    assert harness.archive.saved[0][0].frames == (6,)


def test_a_frame_that_never_brings_it_along_is_waited_for_no_longer_than_any_other() -> None:
    harness = CoreHarness()
    harness.see(3)
    harness.delivers = False
    harness.send("save")
    harness.see(100)
    replies = [fact.body for fact in harness.said(Replied) if fact.body["stage"] == "final"]
    assert [(reply["code"], reply["message"]) for reply in replies] == [("timeout", "NOT_SAVED")]
