"""Signed links: for one path, until their end, also over a restart."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.console.links import Links
from tests.support.fakes.clock import FakeClock


def test_a_link_opens_its_path_until_it_ends(tmp_path: Path) -> None:
    clock = FakeClock()
    link = Links(tmp_path, clock).sign("/media/porch/p1", 60)
    path, query = urlsplit(link).path, dict(parse_qsl(urlsplit(link).query))
    again = Links(tmp_path, clock)
    assert again.verify(path, query)
    assert not again.verify("/media/hall/p1", query)
    assert not again.verify(path, {**query, "expires": str(int(query["expires"]) + 1)})
    assert not again.verify(path, {})
    assert not again.verify(path, {"expires": "x", "signature": query["signature"]})
    clock.advance(61)
    assert not again.verify(path, query)
    assert (tmp_path / "links.key").stat().st_mode & 0o777 == 0o600
