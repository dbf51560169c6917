"""Walking over the schemas of a document, and comparing them."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import schema
from scripts.normalise.schema import Json
from tests.normalise.small_documents import document, obj, one_operation

STRING: Json = {"type": "string"}


def _marked(given: Json) -> Json:
    return schema.map_roots(given, lambda at, _: {"at": at.removeprefix("#/paths/~1a/get")})


def _content(inner: Json) -> Json:
    return {"content": {"text/x": inner, "text/y": {}}}


def _operation(parameter: Json, body: Json, answer: Json) -> Json:
    return one_operation(
        {
            "parameters": [{"name": "a"}, {"name": "b", "schema": parameter}],
            "requestBody": _content({"schema": body}),
            "responses": {"200": _content({"schema": answer}), "204": {}},
        }
    )


def test_every_schema_of_an_operation_has_its_pointer() -> None:
    assert _marked(_operation(STRING, STRING, STRING)) == _operation(
        {"at": "/parameters/1/schema"},
        {"at": "/requestBody/content/text~1x/schema"},
        {"at": "/responses/200/content/text~1x/schema"},
    )


def test_an_operation_may_have_no_parameters_and_responses() -> None:
    bare = document({}, {"/a": {"get": {}, "summary": "s"}})
    assert _marked(bare) == document({}, {"/a": {"get": {"responses": {}}, "summary": "s"}})


def test_a_document_may_have_no_components() -> None:
    assert schema.schemas_of({"components": {}}) == schema.schemas_of({}) == {}
    assert schema.with_schemas({}, {"A": STRING}) == {"components": {"schemas": {"A": STRING}}}


def test_replacing_schemas_keeps_other_components() -> None:
    given: Json = {"components": {"schemas": {"A": STRING}, "parameters": {"b": {}}}}
    assert schema.with_schemas(given, {}) == {"components": {"schemas": {}, "parameters": {"b": {}}}}


@pytest.mark.parametrize(
    ("key", "below"),
    [("items", STRING), ("anyOf", [STRING]), ("oneOf", [STRING]), ("properties", {"a": STRING})],
)
def test_walking_a_schema_yields_all_schemas_below_it(
    key: str, below: Any
) -> None:  # Any: a schema or several
    assert list(schema.walk({key: below})) == [{key: below}, STRING]


def test_shapes_ignore_descriptions_and_the_order_of_required() -> None:
    one = obj("a", "b", a=STRING, b={**STRING, "description": "d"})
    assert schema.shape({**one, "x-pointer": "#/s"}) == schema.shape(obj("b", "a", a=STRING, b=STRING))


def test_shapes_differ_if_required_differs() -> None:
    assert schema.shape(obj("a", a=STRING, b=STRING)) != schema.shape(obj("b", a=STRING, b=STRING))
