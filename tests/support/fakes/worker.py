"""Fake camera worker: records its orders, and delivers reports given by the test."""

from __future__ import annotations

import numpy as np

from pi_cam_node.camera.source import Opened, Shot
from pi_cam_node.camera.worker.base import WorkerLost
from pi_cam_node.camera.worker.messages import Apply, Arrived, Open, Order, Ready, Report
from pi_cam_node.camera.worker.picture_maker import PictureMaker
from pi_cam_node.imaging.frame import Mode, Sensor
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.orientation import Orientation

OPENED = Opened("synthetic", (64, 48), "i420", controls=True)


class FakeWorker:
    """Delivers its reports when the controller takes them."""

    def __init__(self, *, killable: bool = True) -> None:
        self.killable = killable
        self.pid: int | None = 4711
        self.descriptors: list[int] = []
        self.orders: list[Order] = []
        self.reports: list[Report] = []
        self.lost: str | None = None
        self.ended = False
        self.ends = True
        self.images = 0

    def send(self, order: Order) -> None:
        self.orders.append(order)

    def take(self) -> list[Report]:
        if self.lost is not None:
            raise WorkerLost(self.lost)
        reports, self.reports = self.reports, []
        return reports

    def end(self, deadline_s: float) -> bool:
        self.ended = self.ends
        return self.ends

    @property
    def last_open(self) -> Open:
        return [order for order in self.orders if isinstance(order, Open)][-1]

    @property
    def applies(self) -> list[Apply]:
        return [order for order in self.orders if isinstance(order, Apply)]

    def say_ready(self, opened: Opened = OPENED) -> None:
        order = self.last_open
        self._maker = PictureMaker(opened, Orientation(), order.masks, order.output)
        self.reports.append(Ready(order.session, self._maker.opened))

    def say_image(self, mono_s: float, mode: Mode = "day", skipped: int = 0, pixels: Pixels | None = None) -> None:
        """Report an image; by default it differs from the last one."""
        self.images += 1
        seen = np.full((72, 64), self.images % 256, np.uint8) if pixels is None else pixels
        image = self._maker.make(Shot(seen, mono_s - 0.01, mono_s, mode, Sensor()))
        self.reports.append(Arrived(self.last_open.session, image, skipped))
