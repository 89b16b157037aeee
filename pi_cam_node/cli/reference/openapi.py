"""``docs/openapi.yaml``: the HTTP interface, as every node serves it on ``/api/openapi.json``, with examples."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from pi_cam_node import __version__
from pi_cam_node.cli.reference.asyncapi import NoAnchors
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas
from pi_cam_node.web import application
from pi_cam_node.web.api.openapi import document

_HEAD = "# Written by `pi-cam-node docs --write` from the table of routes and the registry of commands.\n"


def described() -> dict[str, Any]:
    """Return the document of a node called porch, with an example of every JSON that is sent and answered."""
    told = copy.deepcopy(document(application.routes(), __version__, "session_porch"))
    schemas = Schemas()
    schemas.named = told["components"]["schemas"]
    for operation in (one for methods in told["paths"].values() for one in methods.values()):
        contents = [operation.get("requestBody", {}), operation["responses"]["200"]]
        for media in (content.get("content", {}).get("application/json") for content in contents):
            if media and media.get("schema"):
                media["example"] = schemas.example(media["schema"])
    return told


def page() -> str:
    """Return ``docs/openapi.yaml``."""
    return _HEAD + yaml.dump(described(), Dumper=NoAnchors, sort_keys=False, allow_unicode=True, width=110)
