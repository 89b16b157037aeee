"""Certificates of the server, and advice for ports that cannot be bound."""

from __future__ import annotations

import hashlib
import os
import ssl
from pathlib import Path

import pytest

from pi_cam_node.web.http.sockets import fingerprint, tls_context

LEAF, AUTHORITY = b"the leaf's DER", b"the authority's DER"
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("before", ["", KEY, "subject=CN = localhost\r\n"])
def test_the_fingerprint_is_that_of_the_first_certificate_in_the_file(tmp_path: Path, before: str) -> None:
    file = tmp_path / "web.pem"
    file.write_text(before + ssl.DER_cert_to_PEM_cert(LEAF) + ssl.DER_cert_to_PEM_cert(AUTHORITY))
    assert fingerprint(file) == hashlib.sha256(LEAF).hexdigest()


def test_without_tls_there_is_no_fingerprint() -> None:
    assert fingerprint(None) == ""


def test_a_file_without_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "web.pem"
    file.write_text(KEY)
    with pytest.raises(ValueError, match="PEM"):
        fingerprint(file)


def test_a_certificate_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "web.pem"
    os.mkfifo(file)
    with pytest.raises(OSError, match=r"no regular file.*web\.pem"):
        tls_context(file, file)
