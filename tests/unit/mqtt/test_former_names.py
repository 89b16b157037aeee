"""Former names of the node: storage, and cleanup of their topics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import Busy
from pi_cam_node.base.threads import Job
from pi_cam_node.config import Config
from pi_cam_node.core.events import SettingChanged, TelemetryTaken
from pi_cam_node.core.inputs import BrokerConnected, BrokerLost, HomeAssistantStarted
from pi_cam_node.mqtt import former_names
from pi_cam_node.mqtt.blocking_client import NoBroker
from pi_cam_node.mqtt.former_names import NAMES_MAX, FormerNames, Rename
from pi_cam_node.mqtt.messages.topics import Topics
from pi_cam_node.mqtt.retained_cleanup import Cleared


def config(node_id: str, **mqtt: str) -> Config:
    return Config.model_validate({"node": {"id": node_id}, "mqtt": mqtt})


def run(path: Path | None, node_id: str, boot: str = "b", **mqtt: str) -> FormerNames:
    names = FormerNames(path, config(node_id, **mqtt), boot)
    names.remember()
    return names


class FakeBroker:
    """What the broker holds, and which topics were emptied."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.held: dict[str, str] = {}
        self.cleared: list[str] = []
        self.published: list[str] = []
        self.zones: list[str] = []
        connection = mocker.MagicMock()
        connection.__enter__.return_value = connection
        connection.retained = lambda topics: {t: self.held[t] for t in topics if t in self.held}
        connection.publish = lambda topic, _payload, retain: self.published.append(topic) if retain else None
        self.connect = mocker.patch.object(former_names, "connect", return_value=connection)
        mocker.patch.object(former_names, "clear_retained", self._clear)

    def _clear(self, _config: object, topics: Topics, *, keep: Topics, zones: Sequence[str]) -> Cleared:
        self.cleared.append(topics.root)
        self.zones = list(zones)
        assert keep.root not in self.cleared
        return Cleared(5, 0, 0)


@pytest.fixture
def broker(mocker: MockerFixture) -> FakeBroker:
    return FakeBroker(mocker)


def test_a_node_that_keeps_its_name_has_nothing_to_clear(tmp_path: Path) -> None:
    run(tmp_path / "names", "porch")
    names = run(tmp_path / "names", "porch")
    assert not names.has_former_topics
    assert names.ids == []


def test_a_renamed_node_clears_its_old_name_once_and_remembers_it(tmp_path: Path, broker: FakeBroker) -> None:
    run(tmp_path / "names", "porch", boot="b1")
    broker.held = {"pi_cam_node/porch/info": '{"boot":"b1"}', "pi_cam_node/porch/availability": "online"}
    names = run(tmp_path / "names", "garden", boot="b2")
    assert (names.has_former_topics, names.ids) == (True, ["porch"])
    names.clear()
    assert broker.cleared == ["pi_cam_node/porch"]
    again = run(tmp_path / "names", "garden", boot="b3")
    assert (again.has_former_topics, again.ids) == (False, ["porch"])


@pytest.mark.parametrize(
    "held",
    [
        {"pi_cam_node/porch/info": '{"boot":"another"}'},
        {"pi_cam_node/porch/availability": "online"},
    ],
)
def test_a_name_that_another_node_has_by_now_is_left_alone(
    tmp_path: Path, broker: FakeBroker, held: dict[str, str]
) -> None:
    run(tmp_path / "names", "porch", boot="b1")
    broker.held = held
    names = run(tmp_path / "names", "garden")
    names.clear()
    assert broker.cleared == []
    assert not run(tmp_path / "names", "garden").has_former_topics, "and is not looked at again"


def test_without_a_broker_it_is_tried_again_at_the_next_start(tmp_path: Path, broker: FakeBroker) -> None:
    run(tmp_path / "names", "porch")
    names = run(tmp_path / "names", "garden")
    broker.connect.side_effect = NoBroker("away", "network")
    names.clear()
    assert run(tmp_path / "names", "garden").has_former_topics


def test_another_discovery_prefix_empties_the_old_discovery_message_alone(tmp_path: Path, broker: FakeBroker) -> None:
    run(tmp_path / "names", "porch")
    moved = Config.model_validate({"node": {"id": "porch"}, "homeassistant": {"discovery_prefix": "ha"}})
    names = FormerNames(tmp_path / "names", moved, "b2")
    names.clear()
    assert broker.published == ["homeassistant/device/pi_cam_node_porch/config"]
    assert broker.cleared == []


def test_a_node_that_goes_back_to_a_name_does_not_clear_it(tmp_path: Path, broker: FakeBroker) -> None:
    run(tmp_path / "names", "porch")
    run(tmp_path / "names", "garden")
    names = run(tmp_path / "names", "porch")
    names.clear()
    assert broker.cleared == ["pi_cam_node/garden"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"{}", b"[1,2]", b'[{"base":"a"}]', b"[" * 9999, json.dumps([{"base": "#"}]).encode(), b"null"],
)
def test_a_file_that_is_none_is_no_reason_to_fail(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "names").write_bytes(content)
    names = run(tmp_path / "names", "porch")
    assert names.ids == []
    assert not run(tmp_path / "names", "porch").has_former_topics


def test_wildcards_in_the_file_never_become_topics(tmp_path: Path) -> None:
    row = {"base": "pi_cam_node", "node_id": "+", "discovery_prefix": "h", "boot": "b"}
    (tmp_path / "names").write_text(json.dumps([row]))
    assert run(tmp_path / "names", "porch").ids == []


def test_the_number_of_names_is_bounded(tmp_path: Path) -> None:
    for number in range(3 * NAMES_MAX):
        names = run(tmp_path / "names", f"n{number}")
    assert len(names.ids) == NAMES_MAX


def test_without_a_place_nothing_is_remembered() -> None:
    assert not run(None, "porch").has_former_topics


def test_the_former_name_is_cleared_by_the_worker_with_the_first_connection_that_finds_room(
    tmp_path: Path, broker: FakeBroker
) -> None:
    run(tmp_path / "names", "porch")
    jobs: list[Job] = []
    is_full = True

    def submit(job: Job) -> int:
        if is_full:
            raise Busy("too much work is waiting")
        jobs.append(job)
        return len(jobs)

    rename = Rename(tmp_path / "names", config("yard"), "b", submit)
    assert rename.former_ids == ["porch"]
    rename.on_event(BrokerConnected("5", 1))
    assert jobs == [], "the worker is busy"
    is_full = False
    rename.on_event(HomeAssistantStarted())
    assert jobs == [], "only a connection counts"
    rename.on_event(BrokerConnected("5", 2))
    rename.on_event(BrokerConnected("5", 3))
    assert (len(jobs), broker.cleared) == (1, []), "nothing on the node thread, and once"
    jobs[0](lambda _done, _total: None)
    assert broker.cleared == ["pi_cam_node/porch"]
    assert not FormerNames(tmp_path / "names", config("yard"), "b").has_former_topics


def zones(folder: Path, *texts: str) -> FormerNames:
    """Return the names of a run with these zones, which comes online."""
    told = Config.model_validate(
        {"node": {"id": "porch"}, "motion": {"zones": [f"{text}=0,0 1,0 1,1" for text in texts]}}
    )
    names = FormerNames(folder / "names", told, "b")
    names.remember()
    return names


def test_a_zone_that_went_while_the_node_was_down_is_emptied_until_the_broker_has_done_it(tmp_path: Path) -> None:
    assert zones(tmp_path, "door", "gate").gone_zones == ()
    assert zones(tmp_path, "gate").gone_zones == ("door",)
    again = zones(tmp_path, "gate")
    assert again.gone_zones == ("door",), "nothing said that the broker has emptied it"
    again.zones_emptied()
    assert zones(tmp_path, "gate").gone_zones == ()


def test_a_zone_that_goes_while_the_broker_is_away_is_remembered_over_a_restart(tmp_path: Path) -> None:
    zones(tmp_path, "door", "gate").zones_changed(["gate", "path"])
    assert zones(tmp_path, "gate", "path").gone_zones == ("door",)
    zones(tmp_path, "door", "gate")
    assert zones(tmp_path, "door", "gate", "path").gone_zones == (), "it is there again"


def test_zones_are_written_down_by_what_happens(tmp_path: Path) -> None:
    jobs: list[Job] = []

    def submit(job: Job) -> int:
        jobs.append(job)
        return len(jobs)

    zones(tmp_path, "door")
    rename = Rename(tmp_path / "names", config("porch"), "b", submit)
    assert rename.gone_zones == ("door",)
    telemetry = TelemetryTaken({})
    for event in (BrokerConnected("5", 1), telemetry, BrokerLost("away"), telemetry):
        rename.on_event(event)
    for event in (BrokerConnected("5", 2), telemetry):
        rename.on_event(event)
    assert len(jobs) == 1, "no session lasted long enough for the birth to be acknowledged"
    rename.on_event(telemetry)
    rename.on_event(SettingChanged("motion.zones", ["path=0,0 1,0 1,1"]))
    for job in jobs:
        job(lambda _done, _total: None)
    assert zones(tmp_path, "gate").gone_zones == ("path",)


@pytest.mark.parametrize("text", ['["a/b", 7, "+", ""]', '"door"', "7", "null"])
def test_nonsense_in_the_file_is_no_zone(tmp_path: Path, text: str) -> None:
    zones(tmp_path, "door")
    rows = json.loads((tmp_path / "names").read_text())
    rows[-1]["zones"] = json.loads(text)
    (tmp_path / "names").write_text(json.dumps(rows))
    assert zones(tmp_path).gone_zones == ()
