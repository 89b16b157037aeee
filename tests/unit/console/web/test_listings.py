"""Lists of the console: cursors, times, and texts of causes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast, get_args, get_type_hints

import pytest
from pytest_mock import MockerFixture

pytest.importorskip("jinja2", reason="the extra console is not installed")

from pi_cam_node.base.clock import utc_of_ms
from pi_cam_node.base.errors import DeadlinePassed
from pi_cam_node.base.strict_json import read_json
from pi_cam_node.console.broker.requests import REQUESTS_WAITING_MAX
from pi_cam_node.console.context import LISTS_AT_ONCE, ConsoleContext
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store.accounts import Account, Role
from pi_cam_node.console.store.devices import Delivery
from pi_cam_node.console.store.events import LAST_MS, EventRow
from pi_cam_node.console.web import event_views, events, paging, recordings
from pi_cam_node.core.rules.night import Cause
from pi_cam_node.mqtt.messages.payloads import PictureSavedEvent

AT_MS = 1_795_938_397_433
AT = "2026-11-29T07:46:37.433Z"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{AT_MS}-20261129T074637433Z-c945dad2-000332-stack", (AT_MS, "20261129T074637433Z-c945dad2-000332-stack")),
        (AT, (AT_MS, "")),
        ("", None),
        ("nothing", None),
        ("12-", None),
        ("1" * 300 + "-x", None),
        ("9" * 15 + "-x", (LAST_MS - 1, "x")),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_a_place_in_a_list(text: str, place: tuple[int, str] | None) -> None:
    assert paging.place_of(text) == place
    if place is not None:
        assert utc_of_ms(place[0] + 1) > utc_of_ms(0)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{AT_MS}-12", (AT_MS, 12)),
        (AT, (AT_MS, 0)),
        ("", None),
        ("x-1", None),
        (f"1-{'9' * 19}", None),
        ("1-2x", None),
    ],
)
def test_a_place_in_the_list_of_events(text: str, place: tuple[int, int] | None) -> None:
    assert events.place_of(text) == place


def test_a_row_tells_its_own_place() -> None:
    assert events.place_of(paging.cursor_of(AT_MS, 12)) == (AT_MS, 12)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        *(("mode", cause) for cause in (*get_args(Cause), "command")),
        *(("picture", cause) for cause in get_args(get_type_hints(PictureSavedEvent)["cause"])),
        *(("record", cause) for cause in ("motion", "trigger", "record", "continuous")),
        ("trigger", "trigger"),
    ],
)
def test_a_cause_is_told_in_words(kind: str, cause: str) -> None:
    words = event_views.cause_of(EventRow("porch", "e", AT_MS, kind, data={"cause": cause}))
    assert words.endswith(".")


@pytest.mark.parametrize("name", ["light", "camera", "motion", "doorbell"])
def test_a_sensor_is_called_by_its_name_whatever_that_means_elsewhere(name: str) -> None:
    assert event_views.cause_of(EventRow("porch", "e", AT_MS, "trigger", data={"cause": name})) == name


def test_a_cause_that_is_words_already_is_told_as_it_is() -> None:
    told = EventRow("porch", "e", AT_MS, "camera_lost", data={"cause": "no frames for 5 s"})
    assert event_views.cause_of(told) == "no frames for 5 s"
    assert event_views.cause_of(EventRow("porch", "e", AT_MS, "camera_lost")) == ""


def test_a_camera_that_privacy_took_is_not_told_as_lost(mocker: MockerFixture) -> None:
    context = mocker.Mock()
    context.now_ms.return_value = AT_MS
    told = [
        event_views.view(EventRow("porch", "e", AT_MS, "camera_lost", data={"cause": cause}), context).title
        for cause in ("privacy", "no frames")
    ]
    assert told == ["Privacy switched on", "Camera lost"]


@pytest.mark.parametrize("count", ["1e999", "1e300", "-1", "9223372036854775808", "null", '"9"'])
def test_a_size_that_is_none_is_left_out_of_a_list(count: str) -> None:
    row = recordings.row_of("porch", read_json(f'{{"id": "p1", "at": "{AT}", "bytes": {count}, "seconds": NaN}}'))
    assert row is not None
    assert (row.bytes, row.seconds) == (None, None)


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "soon", None])
def test_a_time_that_no_calendar_has_does_not_end_the_page(mocker: MockerFixture, at: str | None) -> None:
    context = mocker.Mock()
    context.now_ms.return_value = AT_MS
    told = event_rows.row_of("porch", {"event_type": "motion_ended", "id": "e1", "at": at, "ended_at": at}, AT_MS)
    assert told is not None
    assert event_views.view(told, context).facts()["at_ms"] == AT_MS
    assert event_views.view(told, context).facts()["ended_at"] is None


def dispatcher(*, connected: bool) -> SimpleNamespace:
    return SimpleNamespace(broker=SimpleNamespace(connected=connected))


def test_nodes_that_tell_no_list_for_one_reason_are_one_sentence() -> None:
    names = {"porch": "Porch", "hall": "Hall", "gate": "Gate"}
    off = [Node(one, online=False, states={"privacy": "OFF"}, info={"name": name}) for one, name in names.items()]
    old = Node("shed", online=True, states={"privacy": "OFF"}, info={"name": "Shed", "commands": []})

    def said(*, connected: bool) -> list[str]:
        context = cast("ConsoleContext", SimpleNamespace(dispatcher=dispatcher(connected=connected)))
        return asyncio.run(recordings._refresh(context, [*off, old], None))

    assert said(connected=True) == [
        "Porch, Hall, Gate: offline; what is listed is of earlier.",
        "Shed: what is saved there is not told; only pictures of events are listed.",
    ]
    assert said(connected=False) == ["The broker is unreachable; the list is from before."]


def test_lists_leave_commands_to_nodes_for_rules_and_buttons() -> None:
    waiting = most = 0

    async def ask(*_words: object) -> dict[str, object]:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.01)
        waiting -= 1
        raise DeadlinePassed("porch did not answer")

    async def run() -> list[str]:
        node = Node("porch", online=True, states={"privacy": "OFF"}, info={"commands": ["media"]})
        requests, listing = SimpleNamespace(ask=ask), asyncio.Semaphore(LISTS_AT_ONCE)
        context = SimpleNamespace(requests=requests, listing=listing, dispatcher=dispatcher(connected=True))
        asked = (recordings._refresh(cast("ConsoleContext", context), [node] * 4, None) for _ in range(60))
        return [said for notices in await asyncio.gather(*asked) for said in notices]

    assert asyncio.run(run()) == ["porch, porch, porch, porch: no answer; what is listed is of earlier."] * 60
    assert most == LISTS_AT_ONCE < REQUESTS_WAITING_MAX


@pytest.mark.parametrize(("role", "seen"), [("owner", 2), ("member", 2), ("guest", 1), ("kiosk", 1)])
def test_guests_and_wall_screens_do_not_see_who_else_is_told(role: Role, seen: int) -> None:
    delivery = Delivery(1, "d1", "sent", 1, 0, 201, AT_MS, "The door")
    told = [(delivery, "iPhone", "Anna"), (delivery, "Phone", "Gast")]
    account = Account("a1", "Gast", role, "", None)
    assert sum(events.may_see(account, one) for one in told) == seen
