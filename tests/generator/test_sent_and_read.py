"""Small documents become packages that send and read what the documents describe."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import httpx
import pytest

from scripts.normalise.schema import Json
from tests.normalise.small_documents import document, obj, ok, reference
from tests.support.whole_packages import answering, client, load


def test_a_namespace_of_namespaces_below_one_with_methods_works(tmp_path: Path) -> None:
    ids = ("a.get", "a.b.c.list")
    paths = {f"/{name}": {"get": {"operationId": name, "responses": ok({"type": "string"})}} for name in ids}
    package = load(tmp_path, document({}, paths))
    with client(package, answering(200, "x")) as opened:
        assert (opened.a.get(), opened.a.b.c.list()) == ("x", "x")


def _websocket(**more: object) -> Json:
    query = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("cursor", "role")]
    variable = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {"parameters": [variable, *query], "responses": ok({"type": "boolean"}), **more}


def _connected(folder: Path, operation: Json) -> tuple[str, str]:
    """Return the class that the method returns, and the URL of its request."""
    package = load(folder, document({}, {"/tty/{id}": {"get": operation}}))
    with package.OpencodeClient("http://test.invalid") as opened:
        namespace = opened
        *names, method = operation["operationId"].split(".")
        for name in names:
            namespace = getattr(namespace, name)
        terminal = getattr(namespace, method)("t1", role="a b")
        return type(terminal).__name__, terminal._request.prepare(5).text


@pytest.mark.parametrize("name", ["tty.attach", "v2.pty.connect"])
def test_a_marked_operation_is_a_websocket_with_its_own_query(tmp_path: Path, name: str) -> None:
    operation = _websocket(operationId=name, **{"x-websocket": True})
    assert _connected(tmp_path, operation) == (
        "PtyConnection", "http://test.invalid/tty/t1?role=a%20b&cursor=5",
    )  # fmt: skip


def test_the_document_wins_over_the_table(tmp_path: Path) -> None:
    operation = _websocket(operationId="v2.pty.connect", **{"x-websocket": False})
    package = load(tmp_path, document({}, {"/tty/{id}": {"get": operation}}))
    with client(package, answering(200, True)) as opened:
        assert opened.v2.pty.connect("t1", cursor="5") is True


_JOB = obj("state", state={"type": "string"})
_ITEM = obj("id", id={"type": "integer"})


@pytest.mark.parametrize("strict", [False, True])
def test_the_status_decides_between_two_successful_answers(tmp_path: Path, strict: bool) -> None:
    responses: Json = {
        **ok(reference("Item")),
        "202": ok(reference("Job"))["200"],
        "204": {"description": ""},
        "2XX": ok({}, "text/plain")["200"],
    }
    paths = {"/a": {"post": {"operationId": "a.add", "responses": responses}}}
    package = load(tmp_path, document({"Item": _ITEM, "Job": _JOB}, paths))
    answers = iter(
        [
            httpx.Response(200, json={"id": 1}),
            httpx.Response(202, json={"state": "waits"}),
            httpx.Response(204),
            httpx.Response(203, text="later"),
        ]
    )
    with client(package, lambda _: next(answers), strict=strict) as opened:
        item, job = opened.a.add(), opened.a.add()
        assert (type(item).__name__, item.id, type(job).__name__, job.state) == ("Item", 1, "Job", "waits")
        assert (opened.a.add(), opened.a.add()) == (None, "later")
        assert inspect.signature(opened.a.add).return_annotation == "Item | Job | None | str"


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("extended", [False, True])
def test_a_discriminator_selects_the_class(tmp_path: Path, strict: bool, extended: bool) -> None:
    text: Json = {"type": "string"}
    discriminator = {"propertyName": "petType", "mapping": {"dog": "#/components/schemas/Dog"}}
    own = obj("petType", petType=text, name=text)
    part = reference("Pet") if extended else own
    pet: Json = own if extended else {"oneOf": [reference("Cat"), reference("Dog")]}
    schemas = {
        "Pet": {**pet, "discriminator": discriminator},
        "Cat": {"allOf": [part, obj(claws=text)]},
        "Dog": {"allOf": [part, obj(bark=text)]},
    }
    answers: Json = {"type": "array", "items": reference("Pet")}
    paths = {"/a": {"get": {"operationId": "a.list", "responses": ok(answers)}}}
    package = load(tmp_path, document(schemas, paths))
    data = [{"petType": kind, "name": "x"} for kind in ("dog", "Cat", "Dog", "Pet")]
    with client(package, answering(200, data), strict=strict) as opened:
        names = [type(pet).__name__ for pet in opened.a.list()]
    assert names == ["Dog", "Cat", "UnknownPet", "PetBase" if extended else "UnknownPet"]
    assert package.models.Dog().to_dict() == {"petType": "dog"}


@pytest.mark.parametrize("strict", [False, True])
def test_a_variant_of_a_discriminator_may_extend_another(tmp_path: Path, strict: bool) -> None:
    kind = {**obj("kind", kind={"type": "string"}), "discriminator": {"propertyName": "kind"}}
    rows: Json = {"Pet": kind, "Dog": {"allOf": [reference("Pet"), obj(bark={})]}}
    rows |= {"Dog1": {"allOf": [reference("Dog"), obj()]}, "Dog2": {"allOf": [reference("Dog1"), obj()]}}
    answers: Json = {"type": "array", "items": reference("Pet")}
    paths = {"/a": {"get": {"operationId": "a.list", "responses": ok(answers)}}}
    names = ["Dog", "Dog1", "Dog2"]
    answer = answering(200, [{"kind": name, "bark": 1} for name in names])
    with client(load(tmp_path, document(rows, paths)), answer, strict=strict) as opened:
        assert [(type(pet).__name__, pet.bark) for pet in opened.a.list()] == [(name, 1) for name in names]


@pytest.mark.parametrize("strict", [False, True])
def test_a_variant_whose_tag_may_have_any_value_is_read(tmp_path: Path, strict: bool) -> None:
    schemas = {one: obj("kind", kind={"const": one}) for one in "AB"} | {
        "C": obj("kind", kind={"type": "string"})
    }
    answers: Json = {"type": "array", "items": {"oneOf": [reference(name) for name in schemas]}}
    paths = {"/a": {"get": {"operationId": "a.list", "responses": ok(answers)}}}
    answer = answering(200, [{"kind": kind} for kind in "ABCD"])
    with client(load(tmp_path, document(schemas, paths)), answer, strict=strict) as opened:
        assert [type(one).__name__ for one in opened.a.list()] == ["A", "B", "C", "C"]


def _sent(folder: Path, operation: Json, **keywords: object) -> httpx.Request:
    """Return the request of a POST with these arguments."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(202, text="x")

    responses = operation.get("responses", {"202": {"description": ""}})
    paths = {"/a": {"post": {"operationId": "a.add", **operation, "responses": responses}}}
    with client(load(folder, document({"Item": _ITEM}, paths)), answer) as opened:
        opened.a.add(**keywords)
    [request] = requests
    return request


def _result(folder: Path, method: str, responses: Json, answer: httpx.Response) -> object:
    """Return the result of an operation that gets this answer, read strictly."""
    paths = {"/a": {method: {"operationId": "a.call", "responses": responses}}}
    package = load(folder, document({"Item": _ITEM}, paths))
    with client(package, lambda _: answer, strict=True) as opened:
        return opened.a.call()


def test_a_default_is_read_if_no_other_response_is_successful(tmp_path: Path) -> None:
    default = {"default": ok(reference("Item"))["200"], "302": {"description": ""}}
    found = _result(tmp_path, "post", default, httpx.Response(201, json={"id": 1}))
    assert (type(found).__name__, found) == ("Item", found)
    assert getattr(found, "id", None) == 1


def test_a_response_to_head_has_no_body(tmp_path: Path) -> None:
    assert _result(tmp_path, "head", ok(reference("Item")), httpx.Response(200)) is None


def test_a_union_without_variants_is_any_type(tmp_path: Path) -> None:
    assert _result(tmp_path, "post", ok({"anyOf": [False]}), httpx.Response(200, json=[1])) == [1]


def test_a_required_member_without_a_description_is_read(tmp_path: Path) -> None:
    responses = ok({**_ITEM, "required": ["id", "more"]})
    found = _result(tmp_path, "post", responses, httpx.Response(200, json={"id": 1, "more": "x"}))
    assert getattr(found, "more", None) == "x"


def test_members_whose_names_have_no_letters_are_read(tmp_path: Path) -> None:
    data = {"+1": 1, "-1": 2, "*": 3, "**": 4}
    responses = ok(obj(*data, **{name: {"type": "integer"} for name in data}))
    found = _result(tmp_path, "get", responses, httpx.Response(200, json=data))
    assert re.findall(r"=(\d)", repr(found)) == ["1", "2", "3", "4"]


def test_a_package_without_models_has_typed_tables(tmp_path: Path) -> None:
    package = load(tmp_path, document({}, {"/a": {"get": {"operationId": "a.get", "responses": {}}}}))
    models = importlib.import_module(f"{package.__name__}.models")
    assert {"_NAMES", "_ALIASES"} <= models.__annotations__.keys()  # mypy knows no type of {}


def _parameter(name: str, schema: Json, **more: object) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema, **more}


@pytest.mark.parametrize(
    ("described", "given", "target"),
    [
        ([_parameter("y", {}), _parameter("x", {})], {"x": 1, "y": 2}, "/a/1/2"),
        ([_parameter("x", {"type": ["integer", "null"]})], {"x": 1, "y": 2}, "/a/1/2"),
        (
            [
                _parameter("directory", {"type": "integer"}, **{"in": "query", "required": False}),
                _parameter("workspace", {"enum": ["a"]}, **{"in": "query", "required": False}),
            ],
            {"x": 1, "y": 2, "query_directory": 3, "query_workspace": "a"},
            "/a/1/2?directory=3&workspace=a",
        ),
        (
            [_parameter("directory", {"type": "string"}, **{"in": "query"})],
            {"x": 1, "y": 2, "query_directory": "d"},
            "/a/1/2?directory=d",
        ),
        (
            [_parameter("in", reference("Alias"), **{"in": "query", "style": "deepObject"})],
            {"x": 1, "y": 2, "in_id": 3},
            "/a/1/2?in[id]=3",
        ),
        (
            [
                _parameter(
                    "in", {**_ITEM, "type": ["object", "null"]}, **{"in": "query", "style": "deepObject"}
                )
            ],
            {"x": 1, "y": 2, "in_id": 3},
            "/a/1/2?in[id]=3",
        ),
    ],
)
def test_parameters_are_sent_as_described(
    tmp_path: Path, described: list[Json], given: Json, target: str
) -> None:
    operation = {"operationId": "a.add", "parameters": described, "responses": {"204": {"description": ""}}}
    paths = {"/a/{x}/{y}": {"post": operation}}
    package = load(tmp_path, document({"Item": _ITEM, "Alias": reference("Item")}, paths))
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(204)

    with client(package, answer) as opened:
        opened.a.add(**given)
    assert requests[0].url.raw_path.decode() == target


def _body(schema: Json, media: str = "application/json", **more: object) -> Json:
    return {"requestBody": {"content": {media: {"schema": schema}}, **more}}


@pytest.mark.parametrize(
    ("body", "arguments", "content", "kind"),
    [
        ({"requestBody": {"content": {}}}, {}, b"", None),
        (_body(reference("Item"), required=False), {}, b"", None),
        (_body(reference("Item"), required=False), {"body": {"id": 1}}, b'{"id":1}', "application/json"),
        (_body(reference("Item")), {"id": 1}, b'{"id":1}', "application/json"),
        (
            _body({**_ITEM, "additionalProperties": {"type": "string"}}),
            {"body": {"id": 1, "b": "x"}},
            b'{"id":1,"b":"x"}',
            "application/json",
        ),
        (
            _body(obj("id", "name", id={"type": "integer", "readOnly": True}, name={"type": "string"})),
            {"name": "x"},
            b'{"name":"x"}',
            "application/json",
        ),
        (_body({}, "application/xml"), {"body": "<a/>"}, b"<a/>", "application/xml"),
        (_body(_ITEM, "application/xml"), {"body": "<a/>"}, b"<a/>", "application/xml"),
        (_body(_ITEM, "Application/JSON"), {"id": 1}, b'{"id":1}', "Application/JSON"),
        (
            _body({**_ITEM, "patternProperties": {"^x-": {}}}),
            {"body": {"id": 1, "x-a": 2}},
            b'{"id":1,"x-a":2}',
            "application/json",
        ),
        (
            _body({**_ITEM, "required": ["id", "more"]}),
            {"id": 1, "more": [2]},
            b'{"id":1,"more":[2]}',
            "application/json",
        ),
        (_body({"type": "string"}, "text/plain", required=False), {}, b"", None),
        (
            _body(_ITEM, "application/merge-patch+json"),
            {"id": 1},
            b'{"id":1}',
            "application/merge-patch+json",
        ),
    ],
)
def test_a_body_is_sent_as_described(
    tmp_path: Path, body: Json, arguments: dict[str, object], content: bytes, kind: str | None
) -> None:
    request = _sent(tmp_path, body, **arguments)
    assert (request.content, request.headers.get("content-type") if content else None) == (content, kind)


def test_the_accept_header_lists_the_readable_media_types(tmp_path: Path) -> None:
    content: Json = {"text/html": {}, "application/json": {"schema": {}}}
    responses: Json = {"200": {"description": "", "content": content}, "202": ok({}, "text/plain")["200"]}
    assert _sent(tmp_path, {"responses": responses}).headers["accept"] == "application/json, text/plain"
