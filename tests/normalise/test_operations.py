"""Rules over operations: ids, contents, streams, errors and paths."""

from __future__ import annotations

import pytest

from scripts.normalise import operations, parameters, schema
from scripts.normalise.schema import Json
from tests.normalise.small_documents import document, obj, ok, one_operation, only, reference

STRING: Json = {"type": "string"}
A, B = reference("A"), reference("B")


def _ids(paths: Json) -> list[str]:
    found = operations.operation_ids(document({}, paths))
    return [operation["operationId"] for _, _, operation in schema.operations(found)]


def test_an_operation_without_an_id_is_named_by_method_and_path() -> None:
    assert _ids({"/a/{b}": {"get": {}}}) == ["get.a.b"]


def test_an_operation_without_an_id_at_the_root_is_named_by_its_method() -> None:
    assert _ids({"/": {"get": {}}}) == ["get"]


def test_the_second_operation_of_an_id_is_numbered() -> None:
    assert _ids({"/a": {"get": {"operationId": "x"}, "put": {"operationId": "x"}}}) == ["x", "x.2"]


def test_the_third_operation_of_an_id_gets_the_next_number() -> None:
    paths: Json = {f"/{path}": {"get": {"operationId": "x"}} for path in "abc"}
    assert _ids(paths) == ["x", "x.2", "x.3"]


def test_capitals_of_a_path_are_kept_in_the_operation_id() -> None:
    assert _ids({"/A/{sessionID}": {"get": {}}}) == ["get.A.sessionID"]


def test_two_ids_with_one_python_name_get_different_names() -> None:
    paths = {"/a": {"get": {"operationId": "a.bC"}, "put": {"operationId": "a.b_c"}}}
    assert _ids(paths) == ["a.bC", "a.b_c.2"]


def test_parts_of_an_id_without_a_letter_are_dropped() -> None:
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
def test_a_stream_has_the_schema_of_its_events(event: Json, schemas: Json) -> None:
    given = one_operation({"responses": ok(event, "text/event-stream")}, schemas=schemas)
    response = only(operations.stream_items(given))["responses"]["200"]
    assert response == {**ok(A)["200"], "x-oc": {"stream": True}}


def test_the_responses_beside_a_stream_are_unchanged() -> None:
    given = one_operation({"responses": {"400": {"description": "bad"}, **ok(A, "text/event-stream")}})
    found = only(operations.stream_items(given))["responses"]
    assert found == {"400": {"description": "bad"}, "200": {**ok(A)["200"], "x-oc": {"stream": True}}}


def test_a_response_that_is_not_a_stream_is_unchanged() -> None:
    given = one_operation({"responses": ok(A)})
    assert operations.stream_items(given) == given


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ({"text/html": A, "application/json": B}, {"application/json": B}),
        ({"application/problem+json": A}, {"application/json": A}),
        ({"application/octet-stream": A, "application/problem+json": B}, {"application/json": B}),
        ({"image/png": A}, {"application/octet-stream": A}),
        ({"text/plain": A}, {"text/plain": A}),
        ({"application/octet-stream": A}, {"application/octet-stream": A}),
        ({"application/octet-stream; v=1": A}, {"application/octet-stream": A}),
        ({"Application/Problem+JSON; v=1": A}, {"application/json": A}),
        ({"TEXT/Plain": A}, {"text/plain": A}),
        ({"application/json-seq": A}, {"application/octet-stream": A}),
        ({"application/json-seq": A, "application/json": B}, {"application/json": B}),
    ],
)
def test_the_first_readable_content_is_chosen(content: Json, read: Json) -> None:
    def described(kinds: Json) -> Json:
        return {kind: {"schema": schema} for kind, schema in kinds.items()}

    given = one_operation({"responses": {"200": {"content": described(content)}}})
    assert only(operations.readable_contents(given))["responses"]["200"]["content"] == described(read)


def test_json_is_preferred_to_other_readable_types() -> None:
    content = {"text/plain": {"schema": A}, "application/json": {"schema": B}}
    given = one_operation({"responses": {"200": {"content": content}}})
    read = only(operations.readable_contents(given))["responses"]["200"]["content"]
    assert read == {"application/json": {"schema": B}}


def test_a_content_without_a_schema_is_any_type() -> None:
    given = one_operation({"requestBody": {"content": {"application/json": {}}}})
    assert only(operations.readable_contents(given))["requestBody"]["content"] == {
        "application/json": {"schema": {}}
    }


def test_a_text_body_is_bytes() -> None:
    given = one_operation({"requestBody": {"content": {"text/plain": {"schema": STRING}}}})
    body = only(operations.readable_contents(given))["requestBody"]
    assert list(body["content"]) == ["application/octet-stream"]


def test_an_empty_content_is_removed() -> None:
    given = one_operation({"responses": {"204": {"content": {}}}})
    assert only(operations.readable_contents(given))["responses"] == {"204": {}}


def test_responses_without_a_valid_status_are_dropped() -> None:
    given = one_operation({"responses": {"200": {}, "4XX": {}, "default": {}, "x-y": {}, "999": {}}})
    assert list(only(operations.readable_contents(given))["responses"]) == ["200", "4XX", "default"]


def test_an_operation_without_responses_gets_an_empty_200() -> None:
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


def test_already_recorded_error_bodies_are_kept() -> None:
    content = {"application/json": {"schema": A}}
    once = operations.error_bodies(one_operation({"responses": {"404": {"content": content}}}))
    assert operations.error_bodies(once) == once


def test_an_inline_error_body_is_not_recorded() -> None:
    assert _errors("404", {"anyOf": [A, obj(a=STRING)]}) == {"404": ["A"]}


def test_a_path_that_ends_in_a_star_matches_the_rest_of_the_url() -> None:
    limit = {"name": "limit", "in": "query", "schema": STRING}
    given = one_operation({"parameters": [limit, {"name": "*", "in": "path", "schema": {}}]}, "/read/*")
    found = operations.wildcard_paths(given)
    assert list(found["paths"]) == ["/read/{path}"]
    assert only(found)["parameters"] == [
        limit,
        {"name": "path", "in": "path", "required": True, "schema": STRING},
    ]
    assert only(found)["x-oc"] == {"wildcard": True}


@pytest.mark.parametrize("path", ["/read/{path}/*", "/read*", "/*/read"])
def test_a_path_with_an_unsupported_wildcard_is_unchanged(path: str) -> None:
    given = one_operation({"parameters": []}, path)
    assert operations.wildcard_paths(given) == given


def test_a_wildcard_path_does_not_displace_another() -> None:
    paths: Json = {"/read/*": {"get": {}}, "/read/{path}": {"get": {"operationId": "other"}}}
    assert operations.wildcard_paths(document({}, paths))["paths"] == paths


_HOME = {"namespace": {"module": "session"}}


def _shown(operation: Json, path: str) -> Json:
    known: Json = {"responses": {"200": {}}, **operation, "x-oc": {**_HOME, **operation.get("x-oc", {})}}
    return operations.generator_view(parameters.named_parameters(one_operation(known, path)))


def test_the_generator_gets_python_names_and_the_namespaces_module_as_tag() -> None:
    meta = {"errors": {}, "namespace": {"module": "v2_session"}}
    shown = _shown({"operationId": "v2.session.messageList", "x-oc": meta}, "/session/{sessionID}")
    assert list(shown["paths"]) == ["/session/{session_id}"]
    assert only(shown)["operationId"] == "v2_session_message_list"
    assert only(shown)["tags"] == ["v2_session"]


def test_the_responses_contain_the_facts_about_the_operation() -> None:
    shown = only(_shown({"operationId": "session.get", "x-oc": {"errors": {}}}, "/session/{sessionID}"))
    assert shown["responses"]["200"]["x-oc"] == {
        **_HOME,
        "errors": {},
        "operation": "session.get",
        "path": "/session/{sessionID}",
        "method": "get",
        "texts": {"name": "session.get", "source": "GET /session/{sessionID}"},
        "parameters": {"session_id": {"wire": "sessionID", "in": "path"}},
    }


def test_the_generator_gets_texts_parameters_and_bodies() -> None:
    texts = {"summary": "s\ud800", "description": "d\ud800"}
    body = {"content": {"application/json": {"schema": A}}}
    response = {"200": {"description": "ok"}, "204": {}}
    shown = only(_shown({**texts, "requestBody": body, "responses": response, "operationId": "a.b"}, "/a"))
    assert (shown["summary"], shown["description"], shown["requestBody"]) == ("s\ufffd", "d\ufffd", body)
    assert [described["description"] for described in shown["responses"].values()] == ["ok", ""]


@pytest.mark.parametrize(
    ("path", "seen"), [("/{a", "/0"), ("/{a}/}", "/0/{a}"), ("/a b", "/a-b"), ("/Ab", "/Ab")]
)
def test_a_path_that_the_generator_refuses_is_replaced(path: str, seen: str) -> None:
    assert list(_shown({}, path)["paths"]) == [seen]


def test_two_paths_that_are_equal_to_the_generator_are_both_kept() -> None:
    paths = {
        "/a b": {"get": {"operationId": "x", "x-oc": _HOME}},
        "/a?b": {"get": {"operationId": "y", "x-oc": _HOME}},
    }
    given = operations.readable_contents(parameters.own_parameters(document({}, paths)))
    shown = operations.generator_view(parameters.named_parameters(given))
    assert list(shown["paths"]) == ["/a-b", "/1"]


def test_a_path_without_operations_is_left_out() -> None:
    assert operations.generator_view(document({}, {"/{": {"summary": "s"}}))["paths"] == {}
