"""Settings of the broker, and of Home Assistant discovery."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from pi_cam_node.base.units import KIB, MIB
from pi_cam_node.base.web_address import resolvable
from pi_cam_node.config.sections.base import Section, Setting
from pi_cam_node.config.values import address_and_port


class MqttTlsConfig(Section):
    """Encryption on the way to the broker. The broker's certificate and host name are always checked."""

    enable: Annotated[bool, Setting("Speak TLS. The port is usually 8883 then.")] = False
    ca: Annotated[
        Path | None, Setting("CA certificate that signed the broker's certificate. Empty: those of the system.")
    ] = None
    cert: Annotated[Path | None, Setting("This node's own certificate, for brokers that ask for one.")] = None
    key: Annotated[Path | None, Setting("The private key of that certificate.")] = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> MqttTlsConfig:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together: give both or neither")
        return self


def _topic_prefix(value: str) -> str:
    if not value or any(c in value for c in "+#\0") or value.startswith(("/", "$")) or value.endswith("/"):
        raise ValueError("a topic prefix has no wildcards, and no slash at its start or end")
    return value


class MqttConfig(Section):
    """The broker."""

    host: Annotated[str, Field(min_length=1, max_length=253), Setting("Name or address of the broker.")] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535), Setting("Its port.")] = 1883
    username: Annotated[str, Field(max_length=1024), Setting("Login name; empty for none.")] = ""
    password: Annotated[
        SecretStr | None,
        Setting("Password. Better in the environment or in password_file than here."),
    ] = None
    password_file: Annotated[Path | None, Setting("A file whose first line is the password.")] = None
    base_topic: Annotated[str, Field(max_length=128), Setting("First part of every topic of the node.")] = "pi_cam_node"
    client_id: Annotated[
        str,
        Field(max_length=64),
        Setting("MQTT client id. Empty: made from the node id and the machine id, so that it stays the same."),
    ] = ""
    keepalive_s: Annotated[
        int,
        Field(ge=5, le=600),
        Setting("Keep-alive interval. A dead connection is noticed within twice this time.", unit="s"),
    ] = 15
    protocol: Annotated[
        Literal["auto", "5", "3.1.1"],
        Setting("auto speaks MQTT 5 and falls back to 3.1.1 where the broker refuses it or does not answer."),
    ] = "auto"
    tls: MqttTlsConfig = MqttTlsConfig()
    image_max_bytes: Annotated[
        int,
        Field(ge=0, le=16 * MIB),
        Setting(
            "Largest picture sent to media/last/image; larger ones are shrunk. 0: none is sent.",
            "B",
            live=True,
            title="Picture size on MQTT",
        ),
    ] = 256 * KIB

    _check_base = field_validator("base_topic")(_topic_prefix)

    @model_validator(mode="before")
    @classmethod
    def _bracketed_host(cls, given: Any) -> Any:
        """Accept ``[::1]`` and ``[::1]:1883`` as in URLs."""
        host = given.get("host") if isinstance(given, dict) else None
        address, port = address_and_port(host) if isinstance(host, str) else (host, None)
        if address == host:
            return given
        if port is not None and str(given.get("port", port)) != str(port):
            raise ValueError(f"host names the port {port}, and port is {given['port']}; expected one of them")
        return {**given, "host": address, **({"port": port} if port is not None else {})}

    @field_validator("password")
    @classmethod
    def _short_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value) > 1024:
            raise ValueError("expected at most 1024 characters")
        return value

    @field_validator("host")
    @classmethod
    def _bare_host(cls, value: str) -> str:
        if re.search(r"[\s/@\[\]]", value) or value.count(":") == 1:
            raise ValueError("only the name or address goes here; the port, the login and TLS have keys of their own")
        return resolvable(value)

    @field_validator("protocol", mode="before")
    @classmethod
    def _number_means_text(cls, value: object) -> object:
        # YAML reads `protocol: 5` as a number.
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class HomeAssistantConfig(Section):
    """Announcement of the node to Home Assistant."""

    enable: Annotated[bool, Setting("Announce the node to Home Assistant.")] = True
    discovery_prefix: Annotated[str, Field(max_length=128), Setting("Home Assistant's discovery prefix.")] = (
        "homeassistant"
    )
    birth_topic: Annotated[
        str, Field(max_length=256), Setting("Topic on which Home Assistant announces that it started.")
    ] = "homeassistant/status"
    camera_fps: Annotated[
        float,
        Field(ge=0, le=10),
        Setting(
            "Live pictures a second on the frame topic; Home Assistant shows 2 at most. 0: none.",
            "Hz",
            live=True,
            title="Live picture rate",
        ),
    ] = 1.0
    camera_width: Annotated[
        int,
        Field(ge=0, le=4608),
        Setting(
            "Live pictures on the frame topic that are wider than this are halved until they are not, which reduces "
            "the traffic. 0: full size.",
            "px",
            live=True,
            title="Live picture width",
        ),
    ] = 640

    _check_topics = field_validator("discovery_prefix", "birth_topic")(_topic_prefix)

    @property
    def shows_live(self) -> bool:
        """Whether live pictures are published."""
        return self.enable and self.camera_fps > 0
