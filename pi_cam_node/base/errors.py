"""The error classes, and what is suggested instead of a wrong name.

Each error has a stable code, and a builtin second parent where callers expect one.

User mistakes and world failures raise these; anything else that is raised is a bug. The codes are
part of the reply contract and never change their meaning.
"""

from __future__ import annotations

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
    """Base of the errors: a message for people, a code for programs, and data for both.

    Attributes:
        code: One of `CODES`.
        data: Typed facts that go into a reply's ``data``.
        text: The plain-text reply where it differs from the message (``NO_FRAMES`` and the like).
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
    """The disk is full, or the reserve that must stay free would be touched."""

    code = "no_space"


class NotSaved(NodeError, OSError):
    """The picture could not be written."""

    code = "not_saved"


class DeadlinePassed(NodeError, TimeoutError):
    """The answer did not come in time."""

    code = "timeout"


class Expired(NodeError):
    """The command came after the moment it names as its last."""

    code = "expired"


class RetainedCommand(NodeError):
    """The command was a retained message, which would run again at every connect."""

    code = "retained"


class Forbidden(NodeError):
    """The request is not allowed to this client, or not as long as something protects its object."""

    code = "forbidden"


class SourceError(NodeError, OSError):
    """A source cannot be opened, read or controlled; the message says what to do about it."""

    code = "camera_down"


class ConfigError(NodeError, ValueError):
    """The settings are not usable; ``problems`` holds every fault found, one line each."""

    code = "bad_request"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems), data={"problems": problems})
        self.problems = problems


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the name that resembles a word most, for ``did you mean …?``; ``None`` where none does.

    Args:
        word: Short: the time that it takes grows with the square of the length.
        known: The names.
        cutoff: How alike they must be, from 0 to 1; see `difflib.get_close_matches`.
    """
    import difflib  # noqa: PLC0415 - 0.1 MB for a running node, of which nobody has mistyped anything yet

    return next(iter(difflib.get_close_matches(word, known, 1, cutoff)), None)
