"""Resources of a stopped camera are freed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from pi_cam_node.base.malloc import release_startup_memory
from pi_cam_node.camera.sources.picam.plan import plan_of
from pi_cam_node.camera.sources.picam.session import Session
from tests.support.fakes.picam_rig import DAY, SMALL
from tests.support.fakes.picamera2_factory import FakeFactory

PLAN = plan_of(SMALL, DAY)


@pytest.fixture(autouse=True)
def nothing_is_collected_by_itself() -> Iterator[None]:
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("exempt", [False, True])
@pytest.mark.parametrize(
    "end", [Session.close, lambda session: session.restart(PLAN), lambda session: session.reconfigure(PLAN)]
)
def test_what_a_stopped_camera_held_is_collected_at_once(end: Callable[[Session], None], exempt: bool) -> None:
    factory = FakeFactory()
    session = Session(factory, 0, PLAN)
    if exempt:
        release_startup_memory()  # as the camera's process does at its first image
    held = factory.opened[0].runs[0]
    assert held() is not None
    end(session)
    assert held() is None, "its descriptors and its memory would be held until some later collection"
