"""Registry of commands, and the types that commands yield and return; `pi_cam_node.core.commands.all` fills it.

A command is declared once, by a decorator on its function, with a model of its arguments. MQTT, command line, Home
Assistant buttons, ``help`` and the reference page are derived from the registry.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Generator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import UnknownVerb, nearest
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.threads import Job
from pi_cam_node.config import Config
from pi_cam_node.config.values import BLANKS, number
from pi_cam_node.core.activity import Activity
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.core.events import Event
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.picture import Archive
from pi_cam_node.core.ports import EventStore, Links, RecorderPort
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.core.privacy_switch import PrivacySwitch
from pi_cam_node.core.rules.night import NightController
from pi_cam_node.core.rules.ring import Ring
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.imaging.frame import Demand, Frame
from pi_cam_node.imaging.tasks import ImageTasks

# Characters of an unknown verb that are compared, and repeated in replies and in the log.
VERB_SHOWN = 40
# Names of arguments in seconds.
_DURATION = re.compile(r"at|seconds|\w+_s")
# What switches send for on and off, in lower case.
SWITCH_WORDS = {"on": "on", "true": "on", "yes": "on", "off": "off", "false": "off", "no": "off"}


def _kinds(annotation: Any) -> frozenset[Any]:
    """Return a type and, for a union, its members."""
    inner = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType, Annotated) else ()
    return frozenset({annotation}).union(*map(_kinds, inner)) if inner else frozenset({annotation})


class Arguments(BaseModel):
    """Base class for arguments of a command, in JSON or as plain text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Whether the plain-text form ends in free text, which may contain blanks and ``=``.
    ends_in_free_text: ClassVar[bool] = False

    @field_validator("*", mode="before")
    @classmethod
    def _is_number(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what pydantic takes for a number (true, ``1_0``); take durations with a unit, as settings do."""
        kinds = _kinds(cls.model_fields[str(info.field_name)].annotation)
        if kinds & {int, float} and (
            (isinstance(value, bool) and bool not in kinds)
            or (isinstance(value, str) and "_" in value and str not in kinds)
        ):
            raise ValueError("a number is needed")
        if isinstance(value, str) and _DURATION.fullmatch(str(info.field_name)):
            return number(value.strip(BLANKS), "s")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _is_choice(cls, value: object, info: ValidationInfo) -> object:
        """Take a choice in any case, and true and false for on and off, as settings do."""
        kinds = _kinds(cls.model_fields[str(info.field_name)].annotation)
        choices = {choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)}
        word = str(value).lower() if isinstance(value, str | bool) else ""
        if "on" in choices:
            word = SWITCH_WORDS.get(word, word)
        return word if word in choices else value

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Parse the words after the verb into fields; by default none are allowed.

        Raises:
            BadRequest: The words cannot be understood.
        """
        return {"words": words} if words else {}


@frozen
class Result:
    """Result of a successful command: plain-text reply and data."""

    message: str
    data: Mapping[str, object] = field(default_factory=dict)


@frozen
class FreshFrame:
    """Yielded by a command that waits for a frame whose exposure began after ``after_mono_s``.

    Attributes:
        after_mono_s: Monotonic time.
        timeout_s: How long it waits, in seconds.
        demand: What the frame must include besides its usual JPEG.
    """

    after_mono_s: float
    timeout_s: float
    demand: Demand = field(default_factory=Demand)


@frozen
class Work:
    """Yielded by a command to run a job on the worker thread; resumes with its result.

    Attributes:
        job: The job.
        holds_bytes: Bytes of pixels or JPEG that it holds until it is done.
        once_accepted: Called on the node thread once the job is queued, unless it is refused.
    """

    job: Job
    holds_bytes: int = 0
    once_accepted: Callable[[], None] = lambda: None


Steps = Generator[FreshFrame | Work, Any, Result]


class Context(Protocol):
    """State and services for commands. Thread: the node thread."""

    clock: Clock
    commands: Mapping[str, Command]
    ring: Ring
    night: NightController
    archive: Archive
    images: ImageTasks
    privacy_gate: PrivacyGate
    erase: Callable[[], EraseReport]
    privacy: PrivacySwitch
    events: EventStore
    links: Links
    tickets: Tickets
    activity: Activity
    recorder: RecorderPort

    @property
    def config(self) -> Config:
        """The settings in force."""
        ...

    @property
    def camera_online(self) -> bool:
        """Whether frames arrive."""
        ...

    @property
    def latest(self) -> Frame | None:
        """The newest frame; ``None`` before the first."""
        ...

    def demand(self, after_mono_s: float, demand: Demand, /) -> None:
        """Request additional data with the first frame exposed at or after a monotonic time.

        Does not wait; the frame may be lost.
        """
        ...

    def change(self, key: str, raw: object) -> tuple[object, object]:
        """Change a live setting and return its old and new value.

        Raises:
            UnknownKey, ReadOnly, OutOfRange: Nothing was changed.
        """
        ...

    @property
    def unproven(self) -> FreshFrame | None:
        """The frame that will confirm changed settings; ``None`` if no change is on trial."""
        ...

    def write_config(self, config: Config) -> Path:
        """Write settings into the configuration file.

        Thread: the worker.

        Raises:
            NotSaved: There is no file, or it cannot be written.
        """
        ...

    def figures(self) -> Mapping[str, object]:
        """Return the current telemetry figures."""
        ...

    def emit(self, event: Event) -> None:
        """Pass an event to the listeners."""
        ...

    def url_of(self, picture_id: str) -> str | None:
        """Return a link that opens a saved picture over HTTP for a while; ``None`` where HTTP is off."""
        ...

    def leave(self, code: int) -> None:
        """Stop cleanly after this reply, with an exit code."""
        ...


@frozen
class Button:
    """Appearance of a command without arguments as a button of Home Assistant."""

    title: str
    icon: str
    device_class: str = ""
    category: str = ""


@frozen
class Command:
    """Declaration of one command.

    Attributes:
        verb: Its name.
        usage: Its plain-text form.
        summary: One sentence.
        arguments: The model of its arguments.
        data: Type of ``data`` in its reply, for the documents.
        run: Function that runs on the node thread; returns a `Result`, or yields to wait.
        button: Set if it is useful without arguments.
        needs_camera: Whether it is refused without a camera.
        shows: Whether it returns pictures, and so is refused while privacy is on.
    """

    verb: str
    usage: str
    summary: str
    arguments: type[Arguments]
    data: Any
    run: Callable[[Context, Any, CommandArrived], Result | Steps]
    button: Button | None = None
    needs_camera: bool = False
    shows: bool = False


Run = TypeVar("Run", bound=Callable[[Context, Any, CommandArrived], Result | Steps])
_REGISTRY: dict[str, Command] = {}


def command(
    verb: str,
    usage: str,
    summary: str,
    arguments: type[Arguments],
    data: Any,
    *,
    button: Button | None = None,
    needs_camera: bool = False,
    shows: bool = False,
) -> Callable[[Run], Run]:
    """Declare the decorated function as a command."""

    def declare(run: Run) -> Run:
        if verb in _REGISTRY:
            raise ValueError(f"{verb} is declared twice")
        _REGISTRY[verb] = Command(verb, usage, summary, arguments, data, run, button, needs_camera, shows)
        return run

    return declare


def declared() -> Mapping[str, Command]:
    """Return the commands declared so far; `pi_cam_node.core.commands.all.registry` returns all."""
    return types.MappingProxyType(_REGISTRY)


def find(verb: str) -> Command:
    """Return a command by its exact name.

    Raises:
        UnknownVerb: There is none; a similar one is named.
    """
    found = _REGISTRY.get(verb)
    if found is None:
        alike = nearest(verb[:VERB_SHOWN], _REGISTRY)
        data = {"known": sorted(_REGISTRY), **({"nearest": alike} if alike else {})}
        raise UnknownVerb(f"UNKNOWN_COMMAND {verb[:VERB_SHOWN]!r}", data=data, text="UNKNOWN_COMMAND")
    return found
