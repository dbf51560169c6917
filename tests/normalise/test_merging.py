"""Schemas that apply together: parts of `allOf`, and members beside references and unions."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import keywords, merging
from scripts.normalise.schema import Json
from scripts.normalise.support import UnsupportedDocumentError
from tests.normalise.small_documents import document, obj, reference, schemas_in

STRING: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
INTEGER: Json = {"type": "integer"}
A, B = reference("A"), reference("B")
ONE_A, ONE_B = {"A": obj("a", a=STRING)}, {"B": obj("b", b=NUMBER)}


def _all(schemas: Json) -> dict[str, Any]:
    return schemas_in(merging.merge_parts(document(schemas)))


def _merged(schema: Json, schemas: Json | None = None) -> Any:
    return _all({**(schemas or {}), "S": schema})["S"]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([obj("a", a=STRING), obj("b", b=NUMBER)], obj("a", "b", a=STRING, b=NUMBER)),
        ([obj(a=NUMBER), obj(a=INTEGER)], obj(a=INTEGER)),
        ([obj(a=STRING), {"required": ["a"]}], obj("a", a=STRING)),
        ([STRING, dict(STRING), {}], STRING),
        ([NUMBER, INTEGER], INTEGER),
        ([{"enum": ["a", "b"]}, {"enum": ["b", "c"]}], {"enum": ["b"]}),
        ([{"enum": ["a", "b"]}, {"const": "b"}], {"enum": ["b"]}),
        (
            [{"type": "array", "items": NUMBER}, {"type": "array", "items": INTEGER}],
            {"type": "array", "items": INTEGER},
        ),
        ([{"anyOf": [STRING, INTEGER]}, NUMBER], {"anyOf": [INTEGER]}),
        (
            [{"anyOf": [STRING, NUMBER]}, {"anyOf": [INTEGER, STRING]}],
            {"anyOf": [{"anyOf": [STRING]}, {"anyOf": [INTEGER]}]},
        ),
    ],
)
def test_the_parts_of_all_of_become_one_schema(parts: list[Json], whole: Json) -> None:
    assert _merged({"allOf": parts}) == whole


def test_members_beside_all_of_are_merged() -> None:
    assert _merged({**obj("b", b=NUMBER), "allOf": [obj("a", a=STRING)]}) == obj("a", "b", a=STRING, b=NUMBER)


@pytest.mark.parametrize("beside", [{}, {"description": "d"}, {"type": "object"}, {"required": ["a"]}])
def test_all_of_a_reference_that_adds_nothing_is_the_reference(beside: Json) -> None:
    assert _merged({"allOf": [A], **beside}, ONE_A) == A


@pytest.mark.parametrize(
    "adding",
    [
        {"allOf": [A, obj("b", b=NUMBER)]},
        {**obj("b", b=NUMBER), "allOf": [A]},
        {"properties": {"b": NUMBER}, "allOf": [A, {"required": ["b"]}]},
        {"allOf": [{"allOf": [A]}, obj("b", b=NUMBER)]},
        {"allOf": [A, B]},
    ],
)
def test_all_of_with_additions_to_a_reference_includes_the_components_members(adding: Json) -> None:
    assert _merged(adding, ONE_A | ONE_B)["properties"] == {"a": STRING, "b": NUMBER}
    assert _merged(adding, ONE_A | ONE_B)["required"] == ["a", "b"]


def test_all_of_reaches_through_components_that_are_all_of_themselves() -> None:
    middle = {"allOf": [A, obj(b=STRING)]}
    assert _merged({"allOf": [B, obj(c=STRING)]}, {"A": obj(a=STRING), "B": middle}) == obj(
        a=STRING, b=STRING, c=STRING
    )


def test_all_of_inside_a_member_of_a_referenced_component_is_merged() -> None:
    inner = {"allOf": [obj(b=STRING), obj(c=NUMBER)]}
    merged = _merged({"allOf": [A, obj(d=STRING)]}, {"A": obj(a=inner)})
    assert merged["properties"]["a"] == obj(b=STRING, c=NUMBER)


def test_a_merged_member_may_refer_to_the_component_that_contains_it() -> None:
    whole = _merged({"allOf": [A, obj(b=STRING)]}, {"A": obj(a={"allOf": [A], "description": "d"})})
    assert whole["properties"]["a"] == A


def test_the_pointer_of_a_merged_schema_is_kept() -> None:
    given = {"x-pointer": "#/s", "allOf": [{**obj(a=STRING), "x-pointer": "#/s/allOf/0"}]}
    assert _merged(given)["x-pointer"] == "#/s"


def test_members_beside_a_union_belong_to_each_variant() -> None:
    given = {**obj("id", id=STRING), "anyOf": [A, {"required": ["b"]}], "x-tag": "t"}
    merged = _merged(given, ONE_A)
    assert [set(variant["properties"]) for variant in merged["anyOf"]] == [{"a", "id"}, {"id"}]
    assert ([variant["required"] for variant in merged["anyOf"]], merged["x-tag"]) == (
        [["a", "id"], ["b", "id"]],
        "t",
    )


def test_merged_unions_keep_the_reference_that_both_have() -> None:
    unions: list[Json] = [{"anyOf": [A, {"type": "null"}], "description": text} for text in "xy"]
    assert _merged({"allOf": unions}, ONE_A)["anyOf"] == [{"anyOf": [A]}, {"anyOf": [{"type": "null"}]}]


def test_a_type_beside_a_union_of_references_keeps_them() -> None:
    assert _merged({"type": "object", "anyOf": [A, B]}, ONE_A | ONE_B) == {"anyOf": [A, B]}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"allOf": [STRING, NUMBER]}, "exclude each other"),
        ({"allOf": [obj(a=STRING), obj(a=NUMBER)]}, "exclude each other"),
        ({"allOf": [{"enum": [1]}, {"const": True}]}, "exclude each other"),
        ({"type": "string", "anyOf": [A, NUMBER]}, "exclude each other"),
        ({"allOf": [reference("S"), obj(a=STRING)]}, "contains itself"),
        ({"allOf": [reference("Loop"), obj(a=STRING)]}, "contains itself"),
    ],
)
def test_a_schema_that_no_value_matches_is_refused_with_its_pointer(schema: Json, text: str) -> None:
    loop: Json = {"allOf": [reference("S"), obj(b=STRING)]}
    given = keywords.mark_pointers(document({**ONE_A, "S": schema, "Loop": loop}))
    with pytest.raises(UnsupportedDocumentError, match=rf"\n  /components/schemas/(S|Loop).*: .*{text}"):
        merging.merge_parts(given)


@pytest.mark.parametrize(
    ("version", "beside", "whole"),
    [
        ("3.1.0", {"description": "d", "default": 1}, {**A, "description": "d", "default": 1}),
        ("3.1.0", {"required": ["a"]}, {"allOf": [A, {"required": ["a"]}]}),
        ("3.0.3", {"required": ["a"]}, A),
        ("3.0.3", {"nullable": True}, {"anyOf": [A, {"type": "null"}]}),
        ("3.1.0", {"nullable": True, "type": "object"}, {"allOf": [A, {"type": "object"}], "nullable": True}),
    ],
)
def test_keywords_beside_a_reference_apply_as_its_openapi_version_requires(
    version: str, beside: Json, whole: Json
) -> None:
    given = {**document({"S": {**A, **beside}, **ONE_A}), "openapi": version}
    assert schemas_in(merging.siblings_of_references(given))["S"] == whole
