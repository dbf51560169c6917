"""Rules over operations: ids, parameters, contents, streams, errors and paths."""

from __future__ import annotations

import pytest

from scripts.normalise import operations
from scripts.normalise.schema import Json
from tests.normalise.small import document, obj, ok, one_operation, only, reference

STRING: Json = {"type": "string"}
A, B = reference("A"), reference("B")


def _ids(paths: Json) -> list[str]:
    return operations.operation_list(operations.operation_ids(document({}, paths)))


def test_an_operation_without_an_id_is_called_by_method_and_path() -> None:
    assert _ids({"/a/{b}": {"get": {}}}) == ["get.a.b"]


def test_an_operation_without_an_id_at_the_root_is_called_by_its_method() -> None:
    assert _ids({"/": {"get": {}}}) == ["get"]


def test_the_second_operation_of_an_id_is_numbered() -> None:
    assert _ids({"/a": {"get": {"operationId": "x"}, "put": {"operationId": "x"}}}) == ["x", "x.2"]


def test_ids_that_python_would_call_alike_are_told_apart() -> None:
    paths = {"/a": {"get": {"operationId": "a.bC"}, "put": {"operationId": "a.b_c"}}}
    assert _ids(paths) == ["a.bC", "a.b_c.2"]


def test_parts_of_an_id_that_hold_no_letter_are_dropped() -> None:
    assert _ids({"/a": {"get": {"operationId": "a..*.b"}}}) == ["a.b"]


_JSON_TEXT = {"type": "string", "contentMediaType": "application/json", "contentSchema": A}


@pytest.mark.parametrize(
    ("event", "schemas"),
    [
        (obj(data=_JSON_TEXT), {}),
        (reference("Sent"), {"Sent": obj(data=_JSON_TEXT)}),
        (obj(data=reference("Data")), {"Data": _JSON_TEXT}),
        (reference("Sent"), {"Sent": obj(data=reference("Data")), "Data": _JSON_TEXT}),
        (_JSON_TEXT, {}),
        (A, {"A": obj()}),
    ],
)
def test_a_stream_is_described_by_what_its_items_hold(event: Json, schemas: Json) -> None:
    given = one_operation({"responses": ok(event, "text/event-stream")}, schemas=schemas)
    response = only(operations.stream_items(given))["responses"]["200"]
    assert response == {**ok(A)["200"], "x-oc": {"stream": True}}


def test_a_response_that_is_no_stream_stays() -> None:
    given = one_operation({"responses": ok(A)})
    assert operations.stream_items(given) == given


def _parameter(name: str, place: str = "query", schema: Json = STRING, **more: object) -> Json:
    return {"name": name, "in": place, "schema": schema, **more}


def test_a_path_items_parameters_move_into_its_operations() -> None:
    shared, own = _parameter("shared"), _parameter("own")
    given = document({}, {"/a": {"parameters": [shared], "get": {"parameters": [own]}, "put": {}}})
    item = operations.own_parameters(given)["paths"]["/a"]
    assert item == {"get": {"parameters": [own, shared]}, "put": {"parameters": [shared]}}


def test_an_operations_own_parameter_wins_over_the_path_items() -> None:
    own = _parameter("a", description="own")
    given = document({}, {"/a": {"parameters": [_parameter("a")], "get": {"parameters": [own]}}})
    assert only(operations.own_parameters(given))["parameters"] == [own]


def test_a_parameter_by_reference_is_the_component() -> None:
    given = one_operation({"parameters": [{"$ref": "#/components/parameters/Limit"}]})
    given["components"]["parameters"] = {"Limit": _parameter("limit")}
    assert only(operations.own_parameters(given))["parameters"] == [_parameter("limit")]


def _named(*parameters: Json, path: str = "/a") -> dict[str, Json]:
    """{Python's name: {wire, in}} of an operation with these parameters."""
    found = only(operations.parameters(one_operation({"parameters": list(parameters)}, path)))
    assert [parameter["name"] for parameter in found["parameters"]] == list(found["x-oc"]["parameters"])
    told: dict[str, Json] = found["x-oc"]["parameters"]
    return told


def test_a_parameter_has_a_python_name_and_keeps_its_wire_name() -> None:
    told = _named(_parameter("sessionID", "path"), path="/a/{sessionID}")
    assert told == {"session_id": {"wire": "sessionID", "in": "path"}}


def test_a_deep_object_is_one_parameter_a_member() -> None:
    location = _parameter("location", schema=obj(directory=STRING, workspace=STRING), style="deepObject")
    assert _named(location) == {
        "location_directory": {"wire": "location[directory]", "in": "query"},
        "location_workspace": {"wire": "location[workspace]", "in": "query"},
    }


def test_a_deep_objects_member_is_required_when_both_are() -> None:
    schema = obj("a", a=STRING, b=STRING)
    given = one_operation({"parameters": [_parameter("o", schema=schema, style="deepObject", required=True)]})
    found = only(operations.parameters(given))["parameters"]
    assert [parameter["required"] for parameter in found] == [True, False]


def test_a_deep_object_without_members_stays_one_parameter() -> None:
    deep = _parameter("filter", schema={"type": "object", "additionalProperties": {}}, style="deepObject")
    assert list(_named(deep)) == ["filter"]


def test_of_two_parameters_called_alike_the_one_outside_the_path_says_its_place() -> None:
    told = _named(_parameter("id", "path"), _parameter("id"), path="/a/{id}")
    assert told == {"id": {"wire": "id", "in": "path"}, "query_id": {"wire": "id", "in": "query"}}


def test_names_of_parameters_are_never_given_twice() -> None:
    told = _named(_parameter("a"), _parameter("a", "header"), _parameter("query_a"))
    assert {(place["in"], place["wire"]) for place in told.values()} == {
        ("query", "a"),
        ("header", "a"),
        ("query", "query_a"),
    }


def test_a_variable_of_the_path_that_nothing_describes_is_a_string() -> None:
    found = only(operations.parameters(one_operation({}, "/a/{b}")))
    assert found["parameters"] == [{"name": "b", "in": "path", "required": True, "schema": STRING}]


def test_a_path_parameter_that_the_path_does_not_hold_is_dropped() -> None:
    assert _named(_parameter("gone", "path")) == {}


def test_a_keyword_as_parameter_gets_an_underscore() -> None:
    assert list(_named(_parameter("from"))) == ["from_"]


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ({"text/html": A, "application/json": B}, {"application/json": B}),
        ({"application/problem+json": A}, {"application/json": A}),
        ({"image/png": A}, {"application/octet-stream": A}),
        ({"text/plain": A}, {"text/plain": A}),
        ({"application/octet-stream": A}, {"application/octet-stream": A}),
    ],
)
def test_of_several_contents_the_first_readable_one_is_taken(content: Json, read: Json) -> None:
    def told(kinds: Json) -> Json:
        return {kind: {"schema": schema} for kind, schema in kinds.items()}

    given = one_operation({"responses": {"200": {"content": told(content)}}})
    assert only(operations.readable_contents(given))["responses"]["200"]["content"] == told(read)


def test_a_text_body_is_bytes() -> None:
    given = one_operation({"requestBody": {"content": {"text/plain": {"schema": STRING}}}})
    body = only(operations.readable_contents(given))["requestBody"]
    assert list(body["content"]) == ["application/octet-stream"]


def test_an_empty_content_is_none() -> None:
    given = one_operation({"responses": {"204": {"content": {}}}})
    assert only(operations.readable_contents(given))["responses"] == {"204": {}}


def test_responses_under_what_is_no_status_are_dropped() -> None:
    given = one_operation({"responses": {"200": {}, "4XX": {}, "default": {}, "x-y": {}, "999": {}}})
    assert list(only(operations.readable_contents(given))["responses"]) == ["200", "4XX", "default"]


def test_an_operation_without_responses_answers_200_with_nothing() -> None:
    assert only(operations.readable_contents(one_operation({})))["responses"] == {"200": {"description": ""}}


def _errors(status: str, schema: Json) -> Json:
    content = {"application/json": {"schema": schema}}
    given = one_operation({"responses": {"200": {}, status: {"description": "d", "content": content}}})
    found = only(operations.error_bodies(given))
    assert found["responses"] == {"200": {}, status: {"description": "d"}}
    errors: Json = found["x-oc"]["errors"]
    return errors


@pytest.mark.parametrize("status", ["404", "4XX", "500", "default"])
def test_an_error_response_keeps_the_names_of_its_bodies(status: str) -> None:
    assert _errors(status, {"anyOf": [A, B]}) == {status: ["A", "B"]}


def test_an_inline_error_body_has_no_name_to_keep() -> None:
    assert _errors("404", {"anyOf": [A, obj(a=STRING)]}) == {"404": ["A"]}


def test_a_path_that_ends_in_a_star_takes_the_rest_of_the_url() -> None:
    given = one_operation({"parameters": [_parameter("*", "path")]}, "/read/*")
    found = operations.wildcard_paths(given)
    assert list(found["paths"]) == ["/read/{path}"]
    assert [parameter["name"] for parameter in only(found)["parameters"]] == ["path"]
    assert only(found)["x-oc"] == {"wildcard": True}


def test_a_wildcard_path_does_not_displace_another() -> None:
    paths: Json = {"/read/*": {"get": {}}, "/read/{path}": {"get": {"operationId": "other"}}}
    assert operations.wildcard_paths(document({}, paths))["paths"] == paths


def _shown(operation: Json, path: str) -> Json:
    given = operations.parameters(one_operation({"responses": {"200": {}}, **operation}, path))
    return operations.generator_view(given)


def test_the_generator_sees_python_names_and_the_namespace_as_tag() -> None:
    shown = _shown({"operationId": "v2.session.messageList"}, "/session/{sessionID}")
    assert list(shown["paths"]) == ["/session/{session_id}"]
    assert only(shown)["operationId"] == "v2_session_message_list"
    assert only(shown)["tags"] == ["v2_session"]


def test_an_operation_without_namespace_stands_at_the_root() -> None:
    assert only(_shown({"operationId": "health"}, "/"))["tags"] == ["root"]


def test_the_responses_carry_what_the_generator_has_no_place_for() -> None:
    shown = only(_shown({"operationId": "session.get", "x-oc": {"errors": {}}}, "/session/{sessionID}"))
    assert shown["responses"]["200"]["x-oc"] == {
        "errors": {},
        "operation": "session.get",
        "path": "/session/{sessionID}",
        "method": "get",
        "parameters": {"session_id": {"wire": "sessionID", "in": "path"}},
    }


@pytest.mark.parametrize(("path", "seen"), [("/{a", "/0"), ("/{a}/}", "/0/{a}"), ("/a b", "/a-b")])
def test_a_path_that_the_generator_refuses_is_replaced(path: str, seen: str) -> None:
    assert list(_shown({}, path)["paths"]) == [seen]


def test_two_paths_that_look_alike_to_the_generator_both_stay() -> None:
    paths = {"/a b": {"get": {"operationId": "x"}}, "/a?b": {"get": {"operationId": "y"}}}
    given = operations.readable_contents(operations.own_parameters(document({}, paths)))
    shown = operations.generator_view(operations.parameters(given))
    assert list(shown["paths"]) == ["/a-b", "/1"]


def test_a_path_without_operations_is_left_out() -> None:
    assert operations.generator_view(document({}, {"/{": {"summary": "s"}}))["paths"] == {}
