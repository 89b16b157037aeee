"""The console as an MQTT client: its topics, its connection, commands and their replies."""
