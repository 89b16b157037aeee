"""Command `ticket`: returns a secret that grants the right *view* over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from pi_cam_node.base.clock import iso
from pi_cam_node.base.errors import Forbidden, OutOfRange
from pi_cam_node.core.commands.registry import Arguments, Context, Result, command
from pi_cam_node.core.commands.reply_data import TicketData
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.tickets import TTL_DEFAULT_S, TTL_MAX_S, TTL_MIN_S


class TicketArguments(Arguments):
    """Time to live of the ticket."""

    ttl_s: Annotated[float, Field(description=f"seconds that it lasts, {TTL_MIN_S:g} to {TTL_MAX_S:g}")] = TTL_DEFAULT_S

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[ttl_s]``."""
        return {"ttl_s": words} if words else {}


@command(
    "ticket",
    "ticket",
    "Issues a ticket that gives access to the pictures over HTTP for a limited time.",
    TicketArguments,
    TicketData,
)
def ticket(context: Context, arguments: TicketArguments, received: CommandArrived) -> Result:
    """Return a ticket, if the reply reaches the client only: by a response topic, or over HTTP."""
    if not TTL_MIN_S <= arguments.ttl_s <= TTL_MAX_S:
        raise OutOfRange(
            f"ERROR: ttl_s: {arguments.ttl_s:g} is not a number from {TTL_MIN_S:g} to {TTL_MAX_S:g} s",
            data={"minimum": TTL_MIN_S, "maximum": TTL_MAX_S},
        )
    if received.origin != "http" and not (received.origin == "mqtt" and received.reply_to):
        raise Forbidden("ERROR: a ticket goes to its asker alone: ask with an MQTT 5 response topic")
    issued = context.tickets.issue(arguments.ttl_s)
    expires_at = iso(context.clock.utcnow() + timedelta(seconds=issued.ttl_s))
    facts = {"ticket": issued.secret, "expires_at": expires_at, "right": "view", **context.links.web_address()}
    return Result(f"OK: a ticket until {expires_at}", facts)
