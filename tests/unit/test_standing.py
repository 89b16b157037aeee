"""Faults that last, and their end."""

from __future__ import annotations

from pi_cam_node.events import FaultReported
from pi_cam_node.standing import Standing

WELL = FaultReported("ok", "")


class Told(list[FaultReported]):
    """What was told, noted as told as the core does."""

    def __init__(self) -> None:
        self.standing = Standing(self.tell)

    def tell(self, fault: FaultReported) -> None:
        self.append(fault)
        self.standing.told(fault)


def test_a_fault_is_told_when_it_begins_and_when_it_ends() -> None:
    told = Told()
    told.standing.note("camera", "camera_down", "unplugged")
    told.standing.note("camera", "ok", "")
    assert told == [FaultReported("camera_down", "unplugged"), WELL]


def test_what_was_well_and_is_well_is_no_news() -> None:
    told = Told()
    told.standing.note("camera", "ok", "")
    assert told == []


def test_the_end_of_one_fault_names_the_other() -> None:
    told = Told()
    told.standing.note("storage", "no_space", "full")
    told.standing.note("camera", "camera_down", "unplugged")
    told.standing.note("camera", "ok", "")
    assert told[-1] == FaultReported("no_space", "full")


def test_the_end_of_a_fault_does_not_hide_what_was_told_since() -> None:
    told = Told()
    told.standing.note("storage", "no_space", "full")
    told.tell(FaultReported("unknown_verb", "nonsense"))
    told.standing.note("storage", "ok", "")
    assert told[-1] == FaultReported("unknown_verb", "nonsense")


def test_a_refused_save_is_over_with_the_full_disk() -> None:
    told = Told()
    told.standing.note("storage", "no_space", "full")
    told.tell(FaultReported("no_space", "save: full"))
    told.standing.note("storage", "ok", "")
    assert told[-1] == WELL
