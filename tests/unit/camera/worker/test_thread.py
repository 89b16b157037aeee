"""A camera in a thread of the node: what waits for the node."""

from __future__ import annotations

from typing import Any

from pi_cam_node.camera.worker.messages import Arrived
from pi_cam_node.camera.worker.thread import ThreadWorker


def test_pictures_that_the_node_does_not_take_are_bounded_and_counted() -> None:
    woken: list[None] = []
    worker = ThreadWorker(lambda: woken.append(None))
    picture: Any = None
    try:
        for _ in range(10):
            worker._post(Arrived(1, picture, 0))
        assert [report.skipped for report in worker.take() if isinstance(report, Arrived)] == [0] * 4
        worker._post(Arrived(1, picture, 2))
        assert worker.take() == [Arrived(1, picture, 8)]
        assert len(woken) == 5
    finally:
        assert worker.end(30)
