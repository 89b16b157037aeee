"""Command ``privacy on|off``, and its steps; `set privacy.enable` does the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pi_cam_node.base.errors import BadRequest, Busy, NodeError
from pi_cam_node.config import settings
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.commands.registry import Arguments, Context, Result, Steps, Work, command
from pi_cam_node.core.commands.reply_data import PrivacyData
from pi_cam_node.core.inputs import CommandArrived


class PrivacyArguments(Arguments):
    """On or off."""

    enable: Annotated[bool, Field(description="on: release the camera; off: open it again")]

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``on`` or ``off``."""
        if not words:
            raise BadRequest("ERROR: usage privacy on|off")
        return {"enable": words}


@command(
    "privacy",
    "privacy on|off",
    "Releases the camera and deletes its pictures from memory and broker, or opens it again; answers when done.",
    PrivacyArguments,
    PrivacyData,
)
def privacy(context: Context, arguments: PrivacyArguments, _received: CommandArrived) -> Steps:
    """Switch privacy; see `switch_steps`."""
    on = arguments.enable
    return switch_steps(context, on=on, done=Result(f"OK: privacy is {'on' if on else 'off'}", {"privacy": on}))


def set_privacy(context: Context, raw: object) -> Steps:
    """Switch privacy as ``set privacy.enable`` asks.

    Raises:
        OutOfRange: It is neither on nor off.
    """
    old = settings.value_of(context.config, PRIVACY_KEY)
    on = settings.value_of(settings.with_value(context.config, PRIVACY_KEY, raw), PRIVACY_KEY)
    text = f"OK: changed {PRIVACY_KEY} from {settings.as_text(old)} to {settings.as_text(on)}"
    return switch_steps(context, on=on, done=Result(text, {"key": PRIVACY_KEY, "old": old, "new": on, "live": True}))


def switch_steps(context: Context, *, on: bool, done: Result) -> Steps:
    """Switch privacy on immediately, or start switching it off; the steps that remain end with ``done``.

    Switching on takes effect before anything can fail, without waiting for the disk: the camera is released, no picture
    is shown, and none is retained at the broker.
    """
    number = context.privacy.begin()
    if on:
        context.privacy.close()
        context.change(PRIVACY_KEY, True)
    return _closing(context, number, done) if on else _opening(context, number, done)


def _closing(context: Context, number: int, done: Result) -> Steps:
    try:
        # This also waits for all earlier jobs, so that none of their results follows the reply.
        yield Work(context.privacy.persist_job(number, closed=True))
    except NodeError as error:
        if number != context.privacy.number:
            raise _switched_again() from None
        context.privacy.retry_persist()
        error.text = f"ERROR: privacy is on, but: {error}"
        raise
    if number != context.privacy.number:
        raise _switched_again()
    return done


def _opening(context: Context, number: int, done: Result) -> Steps:
    try:
        yield Work(context.privacy.persist_job(number, closed=False))
    except NodeError as error:
        if number != context.privacy.number:
            raise _switched_again() from None
        if context.privacy_gate.closed:
            context.privacy.retry_persist()
            error.text = f"ERROR: privacy stays on, also over a restart: {error}"
        else:
            error.text = f"ERROR: privacy is off, but a restart may bring it back: {error}"
        raise
    if number != context.privacy.number:
        raise _switched_again()
    context.change(PRIVACY_KEY, False)
    context.privacy.open()
    context.activity.pictures.last.reload(context.config)
    return done


def _switched_again() -> Busy:
    return Busy("ERROR: privacy was switched again meanwhile")
