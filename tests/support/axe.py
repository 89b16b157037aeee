"""Accessibility checks with axe-core in a browser page; downloaded from npm once and verified by hash."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.chromium import Tab

VERSION = "4.14.1"
SHA512 = (
    "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73"
    "4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5"
)
# Stored in the test environment, as it is not part of the package.
KEPT = Path(sys.prefix) / "share" / f"axe-core-{VERSION}.min.js"
FETCH_S = 60.0
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES = ((390, True), (390, False), (1280, True), (1280, False))


def axe_source() -> str:
    """Return axe-core's source; skip the test if it is not available."""
    if not KEPT.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core is fetched by npm, which is not installed")
        with tempfile.TemporaryDirectory() as name:
            try:
                subprocess.run(
                    [npm, "pack", "--silent", f"axe-core@{VERSION}"],
                    cwd=name, timeout=FETCH_S, check=True, capture_output=True,
                )  # fmt: skip
            except (OSError, subprocess.SubprocessError) as error:
                pytest.skip(f"axe-core cannot be fetched by npm: {error}")
            archive = next(Path(name).glob("*.tgz"))
            assert hashlib.sha512(archive.read_bytes()).hexdigest() == SHA512, "not the axe-core that is meant"
            with tarfile.open(archive) as packed:
                content = packed.extractfile("package/axe.min.js")
                assert content is not None
                KEPT.parent.mkdir(exist_ok=True)
                KEPT.write_bytes(content.read())
    return KEPT.read_text()


async def violations(tab: Tab, source: str, what: str = "document") -> list[str]:
    """Return accessibility violations of the page, or of an element.

    Args:
        tab: The page.
        source: From `axe_source`.
        what: JavaScript expression of the checked element.
    """
    if not await tab.value("'axe' in window"):
        await tab.value(f"{source};0")
    found: list[dict[str, Any]] = json.loads(
        await tab.value(
            f"axe.run({what}, {{runOnly: {json.dumps(RULES)}, resultTypes: ['violations']}})"
            ".then(({violations}) => JSON.stringify(violations))"
        )
    )
    return [f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes']][:3]}" for one in found]


async def violations_in_all_themes(tab: Tab, source: str, what: str = "document") -> list[str]:
    """Return violations on phone and desktop, dark and light."""
    found: list[str] = []
    for width, is_dark in THEMES:
        await tab.look(width=width, height=844, dark=is_dark, phone=width < 500)
        # Colours are animated: wait for the end.
        await tab.value("Promise.allSettled(document.getAnimations().map((one) => one.finished)).then(() => true)")
        wrong = await violations(tab, source, what)
        found += [f"{width} px, {'dark' if is_dark else 'light'}: {one}" for one in wrong]
        if not await tab.value("document.documentElement.scrollWidth <= innerWidth"):
            found.append(f"{width} px: wider than the window")
    return found
