"""How long the port waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines, in seconds.

    Attributes:
        line_s: For the whole line to come.
        silence_s: A line without a newline ends so long after its last byte: old clients send none, and wait.
        answer_s: For the node to answer, or to say that it has begun.
        work_s: For the node to end what it has begun; only a net, because it has deadlines of its own for everything.
            The longest is that of a picture at an exposure of 200 s right after a switch into the night.
        write_s: For the client to take what is written.
        part_s: For the client to close after the reply.
        bind_s: Until the port is tried again where it cannot be had.
    """

    line_s: float = 10.0
    silence_s: float = 0.2
    answer_s: float = 10.0
    work_s: float = 3600.0
    write_s: float = 10.0
    part_s: float = 1.0
    bind_s: float = 10.0
