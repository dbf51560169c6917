"""A small document with one example of everything that the templates support."""

from __future__ import annotations

from typing import Any

_STRING = {"type": "string"}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        **more,
    }


SCHEMAS: dict[str, Any] = {
    "Session": _object(
        {"id": _STRING, "projectID": _STRING, "time": _object({"created": {"type": "integer"}})},
        {
            "title": {"type": "string", "description": "What it is about.", "default": "none"},
            "parts": {"type": "array", "items": _ref("Part")},
            "byName": {"type": "object", "additionalProperties": _ref("Part")},
            "mood": {"type": "string", "enum": ["good", "bad"]},
            "open": {"type": "object"},
            "due": {"type": "string", "format": "date-time"},
            "grid": {"type": "array", "items": {"type": "array", "items": _ref("Leaf")}},
        },
        description="A conversation.",
    ),
    "Part": {"anyOf": [_ref("TextPart"), _ref("Leaf"), _ref("Sync1"), _ref("Sync2"), _ref("Twice")]},
    "TextPart": _object({"type": {"const": "text"}, "text": _STRING}),
    "Leaf": _object({"type": {"enum": ["leaf"]}}, {"next": _ref("Leaf"), "part": _ref("Part")}),
    "Sync1": _object({"type": {"const": "sync"}, "inner": _object({"type": {"const": "one.1"}})}),
    "Sync2": _object({"type": {"const": "sync"}, "inner": _object({"type": {"const": "two.1"}})}),
    "Twice": _object({"type": {"const": "twice"}, "aggregate": {"const": "session"}}),
    "Keywords": _object(
        {"class": _STRING, "list": {"type": "array", "items": _STRING}, "str": _STRING, "from_dict": _STRING},
        {
            "$schema": _STRING,
            "_tag": _STRING,
            "fooBar": _STRING,
            "foo_bar": _STRING,
            "self": _STRING,
            "type": _STRING,
        },
    ),
    "Nullable": _object({"a": {"anyOf": [_STRING, {"type": "null"}]}, "b": {"type": ["integer", "null"]}}),
    "Blend": {
        "anyOf": [_STRING, {"type": "boolean"}, _ref("TextPart"), {"type": "array", "items": _ref("Leaf")}]
    },
    "HasBlend": _object({"it": _ref("Blend")}),
    "HasMap": _object({"byName": {"type": "object", "additionalProperties": _ref("Leaf")}}),
    "Json": {"anyOf": [_STRING, _ref("TextPart"), {"type": "object", "additionalProperties": _ref("Json")}]},
    "HasJson": _object({"it": _ref("Json")}),
    "Text": {"anyOf": [{"type": "string"}, {"type": "array", "items": _STRING}]},
    "Outcome": {
        "anyOf": [
            _object({"success": {"const": True}, "version": _STRING}),
            _object({"success": {"const": False}, "error": _STRING}),
        ]
    },
    "Circle": _object(
        {"type": {"const": "circle"}, "ownerID": _STRING, "at": _ref("Spot"), "size": {"type": "integer"}}
    ),
    "Square": _object({"type": {"const": "square"}, "ownerID": _STRING, "at": _ref("Spot"), "size": _STRING}),
    "Spot": _object({"x": {"type": "integer"}}),
    "Figure": {"anyOf": [_ref("Circle"), _ref("Square")]},
    **{
        name: _object({"kind": {"type": "string", "enum": kinds}, "beds": {"type": "integer"}})
        for name, kinds in (("Hut", ["hut"]), ("Inn", ["inn"]), ("Camp", ["tent", "hut"]))
    },
    "HasLodging": _object({"it": {"oneOf": [_ref("Hut"), _ref("Inn"), _ref("Camp")]}}),
    "Sent": _object({"mood": {"type": "string", "enum": ["good", "bad"]}}),
}
PATHS: dict[str, Any] = {
    "/session": {
        "post": {
            "operationId": "session.create",
            "requestBody": {"content": {"application/json": {"schema": _object({"sent": _ref("Sent")})}}},
            "responses": {
                "200": {"description": "", "content": {"application/json": {"schema": _ref("Session")}}}
            },
        }
    },
    "/thing/{thingID}/at/*": {
        "patch": {
            "operationId": "list.thing.update",
            "summary": "Change a thing",
            "description": "All at once.",
            "deprecated": True,
            "parameters": [
                {"name": "directory", "in": "query", "schema": _STRING},
                {
                    "name": "mood",
                    "in": "query",
                    "schema": {"enum": ["good", "bad"]},
                    "description": "How it is.",
                },
                {"name": "timeout", "in": "query", "required": True, "schema": {"type": "integer"}},
            ],
            "requestBody": {
                "content": {
                    "application/json": {
                        "schema": _object(
                            {"note": {"anyOf": [_STRING, {"type": "null"}]}, "kind": {"const": "x"}},
                            {
                                "due": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                                "parts": {"type": "array", "items": _ref("Part")},
                            },
                        )
                    }
                }
            },
            "responses": {
                "204": {"description": "Changed"},
                "404": {"description": "", "content": {"application/json": {"schema": _ref("Sent")}}},
            },
        }
    },
    "/log": {
        "post": {
            "operationId": "app.log",
            "requestBody": {"content": {"application/octet-stream": {"schema": {}}}},
            "responses": {"204": {"description": "Logged"}},
        }
    },
    "/list": {
        "get": {
            "operationId": "list.list",
            "responses": {
                "200": {
                    "description": "",
                    "content": {
                        "application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}
                    },
                }
            },
        }
    },
}


def session(**more: Any) -> dict[str, Any]:
    """Return a session as JSON, as a server sends it, with the members `more`."""
    return {"id": "ses_1", "projectID": "p", "time": {"created": 1}, **more}
