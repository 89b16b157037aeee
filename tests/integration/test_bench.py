"""`pi-cam-node bench`, shortened, with a real camera process and a real web server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pi_cam_node.cli.bench.command import SIZES, main
from tests.support.films import SIZE, make_raw_film


def test_it_measures_every_size_and_suggests_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--seconds", "0.5"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert [tuple(cost["size"]) for cost in told["costs"]] == sorted(SIZES)
    for cost in told["costs"]:
        assert cost["camera_ms"] > 0
        assert min(cost["node_ms"], cost["luma_ms"], cost["encode_ms"]) > 0
    assert told["viewer"]["jpeg_bytes"] > 1000
    assert told["advice"]["ring_seconds"] > 0
    assert "viewers" in err


def test_a_camera_with_a_size_of_its_own_is_measured_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_raw_film(tmp_path / "film.y4m", 3)
    (tmp_path / "my.yaml").write_text(f"camera: {{source: 'file:{film}', isolate: false}}\n")
    assert main(["--config", str(tmp_path / "my.yaml"), "--seconds", "0.5"]) == 0
    out = capsys.readouterr().out
    assert f"{SIZE[0]} x {SIZE[1]}" in out
    assert f"  width: {SIZE[0]}" in out


def test_a_camera_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my.yaml").write_text("camera: {source: 'file:absent.y4m'}\n")
    assert main(["--config", str(tmp_path / "my.yaml")]) == 1
    assert "absent.y4m" in capsys.readouterr().err
