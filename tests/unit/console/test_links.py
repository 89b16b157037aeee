"""Signed links: path, expiry, persistence over a restart."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.console.links import Links
from tests.support.fakes.clock import FakeClock


def test_a_link_opens_its_path_until_it_ends(tmp_path: Path) -> None:
    clock = FakeClock()
    link = Links(tmp_path, clock).sign("/media/porch/p1", 60, "a1")
    path, query = urlsplit(link).path, dict(parse_qsl(urlsplit(link).query))
    again = Links(tmp_path, clock)
    assert again.verify(path, query)
    assert not again.verify("/media/hall/p1", query)
    assert not again.verify(path, {**query, "expires": str(int(query["expires"]) + 1)})
    assert not again.verify(path, {})
    assert not again.verify(path, {"expires": query["expires"], "signature": query["signature"]})
    assert not again.verify(path, {"expires": "x", "signature": query["signature"]})
    clock.advance(61)
    assert not again.verify(path, query)
    assert (tmp_path / "links.key").stat().st_mode & 0o777 == 0o600


def test_a_link_of_an_account_names_it_and_so_do_those_of_the_same_playlist(tmp_path: Path) -> None:
    clock = FakeClock()
    links = Links(tmp_path, clock)

    def parts(link: str) -> tuple[str, dict[str, str]]:
        return urlsplit(link).path, dict(parse_qsl(urlsplit(link).query))

    path, query = parts(links.sign("/hls/porch/master.m3u8", 60, "a1"))
    assert links.verify(path, query)
    assert not links.verify(path, {**query, "by": "a2"})
    assert not links.verify(path, {key: value for key, value in query.items() if key != "by"})
    other, alike = parts(links.sign_alike("/hls/porch/main.m3u8", query))
    assert (alike["expires"], alike["by"]) == (query["expires"], "a1")
    assert links.verify(other, alike)
    assert not links.verify(other, query)


def test_no_link_depends_on_no_account(tmp_path: Path) -> None:
    links = Links(tmp_path, FakeClock())
    alike = links.sign_alike("/media/porch/p1", {"expires": "99999999999"})
    assert not links.verify("/media/porch/p1", dict(parse_qsl(urlsplit(alike).query)))
