"""JSON schema of the telemetry, from the declared figures."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import WithJsonSchema

from pi_cam_node.core.telemetry import FIGURES, Figure

# Told in the telemetry although it has a topic of its own.
_TOLD_TWICE = ("ring_seconds",)
_TYPES = {"text": "string", "flag": "boolean", "counter": "integer"}


def telemetry_schema() -> dict[str, object]:
    """Return the schema of the telemetry: every figure, each of which the machine may not tell."""
    told = [figure for figure in FIGURES if figure.source == "telemetry" or figure.key in _TOLD_TWICE]
    return {
        "type": "object",
        "title": "Telemetry",
        "description": "The telemetry figures; null for what the machine does not tell.",
        "properties": {figure.key: _schema_of(figure) for figure in told},
        "required": [figure.key for figure in told],
    }


def _schema_of(figure: Figure) -> dict[str, object]:
    """Return the schema of a figure; null stands for what the machine does not tell."""
    doc = f"{figure.doc.rstrip('.')}, in {figure.unit}." if figure.unit else figure.doc
    if figure.properties is not None:
        parts = {"properties": dict(figure.properties), "required": list(figure.properties)}
        return {"type": ["object", "null"], "description": doc, **parts, "additionalProperties": False}
    return {"type": [_TYPES.get(figure.kind, "number"), "null"], "description": doc}


Telemetry = Annotated[dict[str, Any], WithJsonSchema(telemetry_schema())]
"""The type of the telemetry, for the documents."""
