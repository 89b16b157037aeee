"""Settings of privacy: the whole picture for a while, or masked parts of it for ever."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from pi_cam_node.config.sections.base import Section, Setting
from pi_cam_node.imaging.polygon import FORM, parse_polygon

# The only live setting that is stored outside the configuration file.
PRIVACY_KEY = "privacy.enable"

MASKS_MAX = 16


def judged_polygon(text: str) -> str:
    """Return a polygon unchanged; raise ValueError if it is invalid."""
    parse_polygon(text)
    return text


class PrivacyConfig(Section):
    """The privacy switch, and areas of the picture that are masked. See docs/privacy.md."""

    enable: Annotated[
        bool,
        Setting(
            "Release the camera, delete its pictures from memory and broker, and show none. The node stores the switch "
            "by itself; on in the file means that every start begins with privacy on.",
            live=True,
            title="Privacy",
        ),
    ] = False
    masks: Annotated[
        list[Annotated[str, AfterValidator(judged_polygon)]],
        Field(max_length=MASKS_MAX),
        Setting(
            "Parts of the picture that are black in everything the node stores and shows. Coordinates of the "
            "displayed picture: 0,0 is its upper left corner, 1,1 its lower right.",
            form=FORM,
        ),
    ] = []
