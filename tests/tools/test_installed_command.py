"""``/usr/local/bin/pi-cam-node``: as root it uses the files of the given node only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import REPOSITORY

PROGRAM = """#!/bin/sh
echo "${STATE_DIRECTORY-none} $*"
"""


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """Return the command with temporary folders, run by a simulated root."""
    for name, text in {
        "program": PROGRAM,
        "bin/id": "#!/bin/sh\necho 0\n",
        "bin/setpriv": '#!/bin/sh\nwhile [ "$1" != env ]; do shift; done\nexec "$@"\n',
        "bin/install": '#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nmkdir -p "$1"\n',
        "pi-cam-node": (REPOSITORY / "scripts" / "pi-cam-node")
        .read_text()
        .replace("/etc/pi_cam_node\n", f"{tmp_path}/etc\n")
        .replace("state=/var/lib/pi-cam-node\n", f"state={tmp_path}/state\n"),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (tmp_path / "etc").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "pi-cam-node"


def run(
    command: Path, arguments: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=20
    )


@pytest.mark.parametrize(
    ("folder", "words", "state"),
    [
        ("etc", "erase --yes", "state"),
        ("etc", "erase --config {root}/etc/yard.yaml", "state/yard"),
        ("etc", "erase --config={root}/etc/yard.yaml --yes", "state/yard"),
        ("etc", "erase --config yard.yaml --yes", "state/yard"),
        ("etc", "erase --yes --conf yard.yaml", "state/yard"),
        ("etc", "backup --config ../etc/config.yaml", "state"),
        ("etc", "check-config", "state"),
        ("etc", "check-config {root}/etc/yard.yaml", "state/yard"),
        ("etc", "check-config yard.yaml", "state/yard"),
        ("etc", "check-config -- yard.yaml", "state/yard"),
        ("etc", "restore backup.tar.gz", "state"),
        ("etc", "restore backup.tar.gz --config yard.yaml", "state/yard"),
        ("etc", "bench --seconds 3", "state"),
        ("elsewhere", "check-config yard.yaml", "none"),
        ("elsewhere", "erase --config config.yaml", "none"),
        ("elsewhere", "run --config {root}/elsewhere/yard.yaml", "none"),
        ("elsewhere", "erase --config missing/config.yaml", "none"),
    ],
)
def test_the_state_is_that_of_the_node_whose_file_is_named(command: Path, folder: str, words: str, state: str) -> None:
    root = command.parent
    arguments = words.format(root=root).split()
    environment = {"PATH": f"{root}/bin:{os.environ['PATH']}", "PI_CAM_NODE_PROGRAM": str(root / "program")}
    environment["STATE_DIRECTORY"] = "of-the-caller"
    done = run(command, arguments, root / folder, environment)
    is_named = "--conf" in words or "yard.yaml" in words
    meant = "" if is_named else f"--config {root}/etc/config.yaml "
    expected = state if state == "none" else str(root / state)
    assert done.stdout.rstrip() == f"{expected} {arguments[0]} {meant}{' '.join(arguments[1:])}".rstrip()


@pytest.mark.parametrize(
    ("folder", "words", "user"),
    [
        ("state-console", "console ca --config console.yaml", "pi-cam-node"),
        ("etc", "console ca --name a.local --config {root}/state-console/console.yaml", "pi-cam-node"),
        ("etc", "console ca --config console.yaml", "root"),
        ("etc", "console ca", "root"),
        ("state-console", "console backup --config console.yaml -o console.tar.gz", "root"),
    ],
)
def test_the_certificate_of_the_consoles_service_is_made_by_its_user(
    command: Path, folder: str, words: str, user: str
) -> None:
    root = command.parent
    (root / "state-console").mkdir()
    (root / "bin" / "setpriv").write_text(
        f'#!/bin/sh\necho "$1" >{root}/user\nwhile [ "$1" != env ]; do shift; done\nexec "$@"\n'
    )
    environment = {"PATH": f"{root}/bin:{os.environ['PATH']}", "PI_CAM_NODE_PROGRAM": str(root / "program")}
    arguments = words.format(root=root).split()
    done = run(command, arguments, root / folder, environment)
    assert done.stdout.rstrip() == f"none {' '.join(arguments)}"
    said = root / "user"
    assert (said.read_text().rstrip() if said.exists() else "--reuid=root") == f"--reuid={user}"


@pytest.mark.parametrize(("words", "is_made"), [("doctor", False), ("check-config", False), ("restore backup", True)])
def test_a_name_that_is_mistyped_leaves_no_folder_behind(command: Path, words: str, is_made: bool) -> None:
    root = command.parent
    environment = {"PATH": f"{root}/bin:{os.environ['PATH']}", "PI_CAM_NODE_PROGRAM": str(root / "program")}
    subprocess.run([command, *words.split(), "--config", root / "etc" / "yrad.yaml"], env=environment, check=True)
    assert (root / "state" / "yrad").exists() == is_made


@pytest.mark.parametrize("words", ["restore {archive} --yes", "restore --config yard.yaml -- {archive}"])
def test_an_archive_is_opened_by_root(command: Path, words: str) -> None:
    """The installer's backups are for root alone, and the program runs as the node's user."""
    root = command.parent
    archive = root / "a backup.tar.gz"
    archive.write_text("its content")
    (root / "program").write_text('#!/bin/sh\necho "$*"\ncat\n')
    environment = {"PATH": f"{root}/bin:{os.environ['PATH']}", "PI_CAM_NODE_PROGRAM": str(root / "program")}
    done = run(command, [word.format(archive=archive) for word in words.split()], root / "etc", environment)
    said = done.stdout.splitlines()
    assert (str(archive) in said[0], said[1]) == (False, "its content")


def test_two_archives_are_left_for_the_program_to_refuse(command: Path) -> None:
    root = command.parent
    (root / "etc" / "a").write_text("")
    environment = {"PATH": f"{root}/bin:{os.environ['PATH']}", "PI_CAM_NODE_PROGRAM": str(root / "program")}
    assert run(command, ["restore", "a", "a"], root / "etc", environment).stdout.endswith("config.yaml a a\n")
