"""Types of work that runs on another thread and reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with (done, total) while long work goes on; cheap, from any thread."""

Job = Callable[[Progress], object]
"""One piece of work. Runs on the worker thread; its result or its error comes back as `WorkEnded`."""

Submit = Callable[[Job], int]
"""Puts a job in line and returns its number. Raises `Busy` where too many jobs wait. Never blocks."""
