"""Deferred imports."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pi_cam_node.base.deferred_import import deferred


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a package with a module `part`, which are not imported yet."""
    folder = tmp_path / "deferred_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "part.py").write_text("def double(number, *, more=0):\n    return 2 * number + more\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder.name
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


def library(package: str, statement: str) -> ModuleType:
    """Return a module that has run an import statement, as a library does."""
    module = ModuleType("library")
    exec(statement.format(package), module.__dict__)
    return module


def is_imported(package: str) -> bool:
    return hasattr(sys.modules.get(f"{package}.part"), "__file__")


@pytest.mark.parametrize(
    ("statement", "call"),
    [
        ("import {0}.part", "{0}.part.double(4, more=1)"),
        ("import {0}.part as part", "part.double(4, more=1)"),
        ("from {0} import part", "part.double(4, more=1)"),
        ("from {0}.part import double", "double(4, more=1)"),
    ],
)
def test_the_first_call_imports_it(package: str, statement: str, call: str) -> None:
    with deferred(f"{package}.part"):
        user = library(package, statement)
        assert not is_imported(package)
    assert not is_imported(package)
    for _ in range(2):
        assert eval(call.format(package), user.__dict__) == 9
    assert is_imported(package)


def test_a_call_while_it_is_deferred_imports_it_too(package: str) -> None:
    with deferred(f"{package}.part"):
        assert library(package, "from {0}.part import double").double(4) == 8
        assert is_imported(package)
    assert is_imported(package)


def test_who_imports_it_later_gets_it_as_it_is(package: str) -> None:
    with deferred(f"{package}.part"):
        library(package, "import {0}.part")
    part = importlib.import_module(f"{package}.part")
    assert part.__file__ is not None
    assert vars(sys.modules[package])["part"] is part


def test_what_is_there_already_is_left_alone(package: str) -> None:
    part = importlib.import_module(f"{package}.part")
    with deferred(f"{package}.part"):
        assert importlib.import_module(f"{package}.part") is part
    assert sys.modules[f"{package}.part"] is part


def test_a_function_that_it_has_not_is_an_error_when_it_is_called(package: str) -> None:
    with deferred(f"{package}.part"):
        user = library(package, "from {0}.part import halve")
    with pytest.raises(AttributeError, match="halve"):
        user.halve(4)


def test_paho_can_still_look_for_a_proxy() -> None:
    script = """
import sys
from types import SimpleNamespace
from pi_cam_node.base.deferred_import import deferred
with deferred("urllib.request"):
    import paho.mqtt.client as paho
assert "urllib.request" not in sys.modules
paho.socks = SimpleNamespace(HTTP=3, SOCKS4=1, SOCKS5=2)
client = paho.Client(paho.CallbackAPIVersion.VERSION2)
client._host = "broker.example"
print(client._get_proxy()["proxy_addr"])
"""
    environment = {**os.environ, "mqtt_proxy": "socks://proxy.example:1080"}
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60, env=environment
    )
    assert run.stdout.strip() == "proxy.example"


def test_numpy_can_still_do_linear_algebra_in_the_cameras_process() -> None:
    script = """
import sys
import pi_cam_node.camera.worker.child_main
import numpy as np
assert "numpy.linalg" not in sys.modules
assert [round(each) for each in np.polyfit([0, 1, 2], [1, 3, 5], 1)] == [2, 1]
try:
    np.linalg.inv(np.zeros((2, 2)))
except np.linalg.LinAlgError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "Singular matrix"
