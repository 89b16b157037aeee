"""Wheel and sdist: built without warnings, and working outside the source tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.support.broker import free_port, wait_until
from tests.support.running_node import REPOSITORY, RunningNode

SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel made from it; the tree itself is not touched."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    shutil.copytree(REPOSITORY / "pi_cam_node", source / "pi_cam_node", ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCES:
        shutil.copy(REPOSITORY / name, source)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(source)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert re.findall(r"^.*(?:warning: |Deprecat|Warning:).*$", said, re.MULTILINE) == []
    return folder / "dist"


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = next(built.glob("*.whl"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--no-deps",
        "--no-index",
        "--target",
        str(folder),
    ]
    subprocess.run([*command, str(wheel)], check=True, timeout=300)
    return folder


def test_every_file_of_the_package_is_in_wheel_and_sdist(built: Path) -> None:
    package = REPOSITORY / "pi_cam_node"
    files = {path.relative_to(REPOSITORY).as_posix() for path in package.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    wheel = set(zipfile.ZipFile(next(built.glob("*.whl"))).namelist())
    assert sorted(files - wheel) == []
    assert [name for name in wheel - files if ".dist-info/" not in name] == []
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        assert sorted(files - {name.partition("/")[2] for name in sdist.getnames()}) == []
    assert any(name.endswith(("licenses/LICENSE", ".dist-info/LICENSE")) for name in wheel)


def test_the_installed_wheel_serves_its_page(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    page = {"enable": True, "port": port}
    with RunningNode(tmp_path, free_port(), {"PYTHONPATH": str(installed)}, mjpeg_server=page) as node:
        wait_until(lambda: _page(port, "/") is not None or not node.running, "the page", 90)
        assert node.running, node.log()
        html = _page(port, "/") or ""
        assets = re.findall(r"(?:src|href)=\"([^\"#:?]+\.(?:js|css|svg))", html)
        assert len(assets) > 3
        assert [name for name in assets if _page(port, f"/{name.lstrip('./')}") is None] == []
        wait_until(lambda: "synthetic is open" in node.log(), "the camera", 90)
    where = [sys.executable, "-c", "import pi_cam_node; print(pi_cam_node.__file__)"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(installed)}
    found = subprocess.run(
        where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert found.stdout.startswith(f"{installed}/"), "the tests above looked at the tree"


def test_the_installed_program_writes_the_references_of_the_tree(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("images"))
    shutil.copy(REPOSITORY / "setup.cfg", tmp_path)
    for name in ("config.yaml", "console.yaml"):
        (tmp_path / name).write_text("of another version\n")
    program = [sys.executable, str(installed / "bin" / "pi-cam-node"), "docs", "--write", "--root", str(tmp_path)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(installed), "LANG": "C.UTF-8"}
    subprocess.run(program, cwd=tmp_path, env=environment, check=True, timeout=300)
    for name in ("config.yaml", "console.yaml", "docs/settings.md"):
        assert (tmp_path / name).read_text() == (REPOSITORY / name).read_text(), name


def _page(port: int, path: str) -> str | None:
    """Return what is served; ``None`` where it is missing, or there is no server."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return None
