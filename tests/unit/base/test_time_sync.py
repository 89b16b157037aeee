"""Whether the wall clock was ever set."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from pi_cam_node.base.time_sync import clock_is_set


def kernel_says(monkeypatch: pytest.MonkeyPatch, state: int) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(adjtimex=lambda _buffer: state))


@pytest.mark.parametrize(("state", "is_set"), [(0, True), (1, True), (4, True), (5, False), (-1, False)])
def test_the_kernel_is_asked_whether_utc_is_synchronised(
    monkeypatch: pytest.MonkeyPatch, state: int, is_set: bool
) -> None:
    kernel_says(monkeypatch, state)
    assert clock_is_set() is is_set


def test_a_system_that_cannot_say_has_no_set_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    assert clock_is_set() is False


def test_the_kernel_of_this_machine_answers() -> None:
    assert clock_is_set() in (True, False)
