"""Calls through the public surface: requests, results, `raw`, servers of other versions."""

from __future__ import annotations

import copy
import inspect
import json
import math
import pickle
import re
import threading
from collections import UserList
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    ClientClosedError,
    NotFoundError,
    OpencodeClient,
    OpencodeError,
    ResponseDecodeError,
    UnsupportedOperationError,
    errors,
)
from opencode_client import client as client_module
from opencode_client.errors import terminals as errors_of_terminals
from opencode_client.errors import turns as errors_of_turns
from opencode_client.models import Session, TextPartInput
from tests.support.both_clients import ClientKind
from tests.support.scripted_answers import SESSION, Recorder, answer, versions


def test_a_call_returns_a_typed_value(client_kind: ClientKind) -> None:
    session = client_kind.call(client_kind.mocked(answer(SESSION)).session.get, "ses_1")
    assert isinstance(session, Session)
    assert (session.title, session.time.updated, dict(session.additional_properties)) == ("t", 2, {"new": 1})


def test_threads_that_use_a_client_for_the_first_time_share_its_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    all_have_one = threading.Barrier(4, timeout=0.2)
    module: Any = client_module  # Any: a private function
    make = module._new_caller

    def make_slowly(*given: Any) -> Any:  # Any: as `make`
        made = make(*given)
        with suppress(threading.BrokenBarrierError):  # Python 3.11 lets one thread at a time make one
            all_have_one.wait()
        return made

    monkeypatch.setattr(module, "_new_caller", make_slowly)
    client: Any = OpencodeClient()  # Any: its private attribute
    with ThreadPoolExecutor(4) as threads:
        callers = [threads.submit(getattr, client, "_caller") for _ in range(4)]
    assert [caller.result() is client._caller for caller in callers] == [True] * 4


def test_models_mappings_and_sequences_are_sent_as_json(client_kind: ClientKind) -> None:
    recorder = Recorder({"info": {}, "parts": []})
    client = client_kind.mocked(recorder)
    parts = (TextPartInput(text="a"), {"type": "text", "text": "b"})
    client_kind.call(client.session.prompt, "ses_1", parts=parts, model={"providerID": "p", "modelID": "m"})
    assert json.loads(recorder.seen[0].content) == {
        "model": {"providerID": "p", "modelID": "m"},
        "parts": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    }


def test_any_mapping_and_any_sequence_is_sent(client_kind: ClientKind) -> None:
    recorder = Recorder(SESSION)
    client_kind.call(
        client_kind.mocked(recorder).session.create, metadata=MappingProxyType({"a": UserList([1, "b"])})
    )
    assert json.loads(recorder.seen[0].content) == {"metadata": {"a": [1, "b"]}}


def test_a_lone_surrogate_is_sent(client_kind: ClientKind) -> None:
    recorder = Recorder(SESSION)
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
def test_the_error_for_a_value_that_is_not_json_names_its_path(
    client_kind: ClientKind, metadata: Any, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        client_kind.call(client_kind.mocked(answer({})).session.create, metadata=metadata)


def test_the_error_for_a_value_that_is_not_json_names_its_path_in_a_model(client_kind: ClientKind) -> None:
    parts = [TextPartInput(text="a", metadata={"b": {1}})]
    with pytest.raises(ArgumentError, match=r"\$\.parts\[0\]\.metadata\.b: set cannot be written as JSON"):
        client_kind.call(client_kind.mocked(answer({})).session.prompt, "ses_1", parts=parts)


def test_the_error_for_a_number_that_is_not_json_names_its_path_in_a_model(client_kind: ClientKind) -> None:
    parts = [TextPartInput(text="null"), TextPartInput(text="a", metadata={"b": math.nan})]
    with pytest.raises(ArgumentError, match=r"\$\.parts\[1\]\.metadata\.b: nan has no form in JSON"):
        client_kind.call(client_kind.mocked(answer({})).session.prompt, "ses_1", parts=parts)


def test_none_is_sent_as_null_and_the_text_null_as_a_string(client_kind: ClientKind) -> None:
    recorder = Recorder(SESSION)
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
        lambda c: c.session.get(Session.from_dict(json.loads(json.dumps(SESSION)))),
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
    recorder = Recorder(SESSION)
    with pytest.raises(ArgumentError, match=message) as caught:
        client_kind.call(call, client_kind.mocked(recorder))
    assert len(str(caught.value)) < 200
    assert not recorder.seen


def test_a_location_with_a_workspace_needs_a_directory(client_kind: ClientKind) -> None:
    server = versions("1.18.33")
    with pytest.raises(ArgumentError, match=r"v2\.session\.create: workspace needs a directory beside it"):
        client_kind.call(client_kind.mocked(server).v2.session.create, workspace="w")
    assert server.paths in ([], ["/global/health"])


@pytest.mark.usefixtures("no_collections")
def test_a_value_that_contains_itself_is_an_error(client_kind: ClientKind) -> None:
    metadata: dict[str, Any] = {}
    metadata["again"] = metadata
    with pytest.raises(
        ArgumentError, match=r"session\.create: the body is nested too deeply, or contains itself"
    ):
        client_kind.call(client_kind.mocked(answer({})).session.create, metadata=metadata)


@pytest.mark.parametrize("argument", ["", ".", "..", {}, None])
def test_a_path_argument_that_changes_the_route_is_refused(client_kind: ClientKind, argument: Any) -> None:
    recorder = Recorder(True)
    with pytest.raises(ArgumentError, match=r"session\.delete"):
        client_kind.call(client_kind.mocked(recorder).session.delete, argument)
    assert not recorder.seen


def test_raw_returns_the_typed_value_with_status_headers_and_body(client_kind: ClientKind) -> None:
    client = client_kind.mocked(answer([SESSION]), directory="/r")
    response = client_kind.call(client.raw, client.session.list, limit=3)
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert response.value[0].id == json.loads(response.body)[0]["id"] == "ses_1"


def test_raw_uses_the_options_of_the_methods_view(client_kind: ClientKind) -> None:
    recorder = Recorder([])
    client = client_kind.mocked(recorder)
    client_kind.call(client.raw, client.with_options(directory="/v").session.list)
    assert recorder.seen[0].url.params["directory"] == "/v"


def test_raw_accepts_only_operations(client_kind: ClientKind) -> None:
    with pytest.raises(ArgumentError, match="raw takes an operation"):
        client_kind.call(client_kind.client().raw, len, "x")


def test_strict_refuses_a_wrong_type_that_lenient_accepts(client_kind: ClientKind) -> None:
    client = client_kind.mocked(answer({**SESSION, "title": 7}))
    assert client_kind.call(client.session.get, "ses_1").title == 7
    with pytest.raises(ResponseDecodeError, match=r"^session\.get: \$\.title: expected string, got number$"):
        client_kind.call(client.with_options(strict=True).session.get, "ses_1")


@pytest.mark.parametrize("body", [{"a": 1}, "text", 7])
def test_a_response_that_is_not_the_documented_array_is_an_error_with_the_body(
    client_kind: ClientKind, body: Any
) -> None:
    with pytest.raises(ResponseDecodeError, match=r"session\.list: \$: expected array") as raised:
        client_kind.call(client_kind.mocked(answer(body)).session.list)
    assert json.loads(raised.value.body or b"") == body


@pytest.mark.parametrize("body", [[SESSION], "text", 7])
def test_a_response_that_is_not_the_documented_object_is_an_error_with_the_body(
    client_kind: ClientKind, body: Any
) -> None:
    with pytest.raises(ResponseDecodeError, match=r"session\.get: \$: expected object") as raised:
        client_kind.call(client_kind.mocked(answer(body)).session.get, "ses_1")
    assert raised.value.body == json.dumps(body).encode()


def test_a_web_page_is_an_unsupported_operation(client_kind: ClientKind) -> None:
    client = client_kind.mocked(versions("1.18.99"))
    with pytest.raises(
        UnsupportedOperationError, match=r"session\.list: opencode 1\.18\.99 at http://127\.0\.0\.1:1"
    ):
        client_kind.call(client.session.list)


def test_a_closed_client_and_its_views_raise_client_closed_error(client_kind: ClientKind) -> None:
    client = client_kind.client()
    client_kind.call(client.with_options(timeout=1).close)
    assert client_kind.call(client.close) is None
    for one in (client, client.with_options(timeout=1)):
        with pytest.raises(ClientClosedError):
            client_kind.call(one.session.list)


_NOT_FOUND = "session.get: 404 Not Found: Session not found: ses_x (client.session.list() lists those of one directory)"


def _raised(call: Callable[[], Any]) -> OpencodeError:
    with pytest.raises(OpencodeError) as caught:
        call()
    return caught.value


def test_pickled_and_copied_errors_keep_all_attributes(client_kind: ClientKind) -> None:
    body = {"name": "NotFoundError", "data": {"message": "Session not found: ses_x"}}
    error = _raised(lambda: client_kind.call(client_kind.mocked(answer(body, 404)).session.get, "ses_x"))
    assert isinstance(error, NotFoundError)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 # ours
        assert type(twin) is NotFoundError
        assert str(twin) == str(error) == _NOT_FOUND
        assert (twin.status, twin.body, twin.headers, twin.data) == (404, error.body, error.headers, body)
        assert twin.error == error.error


def test_the_tree_of_errors_is_the_one_in_the_docstring() -> None:
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
