"""Secret files with all usual line endings and encodings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pi_cam_node.base.secret_file import MAX_BYTES, read_secret

SECRET = "geheim-1 ä"


@pytest.mark.parametrize(
    "content",
    [
        SECRET.encode(),
        f"{SECRET}\n".encode(),
        f"{SECRET}\r\nsecond\n".encode(),
        f"{SECRET}\rsecond".encode(),
        f"\ufeff{SECRET}\r\n".encode(),
    ],
)
def test_the_first_line_is_the_secret(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert read_secret(path) == SECRET


@pytest.mark.parametrize("secret", ["a\u2028b", "a\u0020", " a", "a\u00a0b", "a\ufeffb", "x" * MAX_BYTES])
def test_nothing_else_ends_or_changes_it(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "secret"
    path.write_text(secret + "\n")
    assert read_secret(path) == secret


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "nothing in the first line"),
        (b"\nsecret", "nothing in the first line"),
        (b"\xef\xbb\xbf\r\n", "nothing in the first line"),
        ("secret\r\n".encode("utf-16"), "not UTF-8"),
        (b"a\x0cb\n", "control character"),
        (b"a\0b\n", "control character"),
        ("a\u0085b".encode(), "control character"),
        (b"x" * (MAX_BYTES + 1), "over 4096 bytes"),
    ],
)
def test_what_is_no_secret_is_refused_without_being_repeated(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=why) as caught:
        read_secret(path)
    assert "secret" not in str(caught.value).removeprefix("secret")


def test_a_pipe_or_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ValueError, match="no regular file"):
            read_secret(path)
