"""Finds the Pi cameras of this machine, and chooses one by number, model or id."""

from __future__ import annotations

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.sources.picam.interface import PicameraFactory, explain


@frozen
class PiCamera:
    """A camera that libcamera knows.

    Attributes:
        number: Its place in picamera2's own order, USB cameras last; not libcamera's.
        model: Name of the sensor, e.g. ``imx219``.
        id: Path of the connection; stays the same as long as the camera is connected there.
    """

    number: int
    model: str
    id: str

    @property
    def is_usb(self) -> bool:
        """Whether the camera is connected by USB; Video4Linux serves such a camera better."""
        return "/usb" in self.id


def known_cameras(factory: PicameraFactory) -> list[PiCamera]:
    """Return the cameras that libcamera knows.

    Loads picamera2 where there is one: some 35 MiB that stay, and from then on the process must not fork.

    Raises:
        SourceError: picamera2 cannot be imported, or libcamera finds no devices at all.
    """
    try:
        listed = factory.cameras()
    except RuntimeError as error:
        raise SourceError(f"picamera2: {explain(error)}") from error
    return [PiCamera(n, str(each.get("Model", "")), str(each.get("Id", ""))) for n, each in enumerate(listed)]


def choose(name: str, cameras: list[PiCamera]) -> PiCamera:
    """Return the camera of a number, a model or an id; the first one where nothing is named.

    Raises:
        SourceError: There is none, or there are several; the message lists what there is.
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
