"""Draw schemas and operations, and put them into a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from hypothesis import strategies as st

Json: TypeAlias = dict[str, Any]  # Any: parsed JSON
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

_NAMES = ("alpha", "betaID", "gamma", "class", "deltaValue", "from", "epsilon", "title", "list")
TEXT: Json = {"type": "string"}
INTEGER: Json = {"type": "integer"}
_SCALARS: tuple[Json, ...] = (
    TEXT, INTEGER, {"type": "number"}, {"type": "boolean"}, {"type": "string", "format": "date-time"},
    {"type": "integer", "format": "int64", "minimum": -9}, {"const": "fixed"}, {"const": True}, {"const": 3},
    {"type": "string", "enum": ["a", "b"]}, {"enum": [1, 2]}, {"enum": [1, "1", True, None]}, {"enum": ["one"]},
    {"type": "string", "default": "x"}, {"type": "integer", "default": 4},
    {"type": "array", "items": TEXT, "default": []},
    {"type": ["string", "null"]}, {"type": "boolean", "nullable": True}, {"anyOf": [INTEGER, {"type": "null"}]},
    {"anyOf": [TEXT, {"type": "boolean"}, {"type": "array", "items": INTEGER}]},
    {"not": {"type": "null"}, "type": "string"},
    {"oneOf": [{"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["b"]}]},
)  # fmt: skip


class Builder:
    """Adds operations to a document."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.schemas: Json = {}
        self.components: Json = {"schemas": self.schemas}
        self.paths: Json = {}

    def add(self, number: int, case: str, operation: Json) -> None:
        """Add an operation; `method`, `path` and `shared` are not members of it."""
        method = operation.pop("method", self.draw(st.sampled_from(["post", "put", "patch"])))
        path = operation.pop("path", f"/c{number}")
        shared = operation.pop("shared", {})
        namespace = self.draw(st.sampled_from(["a", "a.b.c", "d", "v2.e"]))
        operation.setdefault("operationId", f"{namespace}.doIt{number}")
        if operation["operationId"] is None:
            del operation["operationId"]
        operation.setdefault("responses", {"204": {"description": "done"}})
        self.paths[path] = shared | {method: {"x-case": case, **operation}}

    def scalar(self) -> Json:
        """Return a schema without named members."""
        return dict(self.draw(st.sampled_from(_SCALARS)))

    def object(self, depth: int = 1) -> Json:
        """Return an object with named members."""
        names = self.draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True))
        required = [name for name in names if self.draw(st.booleans())]
        members = {name: self.schema(depth - 1) for name in names}
        return {"type": "object", "properties": members, "required": required}

    def schema(self, depth: int = 1) -> Json:
        """Return any schema that the pipeline handles."""
        if depth <= 0:
            return self.scalar()
        kind = self.draw(st.sampled_from(["scalar", "object", "array", "map", "any"]))
        if kind == "object":
            return self.object(depth)
        if kind == "array":
            return {"type": "array", "items": self.schema(depth - 1)}
        if kind == "map":
            return {"type": "object", "additionalProperties": self.schema(depth - 1)}
        return {} if kind == "any" else self.scalar()

    def component(self, name: str, schema: Json) -> Json:
        """Add a component, and return a reference to it."""
        self.schemas[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}


def content(schema: Any, media: str = "application/json") -> Json:  # Any: a schema may be true
    return {"description": "", "content": {media: {"schema": schema}}}


def ok(schema: Any) -> Json:  # Any: as above
    return {"200": content(schema)}


def parameter(name: str, schema: Json, place: str = "query", **more: object) -> Json:
    return {
        "name": name,
        "in": place,
        "schema": schema,
        **({"required": True} if place == "path" else {}),
        **more,
    }
