"""Small documents become packages that send and read what the documents describe."""

from __future__ import annotations

import inspect
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


def test_the_document_decides_before_the_table(tmp_path: Path) -> None:
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


def _body(schema: Json, media: str = "application/json", **more: object) -> Json:
    return {"requestBody": {"content": {media: {"schema": schema}}, **more}}


@pytest.mark.parametrize(
    ("body", "arguments", "content", "kind"),
    [
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


def test_the_server_learns_which_of_several_media_types_the_client_reads(tmp_path: Path) -> None:
    content: Json = {"text/html": {}, "application/json": {"schema": {}}}
    responses: Json = {"200": {"description": "", "content": content}, "202": ok({}, "text/plain")["200"]}
    assert _sent(tmp_path, {"responses": responses}).headers["accept"] == "application/json, text/plain"
