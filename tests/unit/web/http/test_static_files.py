"""Static files: compressed for who takes it, sent again only after a change."""

from __future__ import annotations

import gzip

import pytest
from aiohttp.test_utils import make_mocked_request

from pi_cam_node.web.http.static_files import send, static_file

SCRIPT = b"export const words = 1;\n" * 100


@pytest.mark.parametrize(
    ("accepted", "is_gzipped"),
    [
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("gzip;q=0, deflate", False),
        ("gzip;q=0.0", False),
        ("br, gzipped", False),
        ("gzip;q=.", False),
        ("identity", False),
        ("", False),
    ],
)
def test_it_is_compressed_for_who_takes_it(accepted: str, *, is_gzipped: bool) -> None:
    file = static_file("a.js", SCRIPT, is_compressed=True)
    got = send(make_mocked_request("GET", "/a.js", headers={"Accept-Encoding": accepted}), file)
    assert (got.headers.get("Content-Encoding") == "gzip", got.headers["Vary"]) == (is_gzipped, "Accept-Encoding")
    assert isinstance(got.body, bytes)
    assert (gzip.decompress(got.body) if is_gzipped else got.body) == SCRIPT
    assert len(got.body) < len(SCRIPT) / 5 or not is_gzipped
    assert (got.content_type, got.charset) == ("text/javascript", "utf-8")
    again = {"Accept-Encoding": accepted, "If-None-Match": got.headers["ETag"]}
    known = send(make_mocked_request("GET", "/a.js", headers=again), file)
    assert (known.status, known.body, known.headers["ETag"]) == (304, None, got.headers["ETag"])
    assert "Content-Encoding" not in known.headers


def test_pictures_and_files_of_the_nodes_page_are_not() -> None:
    for file in (static_file("a.png", SCRIPT, is_compressed=True), static_file("a.js", SCRIPT)):
        got = send(make_mocked_request("GET", "/a", headers={"Accept-Encoding": "gzip"}), file)
        assert (got.body, "Content-Encoding" in got.headers, "Vary" in got.headers) == (SCRIPT, False, False)
