"""What the routes answer with, for the description of the interface: what their declarations do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pi_cam_node.base.errors import CODES
from pi_cam_node.core.commands.parsing import MAX_ID_CHARS

JPEG, JSON, PARTS = "image/jpeg", "application/json", "multipart/x-mixed-replace; boundary=frame"

# By method and path; plain text where nothing is said.
CONTENTS: Mapping[str, tuple[str, ...]] = {
    "GET /": ("text/html",),
    "GET /login": ("text/html",),
    "GET /static/{name}": ("text/css", "text/javascript", "image/svg+xml"),
    "GET /stream": (PARTS,),
    "GET /shortstream": (PARTS,),
    "GET /snapshot.jpg": (JPEG,),
    "GET /media/{id}": (JPEG, "image/png", "application/octet-stream"),
    "GET /media/{id}/thumbnail": (JPEG,),
    "GET /api/state": (JSON,),
    "GET /api/config": (JSON,),
    "GET /api/openapi.json": (JSON,),
}

NOT_FOUND: Mapping[str, str] = {
    "GET /static/{name}": "There is no such file.",
    "GET /media/{id}": "There is no such picture, any more.",
    "GET /media/{id}/thumbnail": "There is no such picture, any more.",
}


def _query(name: str, schema: Mapping[str, object], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": dict(schema), "description": description}


QUERIES: Mapping[str, Sequence[dict[str, Any]]] = {
    "GET /stream": [_query("fps", {"type": "number", "exclusiveMinimum": 0}, "Fewer pictures a second.")],
    "GET /shortstream": [_query("n", {"type": "integer", "minimum": 1, "maximum": 1000}, "How many pictures.")],
    "GET /snapshot.jpg": [
        _query("fresh", {"enum": ["0", "1"]}, "1: a picture whose exposure begins after the request."),
        _query("width", {"type": "integer", "minimum": 16}, "Its width at most, in pixels."),
    ],
    "GET /media/{id}": [_query("format", {"enum": ["jpg", "png", "npy"]}, "The file of this format.")],
}

_TOKEN = {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}}

BODIES: Mapping[str, dict[str, Any]] = {
    "POST /login": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": _TOKEN}, JSON: {"schema": _TOKEN}},
    },
}

_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}

SCHEMAS: Mapping[str, dict[str, Any]] = {
    "Reply": {
        "type": "object",
        "description": "The final reply to a command, the same as over MQTT.",
        "required": [
            "id", "verb", "ok", "code", "message", "data", "stage", "received", "took_ms", "node", "boot",
        ],
        "properties": {
            "id": {"type": "string", "description": "The name of the request, made up where it gave none."},
            "verb": _TEXT,
            "ok": {"type": "boolean"},
            "code": {"enum": list(CODES)},
            "message": {"type": "string", "description": "For people, and for scripts that match it."},
            "data": {"type": "object", "description": "The same facts, typed."},
            "stage": {"const": "final"},
            "received": {"type": "string", "format": "date-time"},
            "took_ms": {"type": "number", "minimum": 0},
            "node": _TEXT,
            "boot": _TEXT,
        },
    },
    "Refusal": {
        "type": "object",
        "description": "What is said where the command did not reach the node, or its reply did not come in time.",
        "required": ["verb", "ok", "code", "message", "data", "stage", "node"],
        "properties": {
            "verb": _TEXT,
            "ok": {"const": False},
            "code": {"enum": ["bad_request", "busy", "timeout"]},
            "message": _TEXT,
            "data": _OBJECT,
            "stage": {"const": "final"},
            "node": _TEXT,
        },
    },
    "Common": {
        "type": "object",
        "description": "What every command takes beside its own arguments.",
        "properties": {
            "id": {
                "anyOf": [{"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARS}, {"type": "integer"}],
                "description": "Your name for the request. A repeated one gets the stored reply.",
            },
            "expires": {
                "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
                "description": "The moment after which it shall not be carried out, or seconds since 1970.",
            },
        },
    },
    "Picture": {
        "type": "object",
        "description": "A saved picture. One of an earlier run has only what its id says.",
        "required": ["id", "url", "thumbnail_url"],
        "properties": {
            "id": _TEXT,
            "kind": {"enum": ["single", "stack", "ring", "auto"]},
            "first_at": {"type": "string", "format": "date-time"},
            "url": {"type": "string", "description": "Where it is, with a signature that ends."},
            "thumbnail_url": {"type": "string", "description": "The same for a small JPEG of it."},
        },
    },
    "State": {
        "type": "object",
        "description": "What is, as last told by the node.",
        "required": ["at", "node", "broker", "broker_away_because", "states", "telemetry", "brightness", "media"],
        "properties": {
            "at": {"type": "string", "format": "date-time", "description": "The node's clock."},
            "node": {"type": "object", "description": "Its id, name and version."},
            "broker": {"type": "boolean", "description": "Whether the MQTT broker is connected."},
            "broker_away_because": {"type": "string", "description": "Why it is not, for people; empty while it is."},
            "states": {"type": "object", "description": "Values by state key, as on the topics; and `camera`."},
            "telemetry": {"type": "object", "description": "The last figures."},
            "brightness": {
                "type": "array",
                "description": "The last hour: seconds since 1970 and level from 0 to 255, oldest first.",
                "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            },
            "media": {"type": "array", "items": {"$ref": "#/components/schemas/Picture"}},
        },
    },
    "Setting": {
        "type": "object",
        "description": "A setting, its value in force (secrets masked), and what it may be.",
        "required": ["key", "section", "title", "doc", "type", "value", "default", "unit", "live", "secret"],
        "properties": {
            "key": _TEXT,
            "section": _TEXT,
            "title": _TEXT,
            "doc": _TEXT,
            "type": {"enum": ["bool", "int", "float", "choice", "list", "text"]},
            "value": {},
            "default": {},
            "unit": _TEXT,
            "minimum": {"type": ["number", "null"]},
            "maximum": {"type": ["number", "null"]},
            "step": {"type": ["number", "null"]},
            "choices": {"type": "array", "items": _TEXT},
            "expected": {"type": "string", "description": "What a value must be, in words."},
            "live": {"type": "boolean", "description": "It can be changed by `set`, and takes effect at once."},
            "secret": {"type": "boolean"},
        },
    },
    "Settings": {
        "type": "object",
        "required": ["settings"],
        "properties": {"settings": {"type": "array", "items": {"$ref": "#/components/schemas/Setting"}}},
    },
}  # fmt: skip

_JSON_OF = {"GET /api/state": "State", "GET /api/config": "Settings"}


def content_of(way: str, kinds: Sequence[str]) -> dict[str, Any]:
    """Return the media types of a route's answer, with the schema of those in JSON."""
    if kinds != (JSON,):
        return {kind: {} for kind in kinds}
    schema = {"$ref": f"#/components/schemas/{_JSON_OF[way]}"} if way in _JSON_OF else _OBJECT
    return {JSON: {"schema": schema}}
