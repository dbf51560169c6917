"""Calls through the public surface: what is sent, what comes back, `raw`, servers of other versions."""

from __future__ import annotations

import copy
import inspect
import json
import math
import pickle
import re
from collections import UserList
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from opencode_client import (
    ArgumentError,
    ClientClosedError,
    NotFoundError,
    OpencodeError,
    ResponseDecodeError,
    ServerInfo,
    UnsupportedOperationError,
    UnsupportedServerError,
    errors,
)
from opencode_client._spec import OPERATIONS
from opencode_client.calls import server_info
from opencode_client.calls.server_info import has_operation, info
from opencode_client.errors import terminals as errors_of_terminals
from opencode_client.errors import turns as errors_of_turns
from opencode_client.models import Session, TextPartInput
from scripts.recordings import DOCUMENTED, document
from tests.support.both_clients import ClientKind, Handler

_SESSION = {
    "id": "ses_1", "slug": "a", "projectID": "p", "directory": "/r", "title": "t", "version": "1", "new": 1,
    "time": {"created": 1, "updated": 2},
}  # fmt: skip


def _page() -> httpx.Response:
    return httpx.Response(200, text="<!doctype html>", headers={"content-type": "text/html;charset=utf-8"})


def _answer(value: Any, status: int = 200) -> Handler:
    content = json.dumps(value).encode()  # null, too, which httpx takes for nothing
    return lambda _: httpx.Response(status, content=content, headers={"content-type": "application/json"})


class Recorder:
    """Answers every request alike and keeps it."""

    def __init__(self, value: Any = None) -> None:
        self.value = value
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(200, json=self.value)

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.seen]


def _versions(version: str, **routes: Callable[[], httpx.Response]) -> Recorder:
    """A server of a version, which answers other paths as `routes` say, with a web page by default."""

    class Server(Recorder):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            if request.url.path == "/global/health":
                return httpx.Response(200, json={"healthy": True, "version": version})
            return routes.get(request.url.path.strip("/").replace("/", "_"), _page)()

    return Server()


def _empty_page() -> httpx.Response:
    return httpx.Response(200, json={"data": [], "cursor": {}})


def test_a_typed_value_comes_back(client_kind: ClientKind) -> None:
    session = client_kind.call(client_kind.mocked(_answer(_SESSION)).session.get, "ses_1")
    assert isinstance(session, Session)
    assert (session.title, session.time.updated, dict(session.additional_properties)) == ("t", 2, {"new": 1})


def test_models_mappings_and_sequences_are_bodies(client_kind: ClientKind) -> None:
    recorder = Recorder({"info": {}, "parts": []})
    client = client_kind.mocked(recorder)
    parts = (TextPartInput(text="a"), {"type": "text", "text": "b"})
    client_kind.call(client.session.prompt, "ses_1", parts=parts, model={"providerID": "p", "modelID": "m"})
    assert json.loads(recorder.seen[0].content) == {
        "model": {"providerID": "p", "modelID": "m"},
        "parts": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    }


def test_any_mapping_and_any_sequence_is_sent(client_kind: ClientKind) -> None:
    recorder = Recorder(_SESSION)
    client_kind.call(
        client_kind.mocked(recorder).session.create, metadata=MappingProxyType({"a": UserList([1, "b"])})
    )
    assert json.loads(recorder.seen[0].content) == {"metadata": {"a": [1, "b"]}}


def test_a_lone_surrogate_is_sent(client_kind: ClientKind) -> None:
    recorder = Recorder(_SESSION)
    client_kind.call(client_kind.mocked(recorder).session.create, title="\ud800")
    assert json.loads(recorder.seen[0].content) == {"title": "\ud800"}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"a": [{1, 2}]}, r"\$\.metadata\.a\[0\]: set cannot be written as JSON"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, r"\$\.metadata\.a: .*to_epoch_ms"),
        ({"a": b"x"}, r"\$\.metadata\.a: bytes"),
        ({"a": [1.5, math.nan]}, r"\$\.metadata\.a\[1\]: nan has no form in JSON"),
        (
            {"a": MappingProxyType({"b": UserList([math.inf])})},
            r"\$\.metadata\.a\.b\[0\]: inf has no form in JSON",
        ),
        ({"a": {"b": -math.inf, "c": None}}, r"\$\.metadata\.a\.b: -inf has no form in JSON"),
        ({"a": math.nan, "b": "\ud800"}, r"\$\.metadata\.a: nan has no form in JSON"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_place(
    client_kind: ClientKind, metadata: Any, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        client_kind.call(client_kind.mocked(_answer({})).session.create, metadata=metadata)


def test_what_json_cannot_hold_is_named_with_its_place_in_a_model(client_kind: ClientKind) -> None:
    parts = [TextPartInput(text="a", metadata={"b": {1}})]
    with pytest.raises(ArgumentError, match=r"\$\.parts\[0\]\.metadata\.b: set cannot be written as JSON"):
        client_kind.call(client_kind.mocked(_answer({})).session.prompt, "ses_1", parts=parts)


def test_a_number_that_json_cannot_hold_is_named_with_its_place_in_a_model(client_kind: ClientKind) -> None:
    parts = [TextPartInput(text="null"), TextPartInput(text="a", metadata={"b": math.nan})]
    with pytest.raises(ArgumentError, match=r"\$\.parts\[1\]\.metadata\.b: nan has no form in JSON"):
        client_kind.call(client_kind.mocked(_answer({})).session.prompt, "ses_1", parts=parts)


def test_null_and_a_text_with_it_are_sent(client_kind: ClientKind) -> None:
    recorder = Recorder(_SESSION)
    metadata = {"a": None, "b": "null", "c": (1, 2.5, None), "d": UserList([None])}
    client_kind.call(client_kind.mocked(recorder).session.create, metadata=metadata)
    assert json.loads(recorder.seen[0].content) == {
        "metadata": {"a": None, "b": "null", "c": [1, 2.5, None], "d": [None]}
    }


_WRONG_ARGUMENTS: dict[str, tuple[Callable[[Any], Any], str]] = {  # Any: any client, any result
    "text for a model": (
        lambda c: c.session.prompt("ses_1", parts=[], model="gpt-5"),
        r'session\.prompt: model takes "provider/model", .* or \{"providerID": \.\.\., "modelID": \.\.\.\}, not '
        r"'gpt-5'",
    ),
    "text for parts": (
        lambda c: c.session.prompt("ses_1", parts="hi"),
        r"session\.prompt: parts takes a list",
    ),
    "a model for its id": (
        lambda c: c.session.get(Session.from_dict(json.loads(json.dumps(_SESSION)))),
        r"^session\.get: \{sessionID\} takes text, .* not an object of class Session; pass its id$",
    ),
    "a long id": (lambda c: c.session.get("s" * 70_000), r"session\.get: URL too long"),
    "a workspace": (lambda c: c.session.list(workspace=5), "workspace take text in UTF-8, not 5"),
    "half a character": (lambda c: c.session.list(directory="/\ud800"), "directory and workspace take text"),
    "bytes for a directory": (lambda c: c.session.list(directory=b"/x"), "directory must be a str or a path"),
    "headers": (lambda c: c.session.list(headers=[("a", "b")]), "headers takes a mapping"),
    "a header": (lambda c: c.session.list(headers={1: "b"}), "header 1: HTTP does not allow"),
    "a timeout without end": (lambda c: c.session.list(timeout=1e300), "timeout takes seconds"),
    "a session for a timeout": (lambda c: c.session.list(timeout=c), "not an object of class"),
}


@pytest.mark.parametrize(("call", "message"), _WRONG_ARGUMENTS.values(), ids=list(_WRONG_ARGUMENTS))
def test_a_wrong_argument_is_a_short_error_that_names_it(
    client_kind: ClientKind, call: Callable[[Any], Any], message: str
) -> None:
    recorder = Recorder(_SESSION)
    with pytest.raises(ArgumentError, match=message) as caught:
        client_kind.call(call, client_kind.mocked(recorder))
    assert len(str(caught.value)) < 200
    assert not recorder.seen


def test_a_location_needs_its_directory(client_kind: ClientKind) -> None:
    server = _versions("1.18.33")
    with pytest.raises(ArgumentError, match=r"v2\.session\.create: workspace needs a directory beside it"):
        client_kind.call(client_kind.mocked(server).v2.session.create, workspace="w")
    assert server.paths in ([], ["/global/health"])


def test_a_value_that_holds_itself_is_an_error(client_kind: ClientKind) -> None:
    metadata: dict[str, Any] = {}
    metadata["again"] = metadata
    with pytest.raises(
        ArgumentError, match=r"session\.create: the body is nested too deeply, or contains itself"
    ):
        client_kind.call(client_kind.mocked(_answer({})).session.create, metadata=metadata)


@pytest.mark.parametrize("argument", ["", ".", "..", {}, None])
def test_an_argument_that_would_call_something_else_is_refused(
    client_kind: ClientKind, argument: Any
) -> None:
    recorder = Recorder(True)
    with pytest.raises(ArgumentError, match=r"session\.delete"):
        client_kind.call(client_kind.mocked(recorder).session.delete, argument)
    assert not recorder.seen


def test_raw_gives_the_typed_value_with_status_headers_and_body(client_kind: ClientKind) -> None:
    client = client_kind.mocked(_answer([_SESSION]), directory="/r")
    response = client_kind.call(client.raw, client.session.list, limit=3)
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert response.value[0].id == json.loads(response.body)[0]["id"] == "ses_1"


def test_raw_keeps_the_view_that_the_method_is_of(client_kind: ClientKind) -> None:
    recorder = Recorder([])
    client = client_kind.mocked(recorder)
    client_kind.call(client.raw, client.with_options(directory="/v").session.list)
    assert recorder.seen[0].url.params["directory"] == "/v"


def test_raw_takes_nothing_but_operations(client_kind: ClientKind) -> None:
    with pytest.raises(ArgumentError, match="raw takes an operation"):
        client_kind.call(client_kind.client().raw, len, "x")


def test_strict_refuses_what_lenient_reads(client_kind: ClientKind) -> None:
    client = client_kind.mocked(_answer({**_SESSION, "title": 7}))
    assert client_kind.call(client.session.get, "ses_1").title == 7
    with pytest.raises(ResponseDecodeError, match=r"^session\.get: \$\.title: expected string, got number$"):
        client_kind.call(client.with_options(strict=True).session.get, "ses_1")


@pytest.mark.parametrize("body", [{"a": 1}, "text", 7])
def test_an_answer_of_another_kind_is_an_error_that_keeps_the_body(
    client_kind: ClientKind, body: Any
) -> None:
    with pytest.raises(ResponseDecodeError, match=r"session\.list: \$: expected array") as raised:
        client_kind.call(client_kind.mocked(_answer(body)).session.list)
    assert json.loads(raised.value.body or b"") == body


@pytest.mark.parametrize("body", [[_SESSION], "text", 7])
def test_an_answer_that_is_no_object_where_one_is_documented_is_an_error(
    client_kind: ClientKind, body: Any
) -> None:
    with pytest.raises(ResponseDecodeError, match=r"session\.get: \$: expected object") as raised:
        client_kind.call(client_kind.mocked(_answer(body)).session.get, "ses_1")
    assert raised.value.body == json.dumps(body).encode()


def test_a_web_page_is_an_unsupported_operation(client_kind: ClientKind) -> None:
    client = client_kind.mocked(_versions("1.18.99"))
    with pytest.raises(
        UnsupportedOperationError, match=r"session\.list: opencode 1\.18\.99 at http://127\.0\.0\.1:1"
    ):
        client_kind.call(client.session.list)


def test_an_operation_newer_than_the_server_is_not_sent(client_kind: ClientKind) -> None:
    server = _versions("1.1.31")
    with pytest.raises(
        UnsupportedOperationError, match=r"v2\.session\.list: opencode 1\.1\.31 .* 1\.14\.48 has it"
    ):
        client_kind.call(client_kind.mocked(server).v2.session.list)
    assert server.paths == ["/global/health", "/doc"]


def test_an_operation_that_the_servers_document_lists_is_sent(client_kind: ClientKind) -> None:
    """A fork may have the number of an older version, and newer operations."""
    listed = document("1.18.33")
    server = _versions("1.1.16", doc=lambda: httpx.Response(200, json=listed), api_session=_empty_page)
    client = client_kind.mocked(server)
    for _ in range(2):
        assert client_kind.call(client.v2.session.list).data == []
    assert server.paths == ["/global/health", "/doc", "/api/session", "/api/session"]


def test_half_a_document_is_believed(client_kind: ClientKind) -> None:
    """A newer version may have lost most operations of the older ones."""
    listed = document("1.18.33")
    paths = {path: item for path, item in listed["paths"].items() if path.startswith("/api")}
    server = _versions("1.19.0", doc=lambda: httpx.Response(200, json={**listed, "paths": paths}))
    found: ServerInfo = client_kind.call(client_kind.mocked(server).check_server)
    assert found.from_document
    assert found.supports("v2.session.list")
    assert not found.supports("session.list")


@pytest.mark.parametrize("version", ["26.08.24", "7.4.1"])
def test_a_version_of_another_number_is_accepted_by_its_document(
    client_kind: ClientKind, version: str
) -> None:
    listed = document("1.17.19")
    server = _versions(version, doc=lambda: httpx.Response(200, json=listed), api_session=_empty_page)
    assert client_kind.call(client_kind.mocked(server).check_server).version == version
    assert client_kind.call(client_kind.mocked(server).v2.session.list).data == []


def test_the_package_of_another_programs_document_knows_its_own_version(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPERATIONS, "v2.session.list", ("", "26.08.24"))
    monkeypatch.setattr(server_info, "OPENCODE_VERSION", "26.08.24")
    server = _versions("26.08.24", api_session=_empty_page)
    assert client_kind.call(client_kind.mocked(server).v2.session.list).data == []
    assert server.paths == ["/global/health", "/api/session"]
    older = _versions("26.07.01", doc=lambda: httpx.Response(200, json=document("1.3.2")))
    with pytest.raises(
        UnsupportedOperationError, match=r"opencode 26\.07\.01 .* does not have GET /api/session$"
    ):
        client_kind.call(client_kind.mocked(older).v2.session.list)


def test_the_version_is_asked_once_while_the_server_has_the_operation(client_kind: ClientKind) -> None:
    server = _versions("1.18.33", api_session=_empty_page)
    client = client_kind.mocked(server)
    for _ in range(2):
        client_kind.call(client.with_options(timeout=9).v2.session.list)
    assert server.paths == ["/global/health", "/api/session", "/api/session"]


def test_between_two_known_versions_the_servers_document_decides(client_kind: ClientKind) -> None:
    def serve(version: str) -> Recorder:
        return _versions(
            "1.5.0",
            doc=lambda: httpx.Response(200, json=document(version)),
            api_session=_empty_page,
        )

    assert client_kind.call(client_kind.mocked(serve("1.14.48")).v2.session.list).data == []
    with pytest.raises(UnsupportedOperationError, match=r"opencode 1\.5\.0"):
        client_kind.call(client_kind.mocked(serve("1.3.2")).v2.session.list)


def test_a_server_that_was_upgraded_is_asked_again(client_kind: ClientKind) -> None:
    version = ["1.1.31"]
    answers = {
        "/global/health": lambda: httpx.Response(200, json={"healthy": True, "version": version[0]}),
        "/api/session": lambda: httpx.Response(200, json={"data": [], "cursor": {}}),
        "/doc": lambda: httpx.Response(404),
    }
    client = client_kind.mocked(lambda request: answers[request.url.path]())
    with pytest.raises(UnsupportedOperationError):
        client_kind.call(client.v2.session.list)
    version[0] = "1.18.33"
    assert client_kind.call(client.v2.session.list).data == []


@pytest.mark.parametrize("version", DOCUMENTED)
def test_check_server_knows_what_each_version_has(client_kind: ClientKind, version: str) -> None:
    served = document(version)
    server = _versions(version, doc=lambda: httpx.Response(200, json=served))
    found: ServerInfo = client_kind.call(client_kind.mocked(server).check_server)
    listed = {
        o["operationId"] for item in served["paths"].values() for o in item.values() if "operationId" in o
    }
    assert (found.version, found.from_document) == (version, True)
    assert found.operations == listed & set(OPERATIONS)
    assert found.missing == set(OPERATIONS) - listed
    assert found.supports("session.list")


@pytest.mark.parametrize("version", DOCUMENTED)
def test_the_table_of_versions_says_what_the_documents_say(version: str) -> None:
    served = document(version)
    listed = {
        o["operationId"] for item in served["paths"].values() for o in item.values() if "operationId" in o
    }
    assert info(version, None).operations == listed & set(OPERATIONS)
    assert {name for name in OPERATIONS if has_operation(name, version)} == listed & set(OPERATIONS)


@pytest.mark.parametrize(
    "body", [b"{}", b"<!doctype html>", b"\xff", b'{"paths": {"/a": {"get": {"operationId": "b"}}}}']
)
def test_where_the_document_says_nothing_the_table_of_versions_does(body: bytes) -> None:
    # 1.14.34 to 1.14.41 serve a document with three operations
    assert info("1.14.40", body) == info("1.3.2", None).__class__(
        "1.14.40", info("1.3.2", None).operations, False
    )


@pytest.mark.parametrize("since", ["local", "1.18.33", "1.17.19", None])
def test_what_a_build_of_somebodys_own_has_no_version_tells(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, since: str | None
) -> None:
    monkeypatch.setitem(OPERATIONS, "v2.session.list", ("1.18.33", since))
    assert [has_operation("v2.session.list", version) for version in ("1.18.33", "1.18.34", "local")] == [
        None
    ] * 3
    paths = {"/api/session": {"get": {"operationId": "v2.session.list"}}}
    served = {"openapi": "3.1.0", "paths": {**document("1.18.33")["paths"], **paths}}
    server = _versions("1.18.33", doc=lambda: httpx.Response(200, json=served), api_session=_empty_page)
    assert client_kind.call(client_kind.mocked(server).v2.session.list).data == []


def test_a_build_without_a_version_is_taken_for_the_newest() -> None:
    assert info("0.0.0-dev-2026", None).operations == set(OPERATIONS)


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (200, b'{"version": "2.1.0"}', "application/json"),
        (200, b'{"version": "0.15.0"}', "application/json"),
        (200, b'{"status": "ok"}', "application/json"),
        (200, b"hello", "text/plain"),
        (200, b"<!doctype html>", "text/html"),
        (404, b"no such page", "text/plain"),
    ],
)
def test_what_is_not_opencode_1_is_an_unsupported_server(
    client_kind: ClientKind, status: int, content: bytes, kind: str
) -> None:
    client = client_kind.mocked(
        lambda _: httpx.Response(status, content=content, headers={"content-type": kind})
    )
    with pytest.raises(UnsupportedServerError, match=r"http://127\.0\.0\.1:1"):
        client_kind.call(client.check_server)


def test_a_closed_client_says_so_and_its_view_does_not_close_it(client_kind: ClientKind) -> None:
    client = client_kind.client()
    client_kind.call(client.with_options(timeout=1).close)
    assert client_kind.call(client.close) is None
    for one in (client, client.with_options(timeout=1)):
        with pytest.raises(ClientClosedError):
            client_kind.call(one.session.list)


def _raised(call: Callable[[], Any]) -> OpencodeError:
    with pytest.raises(OpencodeError) as caught:
        call()
    return caught.value


def test_errors_are_pickled_and_copied_with_all_they_know(client_kind: ClientKind) -> None:
    body = {"name": "NotFoundError", "data": {"message": "Session not found: ses_x"}}
    error = _raised(lambda: client_kind.call(client_kind.mocked(_answer(body, 404)).session.get, "ses_x"))
    assert isinstance(error, NotFoundError)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 # ours
        assert type(twin) is NotFoundError
        assert str(twin) == str(error) == "session.get: 404 Not Found: Session not found: ses_x"
        assert (twin.status, twin.body, twin.headers, twin.data) == (404, error.body, error.headers, body)
        assert twin.error == error.error


def test_the_tree_of_errors_is_as_drawn() -> None:
    drawn = re.findall(r"^[│ ]*(?:├──|└──) (\w+)", errors.__doc__ or "", re.MULTILINE)
    classes = {
        name: one
        for module in (errors, errors_of_terminals, errors_of_turns)
        for name, one in vars(module).items()
        if inspect.isclass(one) and issubclass(one, OpencodeError) and one is not OpencodeError
        if not name.startswith("_")
    }
    assert sorted(drawn) == sorted(classes)
    below = set(re.findall(r"^(?:│   |    )+(?:├──|└──) (\w+)", errors.__doc__ or "", re.MULTILINE))
    assert {name for name, one in classes.items() if OpencodeError not in one.__bases__} == below
