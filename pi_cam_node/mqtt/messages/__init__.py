"""MQTT messages and topics: what is sent and what comes in, without a connection."""
