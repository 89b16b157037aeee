"""Every setting, declared once: name, type, range, unit, default, what it means, and whether it is live.

The file's reference, ``set``, the Home Assistant entities and the documents are derived from these
models. A *live* setting takes effect while the node runs; the others are read at start.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

Format = Literal["jpg", "png", "npy"]
NODE_ID_PATTERN = r"[a-z0-9_-]{1,64}"


@dataclass(frozen=True)
class Setting:
    """What a setting is for, beside its type and range.

    Attributes:
        doc: One or two sentences for the person who changes it.
        unit: Unit of the number, as Home Assistant writes it; empty for none.
        live: Takes effect at once; otherwise it is read when the node starts.
    """

    doc: str
    unit: str = ""
    live: bool = False


class Section(BaseModel):
    """A group of settings: immutable, and strict about names and numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


def default_node_id() -> str:
    """Return the host name as a node id."""
    host = re.sub(r"[^a-z0-9_-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-")[:64]
    return host if host not in ("", "all", "group", "localhost") else "camera"


class NodeConfig(Section):
    """Who this node is."""

    id: Annotated[
        str,
        Field(pattern=f"^{NODE_ID_PATTERN}$"),
        Setting("Names the node in topics and file names; the default is the host name. Two nodes never share one."),
    ] = Field(default_factory=default_node_id)
    name: Annotated[
        str, Field(max_length=64), Setting("What people call the camera, in Home Assistant. Empty: made from the id.")
    ] = ""
    groups: Annotated[
        list[Annotated[str, Field(pattern=f"^{NODE_ID_PATTERN}$")]],
        Field(max_length=16),
        Setting("The node also obeys <base>/group/<name>/cmd/<verb> for these names."),
    ] = []
    memory_bytes: Annotated[
        int,
        Field(ge=0, le=64 * GIB),
        Setting(
            "What frames, ring and queues may take together. 0: half of what is free at start, 256 MiB at most. "
            "When it is short the ring shrinks first.",
            unit="B",
        ),
    ] = 0

    @field_validator("id")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value in ("all", "group"):
            raise ValueError(f"{value!r} is reserved for commands to several nodes")
        return value


class MqttTlsConfig(Section):
    """Encryption on the way to the broker. The broker's certificate and host name are always checked."""

    enable: Annotated[bool, Setting("Speak TLS. The port is usually 8883 then.")] = False
    ca: Annotated[Path | None, Setting("File of the authority that signed the broker; empty: the system's own.")] = None
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
    username: Annotated[str, Setting("Login name; empty for none.")] = ""
    password: Annotated[
        SecretStr | None, Setting("Password. Better in the environment or in password_file than here.")
    ] = None
    password_file: Annotated[Path | None, Setting("A file whose first line is the password.")] = None
    base_topic: Annotated[str, Field(max_length=128), Setting("First part of every topic of the node.")] = "pi_cam_node"
    client_id: Annotated[
        str,
        Field(max_length=64),
        Setting("MQTT client id. Empty: made from the node id and the machine id, so that it stays the same."),
    ] = ""
    keepalive_s: Annotated[
        int, Field(ge=5, le=600), Setting("A dead link is noticed within twice this time.", unit="s")
    ] = 15
    protocol: Annotated[
        Literal["auto", "5", "3.1.1"],
        Setting("auto speaks MQTT 5 and falls back to 3.1.1 where the broker refuses it or does not answer."),
    ] = "auto"
    tls: MqttTlsConfig = MqttTlsConfig()
    image_max_bytes: Annotated[
        int,
        Field(ge=0, le=16 * MIB),
        Setting("Largest picture sent to media/last/image; larger ones are shrunk. 0: none is sent.", "B", live=True),
    ] = 256 * KIB

    _check_base = field_validator("base_topic")(_topic_prefix)

    @field_validator("protocol", mode="before")
    @classmethod
    def _number_means_text(cls, value: object) -> object:
        # YAML reads `protocol: 5` as a number.
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class HomeAssistantConfig(Section):
    """Home Assistant finds the node by itself."""

    enable: Annotated[bool, Setting("Announce the node to Home Assistant.")] = True
    discovery_prefix: Annotated[str, Setting("Home Assistant's discovery prefix.")] = "homeassistant"
    birth_topic: Annotated[str, Setting("Where Home Assistant says that it started.")] = "homeassistant/status"
    camera_fps: Annotated[
        float,
        Field(ge=0, le=10),
        Setting("Live pictures a second on the frame topic; Home Assistant shows 2 at most. 0: none.", "Hz", live=True),
    ] = 1.0

    _check_topics = field_validator("discovery_prefix", "birth_topic")(_topic_prefix)


class CameraConfig(Section):
    """The camera."""

    source: Annotated[
        str,
        Field(max_length=512),
        Setting(
            "auto (the first Pi or USB camera; never the synthetic one), picamera2, picamera2:<model or id>, "
            "v4l2:<device>, rtsp://…, file:<path>, or synthetic."
        ),
    ] = "auto"
    width: Annotated[
        int, Field(ge=64, le=4608, multiple_of=2), Setting("Width asked of the camera.", "px", live=True)
    ] = 1024
    height: Annotated[
        int, Field(ge=64, le=3456, multiple_of=2), Setting("Height asked of the camera.", "px", live=True)
    ] = 768
    framerate: Annotated[
        float, Field(ge=0.1, le=60), Setting("Frames a second by day, and how often a film is read.", "Hz", live=True)
    ] = 10.0
    codec: Annotated[
        Literal["yuv420", "rgb"],
        Setting("Pixels asked of a Pi camera: yuv420 is cheapest, rgb where the sensor offers nothing else."),
    ] = "yuv420"
    video_mode: Annotated[
        Literal["stream", "still"],
        Setting("Configuration of a Pi camera by day: stream keeps a steady rate, still favours quality over rate."),
    ] = "stream"
    capture_timeout_s: Annotated[
        float,
        Field(ge=0.5, le=300),
        Setting("How long a save waits for its frame beyond the exposure.", "s", live=True),
    ] = 4.0
    isolate: Annotated[
        bool,
        Setting(
            "Keep the camera in a process of its own, so that a driver that hangs or crashes takes nothing else along. "
            "false saves some 25 MiB on very small boards."
        ),
    ] = True


class NightConfig(Section):
    """When it is night, and what the camera does then."""

    enable: Annotated[bool, Setting("Switch the camera between day and night by itself.", live=True)] = True
    override: Annotated[
        Literal["auto", "day", "night"], Setting("auto measures the light; day and night force the mode.", live=True)
    ] = "auto"
    mode: Annotated[
        Literal["still", "stream"],
        Setting(
            "Configuration of a Pi camera by night: still is made for long exposures; stream only fixes exposure and "
            "gain, without a second set of buffers, for boards with little memory."
        ),
    ] = "still"
    dark_threshold: Annotated[
        float,
        Field(ge=0, le=255),
        Setting("Mean luma (0–255) below which a frame counts as dark, by day.", live=True),
    ] = 50.0
    bright_threshold: Annotated[
        float,
        Field(ge=0, le=255),
        Setting("Mean luma (0–255) above which a frame counts as bright, by night.", live=True),
    ] = 240.0
    min_dark_frames: Annotated[
        int, Field(ge=1, le=100_000), Setting("Dark frames in a row before night begins.", live=True)
    ] = 20
    min_bright_frames: Annotated[
        int, Field(ge=1, le=100_000), Setting("Bright frames in a row before night ends.", live=True)
    ] = 60
    dwell_s: Annotated[
        float, Field(ge=0, le=86_400), Setting("The camera stays in a mode at least this long.", "s", live=True)
    ] = 300.0
    settle_s: Annotated[
        float,
        Field(ge=0, le=600),
        Setting("Frames this soon after a switch or a start do not count: the exposure is still settling.", "s", True),
    ] = 5.0
    exposure_us: Annotated[
        int, Field(ge=100, le=200_000_000), Setting("Fixed exposure time at night.", "µs", live=True)
    ] = 2_000_000
    gain: Annotated[float, Field(ge=1, le=64), Setting("Fixed analogue gain at night.", live=True)] = 6.0

    @model_validator(mode="after")
    def _thresholds_apart(self) -> NightConfig:
        if self.dark_threshold >= self.bright_threshold:
            raise ValueError(
                f"dark_threshold ({self.dark_threshold:g}) must be below bright_threshold ({self.bright_threshold:g})"
            )
        return self


class DownscaleConfig(Section):
    """Smaller frames in the ring, for more seconds in the same memory."""

    enable: Annotated[bool, Setting("Keep the ring's frames in this smaller size.", live=True)] = False
    width: Annotated[int, Field(ge=16, le=4608, multiple_of=2), Setting("Width in the ring.", "px", live=True)] = 256
    height: Annotated[int, Field(ge=16, le=3456, multiple_of=2), Setting("Height in the ring.", "px", live=True)] = 192


class RingConfig(Section):
    """The last seconds, kept in memory as JPEG."""

    size: Annotated[int, Field(ge=2, le=100_000), Setting("Most frames kept.", live=True)] = 300
    max_seconds: Annotated[float, Field(ge=1, le=86_400), Setting("Frames older than this go.", "s", live=True)] = 600.0
    max_bytes: Annotated[int, Field(ge=MIB, le=64 * GIB), Setting("Most memory the ring may take.", "B", live=True)] = (
        64 * MIB
    )
    quality: Annotated[int, Field(ge=30, le=100), Setting("JPEG quality in the ring and on topics.", live=True)] = 85
    downscale: DownscaleConfig = DownscaleConfig()


class ExportConfig(Section):
    """Pictures on disk and on topics."""

    base_dir: Annotated[
        Path, Setting("Folder of the saved pictures, relative to the folder of the configuration file.")
    ] = Path("./captures")
    formats: Annotated[
        list[Format],
        Field(min_length=1, max_length=3),
        Setting("What save and pastStack write when they are not told: jpg, png, npy.", live=True),
    ] = ["jpg", "png"]
    save_before_s: Annotated[
        float, Field(ge=0, le=86_400), Setting("How long ago pastStack looks when it is not told.", "s", live=True)
    ] = 5.0
    stack_count: Annotated[int, Field(ge=1, le=256), Setting("Frames of a stack.", live=True)] = 4
    stack_dark_frames: Annotated[
        bool, Setting("pastStack makes one picture of its frames; false: it saves them one by one.", live=True)
    ] = True
    auto_save_interval_s: Annotated[
        float, Field(ge=0, le=604_800), Setting("Save a picture this often. 0: never.", "s", live=True)
    ] = 900.0
    auto_save_use_ring: Annotated[
        bool, Setting("The automatic picture is a pastStack instead of a fresh frame.", live=True)
    ] = False
    jpeg_quality: Annotated[int, Field(ge=30, le=100), Setting("JPEG quality of saved pictures.", live=True)] = 92
    thumbnail_px: Annotated[
        int,
        Field(ge=0, le=1024),
        Setting("Width of the base64 thumbnail on media/thumbnail. 0: none is sent.", "px", live=True),
    ] = 320

    @field_validator("formats")
    @classmethod
    def _each_once(cls, value: list[Format]) -> list[Format]:
        return list(dict.fromkeys(value))


class StorageConfig(Section):
    """What saved pictures may take. The oldest go first."""

    max_bytes: Annotated[
        int, Field(ge=0, le=1024 * GIB), Setting("Most bytes of saved pictures. 0: no limit.", "B", live=True)
    ] = 2 * GIB
    min_free_bytes: Annotated[
        int, Field(ge=0, le=1024 * GIB), Setting("What must stay free on the disk.", "B", live=True)
    ] = 200 * MIB
    max_age_days: Annotated[
        float, Field(ge=0, le=36_500), Setting("Pictures older than this go. 0: no limit.", "d", live=True)
    ] = 0.0


class TelemetryConfig(Section):
    """How often the node speaks of itself."""

    interval_s: Annotated[
        float, Field(ge=1, le=86_400), Setting("Time between two telemetry messages.", "s", live=True)
    ] = 60.0
    refresh_s: Annotated[
        float, Field(ge=10, le=86_400), Setting("Unchanged states are sent again this often.", "s", live=True)
    ] = 600.0
    brightness_deadband: Annotated[
        float, Field(ge=0, le=255), Setting("Smaller changes of brightness are not published.", live=True)
    ] = 2.0
    brightness_min_interval_s: Annotated[
        float, Field(ge=0, le=3600), Setting("Brightness is not published more often than this.", "s", live=True)
    ] = 1.0


class LoggingConfig(Section):
    """What the node writes about its work."""

    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Setting("Least serious message that is written.", live=True)
    ] = "INFO"
    file: Annotated[
        Path | None, Setting("Also write to this file, 5 MiB at most, three old ones kept. Empty: console only.")
    ] = None

    @field_validator("level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Config(Section):
    """The whole configuration file."""

    node: NodeConfig = Field(default_factory=NodeConfig)
    mqtt: MqttConfig = MqttConfig()
    homeassistant: HomeAssistantConfig = HomeAssistantConfig()
    camera: CameraConfig = CameraConfig()
    night: NightConfig = NightConfig()
    ring: RingConfig = RingConfig()
    export: ExportConfig = ExportConfig()
    storage: StorageConfig = StorageConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    logging: LoggingConfig = LoggingConfig()


# Keys of the contract whose part of the node is not built: refused with the reason, not ignored.
NOT_IN_THIS_VERSION = {
    "mjpeg_server": "this version has no HTTP server; leave the section out",
    "http": "this version has no HTTP server; leave the section out",
    "network": "this version has no TCP compatibility port; leave the section out",
    "privacy": "this version has no privacy mode; leave the section out",
}
