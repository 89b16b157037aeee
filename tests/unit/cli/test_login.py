"""``pi-cam-node login``, and checks of the token by ``check-config``."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.cli.main import main
from pi_cam_node.web.auth.signed_links import SignedLinks


def test_the_link_is_one_that_the_node_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "my.yaml"
    config.write_text("http: {public_url: 'https://example.org/cam'}\n")
    assert main(["login", "--config", str(config)]) == 0
    link = urlsplit(capsys.readouterr().out.splitlines()[0])
    assert (link.scheme, link.netloc, link.path) == ("https", "example.org", "/cam/login")
    links = SignedLinks(SystemClock(), tmp_path / "my.yaml.http_link_key")
    assert links.verify("/login", dict(parse_qsl(link.query)))


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_phone_reads_the_link_where_the_library_is_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_installed: bool
) -> None:
    segno = pytest.importorskip("segno")
    if not is_installed:
        monkeypatch.setitem(sys.modules, "segno", None)
    config = tmp_path / "my.yaml"
    config.write_text("http: {public_url: 'https://example.org/cam'}\n")
    assert main(["login", "--config", str(config)]) == 0
    told = capsys.readouterr().out
    code = StringIO()
    segno.make(told.splitlines()[0], micro=False).terminal(code, compact=True)
    assert (code.getvalue().strip() in told) == is_installed


@pytest.mark.parametrize(("token", "code"), [("short", 2), ("long-enough-for-a-token", 0)])
def test_check_config_judges_the_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], token: str, code: int
) -> None:
    (tmp_path / "token").write_text(token)
    config = tmp_path / "my.yaml"
    config.write_text(f"http: {{token_file: {tmp_path / 'token'}}}\n")
    assert main(["check-config", str(config)]) == code
    assert ("12 to 1024 ASCII characters" in capsys.readouterr().err) == (code == 2)
