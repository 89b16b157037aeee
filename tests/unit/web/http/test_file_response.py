"""Parsing of Range headers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pi_cam_node.web.http.file_response import Unsatisfiable, open_stored, span_of


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-99", (0, 100)),
        ("bytes=10-19", (10, 10)),
        ("Bytes=90-", (90, 10)),
        ("bytes=90-1000", (90, 10)),
        ("bytes=-10", (90, 10)),
        ("bytes=-1000", (0, 100)),
    ],
)
def test_a_range_is_taken_and_cut_at_the_end(asked: str, span: tuple[int, int]) -> None:
    assert span_of(asked, 100) == span


@pytest.mark.parametrize(
    "asked",
    [
        None, "", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,5-9", "lines=0-1", "bytes=--1",
        "bytes=1-2 ", "bytes=٣-٤", "bytes=" + "9" * 5000 + "-", "bytes=0x1-2", "bytes=1_0-20",
    ],
)  # fmt: skip
def test_what_is_no_single_range_means_the_whole(asked: str | None) -> None:
    assert span_of(asked, 100) is None


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999-"])
def test_a_range_beyond_the_end_is_refused(asked: str) -> None:
    with pytest.raises(Unsatisfiable):
        span_of(asked, 100)


def test_nothing_of_an_empty_file_can_be_asked_for() -> None:
    with pytest.raises(Unsatisfiable):
        span_of("bytes=0-", 0)


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    plain, link, pipe = tmp_path / "plain", tmp_path / "link", tmp_path / "pipe"
    plain.write_bytes(b"12345")
    link.symlink_to(plain)
    os.mkfifo(pipe)
    stored = open_stored(str(plain))
    assert stored is not None
    assert (stored.size_bytes, stored.name, stored.file.read()) == (5, "plain", b"12345")
    stored.file.close()
    assert [open_stored(str(path)) for path in (link, pipe, tmp_path, tmp_path / "missing")] == [None] * 4


def test_the_tag_changes_with_the_content(tmp_path: Path) -> None:
    path, tags = tmp_path / "plain", []
    for content, mtime_ns in ((b"1", 1), (b"22", 1), (b"22", 2)):
        path.write_bytes(content)
        os.utime(path, ns=(mtime_ns, mtime_ns))
        stored = open_stored(str(path))
        assert stored is not None
        stored.file.close()
        tags.append(stored.etag)
    assert len(set(tags)) == 3
