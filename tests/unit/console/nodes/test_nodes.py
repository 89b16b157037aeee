"""Detection of nodes by their retained messages."""

from __future__ import annotations

import base64
import json
import tracemalloc

import pytest

from pi_cam_node.console.nodes.node import BODY_MAX_BYTES, KEY_MAX_CHARS, Node
from pi_cam_node.console.nodes.registry import SILENT_S, THUMBNAILS_MAX, Nodes
from tests.support.fakes.clock import FakeClock


class Broker:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.nodes = Nodes(self.clock)
        self.told: list[tuple[str, str]] = []
        self.nodes.on_change(lambda node, part: self.told.append((node.id, part)))

    def says(self, rest: str, payload: object, *, node: str = "porch", retained: bool = True) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.nodes.apply(node, rest, raw, retained=retained)

    @property
    def porch(self) -> Node:
        node = self.nodes.get("porch")
        assert node is not None
        return node


def shown(broker: Broker) -> Broker:
    broker.says("availability", b"online")
    broker.says("info", {"name": "Porch", "boot": "b1", "url": "http://10.0.0.5:8080/"})
    broker.says("state/privacy", b"OFF")
    broker.says("camera/availability", b"online")
    return broker


def test_a_node_is_there_with_its_first_topic() -> None:
    broker = shown(Broker())
    assert (broker.porch.name, broker.porch.url, broker.porch.trouble()) == ("Porch", "http://10.0.0.5:8080", "")
    assert broker.told == [("porch", "availability"), ("porch", "info"), ("porch", "state"), ("porch", "camera")]


def test_the_last_thumbnails_are_kept_and_no_more() -> None:
    broker = shown(Broker())
    broker.says("media/thumbnail", base64.b64encode(b"jpeg"))
    for number in range(THUMBNAILS_MAX + 1):
        broker.says("media/last", {"id": f"p{number}"})
    kept = [bool(broker.nodes.thumbnail("porch", f"p{number}")) for number in range(THUMBNAILS_MAX + 1)]
    assert kept == [False, *[True] * THUMBNAILS_MAX]


@pytest.mark.parametrize("node", ["", "a/b", "UPPER", "x" * 65, "a b"])
def test_what_cannot_be_a_node_is_none(node: str) -> None:
    broker = Broker()
    broker.says("availability", b"online", node=node)
    assert len(broker.nodes) == 0


def test_events_and_emptied_topics_make_no_node() -> None:
    broker = Broker()
    broker.says("state/mode", b"")
    broker.says("reply/save", b"{}")
    assert len(broker.nodes) == 0


@pytest.mark.parametrize(
    ("told", "shown_name"),
    [("\u202eknil\u202c \u2067live\n", "knil live"), ("שלום 👩‍👧", "שלום 👩‍👧"), ("\u200f", "porch"), ([1], "porch")],
)
def test_a_name_does_not_turn_what_stands_beside_it(told: object, shown_name: str) -> None:
    assert Node("porch", info={"name": told}).name == shown_name


def test_unknown_privacy_is_privacy() -> None:
    node = Node("porch", online=True, camera=True)
    assert node.is_private
    assert node.trouble() == "Waiting to hear whether privacy is on."


@pytest.mark.parametrize(
    ("rest", "payload", "trouble"),
    [
        ("availability", b"offline", "Offline."),
        ("state/privacy", b"ON", "Privacy is on."),
        ("camera/availability", b"offline", "No camera: no frames arrive."),
        ("state/privacy", b"", "Waiting to hear whether privacy is on."),
    ],
)
def test_why_there_is_no_picture(rest: str, payload: bytes, trouble: str) -> None:
    broker = shown(Broker())
    broker.says(rest, payload)
    assert broker.porch.trouble() == trouble


def test_motion_of_a_node_that_is_away_is_none() -> None:
    broker = shown(Broker())
    broker.says("state/motion", b"ON")
    assert broker.porch.has_motion
    broker.says("availability", b"offline")
    assert not broker.porch.has_motion


def test_privacy_takes_every_picture_away() -> None:
    broker = shown(Broker())
    broker.says("media/thumbnail", base64.b64encode(b"jpeg"))
    broker.says("media/last", {"id": "p1"})
    broker.says("frame", b"jpeg")
    assert broker.nodes.thumbnail("porch", "p1") == b"jpeg"
    broker.says("state/privacy", b"ON")
    assert (broker.porch.frame, broker.porch.thumbnail, broker.porch.media_last) == (b"", b"", {})
    broker.says("media/last", {"id": "p2"})
    broker.says("state/privacy", b"OFF")
    assert broker.nodes.thumbnail("porch", "p1") == b""
    assert broker.porch.media_last == {}


def test_a_thumbnail_belongs_to_the_picture_that_is_told_after_it() -> None:
    broker = shown(Broker())
    for number in ("1", "2"):
        broker.says("media/thumbnail", base64.b64encode(number.encode()), retained=False)
        broker.says("media/last", {"id": f"p{number}"}, retained=False)
    assert [broker.nodes.thumbnail("porch", name) for name in ("p1", "p2", "p3")] == [b"1", b"2", b""]


def test_an_emptied_availability_forgets_the_node() -> None:
    broker = shown(Broker())
    broker.says("availability", b"", retained=False)
    assert broker.nodes.get("porch") is None
    assert broker.told[-1] == ("porch", "gone")


def test_a_node_that_is_there_is_not_removed() -> None:
    broker = shown(Broker())
    assert not broker.nodes.remove("porch")
    assert not broker.nodes.remove("hall")
    assert broker.porch.online


def test_a_node_of_which_only_the_broker_says_that_it_is_online_is_removed_after_an_hour() -> None:
    broker = shown(Broker())
    broker.clock.advance(SILENT_S - 1)
    assert not broker.nodes.remove("porch")
    broker.clock.advance(2)
    assert broker.porch.online
    assert broker.nodes.remove("porch")
    shown(broker)
    assert broker.nodes.get("porch") is None
    shown(broker).says("telemetry", {"uptime_s": 5}, retained=False)
    broker.clock.advance(SILENT_S - 1)
    assert not broker.nodes.remove("porch"), "it spoke"


def removed(broker: Broker) -> Broker:
    shown(broker).says("availability", b"offline")
    assert broker.nodes.remove("porch")
    assert broker.told[-1] == ("porch", "gone")
    broker.told.clear()
    return broker


def test_what_the_broker_keeps_does_not_bring_a_removed_node_back() -> None:
    broker = removed(Broker())
    shown(broker)  # as after a new connection; a broker that lost its will still has it online
    broker.says("availability", b"offline", retained=False)  # a will that came late
    broker.says("state/mode", b"", retained=False)
    assert (broker.nodes.get("porch"), broker.told, list(broker.nodes.removed)) == (None, [], ["porch"])


@pytest.mark.parametrize(
    ("rest", "payload"), [("availability", b"online"), ("info", {"name": "Porch"}), ("telemetry", {"uptime_s": 5})]
)
def test_a_removed_node_that_says_something_is_there_with_all_that_the_broker_kept(rest: str, payload: object) -> None:
    broker = removed(Broker())
    shown(broker)
    broker.says(rest, payload, retained=False)
    assert (broker.porch.name, broker.porch.online, broker.porch.is_private) == ("Porch", True, False)
    assert broker.told[:2] == [("porch", "info"), ("porch", "availability")]
    assert list(broker.nodes.removed) == []


def test_a_removed_node_that_was_erased_is_as_one_that_never_was() -> None:
    broker = removed(Broker())
    broker.says("availability", b"", retained=False)
    shown(broker)
    assert broker.porch.online


def test_nodes_that_were_removed_cost_little() -> None:
    broker = Broker()
    for number in range(200):
        broker.says("availability", b"offline", node=f"n{number}")
        assert broker.nodes.remove(f"n{number}")
    assert len(broker.nodes.removed) == 64


@pytest.mark.parametrize(
    ("rest", "retained", "is_there"),
    [
        ("availability", True, True),  # the broker kept it
        ("telemetry", False, True),  # the broker tells a subscriber nothing of what it kept, but the node goes on
        ("telemetry", True, False),
    ],
)
def test_a_node_is_missed_that_said_nothing_over_a_connection(rest: str, retained: bool, is_there: bool) -> None:
    broker = shown(Broker())
    broker.clock.advance(10)
    connected_s = broker.clock.monotonic()
    broker.says(rest, b"online" if rest == "availability" else {"uptime_s": 5}, retained=retained)
    broker.nodes.miss_unheard(connected_s)
    assert broker.porch.online is is_there


def test_noise_changes_nothing_and_costs_little() -> None:
    broker = shown(Broker())
    before = len(broker.told)
    broker.says("info", b"[" * 5000)
    broker.says("media/thumbnail", b"no base64!")
    for number in range(1000):
        broker.says(f"state/{number}", b"x" * 5000)
    assert len(broker.porch.states) <= 400
    assert all(len(value) <= 1024 for value in broker.porch.states.values())
    assert before < len(broker.told) <= before + 402


def test_a_node_from_before_the_start_is_offline_and_private_until_it_is_heard() -> None:
    broker = Broker()
    broker.nodes.restore("porch", {"name": "Porch", "boot": "b1"}, 77)
    porch = broker.porch
    assert (porch.name, porch.online, porch.is_private, porch.trouble(), broker.told) == (
        "Porch",
        False,
        True,
        "Offline.",
        [],
    )
    broker.says("availability", b"offline")
    assert porch.last_seen_ms == 77, "the broker told that, not the node"
    broker.says("availability", b"online")
    assert porch.last_seen_ms > 77
    assert broker.told == [("porch", "availability")]


def test_a_restored_node_goes_with_its_former_id_or_when_it_is_erased() -> None:
    broker = Broker()
    broker.nodes.restore("porch", {}, 77)
    broker.nodes.restore("shed", {}, 77)
    broker.says("availability", b"online", node="shed")
    broker.nodes.forget_renamed("porch")
    broker.nodes.forget_renamed("shed")
    assert [node.id for node in broker.nodes] == ["shed"], "one that is there has the id itself"
    broker.says("availability", b"", node="shed", retained=False)
    assert len(broker.nodes) == 0
    assert broker.told[-1] == ("shed", "gone")


def test_what_no_node_says_is_not_kept() -> None:
    broker = shown(Broker())
    broker.says("info", {"name": "x" * BODY_MAX_BYTES})
    broker.says("state/" + "x" * (KEY_MAX_CHARS + 1), b"ON")
    assert broker.porch.name == "Porch"
    assert set(broker.porch.states) == {"privacy"}


def test_a_made_up_node_takes_little_memory_whatever_is_published_for_it() -> None:
    node = Node("junk")
    lists = b'{"x":[' + b",".join([b"[]"] * 25_000) + b"]}"
    wide = json.dumps({"x": "a" * 60_000 + "\U0001f600"}, ensure_ascii=False).encode()
    tracemalloc.start()
    try:
        for body in (wide, lists):
            for topic in ("info", "telemetry", "media/last", "media/event"):
                node.apply(topic, body, 1)
        for number in range(1000):
            for kind in ("state", "config"):
                node.apply(f"{kind}/{number}", "\U0001f600".encode() * 1024, 1)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 1_500_000


def test_a_long_list_of_frames_and_a_thumbnail_are_kept() -> None:
    node = Node("porch")
    body = {
        "id": "p",
        "frames": list(range(256)),
        "frame_times": ["2026-11-30T12:00:00.000Z"] * 256,
        "thumbnail": "A" * 65_536,
    }
    assert node.apply("media/last", json.dumps(body).encode(), 1) == "media"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://10.0.0.5", "10.0.0.5:8080", "http://10.0.0.1/reboot#", "http://a..b", 7, None]
)
def test_only_a_web_address_is_one(url: object) -> None:
    broker = shown(Broker())
    broker.says("info", {"url": url})
    assert broker.porch.url == ""


def filled(broker: Broker, count: int = 64) -> Broker:
    """Retain messages of nodes that do not exist."""
    for number in range(count):
        broker.says("availability", b"online", node=f"junk{number:02}")
        broker.says("info", {"name": "Junk"}, node=f"junk{number:02}")
    return broker


def test_a_node_that_speaks_takes_the_place_of_one_that_somebody_made_up(caplog: pytest.LogCaptureFixture) -> None:
    broker = shown(filled(Broker()))
    assert broker.nodes.get("porch") is None
    broker.says("telemetry", {"uptime_s": 5}, retained=False)
    porch = broker.porch
    assert (porch.name, porch.online, porch.is_private, porch.url) == ("Porch", True, False, "http://10.0.0.5:8080")
    assert len(broker.nodes) == 64
    assert ("porch", "info") in broker.told
    assert not [node for node, part in broker.told if part == "gone"], "nothing of anybody is erased"
    assert "node junk00 is dropped for node porch" in caplog.text


def test_nodes_that_speak_or_have_events_stay(caplog: pytest.LogCaptureFixture) -> None:
    broker = Broker()
    broker.nodes.restore("hall", {}, 5, has_rows=True)
    for node in ("porch", "yard"):
        broker.says("availability", b"online", node=node)
    broker.says("telemetry", {"uptime_s": 5}, retained=False)
    broker.nodes.note_rows("yard")
    for number in range(200):  # each of them speaks
        broker.says("telemetry", {"uptime_s": number}, node=f"junk{number}", retained=False)
    assert {"hall", "porch", "yard"} <= {node.id for node in broker.nodes}
    assert len(broker.nodes) == 64
    assert caplog.text.count("is ignored: 64 nodes are known") == 1
    broker.says("telemetry", {"uptime_s": 6}, node="shed", retained=False)
    assert broker.nodes.get("shed") is None
    broker.clock.advance(3601)
    broker.says("telemetry", {"uptime_s": 6}, retained=False)
    broker.says("telemetry", {"uptime_s": 7}, node="shed", retained=False)
    assert broker.nodes.get("shed") is not None, "those that fell silent make room"
    assert {"hall", "porch", "yard"} <= {node.id for node in broker.nodes}


def test_who_made_room_is_back_as_it_was_when_it_speaks() -> None:
    broker = shown(Broker())
    broker.says("availability", b"offline")
    filled(broker, 63)
    broker.says("availability", b"online", node="yard", retained=False)
    assert broker.nodes.get("porch") is None, "it is offline, never spoke, and has nothing"
    broker.says("camera/availability", b"online", retained=False)
    assert broker.porch.name == "Porch"
    assert len(broker.nodes) == 64


def test_nodes_for_which_there_is_no_room_cost_little() -> None:
    broker = filled(Broker())
    for number in range(1000):
        broker.says("info", {"name": "x" * 15_000}, node=f"more{number}")
        broker.says("media/thumbnail", base64.b64encode(bytes(10_000)), node=f"more{number}")
    assert len(broker.nodes._waiting) == 64
    assert not any(node.thumbnail for node in broker.nodes._waiting.values())
    broker.says("availability", b"", node="more999", retained=False)
    assert len(broker.nodes._waiting) == 63
