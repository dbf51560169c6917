"""Unsupported parts of a document raise an error with their pointers and a remedy."""

from __future__ import annotations

import re

import pytest

from scripts.normalise import keywords, support, support_schemas
from scripts.normalise.schema import Json
from scripts.normalise.support import UnsupportedDocumentError
from tests.normalise.small_documents import document, one_operation

STRING: Json = {"type": "string"}
STRINGS: Json = {"type": "array", "items": STRING}
OBJECT: Json = {"type": "object", "properties": {"a": STRING}}
FORM: Json = {"multipart/form-data": {"schema": OBJECT}}
URLENCODED: Json = {"application/x-www-form-urlencoded": {"schema": OBJECT}}
JSON: Json = {"application/json": {"schema": OBJECT}}
EVENTS: Json = {"text/event-stream": {"schema": STRING}}


def _parameter(schema: Json, place: str = "query", **more: object) -> Json:
    return {"parameters": [{"name": "x", "in": place, "schema": schema, **more}]}


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"requestBody": {"content": FORM}}, "requestBody/content: a body of multipart/form-data is not"),
        ({"requestBody": {"content": URLENCODED}}, "a body of application/x-www-form-urlencoded is not"),
        ({"requestBody": {"content": {**FORM, **URLENCODED}}}, "a body of multipart/form-data is not"),
        ({"requestBody": {"content": {"Multipart/Mixed": {}}}}, "a body of Multipart/Mixed is not"),
        ({"responses": {"200": {"content": {"text/x": {"itemSchema": {}}}}}}, "text~1x/itemSchema: is of"),
        (
            {"responses": {"200": {"content": {**JSON, **EVENTS}}}},
            "responses/200/content: a response that is",
        ),
        ({"responses": {"200": {"content": EVENTS}, "202": {}}}, "responses/200: an event stream beside"),
        ({"responses": {"2xx": {}}}, "responses/2xx: is no status"),
        (
            {"parameters": [{"name": "x", "in": "query", "content": JSON}]},
            "parameters/0: the parameter 'x' has",
        ),
        ({"x-websocket": True, "parameters": []}, "a WebSocket without a variable in its path"),
        ({"servers": [{"url": "/v2"}]}, "servers: has a server of its own"),
        (
            {"parameters": [{"name": "y", "in": "path", "schema": STRING}]},
            "parameters/0: the parameter 'y' is not in the path",
        ),
        (_parameter({"type": "object"}, style="deepObject"), "an object without named members"),
        (_parameter({**OBJECT, "additionalProperties": STRING}, style="deepObject"), "without named members"),
        (_parameter(STRING, "querystring"), "has in='querystring'"),
        ({"parameters": [{"name": "x", "schema": STRING}]}, "has in=None"),
        (_parameter(STRINGS, "path", required=True), "is an array in the path"),
        (_parameter({"$ref": "#/components/schemas/Strings"}, "path"), "is an array in the path"),
        (_parameter({"anyOf": [STRING, STRINGS]}, "path"), "is an array in the path"),
        (_parameter({"type": ["array", "null"], "items": STRING}, "header"), "is an array in the header"),
        (_parameter(STRING, "path", style="label"), "style='label'"),
        (_parameter(STRING, "path", style="matrix"), "style='matrix'"),
        (_parameter(STRINGS, style="pipeDelimited"), "style='pipeDelimited'"),
        (_parameter(STRINGS, style="spaceDelimited"), "style='spaceDelimited'"),
        (_parameter(STRINGS, explode=False), "explode=false"),
        (_parameter({"type": "array", "items": OBJECT}), "is an array of arrays or objects"),
        (_parameter({"type": "array", "items": STRINGS}), "is an array of arrays or objects"),
        (_parameter(OBJECT), "is an object"),
        (_parameter(OBJECT, "path"), "is an object"),
        (_parameter(STRING, style="deepObject"), "only an object in the query"),
        (_parameter(OBJECT, "path", style="deepObject"), "only an object in the query"),
        (
            _parameter({"type": "object", "properties": {"a": STRINGS}}, style="deepObject"),
            "has a member 'a' that is no single value",
        ),
    ],
)
def test_an_unsupported_operation_is_refused_with_its_pointer(operation: Json, message: str) -> None:
    path = "/a" if "x-websocket" in operation else "/a/{x}"
    given = one_operation(operation, path, {"Strings": STRINGS})
    place = re.escape(f"/paths/{path.replace('/', '~1')}/get")
    with pytest.raises(UnsupportedDocumentError, match=rf"\n  {place}[/:].*{re.escape(message)}"):
        support.refuse_unsupported(given)


@pytest.mark.parametrize(
    "operation",
    [
        {"requestBody": {"content": {**FORM, **JSON}}},
        {"requestBody": {"content": {"application/octet-stream": {}}}},
        {"requestBody": {}},
        {"responses": {"200": {"content": EVENTS}, "400": {"content": JSON}}},
        _parameter(STRING, explode=False),
        _parameter(STRING, style="pipeDelimited"),  # the same as without it
        _parameter(STRINGS),
        _parameter(STRINGS, style="form", explode=True),
        _parameter({"$ref": "#/components/schemas/Location"}, style="deepObject", explode=True),
        _parameter({"$ref": "#/components/schemas/Circle"}),
        {"parameters": [{"name": "x", "in": "query"}]},
    ],
)
def test_a_supported_operation_is_unchanged(operation: Json) -> None:
    circle: Json = {"$ref": "#/components/schemas/Circle"}
    given = one_operation(operation, "/a", {"Location": OBJECT, "Circle": circle})
    assert support.refuse_unsupported(given) is given


@pytest.mark.parametrize(
    ("path", "item", "message"),
    [
        ("/a/{x}/b/{x}", {}, ": has the variable 'x' twice"),
        ("/a?b=c", {}, ": is no path"),
        ("a", {}, ": is no path"),
        ("/a", {"query": {}}, "/query: has 'query', which is not supported"),
        ("/a", {"servers": []}, "/servers: has a server of its own"),
    ],
)
def test_an_unsupported_path_is_refused_with_its_pointer(path: str, item: Json, message: str) -> None:
    given = document({}, {path: {"get": {"responses": {}}, "x-of-theirs": 1, **item}})
    place = re.escape(f"/paths/{path.replace('/', '~1')}{message}")
    with pytest.raises(UnsupportedDocumentError, match=rf"\n  {place}"):
        support.refuse_unsupported(given)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"if": {}, "then": OBJECT}, "has the keyword 'if'"),
        ({"type": "object", "properties": {"b": {"dependentSchemas": {}}}}, "has the keyword 'dependentSchemas'"),
        ({"$dynamicRef": "#x"}, "has the keyword '$dynamicRef'"),
        ({"unevaluatedProperties": STRING}, "has a schema as unevaluatedProperties"),
        ({**STRING, "enum": [1, 2]}, "has only values that are not of its type 'string'"),
        ({"type": "integer", "const": "1"}, "has only values that are not of its type 'integer'"),
        ({"$ref": "#/components/responses/Gone"}, "which is no schema"),
    ],
)  # fmt: skip
def test_an_unsupported_schema_is_refused_with_its_pointer(schema: Json, message: str) -> None:
    given = keywords.mark_pointers(document({"A": schema}))
    with pytest.raises(UnsupportedDocumentError, match=rf"\n  /components/schemas/A.*{re.escape(message)}"):
        support_schemas.refuse_schemas(given)


def test_a_parameter_of_a_path_item_is_checked() -> None:
    given = one_operation({})
    given["paths"]["/a"] |= _parameter(OBJECT)
    with pytest.raises(
        UnsupportedDocumentError, match=r"\n  /paths/~1a/parameters/0: the parameter 'x' is an object"
    ):
        support.refuse_unsupported(given)


def test_more_than_10_unsupported_parts_are_counted() -> None:
    parameters = [{"name": f"p{number}", "in": "query", "schema": OBJECT} for number in range(12)]
    with pytest.raises(UnsupportedDocumentError, match=r"\n  \.\.\. and 2 more$"):
        support.refuse_unsupported(one_operation({"parameters": parameters}))
