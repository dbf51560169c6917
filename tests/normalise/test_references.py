"""Every reference has a target."""

from __future__ import annotations

import re

import pytest

from scripts.normalise.references import MissingReferenceError, check_references, inline_parts
from scripts.normalise.schema import Json
from scripts.recordings import DOCUMENTED, document
from tests.normalise.small_documents import one_operation, only

_THERE: Json = {"a/b%": {}}
_SESSION: Json = {"$ref": "#/components/schemas/Session"}


def _document(schema: Json, **components: Json) -> Json:
    content = {"application/json": {"schema": schema}}
    return {
        "paths": {"/session": {"get": {"responses": {"200": {"content": content}}}}},
        "components": {"schemas": components},
    }


@pytest.mark.parametrize("version", DOCUMENTED)
def test_the_servers_documents_have_all_targets_of_references(version: str) -> None:
    assert check_references(served := document(version)) is served


@pytest.mark.parametrize(
    ("ref", "advice"),
    [
        ("#/components/schemas/Gone", "add it"),
        ("#/components/schemas", "move the target"),
        ("#/components/schemas/a~1b%/properties/c", "move the target"),
        ("#/paths/~1session", "move the target"),
        ("other.json#/components/schemas/a/b%", "move the target"),
        ("#", "move the target"),
    ],
)
def test_a_missing_target_is_an_error_with_the_references_place(ref: str, advice: str) -> None:
    place = "/paths/~1session/get/responses/200/content/application~1json/schema/items"
    with pytest.raises(
        MissingReferenceError, match=re.escape(f"\n  {place}: refers to {ref}: ") + f".*{advice}"
    ):
        check_references(_document({"type": "array", "items": {"$ref": ref}}, **_THERE))


def test_more_than_10_missing_references_are_counted() -> None:
    gone = {f"g{number}": {"$ref": "#/components/schemas/Gone"} for number in range(12)}
    with pytest.raises(MissingReferenceError, match=r"\n  \.\.\. and 2 more$"):
        check_references(_document({"properties": gone}))


@pytest.mark.parametrize(
    "schema",
    [
        {"default": {"$ref": "none of ours"}},
        {"enum": [{"$ref": "none of ours"}]},
        {"x-of-theirs": {"$ref": "none of ours"}},
        {"type": "object", "properties": {"$ref": {"type": "string"}}},
        {"$ref": "#/components/schemas/a/b%"},
    ],
    ids=["default", "enum", "an extension", "a member of that name", "there"],
)
def test_a_document_with_all_targets_is_unchanged(schema: Json) -> None:
    check_references(_document(schema, **_THERE))


def test_a_member_named_default_is_checked() -> None:
    with pytest.raises(MissingReferenceError):
        check_references(_document({"properties": {"default": _SESSION}}))


def test_a_component_and_a_response_named_default_are_checked() -> None:
    given = _document({}, default={"items": _SESSION})
    responses = given["paths"]["/session"]["get"]["responses"]
    responses["default"] = {"$ref": "#/components/responses/Gone"}
    with pytest.raises(MissingReferenceError, match=r"(?s)responses/default: .*schemas/default/items: "):
        check_references(given)


@pytest.mark.parametrize("ref", ["#/components/schemas/a~1b%25", "#/components/schemas/a%2Fb%25"])
def test_references_are_written_without_escapes(ref: str) -> None:
    found = check_references(_document({"items": {"$ref": ref}}, **_THERE))
    assert found == _document({"items": {"$ref": "#/components/schemas/a/b%"}}, **_THERE)


_BODY: Json = {"content": {"application/json": {"schema": _SESSION}}}
_ANSWER: Json = {"description": "It worked.", "content": {"application/json": {"schema": _SESSION}}}
_LIMIT: Json = {"name": "limit", "in": "query", "schema": {"type": "integer"}}


def _by_reference() -> Json:
    """Return a document whose parts are all components, one of them with `/` in its name."""
    given = one_operation(
        {
            "requestBody": {"$ref": "#/components/requestBodies/Body"},
            "responses": {"200": {"$ref": "#/components/responses/a~1b"}},
            "parameters": [{"$ref": "#/components/parameters/Alias"}],
        }
    )
    given["components"] |= {
        "requestBodies": {"Body": _BODY},
        "responses": {"a/b": _ANSWER},
        "parameters": {"Alias": {"$ref": "#/components/parameters/Limit"}, "Limit": _LIMIT},
        "pathItems": {"A": given["paths"]["/a"]},
    }
    return given


def test_referenced_parts_are_inlined() -> None:
    found = only(inline_parts(_by_reference()))
    assert (found["requestBody"], found["responses"]) == (_BODY, {"200": _ANSWER})
    assert found["parameters"] == [_LIMIT]


def test_a_referenced_path_item_keeps_the_members_beside_it() -> None:
    given = _by_reference()
    given["paths"] = {"/b": {"$ref": "#/components/pathItems/A", "parameters": [_LIMIT]}}
    item = inline_parts(given)["paths"]["/b"]
    assert item["get"]["requestBody"] == _BODY
    assert item["parameters"] == [_LIMIT]


def test_the_description_beside_a_reference_replaces_the_targets() -> None:
    given = _by_reference()
    only(given)["responses"]["200"]["description"] = "The session."
    assert only(inline_parts(given))["responses"]["200"] == {**_ANSWER, "description": "The session."}


def test_a_reference_to_itself_is_an_error() -> None:
    given = _by_reference()
    given["components"]["parameters"]["Limit"] = {"$ref": "#/components/parameters/Alias"}
    with pytest.raises(MissingReferenceError, match=r"themselves:\n  #/components/parameters/Alias"):
        inline_parts(given)


@pytest.mark.parametrize("version", DOCUMENTED)
def test_the_servers_documents_have_no_referenced_parts(version: str) -> None:
    served = document(version)
    assert inline_parts(served) == served
