"""HTTP API: commands, states, metrics, and their OpenAPI document."""
