"""Every reference has a target."""

from __future__ import annotations

import re

import pytest

from scripts.normalise.references import MissingReferenceError, check_references
from scripts.normalise.schema import Json
from scripts.recordings import DOCUMENTED, document

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
    "ref", ["#/components/schemas/Gone", "#/components/schemas", "other.json#/components/schemas/a/b%", "#"]
)
def test_a_missing_target_is_an_error_with_the_references_place(ref: str) -> None:
    place = "/paths/~1session/get/responses/200/content/application~1json/schema/items"
    with pytest.raises(MissingReferenceError, match=re.escape(f"not in it:\n  {ref} (at {place})")):
        check_references(_document({"type": "array", "items": {"$ref": ref}}, **_THERE))


def test_many_are_counted() -> None:
    gone = {f"g{number}": {"$ref": "#/components/schemas/Gone"} for number in range(12)}
    with pytest.raises(MissingReferenceError, match=r"\n  \.\.\. and 2 more$"):
        check_references(_document({"properties": gone}))


@pytest.mark.parametrize(
    "schema",
    [
        {"default": {"$ref": "none of ours"}},
        {"enum": [{"$ref": "none of ours"}]},
        {"type": "object", "properties": {"$ref": {"type": "string"}}},
        {"$ref": "#/components/schemas/a/b%"},
    ],
    ids=["default", "enum", "a member of that name", "there"],
)
def test_a_document_with_all_targets_is_unchanged(schema: Json) -> None:
    check_references(_document(schema, **_THERE))


def test_a_member_called_default_is_looked_into() -> None:
    with pytest.raises(MissingReferenceError):
        check_references(_document({"properties": {"default": _SESSION}}))
