"""Interface between the controller and the worker that runs the source, be it a process or a thread."""

from __future__ import annotations

from typing import Protocol

from pi_cam_node.camera.worker.messages import Order, Report


class WorkerLost(Exception):
    """The worker is gone, or its reports make no sense; it has to be ended and another one started."""


class Worker(Protocol):
    """Runs a source.

    Thread: one.
    """

    @property
    def pid(self) -> int | None:
        """Process id; ``None`` where the worker is a thread."""
        ...

    @property
    def killable(self) -> bool:
        """Whether the worker can be ended by force, so that another one may be started."""
        ...

    @property
    def descriptors(self) -> list[int]:
        """File descriptors that become readable when reports come."""
        ...

    def send(self, order: Order) -> None:
        """Pass an order on. Never waits; an order to a worker that does not listen is lost."""
        ...

    def take(self) -> list[Report]:
        """Return the reports that came, without waiting.

        Raises:
            WorkerLost: No more will come.
        """
        ...

    def end(self, deadline_s: float) -> bool:
        """Ask the worker to close its source, wait, then use force; return whether it ended."""
        ...
