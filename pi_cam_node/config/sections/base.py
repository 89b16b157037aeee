"""Base classes of the settings' sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from pi_cam_node.base.redaction import without_logins


@dataclass(frozen=True)
class Setting:
    """Metadata of a setting besides type and range.

    Attributes:
        doc: One or two sentences for the person who changes it.
        unit: Unit of the number, as Home Assistant writes it; empty for none.
        live: Whether it takes effect at once rather than at the next start.
        title: Display name, where the key makes a poor one.
        form: Description of the format of a text, or of each item of a list.
    """

    doc: str
    unit: str = ""
    live: bool = False
    title: str = ""
    form: str = ""


class Section(BaseModel):
    """A group of settings: immutable, and strict about names and numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True, hide_input_in_errors=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _on_one_line(cls, value: object) -> object:
        # Line breaks and NULs in topics, paths and names would cause errors elsewhere.
        if isinstance(value, str) and re.search(r"[\x00-\x1f\x7f-\x9f]", value):
            raise ValueError("a line break or another control character is in it")
        return value

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Yield the fields for repr(), with logins in addresses masked."""
        for name, value in super().__repr_args__():
            yield name, without_logins(value) if isinstance(value, str) else value
