"""Place operations on the client: namespaces, kinds, the classes of their methods."""

from __future__ import annotations

import pytest

from scripts.normalise import NameCollisionError, methods, normalise
from scripts.normalise.kinds import read_kinds, read_since
from scripts.normalise.schema import META, Json, operations
from tests.normalise.small_documents import document, obj, ok, reference
from tests.normalise.small_operations import STRING, describe, get, own, query, sent


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
    assert _place(describe({"/a": get(name)})[name]) == place


def test_a_namespace_has_its_children_and_parents() -> None:
    described = describe({"/a": get("a.get"), "/b": get("a.part.list"), "/c": get("a.part.ref")})
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
    described = describe(own(name))[name]
    assert {key: described[key] for key in entry} == entry


def test_an_operation_of_another_api_has_no_entry_of_kinds_toml() -> None:
    described = describe({"/api/event": get("global.event"), "/a": get("session.prompt")})
    assert [(one["kind"], one["note"], one["late"]) for one in described.values()] == [
        ("request", "", False)
    ] * 2


def test_an_operation_of_a_document_that_is_not_opencodes_has_no_versions() -> None:
    described = describe({"/a": get("not.documented"), **own("session.list")})
    assert {(one["absent"], one["since"]) for one in described.values()} == {(None, "")}


def test_an_operation_of_opencodes_document_has_its_oldest_version() -> None:
    paths: dict[str, Json] = {"/new": get("not.documented")}
    for name in read_since().rows:
        for path, item in own(name).items():
            paths[path] = paths.get(path, {}) | item
    described = describe(paths)
    found = [described[name] for name in ("session.list", "v2.session.list", "not.documented")]
    versions = [(None, "1.1.31"), ("1.3.2", "1.14.48"), ("1.18.33", None)]
    assert [(one["absent"], one["since"]) for one in found] == versions


def test_an_operation_has_the_reason_for_its_kind() -> None:
    assert describe(own("global.event"))["global.event"]["reason"] == read_kinds()["global.event"].reason


def test_a_deprecated_operation_is_marked() -> None:
    assert describe({"/a": get("a.b", deprecated=True)})["a.b"]["deprecated"] is True


@pytest.mark.parametrize(
    ("ids", "message", "place"),
    [
        (["close.now"], r"namespace close and a handwritten name both become", "close_.now"),
        (["a.b.c", "a.b", "a.bC.d"], r"namespace a\.b_c and an operation both become", "a.b_c_.d"),
    ],
)
def test_a_namespace_with_a_taken_name_fails_the_build_or_gets_an_underscore(
    ids: list[str], message: str, place: str
) -> None:
    paths = {f"/{name}": get(name) for name in ids}
    with pytest.raises(NameCollisionError, match=message):
        describe(paths, strict=True)
    assert _place(describe(paths)[ids[-1]]) == place


def test_ids_that_differ_in_capitals_are_below_the_same_operation() -> None:
    described = describe({"/a": get("a.listParts"), "/b": get("a.list_parts.x")}, strict=True)
    assert _place(described["a.list_parts.x"]) == "a.list_parts_x"


def test_a_namespace_whose_class_name_is_a_model_gets_another_name() -> None:
    described = describe(
        {"/a": get("a.b", responses=ok(reference("ANamespace")))}, {"ANamespace": obj(x=STRING)}
    )
    namespace = described["a.b"]["namespace"]
    assert namespace["class"].startswith("ANamespace")
    assert (namespace["class"], namespace["module"]) != ("ANamespace", "a")


def test_an_operation_below_an_operation_is_flattened() -> None:
    described = describe({"/a": get("vcs.diff"), "/b": get("vcs.diff.raw")})
    assert [_place(described["vcs.diff"]), _place(described["vcs.diff.raw"])] == ["vcs.diff", "vcs.diff_raw"]


def test_an_operation_below_one_of_a_single_word_is_flattened_into_the_root() -> None:
    described = describe({"/a": get("vcs"), "/b": get("vcs.diff")})
    assert [_place(described["vcs"]), _place(described["vcs.diff"])] == ["root.vcs", "root.vcs_diff"]


def test_two_operations_of_one_name_fail_the_build() -> None:
    paths = {"/a": get("vcs.diff"), "/b": get("vcs.diff.raw"), "/c": get("vcs.diffRaw")}
    with pytest.raises(NameCollisionError, match=r"client\.vcs\.diff_raw"):
        describe(paths, strict=True)
    described = describe(paths)
    assert (len({_place(one) for one in described.values()}), _place(described["vcs.diffRaw"])) == (
        3,
        "vcs.diff_raw",
    )


@pytest.mark.parametrize("name", sorted(methods.ON_CLIENTS))
def test_a_namespace_with_the_name_of_a_client_member_fails_the_build(name: str) -> None:
    with pytest.raises(NameCollisionError, match=f"client.{name}"):
        describe({"/a": get(f"{name}.list")}, strict=True)


def test_an_unlisted_stream_fails_only_the_strict_build() -> None:
    stream = {"/a": {"get": {"operationId": "log.follow", "responses": ok(STRING, "text/event-stream")}}}
    with pytest.raises(NameCollisionError, match=r"log\.follow responds with server-sent events"):
        describe(stream, strict=True)
    assert describe(stream)["log.follow"]["kind"] == "stream"


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
        (STRING, []),
    ],
)
def test_a_method_imports_the_classes_of_its_response(answer: Json, classes: list[str]) -> None:
    described = describe({"/a": get("a.b", responses=ok(answer))}, _CLASSES)["a.b"]
    assert described["imports"] == [(name.lower(), name) for name in classes]


def test_a_method_imports_the_classes_of_its_bodys_members() -> None:
    operation = get("a.b", requestBody=sent(obj(part=reference("Part"))))
    assert describe({"/a": operation}, _CLASSES)["a.b"]["imports"] == [("part", "Part")]


def test_a_body_of_only_one_operation_has_no_class() -> None:
    schemas = {"Input": obj(name=STRING), "Used": obj(name=STRING)}
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
    described = describe(own("session.list") | own("tui.control.next"))
    assert (described["session.list"]["consumes"], described["tui.control.next"]["consumes"]) == (False, True)


def test_two_namespaces_with_the_same_module_name_get_two_modules() -> None:
    described = describe({"/a": get("a.b_c.x"), "/b": get("a_b.c.x")})
    assert len({one["namespace"]["module"] for one in described.values()}) == 2


def test_a_parameter_for_a_number_as_text_accepts_a_number() -> None:
    parameters = query("limit", "directory")
    found = normalise(
        document({}, own("v2.fs.find", parameters=parameters)), strict=False, pins={}, observed=[]
    ).document
    [(_, _, operation)] = operations(found)
    assert [p["schema"]["type"] for p in operation["parameters"]] == ["integer", "string"]
