"""Adding cameras to the console's file; logins are stored in separate files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pi_cam_node.base.errors import ConfigError, NotSaved
from pi_cam_node.console.config.cameras import CameraEntry
from pi_cam_node.console.config.cameras_file import SOURCES_FOLDER, add_cameras
from pi_cam_node.console.config.loader import load
from pi_cam_node.console.supervisor.settings import prepare

TEXT = """\
# my house
cameras:
  # the gate
  - {id: gate, source: synthetic}  # keep me
mqtt:
  host: broker
"""
OPEN = CameraEntry(id="yard", source="rtsp://192.0.2.2/x#y", name="Yard: 1")
LOGIN = CameraEntry(id="porch", source="rtsp://u:s3cret@192.0.2.3/x")


def test_cameras_go_behind_the_others_and_logins_apart(tmp_path: Path) -> None:
    file = tmp_path / "console.yaml"
    file.write_text(TEXT)
    file.chmod(0o640)
    add_cameras(file, [OPEN, LOGIN])
    content, secret = file.read_text(), tmp_path / SOURCES_FOLDER / "porch"
    assert content.startswith(TEXT.partition("mqtt:")[0])
    assert content.endswith("mqtt:\n  host: broker\n")
    assert "s3cret" not in content
    assert (file.with_name("console.yaml.bak").read_text(), stat.S_IMODE(file.stat().st_mode)) == (TEXT, 0o640)
    assert (secret.read_text().strip(), stat.S_IMODE(secret.stat().st_mode)) == (LOGIN.source, 0o600)
    loaded = load(file, {})
    gate, yard, porch = loaded.cameras
    assert (gate.id, yard, porch.source_file) == ("gate", OPEN, secret)
    _, environ = prepare(porch, loaded.config, {})
    assert environ["PI_CAM_NODE__CAMERA__SOURCE"] == LOGIN.source


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    add_cameras(tmp_path / "console.yaml", [OPEN])
    assert load(tmp_path / "console.yaml", {}).cameras == (OPEN,)


def test_a_source_that_is_there_is_not_overwritten_and_nothing_is_written(tmp_path: Path) -> None:
    file, old = tmp_path / "console.yaml", tmp_path / SOURCES_FOLDER / "porch"
    file.write_text(TEXT)
    old.parent.mkdir()
    old.write_text("mine")
    second = CameraEntry(id="attic", source="rtsp://u:s3cret@192.0.2.4/x")
    with pytest.raises(NotSaved, match="porch"):
        add_cameras(file, [second, LOGIN])
    assert (file.read_text(), old.read_text()) == (TEXT, "mine")
    assert [each.name for each in old.parent.iterdir()] == ["porch"]


def test_a_file_that_is_not_usable_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "console.yaml"
    file.write_text("mqtt: {port: x}\n")
    with pytest.raises(ConfigError):
        add_cameras(file, [LOGIN])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["console.yaml"]


@pytest.mark.parametrize("item", ["{id: a}", "{id: a, source: synthetic, source_file: x}"])
def test_a_camera_has_one_source(item: str) -> None:
    with pytest.raises(ConfigError, match="either source or source_file"):
        load(Path("/etc/console.yaml"), {}, f"cameras:\n  - {item}\n".encode())


def test_a_source_file_that_is_empty_or_away_is_told(tmp_path: Path) -> None:
    loaded = load(tmp_path / "console.yaml", {}, b"cameras: [{id: a, source_file: s}]")
    with pytest.raises(FileNotFoundError):
        prepare(loaded.cameras[0], loaded.config, {})
    (tmp_path / "s").touch()
    with pytest.raises(OSError, match="expected the camera's source"):
        prepare(loaded.cameras[0], loaded.config, {})
