"""Command line of the program, before further modules are imported."""

from __future__ import annotations

import ast
import errno
import importlib.util
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.cli import console, main
from pi_cam_node.core.commands import all as actions
from pi_cam_node.core.history import EVENT_KINDS
from pi_cam_node.runtime import node as node_module
from pi_cam_node.runtime import state_lock
from pi_cam_node.runtime.startup import Start

PACKAGE = Path(main.__file__).parents[1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Path:
    """Work in an empty folder, on a machine without settings of its own."""
    monkeypatch.chdir(tmp_path)
    mocker.patch.object(main, "DEFAULT_FILES", (Path("config.yaml"), tmp_path / "etc" / "config.yaml"))
    for name in [name for name in os.environ if name.startswith("PI_CAM_NODE__")]:
        monkeypatch.delenv(name)
    return tmp_path


PROCESS = object()


@pytest.fixture
def started(mocker: MockerFixture) -> list[object]:
    """Collect what nodes would have been started with."""
    seen: list[object] = []

    class Recorder:
        def __init__(self, loaded: object, start: Start) -> None:
            assert start.why == ()
            assert start.spawned is PROCESS
            seen.append(loaded)

        def run(self) -> int:
            return 75

    mocker.patch.object(node_module, "Node", Recorder)
    mocker.patch("pi_cam_node.camera.worker.spawn.spawn", lambda source: PROCESS if source else None)
    mocker.patch("pi_cam_node.camera.camera.open_early", lambda process, _config: process)
    mocker.patch("pi_cam_node.system.log.configure", return_value=None)
    mocker.patch("pi_cam_node.system.log.install_hooks", return_value=None)
    return seen


def forbid(mocker: MockerFixture, hidden: str) -> None:
    """Act a folder that is closed to us, for root as well, of whom no folder is."""

    def closed(function: Callable[..., object]) -> Callable[..., object]:
        def call(path: object, *args: object, **kwargs: object) -> object:
            if isinstance(path, str | os.PathLike) and os.fspath(path) == hidden:
                raise PermissionError(errno.EACCES, "Permission denied", hidden)
            return function(path, *args, **kwargs)

        return call

    for seam in ("stat", "lstat", "open"):
        mocker.patch.object(os, seam, closed(getattr(os, seam)))
    mocker.patch.object(io, "open", closed(io.open))


def test_nothing_typed_shows_the_help_and_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([]) == main.BAD_USE
    said = capsys.readouterr().err
    assert all(name in said for name in main.SUBCOMMANDS)


def test_an_unknown_subcommand_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["frobnicate"])
    assert ended.value.code == main.BAD_USE
    assert "frobnicate" in capsys.readouterr().err


@pytest.mark.parametrize("name", main.SUBCOMMANDS)
def test_every_subcommand_is_there_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert importlib.util.find_spec(main.SUBCOMMANDS[name].module) is not None
    with pytest.raises(SystemExit) as ended:
        main.main([name, "--help"])
    assert ended.value.code == 0
    assert f"pi-cam-node {name}" in capsys.readouterr().out


def test_numpy_gets_one_thread_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    main.main([])
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    main.main([])
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"


def test_ctrl_c_in_a_subcommand_is_no_traceback(mocker: MockerFixture) -> None:
    def interrupted(_subcommand: object, _arguments: object) -> int:
        raise KeyboardInterrupt

    mocker.patch.object(main.Subcommand, "start", interrupted)
    assert main.main(["doctor"]) == main.INTERRUPTED


@pytest.fixture(autouse=True)
def replaced(mocker: MockerFixture) -> Any:
    """Stand in for the call by which the process becomes a new one: it would end the tests."""
    return mocker.patch("os.execv", return_value=None)


def test_run_starts_the_node_with_the_named_file_and_returns_its_code(
    elsewhere: Path, started: list[object], monkeypatch: pytest.MonkeyPatch, replaced: Any
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    (elsewhere / "my.yaml").write_text("camera: {source: synthetic}\nnode: {id: porch}\n")
    assert main.main(["run", "--config", "my.yaml"]) == 75
    (loaded,) = started
    assert (loaded.config.node.id, loaded.path) == ("porch", Path("my.yaml"))  # type: ignore[attr-defined]
    assert not replaced.called, "systemd starts it again"


def test_run_with_the_file_of_a_node_that_runs_starts_nothing(
    elsewhere: Path, started: list[object], capsys: pytest.CaptureFixture[str], mocker: MockerFixture
) -> None:
    mocker.patch.object(state_lock, "_acquire", side_effect=ConfigError(["my.yaml: runs already"]))
    (elsewhere / "my.yaml").write_text("camera: {source: synthetic}\nnode: {id: porch}\n")
    assert main.main(["run", "--config", "my.yaml"]) == main.BAD_USE
    assert "my.yaml: runs already" in capsys.readouterr().err
    assert started == []


def test_a_restart_without_a_supervisor_replaces_the_process(
    started: list[object], monkeypatch: pytest.MonkeyPatch, replaced: Any
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    main.main(["run"])
    replaced.assert_called_once_with(sys.executable, sys.orig_argv)


def test_run_says_every_fault_of_a_bad_file_and_starts_nothing(
    elsewhere: Path, started: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "my.yaml").write_text("camera: {framerate: fast}\nnight: {gian: 3}\nmqtt: {port: 0}\n")
    assert main.main(["run", "--config", "my.yaml"]) == main.BAD_USE
    said = capsys.readouterr().err
    assert all(words in said for words in ("camera.framerate", "night.gian", "night.gain", "mqtt.port", "3 faults"))
    assert started == []


def test_a_script_that_the_synthetic_camera_does_not_know_is_a_fault(
    elsewhere: Path, started: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "my.yaml").write_text("camera: {source: 'synthetic?lux=bright'}\n")
    assert main.main(["run", "--config", "my.yaml"]) == main.BAD_USE
    assert "lux" in capsys.readouterr().err
    assert started == []


def test_without_a_name_the_first_file_there_is_taken_and_named(
    elsewhere: Path, started: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "etc").mkdir()
    (elsewhere / "etc" / "config.yaml").write_text("node: {id: etc}\n")
    main.main(["run"])
    assert f"settings from {elsewhere}/etc/config.yaml" in capsys.readouterr().err
    (elsewhere / "config.yaml").write_text("node: {id: here}\n")
    main.main(["run"])
    assert f"settings from {elsewhere}/config.yaml" in capsys.readouterr().err
    assert [loaded.config.node.id for loaded in started] == ["etc", "here"]  # type: ignore[attr-defined]


def test_without_any_file_the_defaults_hold_and_it_is_said(
    started: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    main.main(["run"])
    assert "every setting has its default" in capsys.readouterr().err
    assert started[0].path is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", [["my.yaml"], ["--config", "my.yaml"], []])
def test_check_config_judges_the_file_and_starts_nothing(
    how: list[str], elsewhere: Path, started: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    file = elsewhere / (how[-1] if how else "config.yaml")
    file.write_text("night: {gain: 3}\n")
    assert main.main(["check-config", *how]) == 0
    assert "no faults" in capsys.readouterr().out
    file.write_text("night: {gain: much}\n")
    assert main.main(["check-config", *how]) == main.BAD_USE
    assert "night.gain" in capsys.readouterr().err
    assert started == []


@pytest.mark.parametrize("seconds", ["nan", "-1", "0", "inf", "1e9", "x"])
def test_bench_measures_for_a_time_that_is_one(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["bench", "--seconds", seconds])
    assert "expected over 0 to 3600 seconds" in capsys.readouterr().err


def test_check_config_judges_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["check-config", "porch.yaml", "--config", "yard.yaml"])
    assert "name one file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["check-config", "run", "erase", "doctor"])
def test_a_file_that_may_not_be_looked_for_is_one_sentence(
    name: str,
    elsewhere: Path,
    started: list[object],
    mocker: MockerFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hidden = str(elsewhere / "etc" / "config.yaml")
    forbid(mocker, hidden)
    assert main.main([name]) == (1 if name == "doctor" else main.BAD_USE)
    said = capsys.readouterr()
    assert f"{hidden}: cannot be read: Permission denied" in said.out + said.err
    assert started == []


def collections_of_texts(path: Path) -> Iterator[set[str]]:
    """Yield the texts of every list, tuple, set and of the keys of every mapping that is written in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        elements = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        yield {e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)}


def test_there_is_no_second_list_of_commands() -> None:
    verbs = set(actions.registry()) - set(EVENT_KINDS)  # kinds of events are called as what begins them
    for path in PACKAGE.rglob("*.py"):
        for texts in collections_of_texts(path):
            assert len(texts & verbs) < 3, f"{path.name} repeats {sorted(texts & verbs)}"


@pytest.mark.parametrize(
    ("word", "said"),
    [("chek-config", "did you mean check-config?"), ("save", "`pi-cam-node call --help` those of a node")],
)
def test_a_word_that_is_no_command_gets_the_nearest_one_or_where_they_are_listed(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main([word])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "check-config",
        *(f"{command} --config" for command in ("run", "check-config", "call save", "doctor", "bench", "erase")),
        *(f"{command} --config" for command in ("backup", "restore", "login", "setup", "console", "console backup")),
        "console password anna --config",
        "backup -o",
        "restore",
        "import",
        "remote --name cam.example.org --out",
        "demo --captures",
        "house --folder",
    ],
)
def test_an_empty_path_is_not_the_current_folder(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    """``--out "$FOLDER"`` where the variable is not set wrote private keys wherever the user was."""
    with pytest.raises(SystemExit) as ended:
        main.main([*words.split(), ""])
    assert ended.value.code == main.BAD_USE
    assert "found '', expected a path" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("words", ["check-config", "run", "erase", "house"])
def test_a_working_folder_that_is_gone_is_said(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    """As after ``rm -rf`` and a new ``git clone`` in another terminal."""
    folder = elsewhere / "clone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert main.main([words]) == main.BAD_USE
    expected = "pi-cam-node: the folder in which you are is gone: `cd` into one that is there\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    "words", ["console", "console --check", "console ca --name a.lan", "console password anna", "import cameras.yaml"]
)
def test_a_consoles_file_that_may_not_be_read_is_said(
    elsewhere: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    pytest.importorskip("cryptography", reason="the extra console is not installed")
    pytest.importorskip("jinja2", reason="the extra console is not installed")
    hidden = elsewhere / "console.yaml"
    (elsewhere / "cameras.yaml").write_text("streams: {porch: 'rtsp://192.0.2.1/1'}\n")
    mocker.patch.object(console, "DEFAULT_FILES", (hidden,))
    forbid(mocker, str(hidden))
    assert main.main(words.split()) == main.BAD_USE
    assert f"{hidden}: cannot be read: Permission denied" in capsys.readouterr().err


def test_a_place_for_a_picture_that_may_not_be_looked_at_is_refused(
    elsewhere: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = str(elsewhere / "porch.jpg")
    forbid(mocker, hidden)
    with pytest.raises(SystemExit) as ended:
        main.main(["call", "--port", "1", "save", "-o", hidden])
    assert (ended.value.code, f"{hidden}: Permission denied; run it as" in capsys.readouterr().err) == (2, True)
