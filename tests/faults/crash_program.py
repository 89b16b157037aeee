"""Command line of the programs that write until they are killed, and check the files afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

# Exit code of a refusal, unlike 1 of a traceback.
REFUSED = 3


def say(line: str) -> None:
    """Write a line at once: the power may go."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(check: Callable[[Path, set[str]], list[str]], **verbs: Callable[[Path], int | None]) -> int:
    """Do what the command line says; return the exit code.

    Args:
        check: Returns what is wrong with a folder, given the names of what was safe.
        verbs: What else can be done with a folder. They say ``ack`` and a name of each thing that is safe, and return
            the exit code where it is not 0.
    """
    verb, folder, *rest = sys.argv[1:]
    if verb != "check":
        return verbs[verb](Path(folder)) or 0
    promised = {line.split()[1] for name in rest for line in Path(name).read_text().splitlines()}
    wrong = check(Path(folder), promised)
    say("\n".join(wrong))
    return 1 if wrong else 0
