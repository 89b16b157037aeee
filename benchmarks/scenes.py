"""Compares the node's motion detector with Debian's `motion` on synthetic scenes.

    python -m benchmarks.scenes            prints the table
    python -m benchmarks.scenes --page     and writes it into docs/explanation/motion.md

Disturbances must cause no event, persons must be detected. Seeds and sizes differ from those used for tuning. `motion`
gets the same film, uncompressed, at the same rate; the time of its event is found by searching the film for the
picture that started it. Takes a few minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks import motion
from pi_cam_node.config.sections.video import MotionConfig
from pi_cam_node.core.rules.motion import MotionRule
from pi_cam_node.imaging.motion.interface import MotionSettings
from pi_cam_node.imaging.motion.pacing import MotionAnalysis
from tests.support.scenes import DISTURBANCES, FPS, HEIGHT, PERSONS, UNDECIDABLE, WIDTH, Image, Scene, Shot

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "explanation" / "motion.md"
BEGIN, END = "<!-- Written by `python -m benchmarks.scenes --page`. -->", "<!-- Until here. -->"

# Seeds, each with the scale of its persons.
SIZES = {60127: 0.85, 84203: 1.2}
QUIET_S, LONG_S = 20.0, 25.0
# Number of scenes in parallel, as `motion` reads its film at the rate of a camera.
_AT_ONCE = 10
SWITCHES = 50
# Time without movement after which an event ends: `motion.clear_s`, and `motion`'s event_gap.
CLEAR_S = 5
# Additional time without movement at the end, as `motion` may lag, and before the start.
_TAIL_S, _START_S = 8, 4.0
# Default threshold of `motion`, which is for 640x480, scaled.
_THRESHOLD_PX = 1500 * WIDTH * HEIGHT // (640 * 480)
_CONFIG = """
daemon off
setup_mode off
log_level 4
log_file {folder}/motion.log
target_dir {folder}
width {width}
height {height}
framerate {fps}
netcam_url file://{film}
movie_output off
picture_output first
picture_quality 100
picture_filename %v-%q
text_left
text_right
event_gap {gap}
threshold {threshold}
webcontrol_port 0
stream_port 0
"""


@dataclass(frozen=True)
class Verdict:
    """Result of a detector on a scene.

    Attributes:
        events: Number of events.
        first_s: When the first began, in seconds of the scene; ``None`` for none.
    """

    events: int
    first_s: float | None


def ours(shots: Iterable[Shot]) -> Verdict:
    """Analyse a scene as the node does, with default settings."""
    analysis = MotionAnalysis(MotionSettings())
    rule = MotionRule(MotionConfig(enable=True, clear_s=CLEAR_S))
    began: list[float] = []
    for shot in shots:
        if shot.own:
            analysis.switched(shot.at_s)
        if analysis.wants(shot.at_s) and (report := analysis.take(shot.luma, shot.at_s, "day")) is not None:
            rule.observe(report)
        began += [shot.at_s for place, is_on in rule.changes(shot.at_s).items() if is_on and not place]
    return Verdict(len(began), began[0] if began else None)


def many_switches(seed: int) -> Iterator[Shot]:
    """Draw a scene with `SWITCHES` mode switches by the node, ten seconds apart."""
    pictures = [shot.luma for shot in Scene("quiet_day", seed=seed, quiet_s=5, long_s=0)]
    for number in range(SWITCHES + 1):
        dark = number % 2 == 1
        rng = np.random.default_rng(seed + number)
        for k in range(10 * FPS):
            luma = pictures[k % len(pictures)].astype(float)
            luma = luma * 0.45 + 10 if dark else luma
            noise = rng.normal(0, 5.0 if dark else 1.2, luma.shape)
            yield Shot(number * 10 + k / FPS, np.clip(luma + noise, 0, 255).astype(np.uint8), own=k == 0 and number > 0)


class Judged:
    """A scene analysed by `motion`, in a separate folder."""

    def __init__(self, folder: Path, shots: Sequence[Shot]) -> None:
        """Write the film and start `motion`."""
        self._folder, self._shots = folder, shots
        film = folder / "film.y4m"
        with film.open("wb") as file:
            file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
            colours = bytes([128]) * (WIDTH * HEIGHT // 2)
            for luma in (*(shot.luma for shot in shots), *[shots[0].luma] * (_TAIL_S * FPS)):
                file.write(b"FRAME\n" + luma.tobytes() + colours)
        config = folder / "motion.conf"
        size = {"width": WIDTH, "height": HEIGHT, "fps": FPS, "gap": CLEAR_S, "threshold": _THRESHOLD_PX}
        config.write_text(_CONFIG.format(folder=folder, film=film, **size))
        self._process = subprocess.Popen(
            ["motion", "-n", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def verdict(self) -> Verdict:
        """Terminate `motion` and return its result."""
        self._process.terminate()
        self._process.wait(30)
        pictures = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in self._folder.glob("*.jpg"))
        found = sorted(map(self._place_of, pictures))
        return Verdict(len(found), found[0] if found else None)

    def _place_of(self, picture: Image) -> float:
        """Return when a picture was shown, in seconds of the scene."""
        wanted = picture.astype(np.int16)
        differences = [float(np.abs(shot.luma.astype(np.int16) - wanted).mean()) for shot in self._shots]
        return self._shots[int(np.argmin(differences))].at_s


def scene_of(name: str, seed: int) -> tuple[Scene, list[Shot]]:
    """Draw a scene; return it and its pictures."""
    scene = Scene(name, seed=seed, size=SIZES[seed], quiet_s=QUIET_S, long_s=LONG_S)
    return scene, list(scene)


def measured(
    names: Sequence[str], seed: int, *, with_motion: bool
) -> Mapping[str, tuple[float, Verdict, Verdict | None]]:
    """Analyse scenes of one seed; return, by name, when the person appears and both results."""
    drawn = {name: scene_of(name, seed) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        others: dict[str, Judged] = {}
        if with_motion:
            for name, (_, shots) in drawn.items():
                place = Path(folder) / name
                place.mkdir()
                others[name] = Judged(place, shots)
            began_s = time.monotonic()
        verdicts = {name: ours(shots) for name, (_, shots) in drawn.items()}
        if with_motion:
            length_s = max(shots[-1].at_s for _, shots in drawn.values())
            time.sleep(max(0.0, began_s + _START_S + length_s - time.monotonic()))
        return {
            name: (scene.person_s, verdicts[name], others[name].verdict() if with_motion else None)
            for name, (scene, _) in drawn.items()
        }


Results = Sequence[Mapping[str, tuple[float, Verdict, Verdict | None]]]


def table(results: Results, switches: Verdict, version: str | None) -> str:
    """Return the table, one row for each scene."""
    other = f"motion {version}" if version else "motion"
    lines = [
        f"| scene | events, node | events, {other} | found after, node | found after, {other} |",
        "|---|---|---|---|---|",
    ]
    for name in (*DISTURBANCES, *UNDECIDABLE, *PERSONS):
        rows = [result[name] for result in results]
        is_person = name in PERSONS
        cells = [_events([row[1] for row in rows]), _events([row[2] for row in rows])]
        appeared = [row[0] for row in rows] if is_person else []
        cells += [_found(verdicts, appeared) for verdicts in ([row[1] for row in rows], [row[2] for row in rows])]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    lines.append(f"| {SWITCHES} switches of the node's own | {switches.events} | – | | |")
    return "\n".join(lines)


def _events(verdicts: Sequence[Verdict | None]) -> str:
    return ", ".join("–" if each is None else str(each.events) for each in verdicts)


def _found(verdicts: Sequence[Verdict | None], person_s: Sequence[float]) -> str:
    """Format the delays between the person's appearance and its detection; earlier events do not count."""
    return ", ".join(
        "–" if each is None
        else "missed" if each.first_s is None
        else "before" if each.first_s < at_s
        else f"{each.first_s - at_s:.1f} s"
        for each, at_s in zip(verdicts, person_s, strict=False)
    )  # fmt: skip


def write(page: Path, text: str) -> None:
    """Write the table between its markers."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def main() -> int:
    """Analyse all scenes and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes", description=__doc__)
    parser.add_argument("--page", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    version = motion.version()
    if version is None:
        sys.stderr.write(f"{motion.MISSING}\n")
    names = (*DISTURBANCES, *UNDECIDABLE, *PERSONS)
    results = []
    for seed in SIZES:
        result: dict[str, tuple[float, Verdict, Verdict | None]] = {}
        for begin in range(0, len(names), _AT_ONCE):
            sys.stderr.write(f"seed {seed}, scenes from {begin + 1} on\n")
            result |= measured(names[begin : begin + _AT_ONCE], seed, with_motion=version is not None)
        results.append(result)
    text = table(results, ours(many_switches(next(iter(SIZES)))), version)
    print(text)
    if options.page:
        write(PAGE, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
