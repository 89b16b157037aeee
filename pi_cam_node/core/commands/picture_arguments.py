"""Arguments of the commands that answer with pictures."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.config import Format, format_of
from pi_cam_node.config.values import items, number
from pi_cam_node.core.commands.registry import Arguments
from pi_cam_node.imaging.tasks import STACK_MAX, Method


class SaveArguments(Arguments):
    """Formats to write; by default those of ``export.formats``."""

    formats: Annotated[
        list[Format] | None,
        Field(min_length=1, max_length=3, description="what to write; `export.formats` unless told otherwise"),
    ] = None
    thumbnail: Annotated[bool, Field(description="put a small base64 JPEG into the reply and `media/last`")] = False

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[formats…]``, apart by blanks or commas, or as a JSON list."""
        return {"formats": items(words)} if words else {}

    @field_validator("formats", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        """Take formats in any spelling, as a list or as one text such as ``jpg, png``."""
        names = items(value) if isinstance(value, str) else value
        return list(dict.fromkeys(map(format_of, names))) if isinstance(names, list) else value


class PastArguments(SaveArguments):
    """A moment, the number of frames around it, and how to stack and write them."""

    at: Annotated[
        float | str | None,
        Field(description="seconds ago, or an absolute ISO 8601 time; `export.save_before_s` unless told otherwise"),
    ] = None
    count: Annotated[
        int | None,
        Field(ge=1, le=STACK_MAX, description="frames around it; `export.stack_count` unless told otherwise"),
    ] = None
    span_s: Annotated[float | None, Field(gt=0, le=3600, description="all frames of so many seconds around it")] = None
    method: Annotated[Method | None, Field(description="how they become one picture; `mean` unless told otherwise")] = (
        None
    )

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[formats…]``, and a number among them as seconds ago."""
        parts = re.sub(r"([0-9]) +(ms|s|min|h|d)\b", r"\1\2", words.replace(",", " ")).split()
        numbers = [part for part in parts if not isinstance(number(part, "s"), str)]
        if len(numbers) > 1:
            raise BadRequest("ERROR: more than one number; seconds ago is one")
        fields: dict[str, object] = {"at": number(numbers[0], "s")} if numbers else {}
        formats = [part for part in parts if part not in numbers]
        return {**fields, "formats": formats} if formats else fields


class CountArguments(Arguments):
    """Number of frames."""

    n: Annotated[int, Field(ge=1, le=1000, description="how many")] = 10
    at: Annotated[
        float | str | None,
        Field(description="those around a moment instead of the last: seconds ago, or an absolute ISO 8601 time"),
    ] = None

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[n]``."""
        return {"n": words} if words else {}
