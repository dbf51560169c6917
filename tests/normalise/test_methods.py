"""Place operations on the client, and name the arguments of their methods."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import NameCollisionError, methods, normalise
from scripts.normalise.kinds import read_kinds, read_since
from scripts.normalise.schema import META, Json, operations
from tests.normalise.small_documents import document, obj, ok, reference

_STRING: Json = {"type": "string"}


def _described(
    paths: dict[str, Json], schemas: Json | None = None, *, strict: bool = False
) -> dict[str, Any]:
    """Return the facts about every operation, by operationId."""
    found = normalise(document(schemas or {}, paths), strict=strict, pins={}, observed=[]).document
    described = [next(iter(operation["responses"].values()))[META] for _, _, operation in operations(found)]
    return {one["operation"]: one for one in described}


def _get(name: str, **more: Any) -> Json:
    return {"get": {"operationId": name, "responses": ok(_STRING), **more}}


def _own(name: str, **more: Any) -> dict[str, Json]:
    """Return the path of an operation of opencode 1.x."""
    method, path = read_since().rows[name]["route"].split()
    count = path.count("{}")
    path = path.replace("{}", "{{p{}}}").format(*range(count))
    parameters = [{"name": f"p{n}", "in": "path", "required": True, "schema": _STRING} for n in range(count)]
    more = {**more, "parameters": [*parameters, *more.get("parameters", [])]}
    return {path: {method.lower(): _get(name, **more)["get"]}}


def _query(*names: str) -> list[Json]:
    return [{"name": name, "in": "query", "schema": _STRING} for name in names]


def _sent(schema: Json, media: str = "application/json") -> Json:
    return {"content": {media: {"schema": schema}}}


def _place(described: Json) -> str:
    return f"{described['namespace']['path']}.{described['attribute']}"


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


def test_a_namespace_has_its_children_and_parents() -> None:
    described = _described({"/a": _get("a.get"), "/b": _get("a.part.list"), "/c": _get("a.part.ref")})
    part = {"path": "a.part", "module": "a_part", "class": "APartNamespace"}
    a = {"path": "a", "module": "a", "class": "ANamespace"}
    assert described["a.get"]["namespace"] == {
        **a, "methods": 1, "children": [{"name": "part", **part}], "shadows": []
    }  # fmt: skip
    assert described["a.part.list"]["namespace"] == {
        **part,
        "methods": 2,
        "children": [],
        "shadows": ["list"],
    }
    client: Json = {"path": "", "module": "", "class": "Namespace", "methods": 0, "shadows": []}
    assert described["a.part.list"]["above"] == [
        {**client, "children": [{"name": "a", **a}]},
        described["a.get"]["namespace"],
    ]


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("session.list", {"kind": "request", "extra_headers": {}, "resumes": None, "late": False}),
        ("pty.connectToken", {"extra_headers": {"x-opencode-ticket": "1"}}),
        ("v2.session.events", {"kind": "stream", "resumes": "after"}),
        ("global.event", {"kind": "stream", "late": True}),
        ("session.prompt", {"kind": "blocking", "note": read_kinds()["session.prompt"].note}),
        ("session.messages", {"constant": "_MESSAGES", "deprecated": False}),
    ],
)
def test_an_operation_has_its_entry_of_kinds_toml(name: str, entry: Json) -> None:
    described = _described(_own(name))[name]
    assert {key: described[key] for key in entry} == entry


def test_an_operation_of_another_api_has_no_entry_of_kinds_toml() -> None:
    described = _described({"/api/event": _get("global.event"), "/a": _get("session.prompt")})
    assert [(one["kind"], one["note"], one["late"]) for one in described.values()] == [
        ("request", "", False)
    ] * 2


def test_an_operation_of_a_document_that_is_not_opencodes_has_no_versions() -> None:
    described = _described({"/a": _get("not.documented"), **_own("session.list")})
    assert {(one["absent"], one["since"]) for one in described.values()} == {(None, "")}


def test_an_operation_of_opencodes_document_has_its_oldest_version() -> None:
    paths: dict[str, Json] = {"/new": _get("not.documented")}
    for name in read_since().rows:
        for path, item in _own(name).items():
            paths[path] = paths.get(path, {}) | item
    described = _described(paths)
    found = [described[name] for name in ("session.list", "v2.session.list", "not.documented")]
    versions = [(None, "1.1.31"), ("1.3.2", "1.14.48"), ("1.18.33", None)]
    assert [(one["absent"], one["since"]) for one in found] == versions


def test_an_operation_has_the_reason_for_its_kind() -> None:
    assert _described(_own("global.event"))["global.event"]["reason"] == read_kinds()["global.event"].reason


def test_a_deprecated_operation_says_so() -> None:
    assert _described({"/a": _get("a.b", deprecated=True)})["a.b"]["deprecated"] is True


def test_a_namespace_and_an_operation_of_one_name_fail_the_build() -> None:
    paths = {"/a": _get("a.listParts"), "/b": _get("a.list_parts.x")}
    with pytest.raises(NameCollisionError, match=r"namespace a\.list_parts and an operation both become"):
        _described(paths, strict=True)


def test_a_namespace_whose_class_is_a_models_name_is_called_otherwise() -> None:
    described = _described(
        {"/a": _get("a.b", responses=ok(reference("ANamespace")))}, {"ANamespace": obj(x=_STRING)}
    )
    namespace = described["a.b"]["namespace"]
    assert namespace["class"].startswith("ANamespace")
    assert (namespace["class"], namespace["module"]) != ("ANamespace", "a")


def test_an_operation_below_an_operation_is_flattened() -> None:
    described = _described({"/a": _get("vcs.diff"), "/b": _get("vcs.diff.raw")})
    assert [_place(described["vcs.diff"]), _place(described["vcs.diff.raw"])] == ["vcs.diff", "vcs.diff_raw"]


def test_an_operation_below_one_of_a_single_word_is_flattened_into_the_root() -> None:
    described = _described({"/a": _get("vcs"), "/b": _get("vcs.diff")})
    assert [_place(described["vcs"]), _place(described["vcs.diff"])] == ["root.vcs", "root.vcs_diff"]


def test_two_operations_of_one_name_fail_the_build() -> None:
    paths = {"/a": _get("vcs.diff"), "/b": _get("vcs.diff.raw"), "/c": _get("vcs.diffRaw")}
    with pytest.raises(NameCollisionError, match=r"client\.vcs\.diff_raw"):
        _described(paths, strict=True)
    described = _described(paths)
    assert (len({_place(one) for one in described.values()}), _place(described["vcs.diffRaw"])) == (
        3,
        "vcs.diff_raw",
    )


@pytest.mark.parametrize("name", sorted(methods.ON_CLIENTS))
def test_a_namespace_called_as_something_of_the_client_fails_the_build(name: str) -> None:
    with pytest.raises(NameCollisionError, match=f"client.{name}"):
        _described({"/a": _get(f"{name}.list")}, strict=True)


def test_a_stream_that_no_table_knows_fails_the_build_and_is_one_elsewhere() -> None:
    stream = {"/a": {"get": {"operationId": "log.follow", "responses": ok(_STRING, "text/event-stream")}}}
    with pytest.raises(NameCollisionError, match=r"log\.follow responds with server-sent events"):
        _described(stream, strict=True)
    assert _described(stream)["log.follow"]["kind"] == "stream"


def test_parameters_that_the_terminal_sets_are_no_arguments() -> None:
    paths = _own("pty.connect", parameters=_query("cursor", "ticket", "size"))
    assert [one["name"] for one in _described(paths)["pty.connect"]["arguments"]] == ["p0", "size"]


def test_path_arguments_come_first_in_the_order_of_the_path() -> None:
    described = _described({"/a/{sessionID}/b/{partID}": _get("a.b", parameters=_query("limit"))})["a.b"]
    assert [(one["place"], one["name"]) for one in described["arguments"]] == [
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
    described = _described({"/a": _get("a.b", parameters=given)})["a.b"]
    assert described["scope"] == scope
    assert [one["name"] for one in described["arguments"]] == [name for name in ("limit",) if not scope]


def test_a_filter_is_an_argument_and_no_default_fills_it() -> None:
    described = _described(_own("v2.session.list", parameters=_query("directory", "workspace")))
    assert described["v2.session.list"]["scope"] == {}
    assert [one["name"] for one in described["v2.session.list"]["arguments"]] == ["directory", "workspace"]


@pytest.mark.parametrize("name", ["directory", "workspace", "timeout", "headers", "body"])
def test_a_field_of_the_body_named_as_a_common_parameter_gets_a_prefix(name: str) -> None:
    described = _described({"/a": _get("a.b", requestBody=_sent(obj(**{name: _STRING})))})["a.b"]
    assert [one["name"] for one in described["arguments"]] == [f"body_{name}"]


@pytest.mark.parametrize("name", ["timeout", "headers", "body"])
def test_a_parameter_named_as_a_common_parameter_gets_a_prefix(name: str) -> None:
    described = _described({"/a": _get("a.b", parameters=_query(name))})["a.b"]
    assert [(one["name"], one["generator"]) for one in described["arguments"]] == [(f"query_{name}", name)]


def test_a_field_of_the_body_gives_way_to_a_parameter() -> None:
    body = _sent(obj(id=_STRING, title=_STRING))
    described = _described({"/a/{id}": _get("a.b", requestBody=body)})["a.b"]
    assert [one["name"] for one in described["arguments"]] == ["id", "body_id", "title"]


def test_a_field_of_the_body_whose_full_name_is_taken_gets_one_of_its_own() -> None:
    body = _sent(obj(id=_STRING))
    paths = {"/a/{id}": _get("a.b", parameters=_query("body_id"), requestBody=body)}
    names = [one["name"] for one in _described(paths)["a.b"]["arguments"]]
    assert names[:2] == ["id", "body_id"]
    assert names[2].startswith("body_id_")


def test_an_argument_goes_to_its_place_under_its_wire_name() -> None:
    body = _sent(obj(partID={**_STRING, "description": "which part"}))
    parameters = [{**_query("pageSize")[0], "description": "how many"}]
    described = _described({"/a": _get("a.b", parameters=parameters, requestBody=body)})["a.b"]
    query: Json = {"place": "query", "wire": "pageSize", "name": "page_size", "description": "how many"}
    assert described["arguments"] == [
        {**query, "generator": "page_size"},
        {"place": "body", "wire": "partID", "name": "part_id", "description": "which part"},
    ]


def test_an_argument_without_a_text_has_that_of_its_class() -> None:
    body = _sent(obj(time=reference("Time"), at=_STRING))
    schemas = {"Time": {**obj(start=_STRING), "description": "when"}}
    described = _described({"/a": _get("a.b", requestBody=body)}, schemas)["a.b"]
    assert [one["description"] for one in described["arguments"]] == ["when", ""]


@pytest.mark.parametrize("place", ["header", "cookie"])
def test_cookies_and_headers_are_no_arguments(place: str) -> None:
    paths = {"/a": _get("a.b", parameters=[{"name": "directory", "in": place, "schema": _STRING}])}
    described = _described(paths)["a.b"]
    assert (described["arguments"], described["scope"]) == ([], {})
    [line] = normalise(document({}, paths), strict=False, pins={}, observed=[]).report
    assert line == f"a.b: no argument for the {place} 'directory'"


def test_a_place_in_the_body_is_filled_where_the_table_says_so() -> None:
    body = _sent(obj(location=obj(directory=_STRING)))
    described = _described(_own("v2.session.create", requestBody=body))["v2.session.create"]
    assert described["scope"] == {"directory": "location.directory", "workspace": "location.workspaceID"}


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (_sent(obj(a=_STRING)), "members"),
        (_sent(reference("Thing")), "members"),
        (_sent({"type": "array", "items": _STRING}), "json"),
        (_sent({}, "application/octet-stream"), "bytes"),
        ({}, ""),
    ],
)
def test_a_body_is_given_as_members_as_json_or_as_bytes(body: Json, given: str) -> None:
    paths = {"/a": _get("a.b", requestBody=body), "/b": _get("a.c", responses=ok(reference("Thing")))}
    assert _described(paths, {"Thing": obj(a=_STRING)})["a.b"]["body"] == given


_CLASSES = {
    "Thing": obj(part=reference("Part")),
    "Part": obj("type", type={"const": "part"}),
    "Other": obj("type", type={"const": "other"}),
    "Either": {"anyOf": [reference("Part"), reference("Other")]},
    "Kind": {"type": "string", "enum": ["a", "b"]},
}


@pytest.mark.parametrize(
    ("answer", "classes"),
    [
        (reference("Thing"), ["Part", "Thing"]),
        ({"type": "array", "items": reference("Part")}, ["Part"]),
        ({"type": "object", "additionalProperties": reference("Part")}, ["Part"]),
        (reference("Either"), ["Either"]),
        (reference("Kind"), []),
        (_STRING, []),
    ],
)
def test_a_method_imports_the_classes_of_its_answer(answer: Json, classes: list[str]) -> None:
    described = _described({"/a": _get("a.b", responses=ok(answer))}, _CLASSES)["a.b"]
    assert described["imports"] == [(name.lower(), name) for name in classes]


def test_a_method_imports_the_classes_of_its_bodys_members() -> None:
    operation = _get("a.b", requestBody=_sent(obj(part=reference("Part"))))
    assert _described({"/a": operation}, _CLASSES)["a.b"]["imports"] == [("part", "Part")]


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


def test_a_consuming_operation_is_marked() -> None:
    described = _described(_own("session.list") | _own("tui.control.next"))
    assert (described["session.list"]["consumes"], described["tui.control.next"]["consumes"]) == (False, True)


def test_two_namespaces_whose_modules_would_be_one_stay_apart() -> None:
    described = _described({"/a": _get("a.b_c.x"), "/b": _get("a_b.c.x")})
    assert len({one["namespace"]["module"] for one in described.values()}) == 2


def test_a_text_that_is_a_number_takes_a_number() -> None:
    parameters = _query("limit", "directory")
    found = normalise(
        document({}, _own("v2.fs.find", parameters=parameters)), strict=False, pins={}, observed=[]
    ).document
    [(_, _, operation)] = operations(found)
    assert [p["schema"]["type"] for p in operation["parameters"]] == ["integer", "string"]
