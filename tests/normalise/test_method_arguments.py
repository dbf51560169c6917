"""Name the arguments of methods, and find their places in the request."""

from __future__ import annotations

import pytest

from scripts.normalise import normalise
from scripts.normalise.schema import Json
from tests.normalise.small_documents import document, obj, ok, reference
from tests.normalise.small_operations import STRING, describe, get, own, query, sent


def test_parameters_that_the_terminal_sets_are_not_arguments() -> None:
    paths = own("pty.connect", parameters=query("cursor", "ticket", "size"))
    assert [one["name"] for one in describe(paths)["pty.connect"]["arguments"]] == ["p0", "size"]


def test_path_arguments_are_first_in_the_order_of_the_path() -> None:
    described = describe({"/a/{sessionID}/b/{partID}": get("a.b", parameters=query("limit"))})["a.b"]
    assert [(one["place"], one["name"]) for one in described["arguments"]] == [
        ("path", "session_id"),
        ("path", "part_id"),
        ("query", "limit"),
    ]


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        (query("directory", "workspace"), {"directory": "directory", "workspace": "workspace"}),
        (query("directory"), {"directory": "directory"}),
        (query("location[directory]"), {"directory": "location[directory]"}),
        (query("limit"), {}),
    ],
)
def test_the_parameters_for_the_directory_are_not_arguments_of_the_method(
    given: list[Json], scope: Json
) -> None:
    described = describe({"/a": get("a.b", parameters=given)})["a.b"]
    assert described["scope"] == scope
    assert [one["name"] for one in described["arguments"]] == [name for name in ("limit",) if not scope]


def test_a_directory_that_filters_is_an_argument_without_a_default() -> None:
    described = describe(own("v2.session.list", parameters=query("directory", "workspace")))
    assert described["v2.session.list"]["scope"] == {}
    assert [one["name"] for one in described["v2.session.list"]["arguments"]] == ["directory", "workspace"]


@pytest.mark.parametrize("name", ["directory", "workspace", "timeout", "headers", "body"])
def test_a_field_of_the_body_named_as_a_common_parameter_gets_a_prefix(name: str) -> None:
    described = describe({"/a": get("a.b", requestBody=sent(obj(**{name: STRING})))})["a.b"]
    assert [one["name"] for one in described["arguments"]] == [f"body_{name}"]


@pytest.mark.parametrize("name", ["timeout", "headers", "body"])
def test_a_parameter_named_as_a_common_parameter_gets_a_prefix(name: str) -> None:
    described = describe({"/a": get("a.b", parameters=query(name))})["a.b"]
    assert [(one["name"], one["generator"]) for one in described["arguments"]] == [(f"query_{name}", name)]


def test_a_field_of_the_body_with_the_name_of_a_parameter_gets_a_prefix() -> None:
    body = sent(obj(id=STRING, title=STRING))
    described = describe({"/a/{id}": get("a.b", requestBody=body)})["a.b"]
    assert [one["name"] for one in described["arguments"]] == ["id", "body_id", "title"]


def test_a_field_of_the_body_whose_prefixed_name_is_taken_gets_a_suffix() -> None:
    body = sent(obj(id=STRING))
    paths = {"/a/{id}": get("a.b", parameters=query("body_id"), requestBody=body)}
    names = [one["name"] for one in describe(paths)["a.b"]["arguments"]]
    assert names[:2] == ["id", "body_id"]
    assert names[2].startswith("body_id_")


def test_an_argument_is_sent_under_its_wire_name() -> None:
    body = sent(obj(partID={**STRING, "description": "which part"}))
    parameters = [{**query("pageSize")[0], "description": "how many"}]
    described = describe({"/a": get("a.b", parameters=parameters, requestBody=body)})["a.b"]
    limit: Json = {"place": "query", "wire": "pageSize", "name": "page_size", "description": "how many"}
    assert described["arguments"] == [
        {**limit, "generator": "page_size"},
        {"place": "body", "wire": "partID", "name": "part_id", "description": "which part"},
    ]


def test_an_argument_without_a_description_has_that_of_its_class() -> None:
    body = sent(obj(time=reference("Time"), at=STRING))
    schemas = {"Time": {**obj(start=STRING), "description": "when"}}
    described = describe({"/a": get("a.b", requestBody=body)}, schemas)["a.b"]
    assert [one["description"] for one in described["arguments"]] == ["when", ""]


@pytest.mark.parametrize("place", ["header", "cookie"])
def test_cookies_and_headers_are_not_arguments(place: str) -> None:
    paths = {"/a": get("a.b", parameters=[{"name": "directory", "in": place, "schema": STRING}])}
    described = describe(paths)["a.b"]
    assert (described["arguments"], described["scope"]) == ([], {})
    [line] = normalise(document({}, paths), strict=False, pins={}, observed=[]).report
    assert line == f"a.b: no argument for the {place} 'directory'"


def test_the_table_names_the_member_of_the_body_for_the_directory() -> None:
    body = sent(obj(location=obj(directory=STRING)))
    described = describe(own("v2.session.create", requestBody=body))["v2.session.create"]
    assert described["scope"] == {"directory": "location.directory", "workspace": "location.workspaceID"}


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (sent(obj(a=STRING)), "members"),
        (sent(reference("Thing")), "members"),
        (sent({"type": "array", "items": STRING}), "json"),
        (sent({}, "application/octet-stream"), "bytes"),
        ({}, ""),
    ],
)
def test_a_body_is_passed_as_members_as_json_or_as_bytes(body: Json, given: str) -> None:
    paths = {"/a": get("a.b", requestBody=body), "/b": get("a.c", responses=ok(reference("Thing")))}
    assert describe(paths, {"Thing": obj(a=STRING)})["a.b"]["body"] == given
