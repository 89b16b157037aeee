"""Resources shared by the rows: a broker, the film, and one node that keeps running, so its ring is filled once."""

from __future__ import annotations

import compileall
import sys
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import pi_cam_node
from benchmarks import broker, film
from benchmarks.node import Node


class Bench:
    """Resources shared by the rows: broker, film and node, each created on first use.

    Attributes:
        folder: Folder for all files.
        rounds: Number of measurements of each figure, alternating with its reference.
        window_s: Duration of a CPU time measurement in seconds.
        quick: Whether to prefer short runs to precision.
    """

    def __init__(self, folder: Path, stack: ExitStack, *, rounds: int, window_s: float, quick: bool = False) -> None:
        """Create the object without starting anything; resources are closed with the stack.

        The package is compiled to bytecode first, as pip does: a node that compiles it at its start takes longer, and
        more memory permanently.
        """
        compileall.compile_dir(Path(pi_cam_node.__file__).parent, quiet=1)
        self.folder = folder
        self.rounds = rounds
        self.window_s = window_s
        self.quick = quick
        self._stack = stack

    def subfolder(self, name: str) -> Path:
        """Create a new folder below that of the run."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    @cached_property
    def film(self) -> Path:
        """The film, which is kept for the next run."""
        return film.make(self.folder / "film.y4m")

    @cached_property
    def broker_port(self) -> int:
        """Port of the broker."""
        return self._stack.enter_context(broker.make(self.folder)).port

    @cached_property
    def node(self) -> Node:
        """The node that plays the film, with a full ring; slowed down until `release`."""
        node = self._stack.enter_context(Node(self.folder, self.broker_port, f"file:{self.film}"))
        say("filling the node's ring: 30 s")
        node.fill()
        node.hold()
        return node


def say(text: str) -> None:
    """Print a progress message."""
    print(text, file=sys.stderr, flush=True)
