"""``pi-cam-node login``, and checks of the token by ``check-config``."""

from __future__ import annotations

import errno
import sys
from io import StringIO
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.cli.main import main
from pi_cam_node.config import Config
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.web.auth.signed_links import SignedLinks


def test_the_link_is_one_that_the_node_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "my.yaml"
    config.write_text("http: {public_url: 'https://example.org/cam'}\n")
    assert main(["login", "--config", str(config)]) == 0
    link = urlsplit(capsys.readouterr().out.splitlines()[0])
    assert (link.scheme, link.netloc, link.path) == ("https", "example.org", "/cam/login")
    links = SignedLinks(SystemClock(), tmp_path / "my.yaml.http_link_key")
    assert links.verify("/login", dict(parse_qsl(link.query)))


def test_no_link_is_printed_without_the_nodes_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mocker: MockerFixture
) -> None:
    """It opened nothing: the node of another user knows another key, or none."""
    config, key = tmp_path / "my.yaml", tmp_path / "my.yaml.http_link_key"
    config.write_text("")
    mocker.patch("os.access", return_value=False)
    assert main(["login", "--config", str(config)]) == 1
    advice = "Permission denied; run it as the user whose files they are, or with sudo"
    assert capsys.readouterr() == ("", f"pi-cam-node: no link: {tmp_path}: {advice}\n")
    key.write_text("of another user\n")
    mocker.patch.object(Path, "read_bytes", side_effect=PermissionError(errno.EACCES, "Permission denied", str(key)))
    mocker.patch("pi_cam_node.cli.login.load", return_value=LoadedConfig(Config(), config))
    assert main(["login", "--config", str(config)]) == 1
    assert capsys.readouterr() == ("", f"pi-cam-node: no link: {key}: {advice}\n")
    assert key.read_text() == "of another user\n"


def test_no_link_is_printed_where_the_disk_takes_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mocker: MockerFixture
) -> None:
    config = tmp_path / "my.yaml"
    config.write_text("")
    full = OSError(errno.ENOSPC, "No space left on device")
    mocker.patch("pi_cam_node.base.atomic_files.replace_atomically", side_effect=full)
    assert main(["login", "--config", str(config)]) == 1
    said = capsys.readouterr()
    assert (said.out, f"no link: {config}.http_link_key cannot be written" in said.err) == ("", True)


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


def test_a_token_that_cannot_be_read_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "my.yaml"
    (tmp_path / "loop").symlink_to("loop")
    config.write_text(f"http: {{token_file: {tmp_path / 'loop'}}}\n")
    assert main(["check-config", str(config)]) == 2
    expected = f"http.token_file: {tmp_path / 'loop'}: cannot be read: Too many levels of symbolic links\n"
    assert capsys.readouterr().err == expected
