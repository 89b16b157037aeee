"""Command line and report of ``pi-cam-node doctor``."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Iterator, Sequence

from pi_cam_node.base.control_characters import escaped
from pi_cam_node.cli.doctor import packages
from pi_cam_node.cli.doctor.finding import Finding, skipped
from pi_cam_node.cli.main import default_file
from pi_cam_node.cli.options import add_options, environment_of

CHECK_WIDTH, SECONDS_DIGITS = 14, 4


def main(arguments: Sequence[str]) -> int:
    """Print every finding at once; return 1 where something failed, else 0."""
    parser = argparse.ArgumentParser(
        prog="pi-cam-node doctor",
        description="Check settings, camera, disk, broker and HTTP, and say what is wrong and what to do.",
        epilog="exit code: 0 nothing failed, 1 something did",
    )
    add_options(parser, "the settings (default: those that `run` would take)")
    parser.add_argument(
        "--wait", type=_seconds, default=0.0, metavar="SECONDS",
        help="how long to wait until a node that was just started is online; a failure where it is not by then",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    # The findings say what the log would say.
    logging.getLogger().addHandler(logging.NullHandler())
    count: Counter[str] = Counter()
    for finding in _findings(options):
        count[finding.state] += 1
        print(line_of(finding), flush=True)
    warnings = f"{count['warning']} warning{'' if count['warning'] == 1 else 's'}"
    print(f"\n{count['ok']} ok, {warnings}, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


def line_of(finding: Finding) -> str:
    """Return the printed form of a finding: one line, and one with the advice."""
    line = f"{finding.state:8}{finding.check:{CHECK_WIDTH}} {finding.text}"
    return escaped(f"{line}\n{'':{8 + CHECK_WIDTH}} -> {finding.advice}" if finding.advice else line)


def _findings(options: argparse.Namespace) -> Iterator[Finding]:
    found = list(packages.check())
    yield from found
    if any(finding.state == "failed" for finding in found):
        yield skipped("everything else", "the packages must be right first")
        return
    from pi_cam_node.cli.doctor.checks import examine  # noqa: PLC0415 - needs the packages checked above

    yield from examine(
        options.config or default_file(),
        environment_of(options),
        is_named=options.config is not None,
        wait_s=options.wait,
    )


def _seconds(text: str) -> float:
    if not (text.isascii() and text.isdecimal() and len(text) <= SECONDS_DIGITS):
        raise argparse.ArgumentTypeError(f"found {text!a}, expected a whole number of seconds")
    return float(text)
