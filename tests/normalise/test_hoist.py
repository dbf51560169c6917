"""Inline schemas become named components."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import hoist
from scripts.normalise.keywords import mark_pointers
from scripts.normalise.schema import Json
from tests.normalise.small_documents import (
    document,
    namer,
    obj,
    ok,
    one_operation,
    only,
    reference,
    schemas_in,
)

STRING: Json = {"type": "string"}
NULL: Json = {"type": "null"}
A = reference("A")


def _components(schemas: Json) -> dict[str, Any]:
    return schemas_in(hoist.hoist_components(document(schemas), namer()))


def test_a_component_has_its_class_name_in_all_references() -> None:
    given = one_operation({"responses": ok(reference("session.status"))}, schemas={"session.status": obj()})
    found = hoist.name_components(mark_pointers(given), namer())
    assert list(schemas_in(found)) == ["SessionStatus"]
    assert only(found)["responses"] == ok(reference("SessionStatus"))


def test_two_components_with_one_name_and_one_shape_are_one() -> None:
    schemas = {
        "a.b": obj(a=STRING),
        "AB": {**obj(a=STRING), "description": "d"},
        "C": obj(x=reference("a.b")),
    }
    found = schemas_in(hoist.name_components(mark_pointers(document(schemas)), namer()))
    assert list(found) == ["AB", "C"]
    assert found["C"]["properties"] == {"x": reference("AB")}


def test_a_component_that_needs_no_change_keeps_its_name_before_one_that_does() -> None:
    schemas = {"A.b": obj(a=STRING), "AB": obj(b=STRING)}
    found = schemas_in(hoist.name_components(mark_pointers(document(schemas)), namer()))
    assert found["AB"]["properties"].keys() == {"b"}


def test_a_pinned_component_has_its_name_before_all_others() -> None:
    schemas = {"B": obj(b=STRING), "A": obj(a=STRING)}
    pins = {"#/components/schemas/A": "B"}
    found = schemas_in(hoist.name_components(mark_pointers(document(schemas)), namer(pins=pins)))
    assert found["B"]["properties"].keys() == {"a"}


def test_a_reference_without_a_target_is_any_type() -> None:
    found = schemas_in(hoist.name_components(document({"S": obj(a=reference("Gone"))}), namer()))
    assert found["S"]["properties"] == {"a": {}}


_TAGGED = obj("type", type={"const": "a"}, n=STRING)


def test_a_variant_that_repeats_a_component_with_a_constant_is_that_component() -> None:
    copy = {**obj("type", type={"const": "a"}, n=STRING), "description": "a copy"}
    found = hoist.reuse_components(document({"A": _TAGGED, "U": {"anyOf": [copy, obj(b=STRING)]}}))
    assert schemas_in(found)["U"] == {"anyOf": [A, obj(b=STRING)]}


def test_an_equal_variant_of_an_operations_union_is_the_component() -> None:
    given = one_operation({"responses": ok({"anyOf": [_TAGGED, STRING]})}, schemas={"A": _TAGGED})
    assert only(hoist.reuse_components(given))["responses"] == ok({"anyOf": [A, STRING]})


@pytest.mark.parametrize("other", [obj(n=STRING), obj("type", type={"const": "b"}, n=STRING)])
def test_a_variant_without_the_components_constant_is_unchanged(other: Json) -> None:
    given = document({"A": _TAGGED, "N": obj(n=STRING), "U": {"anyOf": [other, STRING]}})
    assert hoist.reuse_components(given) == given


def test_an_inline_object_is_named_after_its_owner_and_its_key() -> None:
    found = _components({"Session": obj(time=obj(created=STRING))})
    assert found["Session"]["properties"]["time"] == reference("SessionTime")
    assert found["SessionTime"] == obj(created=STRING)


def test_an_inline_object_of_an_array_is_named_in_the_singular() -> None:
    found = _components({"Session": obj(todos={"type": "array", "items": obj(a=STRING)})})
    assert found["Session"]["properties"]["todos"] == {"type": "array", "items": reference("SessionTodo")}


def test_an_inline_object_of_a_map_is_named_after_the_member() -> None:
    found = _components({"S": obj(by_id={"type": "object", "additionalProperties": obj(a=STRING)})})
    assert found["S"]["properties"]["by_id"]["additionalProperties"] == reference("SById")


@pytest.mark.parametrize(
    ("component", "name"),
    [
        ({"type": "array", "items": obj(a=STRING)}, "SItem"),
        ({"type": "object", "additionalProperties": obj(a=STRING)}, "SValue"),
        ({"anyOf": [STRING, obj(a=STRING)]}, "SObject"),
    ],
)
def test_an_inline_object_of_a_non_object_component_is_named_after_its_part(
    component: Json, name: str
) -> None:
    assert list(_components({"S": component})) == ["S", name]


@pytest.mark.parametrize(
    "component", [{"type": "array", "items": STRING}, {"type": "object", "additionalProperties": STRING}]
)
def test_a_component_without_inline_objects_is_unchanged(component: Json) -> None:
    assert _components({"S": component}) == {"S": component}


def test_variants_are_named_after_their_constants() -> None:
    variants = [obj(type={"const": kind}, n=STRING) for kind in ("file", "text")]
    assert list(_components({"Part": {"anyOf": variants}})) == ["Part", "PartFile", "PartText"]


def test_variants_without_a_distinguishing_constant_are_numbered() -> None:
    assert list(_components({"P": {"anyOf": [obj(a=STRING), obj(b=STRING)]}})) == [
        "P",
        "PVariant1",
        "PVariant2",
    ]


def test_a_member_that_may_be_null_is_a_union_of_null_and_a_component() -> None:
    found = _components({"S": obj(revert={"anyOf": [obj(a=STRING), NULL]})})
    assert found["S"]["properties"]["revert"] == {"anyOf": [reference("SRevert"), NULL]}


def test_a_member_that_is_a_union_of_classes_is_a_component() -> None:
    found = _components({"A": obj(a=STRING), "S": obj(u={"anyOf": [A, STRING, NULL]})})
    assert found["S"]["properties"]["u"] == {"anyOf": [reference("SU"), NULL]}
    assert found["SU"] == {"anyOf": [A, STRING]}


@pytest.mark.parametrize("variant", [obj(a=STRING), {"type": "array", "items": A}, A])
def test_a_member_that_is_a_union_with_something_to_read_is_a_component(variant: Json) -> None:
    found = _components({"A": obj(a=STRING), "S": obj(u={"anyOf": [variant, STRING]})})
    assert found["S"]["properties"]["u"] == reference("SU")


@pytest.mark.parametrize(
    "member",
    [
        STRING,
        {"anyOf": [STRING, {"type": "array", "items": STRING}]},
        {"const": "a"},
        {"type": "string", "enum": ["a", "b"]},
        {"anyOf": [STRING, NULL, {"const": 1}]},
        A,
    ],
)
def test_a_schema_without_a_class_remains_inline(member: Json) -> None:
    given: Json = {"A": obj(a=STRING), "S": obj(m=member)}
    assert _components(given) == given


@pytest.mark.parametrize(
    "envelope", ["EventTodoUpdated", "SyncEventTodoUpdated", "TodoUpdatedEvent", "TodoUpdatedSync"]
)
@pytest.mark.parametrize("key", ["properties", "data"])
def test_the_envelopes_of_an_event_share_the_class_of_its_payload(envelope: str, key: str) -> None:
    event = obj("type", **{"type": {"const": "todo.updated"}, key: obj(a=STRING)})
    assert list(_components({envelope: event})) == [envelope, "TodoUpdatedData"]


def test_the_durable_members_of_all_events_share_one_class() -> None:
    event = obj("type", type={"const": "a.b"}, durable=obj(seq=STRING))
    assert list(_components({"EventA": event, "EventB": event})) == ["EventA", "EventB", "EventDurable"]


def test_two_inline_objects_of_one_name_and_one_shape_are_one_class() -> None:
    inner = obj(a=STRING)
    found = _components({"S": obj(**{"x.y": inner, "x_y": {**inner, "description": "d"}})})
    assert [*found] == ["S", "SXY"]


def test_an_inline_object_equal_to_a_component_uses_its_class() -> None:
    inner = obj(status=reference("session.status"))
    names = namer(strict=True)
    given = document({"session.status": obj(a=STRING), "S": obj(time=inner), "STime": inner})
    found = hoist.hoist_components(hoist.name_components(mark_pointers(given), names), names)
    names.raise_collisions()
    assert schemas_in(found).keys() == {"S", "STime", "SessionStatus"}


def test_two_inline_objects_of_one_name_and_two_shapes_are_two_classes() -> None:
    given = namer()
    schemas = {"S": obj(**{"x.y": obj(a=STRING), "x_y": obj(b=STRING)})}
    found = schemas_in(hoist.hoist_components(mark_pointers(document(schemas)), given))
    assert len(found) == 3
    assert len(given.report) == 1


def test_a_member_whose_name_has_no_letter_is_named_member() -> None:
    assert list(_components({"S": obj(**{"***": obj(a=STRING)})})) == ["S", "SMember"]


def _operation(operation: Json) -> tuple[Json, list[str]]:
    found = hoist.hoist_operations(one_operation({"operationId": "session.list", **operation}), namer())
    return only(found), list(schemas_in(found))


def test_an_inline_response_is_named_after_the_operation() -> None:
    operation, names = _operation({"responses": ok(obj(a=STRING))})
    assert operation["responses"] == ok(reference("SessionListResponse"))
    assert names == ["SessionListResponse"]


def test_an_inline_item_of_a_response_has_item_in_its_name() -> None:
    _, names = _operation({"responses": ok({"type": "array", "items": obj(a=STRING)})})
    assert names == ["SessionListResponseItem"]


def test_an_inline_item_of_a_stream_is_an_event() -> None:
    stream = {"200": {**ok(obj(a=STRING))["200"], "x-oc": {"stream": True}}}
    assert _operation({"responses": stream})[1] == ["SessionListEvent"]


def test_the_content_of_a_binary_response_is_not_described() -> None:
    operation, names = _operation({"responses": ok(obj(a=STRING), "application/octet-stream")})
    assert operation["responses"] == ok({}, "application/octet-stream")
    assert names == []


def test_an_inline_parameter_is_named_after_the_operation_and_itself() -> None:
    parameter = {"name": "model", "in": "query", "schema": obj(a=STRING)}
    assert _operation({"parameters": [parameter]})[1] == ["SessionListModel"]


def _body(schema: Json) -> Json:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def test_an_object_as_body_is_marked_as_one() -> None:
    found = hoist.hoist_operations(one_operation({"operationId": "a.b", **_body(obj(a=STRING))}), namer())
    assert schemas_in(found)["ABBody"] == {**obj(a=STRING), "x-oc": {"kind": "body"}}
    assert only(found)["requestBody"] == _body(reference("ABBody"))["requestBody"]


def test_an_inline_body_that_is_not_an_object_is_named_like_one() -> None:
    operation, names = _operation(_body({"type": "array", "items": obj(a=STRING)}))
    assert (
        operation["requestBody"]
        == _body({"type": "array", "items": reference("SessionListBodyItem")})["requestBody"]
    )
    assert names == ["SessionListBodyItem"]


def test_an_inline_object_in_a_body_outside_arrays_has_its_full_name() -> None:
    assert "SessionListOptions" in _operation(_body(obj(options=obj(a=STRING))))[1]


def test_an_inline_object_in_a_body_is_named_after_the_operation() -> None:
    body = _body(obj(parts={"type": "array", "items": obj(a=STRING)}))
    assert sorted(_operation(body)[1]) == ["SessionListBody", "SessionListPart"]


def test_a_pin_names_the_class_of_a_body() -> None:
    pointer = "#/paths/~1a/get/requestBody/content/application~1json/schema"
    given = mark_pointers(one_operation({"operationId": "a.b", **_body(obj(a=STRING))}))
    found = hoist.hoist_operations(given, namer(pins={pointer: "Pinned"}))
    assert list(schemas_in(found)) == ["Pinned"]


def test_a_pin_names_the_class_of_a_member() -> None:
    given = mark_pointers(document({"S": obj(time=obj(a=STRING))}))
    pins = {"#/components/schemas/S/properties/time": "Pinned"}
    assert list(schemas_in(hoist.hoist_components(given, namer(pins=pins)))) == ["S", "Pinned"]


def test_a_body_that_is_a_component_remains_a_component() -> None:
    operation, names = _operation(_body(A))
    assert operation["requestBody"] == _body(A)["requestBody"]
    assert names == []
