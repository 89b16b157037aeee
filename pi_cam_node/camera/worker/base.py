"""Interface between the controller and the worker that runs the source (a process or a thread)."""

from __future__ import annotations

from typing import Protocol

from pi_cam_node.camera.worker.messages import Order, Report


class WorkerLost(Exception):
    """The worker has ended or sent invalid reports, and must be replaced."""


class Worker(Protocol):
    """Runs a source.

    Thread: one.
    """

    @property
    def pid(self) -> int | None:
        """Process id; ``None`` for a thread."""
        ...

    @property
    def killable(self) -> bool:
        """Whether the worker can be killed and replaced."""
        ...

    @property
    def descriptors(self) -> list[int]:
        """File descriptors that become readable when reports arrive."""
        ...

    def send(self, order: Order) -> None:
        """Send an order. Never waits; an order to an unresponsive worker is lost."""
        ...

    def take(self) -> list[Report]:
        """Return received reports, without waiting.

        Raises:
            WorkerLost: The worker has ended.
        """
        ...

    def end(self, deadline_s: float) -> bool:
        """Ask the worker to close its source, wait, then use force; return whether it ended."""
        ...
