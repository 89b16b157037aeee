"""Check of the installed Python packages: importable, and built for each other. Imports nothing that needs them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from types import ModuleType

from pi_cam_node.base.extras import has_video, install_command
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning

CHECK = "packages"
Import = Callable[[str], ModuleType]

_NEEDED = ("numpy", "cv2", "paho.mqtt.client", "pydantic", "yaml", "psutil", "PIL")
_SHOWN = ("numpy", "opencv-python-headless", "simplejpeg", "paho-mqtt", "pydantic")
_PYAV_LEAST = 18
_INSTALL = (
    "make its environment anew: `sudo scripts/install` in a checkout; "
    "for `scripts/run` delete the folder .venv there, and run it again"
)


def check(import_module: Import = importlib.import_module) -> Iterator[Finding]:
    """Import each package that the node needs, and report versions or faults."""
    broken = [finding for name in _NEEDED if (finding := _try(name, import_module)) is not None]
    yield from broken
    yield from _simplejpeg(import_module)
    if not broken:
        yield from _video(import_module)
        yield ok(CHECK, ", ".join(_versions()))


def _try(name: str, import_module: Import) -> Finding | None:
    """Return a finding where a module cannot be imported."""
    try:
        import_module(name)
    except Exception as error:  # an extension module may raise anything
        return failed(CHECK, f"{name} cannot be imported: {error}", _INSTALL)
    return None


def _simplejpeg(import_module: Import) -> Iterator[Finding]:
    """Check simplejpeg, the one package that the node can do without."""
    try:
        import_module("simplejpeg")
    except ImportError as error:
        yield warning(
            CHECK,
            f"simplejpeg is missing ({error}); OpenCV encodes, which costs more",
            f"`{sys.executable} -m pip install simplejpeg`",
        )
    except ValueError as error:
        # numpy raises it for an extension that was built against another version of its ABI.
        yield warning(
            CHECK,
            f"simplejpeg does not fit numpy ({error}); OpenCV encodes, which costs more",
            "beside apt's python3-picamera2 keep apt's numpy: `pip uninstall numpy` in the environment; "
            "elsewhere `pip install --force-reinstall simplejpeg`",
        )


def _video(import_module: Import) -> Iterator[Finding]:
    """Check PyAV, which the extra ``video`` brings; without it everything but recording works."""
    if not has_video():
        return
    try:
        import_module("av")
    except Exception as error:  # an extension module may raise anything
        yield warning(CHECK, f"PyAV cannot be imported ({error}); nothing can be recorded", _video_advice())
        return
    version = metadata.version("av")
    if int(version.split(".", maxsplit=1)[0]) < _PYAV_LEAST:
        text = f"PyAV {version} is too old ({_PYAV_LEAST} is needed); nothing can be recorded"
        yield warning(CHECK, text, _video_advice())


def _video_advice() -> str:
    return f"`{install_command('video')}`"


def _versions() -> Iterator[str]:
    for name in _SHOWN:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} of unknown version"
