"""Settings of the console: one model for ``console.yaml``, its reference and its settings page."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from pi_cam_node.base.web_address import is_web_address
from pi_cam_node.config import HomeAssistantConfig, HttpTlsConfig, LoggingConfig, MqttConfig
from pi_cam_node.config.catalogue import Schema
from pi_cam_node.config.sections.base import Section, Setting
from pi_cam_node.config.sections.node import NODE_ID_FORM, NODE_ID_PATTERN
from pi_cam_node.config.sections.web import NETWORK_FORM, network

PUBLIC_URL_FORM = "an address such as https://cam.example.org, without a path"
SUBJECT_FORM = "an address such as mailto:somebody@a.real.domain, or https://…"


def default_console_id() -> str:
    """Return the host name as the console's id."""
    host = re.sub(r"[^a-z0-9_-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-")[:64]
    return host if host not in {"", "localhost"} else "console"


class ConsoleSection(Section):
    """The console itself."""

    id: Annotated[
        str,
        Field(pattern=f"^{NODE_ID_PATTERN}$"),
        Setting("Names the console in its topics; the default is the host name.", form=NODE_ID_FORM),
    ] = Field(default_factory=default_console_id)
    host: Annotated[
        str,
        Field(min_length=1, max_length=253),
        Setting("Address to listen on. 0.0.0.0 is every IPv4 address of this machine."),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535), Setting("Its port.")] = 8090
    base_dir: Annotated[
        Path,
        Setting("Folder of the database and the keys. On a disk of this machine, never on a network file system."),
    ] = Path("console-data")
    nodes: Annotated[
        list[Annotated[str, Field(pattern=f"^{NODE_ID_PATTERN}$")]],
        Field(max_length=64),
        Setting(
            "Ids of the nodes that are shown, beside those of `cameras`; the console ignores others on the broker. "
            "Empty: every node that publishes.",
            form=NODE_ID_FORM,
        ),
    ] = []
    public_url: Annotated[
        str,
        Field(max_length=253),
        Setting(
            "The address under which browsers reach the console through a proxy; links in notifications begin with "
            "it. A proxy on this machine is believed then. Empty: none.",
            form=PUBLIC_URL_FORM,
        ),
    ] = ""
    trusted_proxies: Annotated[
        list[Annotated[str, Field(max_length=64), AfterValidator(network)]],
        Field(max_length=16),
        Setting(
            "Proxies elsewhere whose X-Forwarded or Forwarded headers are believed, such as at the end of a tunnel.",
            form=NETWORK_FORM,
        ),
    ] = []
    vapid_subject: Annotated[
        str,
        Field(max_length=253),
        Setting(
            "Who push services may write to: mailto:… or https://… Apple refuses pushes without a real one.",
            form=SUBJECT_FORM,
        ),
    ] = ""
    tls: HttpTlsConfig = HttpTlsConfig()

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        if value and not (is_web_address(value) and urlsplit(value).path in {"", "/"}):
            raise ValueError(f"expected {PUBLIC_URL_FORM}")
        return value.rstrip("/")

    @field_validator("vapid_subject")
    @classmethod
    def _is_subject(cls, value: str) -> str:
        if value and not is_contact(value):
            raise ValueError(f"expected {SUBJECT_FORM}; push services refuse localhost and example addresses")
        return value


class ConsoleHomeAssistant(Section):
    """Topics on which sensors are announced."""

    discovery_prefix: Annotated[str, Field(max_length=128), Setting("Home Assistant's discovery prefix.")] = (
        HomeAssistantConfig().discovery_prefix
    )


class ConsoleConfig(Section):
    """The whole file ``console.yaml``, but for ``rules`` and ``cameras``."""

    console: ConsoleSection = Field(default_factory=ConsoleSection)
    mqtt: MqttConfig = MqttConfig()
    homeassistant: ConsoleHomeAssistant = ConsoleHomeAssistant()
    logging: LoggingConfig = LoggingConfig()


CONSOLE_SCHEMA = Schema(ConsoleConfig, "PI_CAM_NODE_CONSOLE__", ("rules", "cameras"))


def is_contact(subject: str) -> bool:
    """Tell whether push services take a VAPID subject: Apple refuses made-up ones (403 BadJwtToken)."""
    mail = re.fullmatch(r"mailto:[^@\s]+@([^@\s]+\.[A-Za-z]{2,})", subject)
    host = mail[1] if mail else urlsplit(subject).hostname if subject.startswith("https://") else None
    if not host or "." not in host:
        return False
    return not re.search(r"(^|\.)example(\.(com|net|org))?$|(^|\.)(localhost|invalid|test|local)$", host.lower())
