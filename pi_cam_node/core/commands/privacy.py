"""The command that closes the camera's eye and opens it again. `set privacy.enable` is the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.core.commands.privacy_steps import switch_steps
from pi_cam_node.core.commands.registry import Arguments, Context, Result, Steps, command
from pi_cam_node.core.inputs import CommandArrived


class PrivacyArguments(Arguments):
    """On or off."""

    enable: Annotated[bool, Field(description="on: nothing may be seen; off: the camera is taken up again")]

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``on`` or ``off``."""
        if not words:
            raise BadRequest("ERROR: usage privacy on|off")
        return {"enable": words}


@command(
    "privacy",
    "privacy on|off",
    "Lets go of the camera and forgets what it saw, or takes it up again; answers when that is done.",
    PrivacyArguments,
)
def privacy(context: Context, arguments: PrivacyArguments, _arrival: CommandArrived) -> Steps:
    """Draw the curtain; see `switch_steps`."""
    on = arguments.enable
    return switch_steps(context, on=on, done=Result(f"OK: privacy is {'on' if on else 'off'}", {"privacy": on}))
