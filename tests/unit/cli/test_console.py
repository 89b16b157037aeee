"""``pi-cam-node console ca``: output and next steps."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="the extra console is not installed")
pytest.importorskip("jinja2", reason="the extra console is not installed")

from pi_cam_node.cli.console import main


def config(folder: Path, lines: str = "") -> list[str]:
    (folder / "console.yaml").write_text(f"console:\n  id: test\n  base_dir: {folder / 'data'}\n{lines}")
    return ["--config", str(folder / "console.yaml")]


def test_a_certificate_is_issued_and_the_lines_for_the_file_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ca", "--name", "house.local", *config(tmp_path)]) == 0
    said, cert = capsys.readouterr().out, tmp_path / "data" / "ca" / "console.pem"
    assert cert.exists()
    assert f"tls: {{enable: true, cert: {cert}, key: {cert.with_suffix('.key')}}}" in said
    assert "https://house.local:8090/ca.crt" in said
    lines = f"  tls: {{enable: true, cert: {cert}, key: {cert.with_suffix('.key')}}}\n"
    assert main(["ca", *config(tmp_path, lines)]) == 0
    said = capsys.readouterr().out
    assert "house.local" in said
    assert "in console.yaml" not in said


def test_a_name_that_is_none_is_told_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ca", "--name", "http://house.local", *config(tmp_path)]) == 2
    assert "neither a host name nor an address" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
