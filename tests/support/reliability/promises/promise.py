"""A promise: what the node does under a fault."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One row of the table.

    Attributes:
        id: Letter and number, e.g. ``M3``; what ``@pytest.mark.promise`` names.
        fault: What goes wrong, for people.
        promise: What the node does then, with its bounds.
    """

    id: str
    fault: str
    promise: str
