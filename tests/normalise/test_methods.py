"""Where operations hang on the client, and what their methods take."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import NameCollisionError, methods, normalise
from scripts.normalise.schema import META, Json, operations
from tests.normalise.small import document, obj, ok

_STRING: Json = {"type": "string"}


def _described(paths: dict[str, Json], *, strict: bool = False) -> dict[str, Any]:
    """What the templates are told, by operationId."""
    found = normalise(document({}, paths), strict=strict, pins={}, observed=[]).document
    told = [next(iter(operation["responses"].values()))[META] for _, _, operation in operations(found)]
    return {one["operation"]: one for one in told}


def _get(name: str, **more: Any) -> Json:
    return {"get": {"operationId": name, "responses": ok(_STRING), **more}}


def _query(*names: str) -> list[Json]:
    return [{"name": name, "in": "query", "schema": _STRING} for name in names]


def _place(told: Json) -> str:
    return f"{told['namespace']['path']}.{told['attribute']}"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("session.promptAsync", "session.prompt_async"),
        ("global.health", "global_.health"),
        ("v2.session.revert.stage", "v2.session.revert.stage"),
        ("health", "root.health"),
    ],
)
def test_the_attribute_path_is_the_operation_id_in_snake_case(name: str, place: str) -> None:
    assert _place(_described({"/a": _get(name)})[name]) == place


def test_an_operation_below_an_operation_is_flattened() -> None:
    told = _described({"/a": _get("vcs.diff"), "/b": _get("vcs.diff.raw")})
    assert [_place(told["vcs.diff"]), _place(told["vcs.diff.raw"])] == ["vcs.diff", "vcs.diff_raw"]


def test_two_operations_of_one_name_fail_the_build() -> None:
    paths = {"/a": _get("vcs.diff"), "/b": _get("vcs.diff.raw"), "/c": _get("vcs.diffRaw")}
    with pytest.raises(NameCollisionError, match=r"client\.vcs\.diff_raw"):
        _described(paths, strict=True)
    assert len({_place(told) for told in _described(paths).values()}) == 3


@pytest.mark.parametrize("name", sorted(methods.ON_CLIENTS))
def test_a_namespace_called_as_something_of_the_client_fails_the_build(name: str) -> None:
    with pytest.raises(NameCollisionError, match=f"client.{name}"):
        _described({"/a": _get(f"{name}.list")}, strict=True)


def test_a_stream_that_no_table_knows_fails_the_build_and_is_one_elsewhere() -> None:
    stream = {"/a": {"get": {"operationId": "log.follow", "responses": ok(_STRING, "text/event-stream")}}}
    with pytest.raises(NameCollisionError, match=r"log\.follow answers with server-sent events"):
        _described(stream, strict=True)
    assert _described(stream)["log.follow"]["kind"] == "stream"


def test_what_the_overlay_of_a_websocket_sets_is_no_argument() -> None:
    told = _described({"/a": _get("pty.connect", parameters=_query("cursor", "ticket", "size"))})[
        "pty.connect"
    ]
    assert [one["name"] for one in told["arguments"]] == ["size"]


def test_path_arguments_come_first_in_the_order_of_the_path() -> None:
    told = _described({"/a/{sessionID}/b/{partID}": _get("a.b", parameters=_query("limit"))})["a.b"]
    assert [(one["place"], one["name"]) for one in told["arguments"]] == [
        ("path", "session_id"),
        ("path", "part_id"),
        ("query", "limit"),
    ]


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        (_query("directory", "workspace"), {"directory": "directory", "workspace": "workspace"}),
        (_query("directory"), {"directory": "directory"}),
        (_query("location[directory]"), {"directory": "location[directory]"}),
        (_query("limit"), {}),
    ],
)
def test_a_place_for_the_directory_is_no_argument_of_its_own(given: list[Json], scope: Json) -> None:
    told = _described({"/a": _get("a.b", parameters=given)})["a.b"]
    assert told["scope"] == scope
    assert [one["name"] for one in told["arguments"]] == [name for name in ("limit",) if not scope]


def test_a_filter_is_an_argument_and_no_default_fills_it() -> None:
    told = _described({"/a": _get("v2.session.list", parameters=_query("directory", "workspace"))})
    assert told["v2.session.list"]["scope"] == {}
    assert [one["name"] for one in told["v2.session.list"]["arguments"]] == ["directory", "workspace"]


@pytest.mark.parametrize("name", ["directory", "workspace", "timeout", "headers", "body"])
def test_a_field_of_the_body_gives_way_to_what_methods_have_of_their_own(name: str) -> None:
    body = {"content": {"application/json": {"schema": obj(**{name: _STRING})}}}
    operation = {"operationId": "a.b", "responses": ok(_STRING), "requestBody": body}
    assert [one["name"] for one in _described({"/a": {"post": operation}})["a.b"]["arguments"]] == [
        f"body_{name}"
    ]


def test_a_body_that_one_operation_alone_takes_makes_no_class() -> None:
    schemas = {"Input": obj(name=_STRING), "Used": obj(name=_STRING)}
    paths: dict[str, Json] = {
        f"/{name}": {
            "post": {
                "operationId": f"a.{name.lower()}",
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
                },
                "responses": ok({"$ref": "#/components/schemas/Used"}),
            }
        }
        for name in schemas
    }
    found = normalise(document(schemas, paths), strict=False, pins={}, observed=[]).document["components"][
        "schemas"
    ]
    assert {name: found[name][META]["kind"] for name in schemas} == {"Input": "body", "Used": "object"}


def test_what_consumes_says_so() -> None:
    told = _described({"/a": _get("session.list"), "/b": _get("tui.control.next")})
    assert (told["session.list"]["consumes"], told["tui.control.next"]["consumes"]) == (False, True)


def test_two_namespaces_whose_modules_would_be_one_stay_apart() -> None:
    told = _described({"/a": _get("a.b_c.x"), "/b": _get("a_b.c.x")})
    assert len({one["namespace"]["module"] for one in told.values()}) == 2


def test_a_text_that_is_a_number_takes_a_number() -> None:
    parameters = _query("limit", "directory")
    found = normalise(
        document({}, {"/a": _get("v2.fs.find", parameters=parameters)}), strict=False, pins={}, observed=[]
    ).document
    [(_, _, operation)] = operations(found)
    assert [p["schema"]["type"] for p in operation["parameters"]] == ["integer", "string"]
