"""Whether the wall clock is synchronised."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base import clock
from pi_cam_node.base.clock import clock_is_set


@pytest.fixture(autouse=True)
def _library_loaded_anew() -> Iterator[None]:
    clock._adjtimex.cache_clear()
    yield
    clock._adjtimex.cache_clear()


def kernel_says(mocker: MockerFixture, state: int) -> None:
    mocker.patch.object(ctypes, "CDLL", return_value=SimpleNamespace(adjtimex=lambda _buffer: state))


@pytest.mark.parametrize(("state", "is_set"), [(0, True), (1, True), (4, True), (5, False), (-1, False)])
def test_the_kernel_is_asked_whether_utc_is_synchronised(mocker: MockerFixture, state: int, is_set: bool) -> None:
    kernel_says(mocker, state)
    assert clock_is_set() is is_set


def test_a_system_that_cannot_say_has_no_set_clock(mocker: MockerFixture) -> None:
    mocker.patch.object(ctypes, "CDLL", return_value=SimpleNamespace())
    assert clock_is_set() is False


def test_the_kernel_of_this_machine_answers() -> None:
    assert clock_is_set() in (True, False)


def test_asking_again_creates_no_class(mocker: MockerFixture) -> None:
    clock_is_set()
    load = mocker.patch.object(ctypes, "CDLL")
    assert clock_is_set() in (True, False)
    load.assert_not_called()
