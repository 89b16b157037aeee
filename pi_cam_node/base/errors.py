"""Error classes with stable codes, the errors of a full disk, and suggestions for misspelt names.

Each error has a code, and a builtin second parent where callers expect one. They are raised for errors of users and of
the environment; any other exception is a bug. The codes are part of the API and never change their meaning.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Code = Literal[
    "ok",
    "bad_request",
    "unknown_verb",
    "unknown_key",
    "out_of_range",
    "read_only",
    "busy",
    "no_frames",
    "camera_down",
    "privacy_on",
    "no_space",
    "not_saved",
    "timeout",
    "expired",
    "retained",
    "forbidden",
    "internal",
]

CODES: tuple[str, ...] = get_args(Code)


class NodeError(Exception):
    """Base class: a message for people, a code for programs, and data for both.

    Attributes:
        code: One of `CODES`.
        data: Fields for ``data`` of the reply.
        text: Plain-text reply, if it differs from the message (``NO_FRAMES`` and the like).
    """

    code: Code = "internal"

    def __init__(self, message: str, *, data: Mapping[str, object] | None = None, text: str | None = None) -> None:
        super().__init__(message)
        self.data: dict[str, object] = dict(data or {})
        self.text = text if text is not None else message


class BadRequest(NodeError, ValueError):
    """The request cannot be understood."""

    code = "bad_request"


class UnknownVerb(NodeError, LookupError):
    """No command has this name."""

    code = "unknown_verb"


class UnknownKey(NodeError, LookupError):
    """No setting has this key; ``data['nearest']`` names one that resembles it."""

    code = "unknown_key"


class OutOfRange(NodeError, ValueError):
    """A setting's value is of the wrong type, or outside its range or choices."""

    code = "out_of_range"


class ReadOnly(NodeError):
    """The setting is read when the node starts and cannot be changed while it runs."""

    code = "read_only"


class Busy(NodeError):
    """Too much work is waiting already."""

    code = "busy"


class NoFrames(NodeError, LookupError):
    """The ring holds no frame for the requested time."""

    code = "no_frames"


class CameraDown(NodeError, ConnectionError):
    """No frames arrive from the camera."""

    code = "camera_down"


class PrivacyOn(NodeError):
    """Privacy is on: no picture is made, kept or shown."""

    code = "privacy_on"


class NoSpace(NodeError, OSError):
    """The disk is full except for the reserve that must stay free."""

    code = "no_space"


class NotSaved(NodeError, OSError):
    """The picture could not be written."""

    code = "not_saved"


class DeadlinePassed(NodeError, TimeoutError):
    """The deadline of an operation passed."""

    code = "timeout"


class Expired(NodeError):
    """The command arrived after its expiry."""

    code = "expired"


class RetainedCommand(NodeError):
    """The command was a retained message, which would be executed again at every connect."""

    code = "retained"


class Forbidden(NodeError):
    """The client has no right to the request, or its object is protected."""

    code = "forbidden"


class SourceError(NodeError, OSError):
    """A source cannot be opened, read or controlled; the message says what to do about it."""

    code = "camera_down"


class ConfigError(NodeError, ValueError):
    """The settings are invalid; ``problems`` lists every fault, one line each."""

    code = "bad_request"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems), data={"problems": problems})
        self.problems = problems


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error of this package or of the system means that the disk or the quota is full."""
    return isinstance(error, NoSpace) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the name most similar to a word, for ``did you mean …?``; ``None`` if none is.

    Args:
        word: The word; short, since the time grows with the square of its length.
        known: The names.
        cutoff: Least similarity, 0 to 1; see `difflib.get_close_matches`.
    """
    import difflib  # noqa: PLC0415 - 0.1 MB for a running node, of which nobody has mistyped anything yet

    return next(iter(difflib.get_close_matches(word, known, 1, cutoff)), None)
