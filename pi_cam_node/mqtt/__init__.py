"""MQTT: connection to the broker, topics, messages, retained state and Home Assistant discovery."""
