"""An MQTT-driven IoT camera node: day, night, the last seconds, and pictures on command."""

__version__ = "0.1.0"
