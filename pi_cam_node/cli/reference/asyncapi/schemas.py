"""JSON schemas of Python types, collected under their names, and examples made from schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

REF = "#/components/schemas/{model}"
# Deeper than any payload; a schema that refers to itself must end somewhere.
_EXAMPLE_DEPTH = 12


class Schemas:
    """The schemas of a document by name.

    Attributes:
        named: For ``components/schemas``.
    """

    def __init__(self) -> None:
        self.named: dict[str, dict[str, Any]] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        """Return the schema of a type: a reference where it has a name of its own."""
        schema = TypeAdapter(kind).json_schema(ref_template=REF)
        for name, model in schema.pop("$defs", {}).items():
            self.add(name, model)
        if "title" in schema and schema.get("type") == "object":
            return self.add(schema["title"], schema)
        return schema

    def add(self, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a schema under a name, closed; return the reference to it."""
        self.named[name] = closed(schema)
        return {"$ref": REF.format(model=name)}

    def example(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """Return a value that a schema allows, from its examples where it has some."""
        if "$ref" in schema:
            return self.example(self.named[schema["$ref"].rpartition("/")[2]], depth + 1)
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if "allOf" in schema:
            parts = [self.example(part, depth + 1) for part in schema["allOf"]]
            return {name: value for part in parts for name, value in part.items()}
        if "anyOf" in schema or depth > _EXAMPLE_DEPTH:
            return self.example(schema["anyOf"][0], depth + 1) if "anyOf" in schema else None
        return self._example_of_type(schema, depth)

    def _example_of_type(self, schema: Mapping[str, Any], depth: int) -> Any:
        kinds = schema.get("type", "null")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        if kind == "object":
            properties = schema.get("properties", {})
            required = schema.get("required", properties)
            return {name: self.example(properties[name], depth + 1) for name in properties if name in required}
        if kind == "array":
            items = schema.get("prefixItems") or [schema["items"]]
            return [self.example(item, depth + 1) for item in items]
        low = schema.get("minimum", 0)
        return {"string": "", "boolean": False, "integer": low, "number": low}.get(kind)


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema in which every object has the properties that are named and no other."""
    told = {
        key: closed(value)
        if isinstance(value, Mapping)
        else [closed(item) if isinstance(item, Mapping) else item for item in value]
        if isinstance(value, list) and key in ("anyOf", "oneOf", "allOf")
        else value
        for key, value in schema.items()
        if key != "examples"
    }
    if "properties" in schema and schema.get("type") == "object":
        told.setdefault("additionalProperties", False)
    return {**told, "examples": schema["examples"]} if "examples" in schema else told
