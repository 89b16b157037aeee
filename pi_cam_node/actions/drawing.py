"""How privacy is switched, by whichever command: steps that begin at once and end when all of it is done."""

from __future__ import annotations

from pi_cam_node import settings
from pi_cam_node.commands import Answer, Context, Steps, Work
from pi_cam_node.config.privacy import SWITCH
from pi_cam_node.errors import Busy, NodeError


def changed(context: Context, raw: object) -> Steps:
    """Do what ``set privacy.enable`` asks for.

    Raises:
        OutOfRange: It is neither on nor off.
    """
    old = settings.value_of(context.config, SWITCH)
    on = settings.value_of(settings.with_value(context.config, SWITCH, raw), SWITCH)
    text = f"OK: changed {SWITCH} from {settings.as_text(old)} to {settings.as_text(on)}"
    return drawn(context, on=on, done=Answer(text, {"key": SWITCH, "old": old, "new": on, "live": True}))


def drawn(context: Context, *, on: bool, done: Answer) -> Steps:
    """Close the curtain at once, or begin to open it; the steps that remain end with ``done``.

    Closing begins before anything can be refused: whatever fails afterwards, the camera is let go and nothing is seen.
    """
    number = context.privacy.ask()
    if on:
        context.privacy.close()
    return _drawing(context, number, on=on, done=done)


def _drawing(context: Context, number: int, *, on: bool, done: Answer) -> Steps:
    failure: NodeError | None = None
    try:
        # All work that was begun before has ended with this, so nothing of it comes after the answer.
        yield Work(lambda _progress: context.privacy.seal(on))
    except NodeError as error:
        failure = error
    if number != context.privacy.asked:
        raise Busy("ERROR: privacy was switched again meanwhile")
    if failure is not None and not on:
        failure.text = f"ERROR: privacy stays on, which a restart would bring back: {failure}"
        raise failure
    context.change(SWITCH, on)
    if not on:
        context.privacy.open()
    if failure is not None:
        failure.text = f"ERROR: privacy is on, but: {failure}"
        raise failure
    return done
