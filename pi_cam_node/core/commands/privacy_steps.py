"""How privacy is switched, by whichever command: steps that begin at once and end when all of it is done."""

from __future__ import annotations

from pi_cam_node.base.errors import Busy, NodeError
from pi_cam_node.config import settings
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.commands.registry import Context, Result, Steps, Work


def set_privacy(context: Context, raw: object) -> Steps:
    """Do what ``set privacy.enable`` asks for.

    Raises:
        OutOfRange: It is neither on nor off.
    """
    old = settings.value_of(context.config, PRIVACY_KEY)
    on = settings.value_of(settings.with_value(context.config, PRIVACY_KEY, raw), PRIVACY_KEY)
    text = f"OK: changed {PRIVACY_KEY} from {settings.as_text(old)} to {settings.as_text(on)}"
    return switch_steps(context, on=on, done=Result(text, {"key": PRIVACY_KEY, "old": old, "new": on, "live": True}))


def switch_steps(context: Context, *, on: bool, done: Result) -> Steps:
    """Close the curtain at once and tell so, or begin to open it; the steps that remain end with ``done``.

    Closing happens before anything can be refused, and waits for no disk: whatever fails afterwards, the camera is let
    go, nothing is seen, and no picture stays with the broker.
    """
    number = context.privacy.ask()
    if on:
        context.privacy.close()
        context.change(PRIVACY_KEY, True)
    return _closing(context, number, done) if on else _opening(context, number, done)


def _closing(context: Context, number: int, done: Result) -> Steps:
    try:
        # All work that was begun before has ended with this, so nothing of it comes after the answer.
        yield Work(context.privacy.sealing(number, closed=True))
    except NodeError as error:
        if number != context.privacy.asked:
            raise _switched_again() from None
        context.privacy.insist()
        error.text = f"ERROR: privacy is on, but: {error}"
        raise
    if number != context.privacy.asked:
        raise _switched_again()
    return done


def _opening(context: Context, number: int, done: Result) -> Steps:
    try:
        yield Work(context.privacy.sealing(number, closed=False))
    except NodeError as error:
        if number != context.privacy.asked:
            raise _switched_again() from None
        if context.curtain.closed:
            context.privacy.insist()
            error.text = f"ERROR: privacy stays on, also over a restart: {error}"
        else:
            error.text = f"ERROR: privacy is off, but a restart may bring it back: {error}"
        raise
    if number != context.privacy.asked:
        raise _switched_again()
    context.change(PRIVACY_KEY, False)
    context.privacy.open()
    return done


def _switched_again() -> Busy:
    return Busy("ERROR: privacy was switched again meanwhile")
