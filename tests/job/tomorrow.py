"""A document of an imaginary next version: the newest document with additions."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Document = dict[str, Any]

VERSION = "1.99.0"
_IN_SESSIONS = "/session/{sessionID}/weather"
_ELSEWHERE = "/almanac"


def of_tomorrow(today: Document) -> Document:
    """Add three operations (two in a new namespace), models, an event, and members of models."""
    document = deepcopy(today)
    paths, schemas = document["paths"], document["components"]["schemas"]
    paths[_IN_SESSIONS] = {
        "get": _like(paths["/session/{sessionID}/todo"]["get"], "session.weather", "Weather")
    }
    consult = _consult(paths["/session"]["post"])
    listed: Document = {
        **_like(consult, "almanac.list", "Weather"),
        "parameters": [],
    }  # no place for a directory
    del listed["requestBody"]
    paths[_ELSEWHERE] = {"get": listed, "post": consult}
    schemas["Weather"] = _weather()
    schemas["Event.weather.changed"] = _event(schemas["EventSessionIdle"])
    schemas["Event"]["anyOf"].append({"$ref": "#/components/schemas/Event.weather.changed"})
    schemas["Session"]["properties"]["climate"] = {"type": "string", "enum": ["calm", "stormy"]}
    schemas["Todo"]["properties"]["due"] = {"type": "number"}
    return document


def _like(operation: Document, name: str, model: str) -> Document:
    response = {"description": "Weather", "content": _json({"$ref": f"#/components/schemas/{model}"})}
    return {
        **deepcopy(operation),
        "operationId": name,
        "responses": {**operation["responses"], "200": response},
    }


def _consult(create: Document) -> Document:
    body = _object(question={"type": "string"}, days={"type": "integer", "minimum": 1})
    result = _object(answer={"type": "string"}, forecast={"type": "array", "items": _weather()})
    operation = _like(create, "almanac.consult", "Weather")
    operation["tags"] = ["almanac"]
    operation["requestBody"] = {"content": _json(body)}
    operation["responses"]["200"] = {"description": "The result", "content": _json(result)}
    return operation


def _weather() -> Document:
    kinds = {"type": "string", "enum": ["rain", "sun"]}
    return _object(
        kind=kinds, celsius={"anyOf": [{"type": "number"}, {"type": "null"}]}, at={"type": "integer"}
    )


def _event(idle: Document) -> Document:
    event = deepcopy(idle)
    event["properties"]["type"]["enum"] = ["weather.changed"]
    event["properties"]["properties"]["properties"]["weather"] = {"$ref": "#/components/schemas/Weather"}
    return event


def _object(**members: Document) -> Document:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}
