"""``pi-cam-node docs``: the pages that are generated from the code, and the check that they are up to date.

A page is a path in the repository and a function that returns its text, together an entry in `PAGES`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pi_cam_node.cli.options import file_path
from pi_cam_node.cli.reference import asyncapi, commands, console, openapi, settings, topics

ROOT = Path(__file__).resolve().parents[3]

PAGES: Mapping[str, Callable[[], str]] = {
    "config.yaml": settings.config_file,
    "console.yaml": console.config_file,
    "docs/settings.md": settings.reference,
    "docs/commands.md": commands.reference,
    "docs/mqtt.md": topics.reference,
    "docs/asyncapi.yaml": asyncapi.page,
    "docs/openapi.yaml": openapi.page,
}


def stale(root: Path = ROOT) -> list[str]:
    """Return the pages that are missing or differ from the code."""
    return [page for page, text in PAGES.items() if _read(root / page) != text()]


def write(root: Path = ROOT) -> list[str]:
    """Write every page that is not up to date; return their paths."""
    pages = stale(root)
    for page in pages:
        path = root / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGES[page](), encoding="utf-8")
    return pages


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the pages; return the exit code: 0, 1 where a page is stale, 2 outside of a repository."""
    parser = argparse.ArgumentParser(
        prog="pi-cam-node docs", description="Write the pages that are generated from the code, or check them."
    )
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", action="store_true", help="bring them up to date")
    task.add_argument("--check", action="store_true", help="only list those that are not up to date")
    parser.add_argument("--root", type=file_path, default=ROOT, help="the repository (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not (options.root / "setup.cfg").is_file():
        parser.exit(2, f"{options.root} is no checkout of the repository; name one with --root\n")
    pages = write(options.root) if options.write else stale(options.root)
    for page in pages:
        sys.stdout.write(f"{page}: {'written' if options.write else 'not up to date'}\n")
    return int(options.check and bool(pages))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
