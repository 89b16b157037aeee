"""Settings, each declared once: name, type, range, unit, default, description, and whether it is live.

The file's reference, ``set``, the Home Assistant entities and the documents are derived from these
models. A *live* setting takes effect while the node runs; the others are read at start.
"""

from __future__ import annotations

from pydantic import Field

from pi_cam_node.config.sections.base import Section, Setting
from pi_cam_node.config.sections.camera import CameraConfig, NightConfig
from pi_cam_node.config.sections.mqtt import HomeAssistantConfig, MqttConfig, MqttTlsConfig
from pi_cam_node.config.sections.node import NodeConfig, default_node_id
from pi_cam_node.config.sections.pictures import (
    FORMATS,
    DownscaleConfig,
    ExportConfig,
    Format,
    OverlayConfig,
    RecordingStorageConfig,
    RingConfig,
    StorageConfig,
    format_of,
)
from pi_cam_node.config.sections.privacy import PrivacyConfig
from pi_cam_node.config.sections.telemetry import LoggingConfig, TelemetryConfig
from pi_cam_node.config.sections.video import HlsConfig, HlsRemoteConfig, MotionConfig, RecordingConfig, TimelapseConfig
from pi_cam_node.config.sections.web import HttpConfig, HttpTlsConfig, MjpegServerConfig, NetworkConfig

__all__ = [
    "FORMATS",
    "CameraConfig",
    "Config",
    "DownscaleConfig",
    "ExportConfig",
    "Format",
    "HlsConfig",
    "HlsRemoteConfig",
    "HomeAssistantConfig",
    "HttpConfig",
    "HttpTlsConfig",
    "LoggingConfig",
    "MjpegServerConfig",
    "MotionConfig",
    "MqttConfig",
    "MqttTlsConfig",
    "NetworkConfig",
    "NightConfig",
    "NodeConfig",
    "OverlayConfig",
    "PrivacyConfig",
    "RecordingConfig",
    "RecordingStorageConfig",
    "RingConfig",
    "Section",
    "Setting",
    "StorageConfig",
    "TelemetryConfig",
    "TimelapseConfig",
    "default_node_id",
    "format_of",
]


class Config(Section):
    """The whole configuration file."""

    node: NodeConfig = Field(default_factory=NodeConfig)
    mqtt: MqttConfig = MqttConfig()
    homeassistant: HomeAssistantConfig = HomeAssistantConfig()
    camera: CameraConfig = CameraConfig()
    night: NightConfig = NightConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    overlay: OverlayConfig = OverlayConfig()
    ring: RingConfig = RingConfig()
    export: ExportConfig = ExportConfig()
    motion: MotionConfig = MotionConfig()
    recording: RecordingConfig = RecordingConfig()
    timelapse: TimelapseConfig = TimelapseConfig()
    hls: HlsConfig = HlsConfig()
    storage: StorageConfig = StorageConfig()
    mjpeg_server: MjpegServerConfig = MjpegServerConfig()
    http: HttpConfig = HttpConfig()
    network: NetworkConfig = NetworkConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    logging: LoggingConfig = LoggingConfig()
