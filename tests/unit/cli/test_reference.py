"""The generated pages are up to date and complete, and the generated configuration file is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pi_cam_node.cli import reference
from pi_cam_node.config import Config
from pi_cam_node.config.loader import load
from pi_cam_node.config.settings import catalogue, value_of


def test_the_pages_in_the_repository_are_up_to_date() -> None:
    assert reference.stale() == [], "run `pi-cam-node docs --write`"


def test_the_generated_file_loads_and_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(reference.PAGES["config.yaml"](), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    loaded = load(file, {})
    assert loaded.warnings == ()
    assert loaded.config == load(None, {}).config


def test_the_generated_file_means_the_same_to_any_yaml_reader() -> None:
    assert Config.model_validate(yaml.safe_load(reference.PAGES["config.yaml"]())) == Config()


def keys_in(text: str) -> list[str]:
    """Return the dotted keys of a YAML text, those that are commented out included."""
    path: list[str] = []
    keys = []
    for line in text.splitlines():
        match = re.match(r"( *)#?([a-z_]+):(?: |$)", line)
        if match:
            path[len(match[1]) // 2 :] = [match[2]]
            keys.append(".".join(path))
    return keys


def test_the_generated_file_has_every_setting_once_and_no_other() -> None:
    keys = keys_in(reference.PAGES["config.yaml"]())
    assert [key for key in keys if key in catalogue()] == list(catalogue())
    assert all(any(known.startswith(f"{key}.") for known in catalogue()) for key in keys if key not in catalogue())


def test_what_is_commented_out_has_no_default() -> None:
    keys = re.findall(r"^ *#([a-z_]+):$", reference.PAGES["config.yaml"](), re.MULTILINE)
    assert keys
    for key in keys:
        assert any(info.default is None for name, info in catalogue().items() if name.endswith(f".{key}"))


def test_every_setting_stands_below_its_meaning_and_its_range() -> None:
    text = " ".join(line.strip().removeprefix("# ") for line in reference.PAGES["config.yaml"]().splitlines())
    for info in catalogue().values():
        assert info.doc in text
        assert info.expected[1:] in text


@pytest.mark.parametrize(
    "line",
    [
        "  max_bytes: 67108864  # B = 64 MiB",
        "  exposure_us: 2000000  # µs = 2 s",
        "  framerate: 10  # Hz",
        "  formats: [jpg, png]",
        "  base_dir: ./captures",
        "  #password:",
        "    enable: false",
    ],
)
def test_defaults_and_units_stand_in_the_file(line: str) -> None:
    assert line in reference.PAGES["config.yaml"]().splitlines()


def test_the_reference_has_a_row_for_every_setting() -> None:
    rows = [line for line in reference.PAGES["docs/settings.md"]().splitlines() if line.startswith("| `")]
    cells = {row.split("|")[1].strip(" `"): re.split(r"(?<!\\)\|", row) for row in rows}
    assert sorted(key for key in cells if "." in key) == sorted(catalogue())
    assert {len(row) for key, row in cells.items() if "." in key} == {8}
    for key, info in catalogue().items():
        assert ("yes" in cells[key][5]) is info.live
        assert cells[key][3].strip() == info.unit


def test_no_page_depends_on_the_machine() -> None:
    host = value_of(Config(), "node.id")
    for text in reference.PAGES.values():
        assert not re.search(r"/home/|/root|/work|/tmp", text())
        assert f"#id: {host}" not in text()


def test_check_tells_what_is_stale_and_write_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--root", str(tmp_path)]
    (tmp_path / "setup.cfg").touch()
    assert reference.main(["--check", *root]) == 1
    assert "config.yaml: not up to date" in capsys.readouterr().out
    assert reference.main(["--write", *root]) == 0
    assert reference.main(["--check", *root]) == 0
    (tmp_path / "config.yaml").write_text("night: {}\n")
    assert reference.main(["--check", *root]) == 1
    assert reference.stale(tmp_path) == ["config.yaml"]


def test_outside_of_a_checkout_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        reference.main(["--write", "--root", str(tmp_path)])
    assert ended.value.code == 2
    assert "no checkout" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
