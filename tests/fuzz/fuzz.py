"""Command line of the fuzzer (atheris): ``python -m tests.fuzz.fuzz TARGET RUNS``; see `scripts/fuzz`.

Coverage guides it; each input has five seconds and a gibibyte. What it finds goes to ``build/fuzz/<target>``; fix it,
and put the input into ``tests/fuzz/corpus/<target>`` under a name that says what it was.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pi_cam_node"]):
    from tests.fuzz.seeds import seeds_of, words
    from tests.fuzz.targets import TARGETS, checked

ROOT = Path(__file__).parents[2]
SECONDS_PER_INPUT, MEBIBYTES = 5, 1024
LONGEST = 4096


def main(name: str, runs: int) -> None:
    """Run a target on random inputs; ends the process."""
    folder = ROOT / "build" / "fuzz" / name
    (folder / "found").mkdir(parents=True, exist_ok=True)
    (folder / "seeds").mkdir(exist_ok=True)
    for number, seed in enumerate(seeds_of(name)):
        (folder / "seeds" / f"{number:04d}").write_bytes(seed)
    dictionary = folder / "words"
    dictionary.write_text("".join(f'"{word.decode()}"\n' for word in words()))
    root = logging.getLogger()
    root.addHandler(logging.NullHandler())
    root.setLevel(logging.WARNING)
    kept = ROOT / "tests" / "fuzz" / "corpus" / name
    options = [
        f"-runs={runs}",
        f"-timeout={SECONDS_PER_INPUT}",
        f"-rss_limit_mb={MEBIBYTES}",
        f"-max_len={LONGEST}",
        f"-dict={dictionary}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-verbosity=0" if "-q" in sys.argv else "-verbosity=1",
    ]
    places = [str(folder / "found"), str(folder / "seeds"), *([str(kept)] if kept.is_dir() else [])]
    atheris.Setup([sys.argv[0], *options, *places], lambda data: checked(TARGETS[name], data))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
