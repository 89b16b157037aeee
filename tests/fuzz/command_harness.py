"""A core with frames in its ring, for targets that send commands to it."""

from __future__ import annotations

from typing import ClassVar

from pi_cam_node.config import Config
from pi_cam_node.core.events import FramesSent, Replied
from pi_cam_node.core.inputs import CommandArrived
from tests.support.core_harness import CoreHarness

# Commands change settings; a new core now and then keeps an input's effect from depending on thousands before it.
COMMANDS_PER_CORE = 500
FRAMES = 12


class CommandHarness:
    """Sends a command, provides frames and runs jobs, and returns the replies."""

    _shared: ClassVar[CommandHarness | None] = None

    def __init__(self) -> None:
        self.world = CoreHarness(Config.model_validate({"node": {"id": "porch"}}))
        self.world.see(FRAMES)
        self.asked = 0

    @classmethod
    def shared(cls) -> CommandHarness:
        """Return the harness in use, or a fresh one after `COMMANDS_PER_CORE` commands."""
        room = cls._shared
        if room is None or room.asked >= COMMANDS_PER_CORE:
            room = cls._shared = CommandHarness()
        return room

    def ask(self, arrival: CommandArrived) -> list[Replied]:
        """Return every reply to a command, until its final one."""
        return [fact for fact in self.facts(arrival) if isinstance(fact, Replied)]

    def facts(self, arrival: CommandArrived) -> list[Replied | FramesSent]:
        """Return the data of the final reply."""
        self.asked += 1
        world = self.world
        world.facts.clear()
        world.step(arrival)
        for _ in range(4):
            if not world.core.figures()["commands_waiting"]:
                break
            world.work()
            world.see()
        else:
            world.wait(3600)
        told = [fact for fact in world.facts if isinstance(fact, Replied | FramesSent)]
        world.archive.saved.clear()
        world.jobs.clear()
        world.facts.clear()
        if not world.core.camera_online:
            world.see()
        return told
