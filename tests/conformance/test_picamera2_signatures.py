"""The fake library and the interface in the package name nothing that the real picamera2 lacks."""

from __future__ import annotations

import importlib
import inspect

import pytest

from pi_cam_node.camera.sources.picam.interface import Job, Picamera, Request
from tests.support.fakes.picamera2 import FakePicamera2
from tests.support.fakes.picamera2_requests import FakeJob, FakeRequest
from tests.support.picamera2_rig import library_only

OURS_AND_THEIRS = [
    (Picamera, "picamera2", "Picamera2"),
    (FakePicamera2, "picamera2", "Picamera2"),
    (Request, "picamera2.request", "CompletedRequest"),
    (FakeRequest, "picamera2.request", "CompletedRequest"),
    (Job, "picamera2.job", "Job"),
    (FakeJob, "picamera2.job", "Job"),
]
# What the fake has for the clock and for its own requests.
FAKE_ONLY = {"due_ns", "happen", "requeue"}


def methods(ours: type) -> list[str]:
    found = [name for name, each in inspect.getmembers(ours) if callable(each) or isinstance(each, property)]
    return [name for name in found if not name.startswith("_") and name not in FAKE_ONLY]


@pytest.mark.picamera2_real
@library_only
@pytest.mark.parametrize(("ours", "module", "name"), OURS_AND_THEIRS, ids=lambda each: getattr(each, "__name__", each))
def test_every_method_and_parameter_of_ours_is_theirs_with_the_same_default(ours: type, module: str, name: str) -> None:
    theirs = getattr(importlib.import_module(module), name)
    assert methods(ours)
    for method in methods(ours):
        assert hasattr(theirs, method), method
        if isinstance(inspect.getattr_static(ours, method), property):
            continue
        real = inspect.signature(getattr(theirs, method)).parameters
        for parameter in inspect.signature(getattr(ours, method)).parameters.values():
            assert parameter.name in real, f"{method}({parameter.name})"
            if parameter.default is not parameter.empty:
                assert _plain(parameter.default) == _plain(real[parameter.name].default), f"{method}({parameter.name})"


def _plain(default: object) -> object:
    """Return a default for comparison; the colour space of stills is an object there and a name here."""
    return str(default).rpartition("'")[0].rpartition("'")[2] if "ColorSpace" in type(default).__name__ else default


def test_the_port_names_each_member_that_the_fake_has_for_the_source() -> None:
    assert set(methods(Picamera)) <= set(methods(FakePicamera2))
