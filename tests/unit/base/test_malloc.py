"""What is exempt from garbage collection, and for how long."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from pi_cam_node.base.malloc import release_startup_memory


class Camera:
    """Refers to itself in a circle, as picamera2's objects do."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_exempt_afterwards() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_camera_that_was_closed_is_collected_when_the_next_one_has_got_going() -> None:
    camera = Camera()
    release_startup_memory()
    assert gc.get_freeze_count() > 0
    closed = weakref.ref(camera)
    del camera
    gc.collect()
    assert closed() is not None, "it is exempt"
    release_startup_memory()
    assert closed() is None
    assert gc.get_freeze_count() > 0
