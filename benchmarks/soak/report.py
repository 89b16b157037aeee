"""Formats the verdict as text."""

from __future__ import annotations

from typing import Any

from benchmarks.soak.verdict import Verdict


def as_text(verdict: Verdict) -> str:
    """Return the verdict with its figures as text."""
    figures = verdict.figures
    lines = [f"soak of {figures['hours']} h: {verdict.word}", ""]
    lines += [f"against: {line}" for line in verdict.against]
    lines += [f"unclear: {line}" for line in verdict.unclear]
    lines += ["", "| what | least | most | slope per hour (95 % band) | at most |", "|---|---|---|---|---|"]
    for name, value in figures.items():
        if isinstance(value, dict) and "band" in value:
            low, high = value["band"]
            grows = f"{value['slope_per_h']:+.2f} ({low:+.2f} to {high:+.2f})"
            lines.append(f"| {name} | {value['least']:g} | {value['most']:g} | {grows} | {value['limit']:g} |")
    lines += [
        "",
        "| fault | times | no picture for | answers after | online after | frames lost | replies within 5 s |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(kind, fault) for kind, fault in sorted(figures.get("faults", {}).items())]
    lines += [""]
    lines += [
        f"{name}: {value}"
        for name, value in figures.items()
        if name not in ("hours", "faults") and not (isinstance(value, dict) and "band" in value)
    ]
    return "\n".join(lines)


def _row(kind: str, fault: dict[str, Any]) -> str:
    times = [
        ("" if fault[key] is None else f"{fault[key]:.1f} s")
        + (f" never: {never}" if (never := fault[f"{key}_never"]) else "")
        for key in ("pictures_s", "answers_s", "online_s")
    ]
    lost = "unknown" if fault["frames_lost_percent"] is None else f"{fault['frames_lost_percent']:.2f} %"
    replies = f"{fault['answered']} of {fault['asked']}"
    return f"| {kind} | {fault['count']} | {' | '.join(times)} | {lost} | {replies} |"
