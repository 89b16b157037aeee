"""The OpenAPI document matches routes and commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pi_cam_node.base.errors import CODES
from pi_cam_node.core.commands.all import registry
from pi_cam_node.web import application
from pi_cam_node.web.api import openapi
from pi_cam_node.web.http.status_codes import STATUSES

ROUTES = application.routes()
DOCUMENT = openapi.document(ROUTES, "1.2.3", "session_porch")
OPERATIONS = [(path, method, op) for path, methods in DOCUMENT["paths"].items() for method, op in methods.items()]


def references(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from references(item)


def schema_of(verb: str) -> Any:
    return DOCUMENT["components"]["schemas"][f"{verb}-arguments"]


def test_every_route_is_described_with_its_right() -> None:
    described = {(method.upper(), path): op["x-right"] for path, method, op in OPERATIONS}
    for route in ROUTES:
        paths = [route.path]
        if route.path == openapi.COMMAND:
            paths = [route.path.replace("{verb}", verb) for verb in registry()]
        for path in paths:
            assert described.pop((route.method, path)) == route.need.right
    assert described == {}


def test_only_public_routes_ask_for_no_credential() -> None:
    for _path, _method, operation in OPERATIONS:
        assert bool(operation["security"]) == (operation["x-right"] != "public")


def test_signed_links_open_saved_pictures_and_no_commands() -> None:
    opened = {path for path, _, op in OPERATIONS if {"link": []} in op["security"]}
    assert {"/media/{id}", "/media/{id}/thumbnail"} <= opened
    assert opened == {route.path for route in ROUTES if route.need.signed}
    assert not any(path.startswith("/api/") for path in opened)


@pytest.mark.parametrize("verb", list(registry()))
def test_every_command_is_described_by_its_own_model(verb: str) -> None:
    command = registry()[verb]
    operation = DOCUMENT["paths"][f"/api/commands/{verb}"]["post"]
    assert operation["summary"] == command.summary
    assert command.usage in operation["description"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": f"#/components/schemas/{verb}-arguments"}
    assert set(schema_of(verb)["properties"]) == {*command.arguments.model_fields, "id", "expires"}
    assert schema_of(verb)["additionalProperties"] is False


def test_the_body_may_be_left_out_where_no_argument_is_needed() -> None:
    needed = {p: op["requestBody"]["required"] for p, _, op in OPERATIONS if p.startswith("/api/commands/")}
    assert {path.rpartition("/")[2] for path, is_needed in needed.items() if is_needed} == {
        "set",
        "get",
        "explain",
        "record",
        "privacy",
        "keep",
        "delete",
    }


def test_limits_of_arguments_are_told() -> None:
    assert schema_of("shortstream")["properties"]["n"]["maximum"] == 1000
    assert schema_of("set")["required"] == ["key", "value"]


def test_every_status_of_a_reply_is_told_with_its_codes() -> None:
    responses = DOCUMENT["paths"]["/api/commands/save"]["post"]["responses"]
    told = {code: int(status) for status, r in responses.items() for code in r["description"].split(", ")}
    assert {code: told[code] for code in CODES} == dict(STATUSES)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"], reference


def test_names_of_operations_are_used_once_and_parameters_of_paths_are_declared() -> None:
    names = [op["operationId"] for _, _, op in OPERATIONS]
    assert len(names) == len(set(names))
    for path, _method, operation in OPERATIONS:
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_refusals_that_the_right_and_the_method_bring_are_told() -> None:
    for _path, method, operation in OPERATIONS:
        told = set(operation["responses"])
        if operation["x-right"] != "public":
            assert {"401", "403", "429"} <= told
        if method == "post":
            assert {"408", "413", "415"} <= told
        if any(p["in"] == "query" for p in operation.get("parameters", [])):
            assert "400" in told


def test_lists_take_the_arguments_of_their_commands() -> None:
    for verb in ("media", "events"):
        operation = DOCUMENT["paths"][f"/api/{verb}"]["get"]
        assert {p["name"] for p in operation["parameters"]} == set(registry()[verb].arguments.model_fields)


@pytest.mark.parametrize(
    ("name", "fields"), [("State", {"at", "media"}), ("Setting", {"key", "value"}), ("Reply", {"id"})]
)
def test_json_is_described_by_the_models_that_make_it(name: str, fields: set[str]) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    assert fields <= set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_the_document_is_json_and_names_the_version_and_the_cookie() -> None:
    assert json.loads(json.dumps(DOCUMENT, allow_nan=False)) == DOCUMENT
    assert DOCUMENT["info"]["version"] == "1.2.3"
    assert DOCUMENT["components"]["securitySchemes"]["session"]["name"] == "session_porch"


def test_a_validator_that_nobody_here_wrote_accepts_the_document() -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    validator.validate(DOCUMENT)
