"""Response models of the API, used by handlers and for the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pi_cam_node.base.errors import Code
from pi_cam_node.core.commands.reply_data import Setting


class Answer(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(BaseModel):
    """A saved picture. One of an earlier run has only what its id says."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str
    kind: str = ""
    first_at: datetime | str | None = None
    url: Annotated[str, Field(description="Where it is, with a signature that ends.")]
    thumbnail_url: Annotated[str, Field(description="The same for a small JPEG of it.")]


class State(Answer):
    """State of the node as last published."""

    at: Annotated[datetime, Field(description="The node's clock.")]
    node: Annotated[dict[str, str], Field(description="Its id, name, version, and boot, as on its `info` topic.")]
    broker: Annotated[bool, Field(description="Whether the MQTT broker is connected.")]
    broker_away_because: Annotated[str, Field(description="Why it is not, for people; empty while it is.")]
    settings_changed: Annotated[
        int, Field(description="How often a setting has changed since `boot`: read `/api/config` again after a change.")
    ]
    states: Annotated[dict[str, Any], Field(description="Values by state key, as on the topics; and `camera`.")]
    telemetry: Annotated[dict[str, Any], Field(description="The last figures.")]
    brightness: Annotated[
        list[tuple[float, float]],
        Field(description="The last hour: seconds since 1970 and level from 0 to 255, oldest first."),
    ]
    media: list[Picture]


class Settings(Answer):
    """Every setting, in the order of the file."""

    settings: list[Setting]


class Reply(Answer):
    """The final reply to a command, the same as over MQTT."""

    id: Annotated[str, Field(description="The name of the request, made up where it gave none.", examples=["a1"])]
    verb: str
    ok: bool
    code: Code
    message: Annotated[str, Field(description="For people, and for scripts that match it.")]
    data: Annotated[dict[str, Any], Field(description="The same facts, typed.")]
    stage: Literal["final"]
    received: Annotated[datetime, Field(examples=["2026-11-20T19:45:01.123Z"])]
    took_ms: Annotated[float, Field(ge=0, examples=[84.2])]
    node: Annotated[str, Field(examples=["porch"])]
    boot: Annotated[str, Field(examples=["3f2a91c0"])]


class Refusal(Answer):
    """Answer where the request or its command did not reach the node, or the reply did not come in time."""

    verb: Annotated[str, Field(description="The command in the address; empty if there is none.")]
    ok: Literal[False] = False
    code: Literal["bad_request", "forbidden", "busy", "timeout", "internal"]
    message: str
    data: dict[str, Any]
    stage: Literal["final"] = "final"
    node: str


class Login(BaseModel):
    """Body of a login."""

    token: str
