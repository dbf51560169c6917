"""Operations of a few lines, and the facts that the pipeline finds about them."""

from __future__ import annotations

from typing import Any

from scripts.normalise import normalise
from scripts.normalise.kinds import read_since
from scripts.normalise.schema import META, Json, operations
from tests.normalise.small_documents import document, ok

STRING: Json = {"type": "string"}


def describe(paths: dict[str, Json], schemas: Json | None = None, *, strict: bool = False) -> dict[str, Any]:
    """Return the facts about every operation, by operationId."""
    found = normalise(document(schemas or {}, paths), strict=strict, pins={}, observed=[]).document
    described = [next(iter(operation["responses"].values()))[META] for _, _, operation in operations(found)]
    return {one["operation"]: one for one in described}


def get(name: str, **more: Any) -> Json:  # Any: JSON
    """Return a path with one GET, which responds with a text."""
    return {"get": {"operationId": name, "responses": ok(STRING), **more}}


def own(name: str, **more: Any) -> dict[str, Json]:
    """Return the path of an operation of opencode 1.x."""
    method, path = read_since().rows[name]["route"].split()
    count = path.count("{}")
    path = path.replace("{}", "{{p{}}}").format(*range(count))
    parameters = [{"name": f"p{n}", "in": "path", "required": True, "schema": STRING} for n in range(count)]
    more = {**more, "parameters": [*parameters, *more.get("parameters", [])]}
    return {path: {method.lower(): get(name, **more)["get"]}}


def query(*names: str) -> list[Json]:
    """Return query parameters."""
    return [{"name": name, "in": "query", "schema": STRING} for name in names]


def sent(schema: Json, media: str = "application/json") -> Json:
    """Return the body of a request."""
    return {"content": {media: {"schema": schema}}}
