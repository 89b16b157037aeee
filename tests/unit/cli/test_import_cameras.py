"""``pi-cam-node import``: preview, writing on request, and masking of logins."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.cli.import_cameras import main
from pi_cam_node.console.config.loader import load

STREAMS = "streams:\n  porch: rtsp://admin:s3cret@192.0.2.10/x\n  gate: rtsp://192.0.2.11/x\n  bad: exec:x\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, Path]:
    (tmp_path / "go2rtc.yaml").write_text(STREAMS)
    (tmp_path / "console.yaml").write_text("cameras: [{id: gate, source: synthetic}]\n")
    return str(tmp_path / "go2rtc.yaml"), f"--config={tmp_path / 'console.yaml'}", tmp_path / "console.yaml"


def test_without_write_nothing_is_changed(files: tuple[str, str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    source, config, target = files
    before = target.read_text()
    assert main([source, config]) == 0
    said = capsys.readouterr().out
    assert "porch: taken: rtsp://********@192.0.2.10/x" in said
    assert "gate: not taken: " in said
    assert "bad: not taken: address 1: exec: runs a program" in said
    assert "nothing was written" in said
    assert "s3cret" not in said
    assert (target.read_text(), len(list(target.parent.iterdir()))) == (before, 2)


def test_with_write_the_console_runs_them(files: tuple[str, str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    source, config, target = files
    assert main([source, config, "--write"]) == 0
    assert "wrote 1 camera into" in capsys.readouterr().out
    assert [camera.id for camera in load(target, {}).cameras] == ["gate", "porch"]
    assert main([source, config, "--write"]) == 0
    assert "nothing to write" in capsys.readouterr().out


def test_more_cameras_than_a_console_runs_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "g.yaml").write_text("streams:\n" + "".join(f"  c{n}: rtsp://192.0.2.1/{n}\n" for n in range(18)))
    target = tmp_path / "console.yaml"
    assert main([str(tmp_path / "g.yaml"), f"--config={target}", "--write"]) == 0
    assert capsys.readouterr().out.count("runs at most 16 cameras") == 2
    assert len(load(target, {}).cameras) == 16


def test_what_cannot_be_read_or_written_is_told(
    files: tuple[str, str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source, config, target = files
    assert main([str(target.parent / "missing.yaml"), config]) == 2
    missing = target.parent / "missing.yaml"
    assert capsys.readouterr().err == f"{missing}: cannot be read: No such file or directory\n"
    (target.parent / "camera-sources").write_text("in the way")
    assert main([source, config, "--write"]) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert len(load(target, {}).cameras) == 1
