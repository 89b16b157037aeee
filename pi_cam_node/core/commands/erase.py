"""Command `erase`: deletes pictures, state and retained topics, then stops the node."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from pi_cam_node.base.errors import BadRequest, NotSaved
from pi_cam_node.core.commands.registry import Arguments, Context, Result, Steps, Work, command
from pi_cam_node.core.commands.reply_data import EraseData
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.core.inputs import CommandArrived

# Exit code after which the node must not be restarted, which would recreate erased data.
ERASED_CODE = 79


class EraseArguments(Arguments):
    """The id of the node, to confirm the erase."""

    confirm: Annotated[str, Field(description="the id of the node")] = ""

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``<node id>``."""
        return {"confirm": words}


@command(
    "erase",
    "erase <node id>",
    "Deletes every picture, the token, the stored state and all retained topics of the node, and stops it.",
    EraseArguments,
    EraseData,
)
def erase(context: Context, arguments: EraseArguments, _received: CommandArrived) -> Steps:
    """Release the camera, erase all data, report, and stop."""
    node_id = context.config.node.id
    if arguments.confirm != node_id:
        raise BadRequest(
            "ERROR: erase removes every picture and stops the node; confirm it with the node's id",
            data={"usage": f"erase {node_id}"},
        )
    return _erasing(context)


def _erasing(context: Context) -> Steps:
    erased: EraseReport = yield Work(lambda _progress: _erased(context), once_accepted=lambda: _close(context))
    facts = asdict(erased)
    if erased.trouble:
        raise NotSaved(f"ERROR: {erased.text}, but: {'; '.join(erased.trouble)}", data=facts)
    return Result(f"OK: {erased.text}; the node stops", facts)


def _close(context: Context) -> None:
    context.privacy.begin()
    context.privacy.close()


def _erased(context: Context) -> EraseReport:
    """Erase, and stop the node only afterwards, even if the request timed out.

    Thread: the worker.
    """
    try:
        return context.erase()
    finally:
        context.leave(ERASED_CODE)
