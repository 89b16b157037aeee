"""Help texts of the scripts, and the packages of an environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scripts"
# The installed program by another name, which has a help of its own; and what the others source.
OTHERS = {"pi-cam-node", "environment.sh"}
SCRIPTS = sorted(
    path
    for path in FOLDER.iterdir()
    if path.read_text(errors="replace").startswith("#!/bin/sh") and path.name not in OTHERS
)


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_help_prints_the_comment_at_the_top_and_does_nothing(script: Path, option: str, tmp_path: Path) -> None:
    environment = {**os.environ, "VENV": str(tmp_path / "environment")}
    ended = subprocess.run(
        [str(script), option], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    comment = script.read_text().splitlines()[1]
    assert ended.stdout.splitlines()[0] == comment.removeprefix("# ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["audit", "docs", "install", "sbom", "uninstall", "vendor"])
def test_an_unknown_option_is_refused_before_anything_is_done(name: str, tmp_path: Path) -> None:
    """Before, `sbom --hepl` wrote a file of that name, and `vendor --chek` downloaded."""
    ended = subprocess.run(
        [str(FOLDER / name), "--chek"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (1, f"{name}: unknown option --chek; --help lists them\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("user", [65534, 64_000], ids=["nobody", "without-a-name"])
def test_a_folder_of_another_user_is_said_with_what_to_do(user: int, tmp_path: Path) -> None:
    """Before, pip's failure was announced twice, and where it was to be read there was nothing."""
    text = (FOLDER / "environment.sh").read_text()
    program = f"root=/ venv={tmp_path}/environment\n{text}\ninstall console || install"
    other, groups = (None, None) if os.geteuid() else (user, list[int]())
    done = subprocess.run(
        ["sh", "-c", program], cwd="/", user=other, extra_groups=groups, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("/ cannot be written by ")
    assert "clone the repository into a folder of your own" in done.stderr


@pytest.mark.parametrize(
    ("installed", "wanted", "is_installed"),
    [
        ("test,demo,docs", "test,demo", True),
        ("test,demo,docs", "demo", True),
        ("video", "", True),
        ("video", "video,console", False),
        ("videos", "video", False),
        ("plain", "video", False),
    ],
)
def test_an_environment_with_more_extras_is_not_installed_again(
    tmp_path: Path, installed: str, wanted: str, *, is_installed: bool
) -> None:
    """Parts of the suite that start at once would otherwise install into one environment at the same time."""
    program = f"""
        root={FOLDER.parent} venv={tmp_path}
        . "$root/scripts/environment.sh"
        mkdir "$venv/bin" && ln -s {sys.executable} "$venv/bin/python"
        fingerprint >"$venv/.installed-{installed}"
        is_installed {wanted}
    """
    done = subprocess.run(["sh", "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0, done.stderr) == (is_installed, "")


@pytest.mark.parametrize(
    ("files", "is_made"),
    [("pyvenv.cfg", True), ("pyvenv.cfg bin/activate", False), ("conda-meta", False)],
)
def test_an_environment_whose_creation_was_interrupted_is_made_anew(tmp_path: Path, files: str, is_made: bool) -> None:
    """It has a Python without pip: every later start failed."""
    program = f"""
        root={FOLDER.parent} venv={tmp_path} PYTHON=
        . "$root/scripts/environment.sh"
        make_environment() {{ echo made; }}
        mkdir "$venv/bin" && printf '#!/bin/sh\n' >"$venv/bin/python" && chmod +x "$venv/bin/python"
        cd "$venv" && touch {files}
        install
    """
    done = subprocess.run(["sh", "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "made\n" if is_made else "")
