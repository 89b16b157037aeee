"""Lists the Pi cameras of this machine, and selects one by number, model or id."""

from __future__ import annotations

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.sources.picam.interface import PicameraFactory, explain


@frozen
class PiCamera:
    """A camera listed by libcamera.

    Attributes:
        number: Its index in picamera2's order (USB cameras last), not libcamera's.
        model: Name of the sensor, e.g. ``imx219``.
        id: Path of the connector; constant as long as the camera is connected there.
    """

    number: int
    model: str
    id: str

    @property
    def is_usb(self) -> bool:
        """Whether the camera is connected by USB, for which Video4Linux is preferable."""
        return "/usb" in self.id


def known_cameras(factory: PicameraFactory) -> list[PiCamera]:
    """Return the cameras listed by libcamera.

    Imports picamera2 if installed, which takes some 35 MiB permanently; from then on the process must not fork.

    Raises:
        SourceError: picamera2 cannot be imported, or libcamera finds no devices at all.
    """
    try:
        listed = factory.cameras()
    except RuntimeError as error:
        raise SourceError(f"picamera2: {explain(error)}") from error
    return [PiCamera(n, str(each.get("Model", "")), str(each.get("Id", ""))) for n, each in enumerate(listed)]


def choose(name: str, cameras: list[PiCamera]) -> PiCamera:
    """Return the camera with a number, model or id; the first one if no name is given.

    Raises:
        SourceError: None or several match; the message lists the cameras.
    """
    if not cameras:
        raise SourceError(
            "picamera2 finds no camera: check its cable, which is only looked at during boot, and try "
            "`rpicam-hello --list-cameras`"
        )
    if not name:
        return cameras[0]
    wanted = name.casefold()
    found = [each for each in cameras if wanted in (str(each.number), each.model.casefold(), each.id.casefold())]
    if len(found) == 1:
        return found[0]
    choice = ", ".join(f"{each.number} ({each.model}, {each.id})" for each in cameras)
    trouble = "no camera" if not found else f"{len(found)} cameras"
    raise SourceError(f"picamera2 finds {trouble} called {name!r}; there is: {choice}")
