"""`overwrite_config`: the file has the settings in force, and keeps its formatting."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.cli import reference
from pi_cam_node.config import Config, writer
from pi_cam_node.config.layers import variable
from pi_cam_node.config.loader import load, parse
from pi_cam_node.config.settings import MASK, differences, with_value
from pi_cam_node.config.turned_areas import with_turned_areas
from pi_cam_node.config.writer import write_back
from tests.support.config_folder import Folder

CANARY = "canary-3e0d"


def changed(config: Config, **values: str) -> Config:
    for key, value in values.items():
        config = with_value(config, key.replace("__", "."), value, live_only=False)
    return config


def rewritten(folder: Folder, text: str, **values: str) -> str:
    """Return the file after the settings were changed while the node ran and written."""
    config = changed(folder.load(text).config, **values)
    assert write_back(folder.file, config) == folder.file
    assert differences(load(folder.file, {}).config, config) == {}
    return folder.file.read_bytes().decode()


COMMENTED = """\
# My camera
night:            # dusk and dawn
  # more for the garden
  gain:    4      # was 6
  enable:  yes

  # the end of the night

# Pictures
export:
    formats:      # two
        - jpg
        - png     # for prints
    # that is all

ring: {size: 300,   quality: 85}   # enough
# The last word
"""


def test_one_value_is_changed_and_nothing_else(folder: Folder) -> None:
    text = rewritten(folder, COMMENTED, night__enable="off")
    assert text == COMMENTED.replace("enable:  yes", "enable:  false")


def test_a_comment_beside_a_changed_value_stays(folder: Folder) -> None:
    old, new = COMMENTED.splitlines(), rewritten(folder, COMMENTED, night__gain="2.5").splitlines()
    different = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert [(a, b.split()) for a, b in different] == [("  gain:    4      # was 6", ["gain:", "2.5", "#", "was", "6"])]


def test_a_new_key_stands_below_its_section_and_above_the_next_comment(folder: Folder) -> None:
    text = rewritten(folder, COMMENTED, night__dwell_s="60", export__stack_count="8")
    assert "  # the end of the night\n  dwell_s: 60\n\n# Pictures\nexport:\n" in text
    assert "    # that is all\n    stack_count: 8\n\nring: " in text


def test_a_new_section_stands_at_the_end(folder: Folder) -> None:
    text = rewritten(folder, COMMENTED, logging__level="DEBUG", ring__downscale__width="128")
    assert text.endswith("# The last word\nlogging:\n  level: DEBUG\n")
    assert "downscale: {width: 128}}" in text.replace("{ ", "{").replace(" }", "}")


def test_a_list_keeps_what_is_said_after_it(folder: Folder) -> None:
    text = rewritten(folder, COMMENTED, export__formats="npy")
    assert "    # that is all\n" in text
    assert "# Pictures\n" in text
    assert "npy" in text


def test_comments_stay_with_their_item_and_those_of_a_removed_one_above_the_list(folder: Folder) -> None:
    text = """motion:
  zones:
    # towards the street
    - door=0,0 1,0 1,1   # the front door
    # was too wide
    - yard=0,0 1,0 0,1 # gone
    - "gate=0,0 1,1 0,1" # the gate
  enable: on
"""
    zones = '["gate=0,0 1,1 0,1", "door=0,0 1,0 1,1", "path=0,0 1,0 1,1"]'
    assert (
        rewritten(folder, text, motion__zones=zones)
        == """motion:
  zones:
    # towards the street
    # was too wide
    # gone
    - "gate=0,0 1,1 0,1" # the gate
    - door=0,0 1,0 1,1   # the front door
    - 'path=0,0 1,0 1,1'
  enable: on
"""
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "night:\n  gain: 5\n"),
        ("\n", "\nnight:\n  gain: 5\n"),
        ("# only a comment", "# only a comment\nnight:\n  gain: 5\n"),
        ("night:\n  gain: 4", "night:\n  gain: 5\n"),
        ("night:\n", "night:\n  gain: 5\n"),
        ("night:\n  # gain: 4\n\n# end\n", "night:\n  gain: 5\n  # gain: 4\n\n# end\n"),
        ("night: {}\n", "night:\n  gain: 5\n"),
        ("---\nnight:\n  gain: 4\n...\n", "---\nnight:\n  gain: 5\n...\n"),
        ("night:\n    gain: 4\n", "night:\n    gain: 5\n"),
        ("night:\n    enable: yes\n", "night:\n    enable: yes\n    gain: 5\n"),
        ("night:\n  gain: '4'\n", "night:\n  gain: 5\n"),
        ('"night":\n  "gain": 4\n', '"night":\n  "gain": 5\n'),
        ("night:\r\n  gain: 4\r\n", "night:\r\n  gain: 5\r\n"),
        ("\ufeffnight:\n  gain: 4\n", "\ufeffnight:\n  gain: 5\n"),
        ("node:\n  name: on\nnight:\n  gain: 4\n", "node:\n  name: on\nnight:\n  gain: 5\n"),
        ("node:\n  name: ünïcode 🚪\n", "node:\n  name: ünïcode 🚪\nnight:\n  gain: 5\n"),
        ("mqtt:\n  protocol: 5\n", "mqtt:\n  protocol: 5\nnight:\n  gain: 5\n"),
        ("ring:\n  max_bytes: 64 MiB\n", "ring:\n  max_bytes: 64 MiB\nnight:\n  gain: 5\n"),
    ],
)
def test_writes_into_any_kind_of_file(folder: Folder, old: str, new: str) -> None:
    assert rewritten(folder, old, night__gain="5") == new


def test_every_setting_of_the_generated_file_can_be_changed_in_place(folder: Folder) -> None:
    text = reference.PAGES["config.yaml"]()
    values = {
        "night__gain": "5",
        "export__formats": "npy",
        "ring__downscale__enable": "on",
        "mqtt__image_max_bytes": "0",
    }
    old, new = text.splitlines(), rewritten(folder, text, **values).splitlines()
    assert len([None for a, b in zip(old, new, strict=True) if a != b]) == len(values)


def test_the_defaults_are_not_written(folder: Folder) -> None:
    assert rewritten(folder, "night:\n  gain: 4\n", ring__size="300") == "night:\n  gain: 4\n"


def test_going_back_to_the_default_is_written_where_the_file_says_otherwise(folder: Folder) -> None:
    assert rewritten(folder, "night:\n  gain: 4\n", night__gain="6") == "night:\n  gain: 6\n"


def test_relative_paths_stay_relative(folder: Folder) -> None:
    text = "export:\n  base_dir: ./pictures\nnight:\n  gain: 4\n"
    assert "base_dir: ./pictures\n" in rewritten(folder, text, night__gain="5")


def test_what_the_environment_gave_is_in_force_and_written(folder: Folder) -> None:
    config = folder.load("night:\n  gain: 4\n", MQTT__HOST="broker").config
    write_back(folder.file, config)
    assert load(folder.file, {}).config.mqtt.host == "broker"


MASKED = "privacy:\n  masks: ['0,0 0.5,0 0.5,1']\n"


@pytest.mark.parametrize(
    ("text", "environ"), [(MASKED, {"CAMERA__ROTATION": "0"}), ("", {"PRIVACY__MASKS": '["0,0 0.5,0 0.5,1"]'})]
)
def test_a_turn_is_not_written_where_the_environment_would_take_it_from_the_masks_or_them_from_it(
    folder: Folder, text: str, environ: dict[str, str]
) -> None:
    before = folder.load(text, **environ).config
    variables = {variable(key.replace("__", ".")): value for key, value in environ.items()}
    config = with_turned_areas(before, changed(before, camera__rotation="180"))
    with pytest.raises(NotSaved, match=next(iter(variables))):
        write_back(folder.file, config, None, variables)
    assert folder.file.read_text() == text
    write_back(folder.file, changed(before, night__gain="5"), None, variables)
    write_back(folder.file, config)


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("mqtt: {username: u}\n", {"MQTT__PASSWORD": CANARY}),
        ("mqtt: {username: u, password_file: pw}\n", {}),
        ("mqtt: {username: u}\n", {"MQTT__PASSWORD_FILE": "pw"}),
        ("mqtt: {username: u, password_file: pw}\n", {"MQTT__PASSWORD": CANARY}),
        ("mqtt: {username: u, password: other}\n", {"MQTT__PASSWORD": CANARY}),
        ("camera: {source: auto}\n", {"CAMERA__SOURCE": f"rtsp://u:{CANARY}@cam/"}),
    ],
)
def test_a_secret_is_not_written(folder: Folder, text: str, environ: dict[str, str]) -> None:
    folder.put("pw", CANARY)
    write_back(folder.file, changed(folder.load(text, **environ).config, night__gain="5"))
    written = folder.file.read_text()
    assert written == text + "night:\n  gain: 5\n"
    assert CANARY not in written + (folder.path / "config.yaml.bak").read_text()


@pytest.mark.parametrize(
    "text", [f"mqtt: {{username: u, password: {CANARY}}}\n", f"camera: {{source: 'rtsp://u:{CANARY}@cam/'}}\n"]
)
def test_a_secret_in_the_file_stays_in_the_file(folder: Folder, text: str) -> None:
    new = rewritten(folder, text, night__gain="5")
    assert new == text + "night:\n  gain: 5\n"
    assert MASK not in new


# ---------------------------------------------------------------- the file itself


def test_the_old_file_stays_as_a_backup_with_its_mode(folder: Folder) -> None:
    config = changed(folder.load(COMMENTED).config, night__gain="5")
    folder.file.chmod(0o640)
    write_back(folder.file, config)
    backup = folder.path / "config.yaml.bak"
    assert backup.read_text() == COMMENTED
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder.file, backup)} == {0o640}
    assert sorted(path.name for path in folder.path.iterdir()) == ["config.yaml", "config.yaml.bak"]


def test_a_file_that_says_so_already_is_left_alone(folder: Folder) -> None:
    config = folder.load(COMMENTED).config
    os.utime(folder.file, (1, 1))
    write_back(folder.file, config)
    assert folder.file.stat().st_mtime == 1
    assert [path.name for path in folder.path.iterdir()] == ["config.yaml"]


def test_a_link_stays_a_link(folder: Folder) -> None:
    config = changed(folder.load("night:\n  gain: 4\n").config, night__gain="5")
    link = folder.path / "link.yaml"
    link.symlink_to(folder.file)
    write_back(link, config)
    assert link.is_symlink()
    assert folder.file.read_text() == "night:\n  gain: 5\n"


def test_without_a_file_nothing_is_written() -> None:
    with pytest.raises(NotSaved, match="started without a configuration file; start with --config"):
        write_back(None, Config())


def test_a_file_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(NotSaved, match="No such file or directory"):
        write_back(tmp_path / "config.yaml", Config())
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_broken_meanwhile_is_left_alone(folder: Folder) -> None:
    config = changed(folder.load("").config, night__gain="5")
    folder.put("config.yaml", "night:\n  gain: many\n")
    with pytest.raises(NotSaved, match=r"not valid as it stands: .*night\.gain: found 'many'"):
        write_back(folder.file, config)
    assert folder.file.read_text() == "night:\n  gain: many\n"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EROFS, "Read-only file system"),
        (errno.EBUSY, "Device or resource busy; mount its folder instead of the file alone"),
    ],
)
def test_a_disk_that_refuses_leaves_the_old_file(folder: Folder, mocker: MockerFixture, number: int, said: str) -> None:
    config = changed(folder.load("night:\n  gain: 4\n").config, night__gain="5")

    def refuse(path: Path, data: bytes, mode: int) -> None:
        raise OSError(number, os.strerror(number), str(path))

    mocker.patch.object(writer, "replace_atomically", refuse)
    with pytest.raises(NotSaved, match=said):
        write_back(folder.file, config)
    assert folder.file.read_text() == "night:\n  gain: 4\n"


# ---------------------------------------------------------------- any file at all

WORD = st.text(alphabet="abc xyz:'\"#[]", min_size=1, max_size=8)
COMMENT = WORD.map(lambda text: f"# {text.strip()}")
SPACE = st.sampled_from(["", "", "\n", "\n\n"])
SETTINGS = {
    "night": ["gain: 4", "enable:   yes", "dwell_s: '60'", "mode: still", "exposure_us: 2 s"],
    "export": [
        "formats: [jpg,  png]",
        "formats: [\n{indent}  jpg,\n{indent}  png ]",
        "formats:\n{indent}  - jpg\n{indent}  - npy",
        "formats:\n{indent}- jpg\n{indent}# and for prints\n{indent}- 'png'",
        "stack_count: 4",
    ],
    "ring": [
        "size: 300",
        "downscale:\n{indent}  width: 128",
        "downscale: {}",
        "downscale:",
        "downscale: {height: 96,\n{indent} width: 128 , }",
        "quality: 85",
    ],
    "node": [
        "name: on",
        "name:",
        "groups: []",
        "name: >-\n{indent}  the\n{indent}  garden\n",
        "name: 'a #\n{indent}  b'",
    ],
}


@st.composite
def files(draw: st.DrawFn) -> str:
    """Draw a valid configuration file with comments everywhere."""
    parts = [draw(COMMENT)] if draw(st.booleans()) else []
    for section in draw(st.permutations(list(SETTINGS))):
        indent = draw(st.sampled_from(["  ", "    "]))
        drawn: list[str] = draw(st.lists(st.sampled_from(SETTINGS[section]), max_size=3))
        lines = {line.partition(":")[0]: line for line in drawn}
        parts += [draw(SPACE) + draw(COMMENT)] if draw(st.booleans()) else []
        parts.append(f"{section}:" + (f"  {draw(COMMENT)}" if draw(st.booleans()) else ""))
        for line in lines.values():
            parts += [indent + draw(COMMENT)] if draw(st.booleans()) else []
            end = f"   {draw(COMMENT)}" if draw(st.booleans()) else ""
            parts.append(indent + line.replace("{indent}", indent) + end)
        parts += [indent + draw(COMMENT)] if draw(st.booleans()) and lines else []
    return "\n".join(parts) + draw(st.sampled_from(["", "\n", "\n# end\n"]))


# Values that are no number.
VALUES = {
    "night.mode": "stream",
    "node.name": "a, [b]: #c",
    "node.groups": "porch, yard",
    "export.formats": "npy, jpg",
    "camera.source": "file:/a, {b}",
}


@effort(max_examples=100, deadline=None)
@given(
    text=files(),
    values=st.dictionaries(
        st.sampled_from(
            [*VALUES, "night.gain", "night.dwell_s", "ring.size", "ring.downscale.width", "ring.downscale.height"]
        ),
        st.just("16"),
        max_size=6,
    ),
)
def test_comments_order_and_the_other_lines_stay(text: str, values: dict[str, str]) -> None:
    path = Path("/somewhere/config.yaml")
    config = parse(text, path)
    for key, value in values.items():
        config = with_value(config, key, VALUES.get(key, value), live_only=False)
    new = writer.rewritten(text.encode(), path, config).decode()
    assert differences(parse(new, path), config) == {}
    old_lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    new_lines = [" ".join(line.split()) for line in new.splitlines() if line.strip()]
    comments = [line for line in old_lines if line.startswith("#")]
    left = iter([line for line in new_lines if line.startswith("#")])
    assert all(comment in left for comment in comments)  # in this order, beside those of removed items
    touched = {"downscale", *(key.rpartition(".")[2] for key in values)}
    kept = [line for line in old_lines if re.match(r"\w+:", line) and not any(name in line for name in touched)]
    assert [line for line in new_lines if line in kept] == kept


def test_nothing_is_written_where_the_settings_came_from_a_pipe(tmp_path: Path) -> None:
    """Reading it again waited for ever, in the thread that owns everything."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(NotSaved, match="is no file"):
        write_back(path, Config(), base=b"")
