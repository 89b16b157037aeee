"""Settings of the HTTP server, and of the TCP port for clients of the predecessor service."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from pi_cam_node.base.web_address import is_web_address, resolvable
from pi_cam_node.config.sections.base import Section, Setting
from pi_cam_node.config.values import without_brackets

PUBLIC_URL_FORM = "an address such as https://cam.example.org or https://example.org/cam"
NETWORK_FORM = "an address or a network such as 192.0.2.7 or 10.0.0.0/8"


class MjpegServerConfig(Section):
    """The HTTP server: stream, snapshots, pictures, commands and a page."""

    enable: Annotated[bool, Setting("Serve the live view over HTTP.")] = True
    fps: Annotated[
        float,
        Field(ge=0.1, le=60),
        Setting("Pictures a second of the stream; a viewer may ask for less.", "Hz", live=True, title="Stream rate"),
    ] = 2.0
    port: Annotated[int, Field(ge=1, le=65535), Setting("Its port.")] = 8080


class HttpTlsConfig(Section):
    """Encryption of the HTTP server itself, where no proxy does it."""

    enable: Annotated[bool, Setting("Serve HTTPS instead of HTTP.")] = False
    cert: Annotated[Path | None, Setting("Certificate file, with intermediate certificates.")] = None
    key: Annotated[Path | None, Setting("Its private key.")] = None

    @model_validator(mode="after")
    def _complete(self) -> HttpTlsConfig:
        if self.enable and (self.cert is None or self.key is None):
            raise ValueError("TLS needs the certificate's file in cert, and its key's in key")
        return self


def _bare_host(value: str) -> str:
    if re.search(r"[\s/@\[\]]", value) or value.count(":") == 1:
        raise ValueError("only the name or address goes here; the port has a key of its own")
    return resolvable(value)


def network(text: str) -> str:
    """Return an address or a network as it was written; other texts raise ``ValueError``."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not {NETWORK_FORM}") from None
    return text


def _public_url(text: str) -> str:
    if text and not is_web_address(text):
        raise ValueError(f"{text!r} is not {PUBLIC_URL_FORM}")
    return text.rstrip("/")


class HttpConfig(Section):
    """Address, access and encryption of the HTTP server."""

    host: Annotated[
        str,
        Field(min_length=1, max_length=253),
        Setting("Address to listen on. For any address but loopback the token is required."),
    ] = "127.0.0.1"
    token_file: Annotated[
        Path | None,
        Setting(
            "File with the token for programs and for the login page. Where a token is required and no file is named, "
            "one is created beside the pictures. No token is required only where http.host is loopback, no file is "
            "named and no proxy is trusted."
        ),
    ] = None
    trusted_proxies: Annotated[
        list[Annotated[str, Field(max_length=64), AfterValidator(network)]],
        Field(max_length=16),
        Setting("Proxies whose X-Forwarded or Forwarded headers are believed.", form=NETWORK_FORM),
    ] = []
    allowed_hosts: Annotated[
        list[Annotated[str, Field(max_length=253)]],
        Field(max_length=16),
        Setting(
            "Further names of the server, for the Host header. Addresses, local names such as cam, cam.lan or "
            "cam.fritz.box, and http.public_url need no entry; others are refused."
        ),
    ] = []
    public_url: Annotated[
        str,
        Field(max_length=1000),
        AfterValidator(_public_url),
        Setting(
            "The address of the server behind a reverse proxy, as browsers use it; links begin with it.",
            form=PUBLIC_URL_FORM,
        ),
    ] = ""
    max_viewers: Annotated[
        int,
        Field(ge=1, le=1000),
        Setting(
            "Maximum viewers of the stream at one time, and as many of live video; more get status 503.",
            live=True,
            title="Stream viewers",
        ),
    ] = 10
    tls: HttpTlsConfig = HttpTlsConfig()

    _take_host = field_validator("host", mode="before")(without_brackets)
    _check_host = field_validator("host")(_bare_host)


class NetworkConfig(Section):
    """Text protocol of the former service, for its clients."""

    trigger_enable: Annotated[bool, Setting("Accept the text commands of the former service over TCP.")] = False
    trigger_host: Annotated[
        str,
        Field(min_length=1, max_length=253),
        Setting("Address to listen on. The protocol has no login: beyond loopback anybody can control the node."),
    ] = "127.0.0.1"
    trigger_port: Annotated[int, Field(ge=1, le=65535), Setting("Its port.")] = 9999

    _take_host = field_validator("trigger_host", mode="before")(without_brackets)
    _check_host = field_validator("trigger_host")(_bare_host)
