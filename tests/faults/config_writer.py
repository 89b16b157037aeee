"""Program that writes a configuration file until killed, and checks the file afterwards.

python -m tests.faults.config_writer prepare FOLDER      the file as it is before
python -m tests.faults.config_writer forever FOLDER      one line "ack NUMBER" for each file written
python -m tests.faults.config_writer once FOLDER         the same for one; exit 3: refused in words
python -m tests.faults.config_writer check FOLDER [ACKS] exit 1: the file is torn, or older than the last of those
"""

from __future__ import annotations

import sys
from pathlib import Path

from pi_cam_node.base.errors import NodeError
from pi_cam_node.config import Config
from pi_cam_node.config.loader import parse
from pi_cam_node.config.writer import write_back
from tests.faults import crash_program
from tests.faults.crash_program import REFUSED, say

FIRST = 100
LAST = 200_000_000
# The comment makes the file longer than a block, as real ones are.
TEXT = f"# {'the garden, seen from the porch ' * 150}\nnight:\n  exposure_us: {FIRST}  # of the night\n"


def prepare(folder: Path) -> None:
    """Write the file as it is before the node touches it."""
    (folder / "node.yaml").write_text(TEXT)


def configured(folder: Path, number: int) -> Config:
    """Return settings that bear a number, as a node started with the file would have them."""
    return parse(TEXT.replace(str(FIRST), str(number)), folder / "node.yaml")


def forever(folder: Path) -> None:
    """Write one file after the other."""
    prepare(folder)
    for number in range(FIRST + 1, LAST):
        write_back(folder / "node.yaml", configured(folder, number))
        say(f"ack {number}")


def once(folder: Path) -> int:
    """Write one file."""
    try:
        write_back(folder / "node.yaml", configured(folder, FIRST + 1))
    except NodeError as error:
        say(f"{error.code}: {error}")
        return REFUSED
    say(f"ack {FIRST + 1}")
    return 0


def check(folder: Path, acks: set[str]) -> list[str]:
    """Return what is wrong with the file, as the next start of the node finds it."""
    path = folder / "node.yaml"
    try:
        text = path.read_text()
        found = parse(text, path).night.exposure_us
    except (OSError, ValueError) as error:
        return [f"torn {error}"]
    least = max(map(int, acks), default=FIRST)
    wrong = [f"lost: {found} instead of {least}"] if found < least else []
    return wrong + ([] if "# of the night" in text else ["torn: the comment is gone"])


if __name__ == "__main__":
    sys.exit(crash_program.run(check, prepare=prepare, forever=forever, once=once))
