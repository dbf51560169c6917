"""Rules over single schemas: each keyword becomes one of the few forms that the templates know."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import keywords
from scripts.normalise.schema import Json
from tests.normalise.small_documents import document, obj, ok, one_operation, only, reference, schemas_in

STRING: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
NULL: Json = {"type": "null"}
A, B = reference("A"), reference("B")


def test_an_operations_own_x_oc_is_removed() -> None:
    given = one_operation({"x-oc": {"stream": True}, "responses": {"200": {"x-oc": 1}}})
    assert only(keywords.remove_reserved(given)) == only(one_operation({"responses": {"200": {}}}))


@pytest.mark.parametrize("key", ["x-oc", "x-pointer", "x-item"])
def test_a_schemas_own_use_of_our_keywords_is_removed(key: str) -> None:
    assert keywords.remove_reserved_keywords({**STRING, key: "#/x"}) == STRING


def test_members_named_like_our_keywords_are_kept() -> None:
    schema = obj(**{"x-oc": STRING})
    assert keywords.remove_reserved_keywords(schema) == schema


def test_a_component_is_marked_with_its_pointer() -> None:
    marked = schemas_in(keywords.mark_pointers(document({"a/b~c": dict(STRING)})))
    assert marked["a/b~c"]["x-pointer"] == "#/components/schemas/a~1b~0c"


@pytest.mark.parametrize(
    ("schema", "below"),
    [
        (obj(**{"x/y": STRING}), "properties/x~1y"),
        ({"type": "array", "items": STRING}, "items"),
        ({"additionalProperties": STRING}, "additionalProperties"),
        ({"patternProperties": {"^ses": STRING}}, "patternProperties/^ses"),
        ({"anyOf": [A, STRING]}, "anyOf/1"),
        ({"oneOf": [A, STRING]}, "oneOf/1"),
        ({"allOf": [A, STRING]}, "allOf/1"),
    ],
)
def test_inner_schemas_are_marked_with_their_own_pointers(schema: Json, below: str) -> None:
    marked = str(keywords.mark_pointers(document({"S": schema})))
    assert f"'x-pointer': '#/components/schemas/S/{below}'" in marked


def test_a_reference_is_not_marked() -> None:
    marked = schemas_in(keywords.mark_pointers(document({"S": {"type": "array", "items": A}})))
    assert marked["S"]["items"] == A


def test_a_responses_schema_is_marked_with_path_method_status_and_type() -> None:
    marked = only(keywords.mark_pointers(one_operation({"responses": ok(STRING)}, "/a/{b}")))
    schema = marked["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["x-pointer"] == "#/paths/~1a~1{b}/get/responses/200/content/application~1json/schema"


def test_keywords_without_an_effect_on_types_are_dropped() -> None:
    noisy = {**STRING, "pattern": "^ses", "format": "uuid", "title": "T", "minLength": 1, "examples": ["a"]}
    assert keywords.drop_noise(noisy) == STRING


def test_members_named_like_dropped_keywords_are_kept() -> None:
    schema = obj(title=STRING, pattern=STRING)
    assert keywords.drop_noise(schema) == schema


def test_keywords_beside_a_reference_are_dropped() -> None:
    assert keywords.drop_noise({**A, "description": "an A"}) == A


def test_a_lone_surrogate_in_a_description_is_replaced() -> None:
    assert keywords.drop_noise({"description": "a\ud83d"}) == {"description": "a\ufffd"}


def test_a_default_moves_into_the_description() -> None:
    schema = {**NUMBER, "description": "How long.", "default": 5000}
    assert keywords.document_default(schema) == {
        **NUMBER,
        "description": "How long.\nServer default: 5000.",
    }


def test_a_default_of_false_is_shown_as_json() -> None:
    assert keywords.document_default({"default": False}) == {"description": "Server default: false."}


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"oneOf": [A, B]}, {"anyOf": [A, B]}),
        ({"anyOf": [A], "oneOf": [B]}, {"anyOf": [A], "allOf": [{"anyOf": [B]}]}),
        ({"type": ["string", "null"]}, {"anyOf": [STRING, NULL]}),
        ({"type": ["string"]}, {"anyOf": [STRING]}),
        ({**STRING, "nullable": True}, {"anyOf": [STRING, NULL]}),
        ({**STRING, "nullable": False}, STRING),
        (
            {"type": ["array", "null"], "items": STRING},
            {"anyOf": [{"type": "array", "items": STRING}, NULL]},
        ),
    ],
)
def test_one_of_nullable_and_lists_of_types_become_any_of(given: Json, plain: Json) -> None:
    assert keywords.one_of_as_any_of(given) == plain


@pytest.mark.parametrize("more", [{"type": ["object", "null"]}, {"type": "object", "nullable": True}])
def test_a_schema_that_may_be_null_keeps_its_notes_outside(more: Json) -> None:
    notes = {"description": "d", "x-pointer": "#/components/schemas/S"}
    assert keywords.one_of_as_any_of({**notes, **more}) == {**notes, "anyOf": [{"type": "object"}, NULL]}


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({**STRING, "enum": ["text"]}, {"const": "text"}),
        ({"enum": [False]}, {"const": False}),
        ({**STRING, "const": "text"}, {"const": "text"}),
        ({"const": None}, NULL),
        ({"enum": [None]}, NULL),
        ({"enum": ["a", "b", "a"]}, {**STRING, "enum": ["a", "b"]}),
        ({"enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}),
        ({"enum": [True, False]}, {"type": "boolean"}),
        ({"enum": ["a", None]}, {"anyOf": [{"const": "a"}, NULL]}),
        ({"enum": ["a", "b", None]}, {"anyOf": [{**STRING, "enum": ["a", "b"]}, NULL]}),
        ({"enum": ["a", 1], "description": "d"}, {"description": "d"}),
        ({"enum": [{"a": 1}]}, {}),
        ({"const": ["a"]}, {}),
        ({"enum": []}, {}),
        ({"enum": [1, 2**63]}, {"type": "integer"}),
        ({"const": -(2**63)}, {"type": "integer"}),
        ({"enum": [1.5, 2**63]}, {}),
    ],
)
def test_an_enum_has_constants_of_one_type_or_is_any_type(given: Json, plain: Json) -> None:
    assert keywords.plain_enums(given) == plain


def _open(others: object, **more: Any) -> Json:
    return {
        "type": "object",
        "properties": {"a": STRING, "b": NUMBER},
        "additionalProperties": others,
        **more,
    }


def _as_map(schema: Json, **components: Json) -> Json:
    found: Json = schemas_in(keywords.open_objects_as_maps(document({"S": schema, **components})))["S"]
    return found


@pytest.mark.parametrize(
    ("others", "value"),
    [
        ({"anyOf": [STRING, NUMBER]}, {"anyOf": [STRING, NUMBER]}),
        (A, A),
        (STRING, {"anyOf": [STRING, NUMBER]}),
    ],
    ids=["a union", "a component", "another kind"],
)
def test_an_object_with_documented_other_members_is_a_map(others: Json, value: Json) -> None:
    found = _as_map(_open(others, description="Of tools."), A={"anyOf": [STRING, NUMBER]})
    text = "Of tools.\nDocumented members: a, b."
    assert found == {"type": "object", "description": text, "additionalProperties": value}


@pytest.mark.parametrize(
    "schema", [_open({}), _open(True), _open(False), _open(STRING, required=["a"]), obj(a=STRING)]
)
def test_other_objects_keep_their_named_members(schema: Json) -> None:
    assert _as_map(schema) == schema


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"type": "object"}, {"type": "object", "additionalProperties": {}}),
        ({"type": "object", "properties": {}}, {"type": "object", "additionalProperties": {}}),
        (
            {"type": "object", "additionalProperties": False},
            {"type": "object", "additionalProperties": {}},
        ),
        (
            {"type": "object", "patternProperties": {"^ses": A}},
            {"type": "object", "additionalProperties": A},
        ),
        (
            {"type": "object", "patternProperties": {"^a": A, "^b": B}},
            {"type": "object", "additionalProperties": {}},
        ),
        ({**obj("a", "b", a=A), "additionalProperties": False}, obj("a", "b", a=A, b={})),
        ({"additionalProperties": A}, {"type": "object", "additionalProperties": A}),
        ({"patternProperties": {"^a": A}}, {"type": "object", "additionalProperties": A}),
        ({"items": A}, {"type": "array", "items": A}),
        ({"properties": {"a": A}}, obj(a=A)),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": "array", "prefixItems": [A, B], "items": False}, {"type": "array", "items": {}}),
        ({**STRING, "required": ["a"], "properties": {"a": A}}, STRING),
        ({**STRING, "additionalProperties": False}, STRING),
        ({"type": "object", "required": ["a"]}, {"type": "object", "additionalProperties": {}}),
        ({"properties": {"a": A}, "anyOf": [A, B]}, {"anyOf": [A, B]}),
    ],
)
def test_an_object_has_members_or_is_a_map(given: Json, plain: Json) -> None:
    assert keywords.plain_objects(given) == plain


@pytest.mark.parametrize("given", [{"not": {}}, {"type": "file"}, {"items": {}}, {}])
def test_an_unknown_type_is_any_type(given: Json) -> None:
    assert keywords.known_types({**given, "description": "d"}) == {"description": "d"}


@pytest.mark.parametrize(
    "given", [STRING, A, {"const": 1}, {"anyOf": [A, B]}, {"type": "array", "items": {}}]
)
def test_a_known_type_is_unchanged(given: Json) -> None:
    assert keywords.known_types(given) == given


@pytest.mark.parametrize(
    ("variants", "plain"),
    [
        ([{"anyOf": [A, B]}, B], {"anyOf": [A, B]}),
        ([A, A], A),
        ([STRING, {**STRING, "description": "d"}], STRING),
        ([{}, NULL], {}),
        ([NUMBER, {"const": "NaN"}, {"enum": ["Infinity", "-Infinity"]}], NUMBER),
        ([{"type": "boolean"}, {"enum": ["true", "false"]}], {"type": "boolean"}),
        ([NUMBER, {"const": "auto"}], {"anyOf": [NUMBER, {"const": "auto"}]}),
        ([{"const": "a"}, {"const": "b"}], {**STRING, "enum": ["a", "b"]}),
        ([{"const": "a"}, {**STRING, "enum": ["b", "c"]}], {**STRING, "enum": ["a", "b", "c"]}),
        ([{"const": "a"}, NULL, STRING], {"anyOf": [STRING, NULL]}),
        ([{"type": "integer"}, {"const": "NaN"}], {"type": "integer"}),
        ([STRING, {"type": "boolean"}], {"anyOf": [STRING, {"type": "boolean"}]}),
        ([{"const": "NaN"}, {"const": 1}], {"anyOf": [{"const": "NaN"}, {"const": 1}]}),
        ([A, NULL], {"anyOf": [A, NULL]}),
    ],
)
def test_a_union_is_flat_without_repeated_variants(variants: list[Json], plain: Json) -> None:
    assert keywords.plain_unions({"anyOf": variants}) == plain


def test_a_union_without_variants_is_any_type() -> None:
    assert keywords.plain_unions({"anyOf": [], "description": "d"}) == {"description": "d"}


def test_numbers_and_booleans_in_one_union_both_lose_their_texts() -> None:
    texts = [{"const": "NaN"}, {**STRING, "enum": ["true", "false"]}]
    variants = [NUMBER, {"type": "boolean"}]
    assert keywords.plain_unions({"anyOf": [*variants, *texts]}) == {"anyOf": variants}


def test_a_union_of_one_reference_becomes_the_reference_without_notes() -> None:
    assert keywords.plain_unions({"x-pointer": "#/s", "anyOf": [A]}) == A


def test_a_union_of_one_keeps_the_notes_of_the_union() -> None:
    given = {"x-pointer": "#/s", "anyOf": [{**STRING, "x-pointer": "#/s/anyOf/0"}]}
    assert keywords.plain_unions(given) == {**STRING, "x-pointer": "#/s"}


def test_boolean_schemas_are_objects() -> None:
    given: Json = {
        "type": "object",
        "properties": {
            "any": True,
            "never": False,
            "list": {"items": True},
            "map": {"additionalProperties": True},
        },
        "additionalProperties": False,
        "anyOf": [True, False, {"oneOf": [False, {}]}],
    }
    found = keywords.boolean_schemas(document({"A": given, "B": True, "C": False}))["components"]["schemas"]
    assert found["A"] == {
        "type": "object",
        "properties": {"any": {}, "list": {"items": {}}, "map": {"additionalProperties": True}},
        "additionalProperties": False,
        "anyOf": [{}, {"oneOf": [{}]}],
    }
    assert (found["B"], found["C"]) == ({}, {})
