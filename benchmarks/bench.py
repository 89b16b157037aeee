"""Fixtures shared by the rows: a broker, the film, and one node that stays up, so that its ring is filled once."""

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
    """Everything that the rows share: broker, film and node, each started when it is first used.

    Attributes:
        folder: For everything that is written.
        rounds: How often each figure is measured, in turn with its reference.
        window_s: How long processor time is counted.
        quick: Whether shorter is better than surer.
    """

    def __init__(self, folder: Path, stack: ExitStack, *, rounds: int, window_s: float, quick: bool = False) -> None:
        """Start nothing yet; what is started later ends with the stack.

        The package is compiled to bytecode first, as pip does where it installs one: a node that compiles it at its
        start takes longer for that, and more memory from then on.
        """
        compileall.compile_dir(Path(pi_cam_node.__file__).parent, quiet=1)
        self.folder = folder
        self.rounds = rounds
        self.window_s = window_s
        self.quick = quick
        self._stack = stack

    def subfolder(self, name: str) -> Path:
        """Return a new folder below that of the run."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    @cached_property
    def film(self) -> Path:
        """The film, kept for the next run."""
        return film.make(self.folder / "film.y4m")

    @cached_property
    def broker_port(self) -> int:
        """Port of the broker."""
        return self._stack.enter_context(broker.make(self.folder)).port

    @cached_property
    def node(self) -> Node:
        """The node on the film, its ring full; it idles until it is released."""
        node = self._stack.enter_context(Node(self.folder, self.broker_port, f"file:{self.film}"))
        say("filling the node's ring: 30 s")
        node.fill()
        node.hold()
        return node


def say(text: str) -> None:
    """Print the progress."""
    print(text, file=sys.stderr, flush=True)
