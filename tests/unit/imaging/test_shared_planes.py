"""Shared planes: requests, limits, and release."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from pi_cam_node.imaging.shared_planes import MOST, PlanesStore, SharedPlanes, planes_bytes


class Camera:
    """Makes planes, and notes those that came back."""

    def __init__(self) -> None:
        self.returned: list[float] = []

    def planes(self, mono_s: float) -> SharedPlanes:
        return SharedPlanes(mono_s, (64, 48), 0, 0, lambda: self.returned.append(mono_s))


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.fixture
def store() -> PlanesStore:
    return PlanesStore()


def test_nobody_who_wants_them_has_none(store: PlanesStore, camera: Camera) -> None:
    assert not store.is_wanted
    store.put(camera.planes(1.0))
    assert camera.returned == [1.0]
    with store.wanted():
        assert store.is_wanted
        assert store.borrow(1.0) is None
    assert not store.is_wanted


def test_planes_come_back_once_when_the_only_encoder_has_read_them(store: PlanesStore, camera: Camera) -> None:
    with store.wanted():
        store.put(camera.planes(1.0))
        assert store.borrow(2.0) is None
        planes = store.borrow(1.0)
        assert planes is not None
        assert (planes.mono_s, planes.size) == (1.0, (64, 48))
        assert camera.returned == []
        planes.give_back()
        assert camera.returned == [1.0]
        assert store.borrow(1.0) is None
    assert camera.returned == [1.0]


def test_two_encoders_read_the_same_planes(store: PlanesStore, camera: Camera) -> None:
    with store.wanted(), store.wanted():
        store.put(camera.planes(1.0))
        first = store.borrow(1.0)
        assert first is not None
        first.give_back()
        assert camera.returned == [], "the other one has not read them yet"
        second, third = store.borrow(1.0), store.borrow(1.0)
        assert second is not None
        assert third is not None
        second.give_back()
        assert camera.returned == [], "they are still read"
        third.give_back()
    assert camera.returned == [1.0]


def test_newer_planes_take_the_place_of_those_that_nobody_reads(store: PlanesStore, camera: Camera) -> None:
    with store.wanted():
        for number in range(MOST + 1):
            store.put(camera.planes(float(number)))
        assert camera.returned == [0.0]
        reading = store.borrow(1.0)
        assert reading is not None
        store.put(camera.planes(10.0))
        assert camera.returned == [0.0, 2.0], "what is being read stays"
        reading.give_back()
        assert camera.returned == [0.0, 2.0, 1.0]
        assert store.borrow(10.0) is not None


def test_an_encoder_that_hangs_with_all_of_them_gets_no_more(store: PlanesStore, camera: Camera) -> None:
    with store.wanted():
        for number in range(MOST):
            store.put(camera.planes(float(number)))
            assert store.borrow(float(number)) is not None
        store.put(camera.planes(10.0))
        assert camera.returned == [10.0]
        assert store.borrow(10.0) is None


def test_what_is_read_while_the_store_is_emptied_comes_back_when_that_has_ended(
    store: PlanesStore, camera: Camera
) -> None:
    with ExitStack() as encoders:
        encoders.enter_context(store.wanted())
        store.put(camera.planes(1.0))
        store.put(camera.planes(2.0))
        planes = store.borrow(1.0)
        assert planes is not None
        store.clear()
        assert camera.returned == [2.0]
        assert store.borrow(1.0) is None
    assert camera.returned == [2.0]
    planes.give_back()
    assert camera.returned == [2.0, 1.0]


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (0, 48), (64, -2)])
def test_there_are_no_planes_of_an_odd_size(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="planes"):
        planes_bytes(size)
    assert planes_bytes((64, 48)) == 64 * 48 * 3 // 2
