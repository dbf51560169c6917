"""Each operation of openapi.json: requests are as documented, and documented responses are decoded."""

from __future__ import annotations

import inspect
import json
import linecache
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import unquote

import httpx
import pytest
from attrs import evolve

from opencode_client import (
    ArgumentError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    OpencodeModel,
    PayloadTooLargeError,
    ServerError,
    StatusError,
)
from opencode_client.calls.server_info import has_operation
from opencode_client.model import is_array, is_object, to_plain
from tests.support.both_clients import ClientKind
from tests.support.contract_oracle import (
    ENDPOINTS,
    Answer,
    Endpoint,
    Sample,
    python_name,
    read_path,
    read_query,
)
from tests.support.contract_values import UNNAMED, Described
from tests.support.contract_wire import BYTES, TEXT, Wire, method_of

METHODS = [endpoint for endpoint in ENDPOINTS.values() if endpoint.kind == "call"]
DEPRECATED = [endpoint for endpoint in METHODS if endpoint.says.get("deprecated")]
HTTP_HEADERS = {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}
ERRORS: dict[int, type[StatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
}

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{re.escape(endpoint.id)} is deprecated:DeprecationWarning")
    for endpoint in DEPRECATED
]


@pytest.fixture(scope="module")
def wires() -> Iterator[list[Wire]]:
    """Sync, then async, independent of the environment and of earlier tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OPENCODE_SERVER_PASSWORD", raising=False)
        warned: set[tuple[str, str]] = set()
        patch.setattr("opencode_client.decoding.shapes._warned", warned)
        made = [Wire(ClientKind(is_async), warned) for is_async in (False, True)]
        yield made
        for wire in made:
            wire.client_kind.close()


NAMESPACES = sorted({endpoint.namespace for endpoint in METHODS})
each_namespace = pytest.mark.parametrize("namespace", NAMESPACES)
Body: TypeAlias = Callable[[Wire, Endpoint], None]
BodyOfBoth: TypeAlias = Callable[[list[Wire], Endpoint], None]


def with_each_operation(body: BodyOfBoth) -> Callable[[list[Wire], str], None]:
    """Make one test for each namespace, which runs its body for each operation: a thousand tests take pytest seconds.

    A failure has the operation as a note.
    """

    def test(wires: list[Wire], namespace: str) -> None:
        for endpoint in METHODS:
            if endpoint.namespace == namespace:
                try:
                    body(wires, endpoint)
                except BaseException as error:
                    error.add_note(f"operation: {endpoint.id}")
                    raise

    return each_namespace(test)


def with_both_clients(body: Body) -> Callable[[list[Wire], str], None]:
    """As above, and the body runs with the sync client, then with the async one."""

    def run(wires: list[Wire], endpoint: Endpoint) -> None:
        for wire in wires:
            body(wire, endpoint)

    return with_each_operation(run)


def assert_sent(request: httpx.Request, endpoint: Endpoint, sample: Sample) -> None:
    """Check that the request is the documented one for these arguments."""
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    assert read_path(request.method, path) == (endpoint.id, sample.arguments)
    assert sorted(read_query(query, endpoint.places)) == sorted(sample.query.items())
    if endpoint.body is None:
        assert request.content == b""
    elif isinstance(sample.body, bytes):
        assert request.content == sample.body
    else:
        assert _text(json.loads(request.content)) == _text(sample.body)


def _text(value: Any) -> str:  # Any: parsed JSON
    return json.dumps(value, sort_keys=True)  # True is not 1 here, as it is in Python


def assert_typed(value: object, described: object) -> None:
    """Check that objects are read as models with Python's names, and all other values unchanged."""
    if isinstance(described, Described):
        assert isinstance(value, OpencodeModel)
        for wire, item in described.items():
            if wire == UNNAMED:
                assert value.additional_properties[wire] == item
            else:
                assert_typed(getattr(value, python_name(wire)), item)
    elif is_array(described):
        assert is_array(value)
        for one, item in zip(value, described, strict=True):
            assert_typed(one, item)
    elif is_object(described):
        assert is_object(value)
        assert value.keys() == described.keys()
        for name, item in described.items():
            assert_typed(value[name], item)
    else:
        assert type(value) is type(described)
        assert value == described


def test_every_operation_is_called_or_is_a_stream_or_a_terminal() -> None:
    kinds = [endpoint.kind for endpoint in ENDPOINTS.values()]
    assert (kinds.count("stream"), kinds.count("websocket")) == (4, 2)
    assert kinds.count("call") == len(kinds) - 6 >= 182  # of 1.18.33; newer documents have more


def test_each_operation_has_one_generated_method(wires: list[Wire]) -> None:
    expected = sorted(endpoint.attribute for endpoint in ENDPOINTS.values())
    assert [sorted(_surface(wire.plain)) for wire in wires] == [expected, expected]


def _surface(holder: object) -> Iterator[str]:
    """Yield the path of each generated method below a client or a namespace."""
    for name, member in inspect.getmembers_static(type(holder)):
        made = member.func if isinstance(member, cached_property) else member
        if name.startswith("_") or not getattr(made, "__module__", "").startswith("opencode_client.api"):
            continue
        if made is member:
            yield name
        else:
            yield from (f"{name}.{below}" for below in _surface(getattr(holder, name)))


def test_streams_are_the_operations_with_event_stream_responses() -> None:
    media = {name: {answer.media for answer in endpoint.answers()} for name, endpoint in ENDPOINTS.items()}
    streams = {name for name, endpoint in ENDPOINTS.items() if endpoint.kind == "stream"}
    assert {name for name in media if "text/event-stream" in media[name]} == streams


@with_both_clients
def test_given_arguments_are_sent_as_documented(wire: Wire, endpoint: Endpoint) -> None:
    for sample in endpoint.samples():
        assert_sent(wire.sent(wire.elsewhere, endpoint, sample), endpoint, sample)


@with_both_clients
def test_omitted_arguments_and_none_are_not_sent(wire: Wire, endpoint: Endpoint) -> None:
    sample = endpoint.least()
    optional = {name for name, is_required in endpoint.keywords.items() if not is_required}
    nones = evolve(sample, named=dict.fromkeys(optional - endpoint.nullable) | sample.named)
    for given in (sample, nones):
        assert_sent(wire.sent(wire.plain, endpoint, given), endpoint, sample)


@with_both_clients
def test_defaults_are_sent_only_in_documented_places(wire: Wire, endpoint: Endpoint) -> None:
    sample = endpoint.least()
    assert_sent(wire.sent(wire.located, endpoint, sample), endpoint, endpoint.located(sample))


def test_37_operations_accept_no_directory_and_one_filters_by_it() -> None:
    without = [endpoint for endpoint in ENDPOINTS.values() if not endpoint.places]
    assert [endpoint.id for endpoint in without if "directory" in endpoint.query] == ["v2.session.list"]
    assert len([endpoint for endpoint in without if has_operation(endpoint.id, "1.18.33")]) == 37 + 1


@with_both_clients
def test_documented_and_given_headers_are_sent(wire: Wire, endpoint: Endpoint) -> None:
    media = list(endpoint.says.get("requestBody", {}).get("content", ()))
    kind = dict(zip(["content-type"], media, strict=False))
    documented = endpoint.special.get("headers", {}) | kind
    sample = endpoint.least()
    assert _headers(wire.sent(wire.plain, endpoint, sample)) == documented
    given = evolve(sample, named=sample.named | {"headers": {"X-Mine": "2"}})
    basic = {"authorization": f"Basic {b64encode('me:pä:ss'.encode()).decode()}"}
    request = wire.sent(wire.configured, endpoint, given)
    assert _headers(request) == documented | basic | {"x-all": "1", "x-mine": "2"}


def _headers(request: httpx.Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name not in HTTP_HEADERS}


def test_every_method_accepts_a_timeout(wires: list[Wire]) -> None:
    for wire in wires:
        for endpoint in METHODS:
            sample = endpoint.least()
            given = evolve(sample, named=sample.named | {"timeout": 7})
            assert wire.sent(wire.plain, endpoint, given).extensions["timeout"]["read"] == 7


def test_the_rest_of_a_path_keeps_its_slashes(wires: list[Wire]) -> None:
    endpoint = ENDPOINTS["v2.fs.read"]
    sample = endpoint.least()
    for wire in wires:
        path = wire.sent(wire.plain, endpoint, sample).url.raw_path.decode().removeprefix("/api/fs/read/")
        assert [unquote(segment) for segment in path.split("/")] == sample.arguments[0].split("/")


@pytest.mark.parametrize("argument", ["", ".", ".."])
def test_a_path_argument_that_changes_the_route_is_refused(wires: list[Wire], argument: str) -> None:
    for wire in wires:
        for endpoint in METHODS:
            sample = endpoint.least()
            for place in range(len(sample.arguments)):
                others = (*sample.arguments[:place], argument, *sample.arguments[place + 1 :])
                with pytest.raises(ArgumentError):
                    wire.call(wire.plain, endpoint, evolve(sample, arguments=others), Answer(500, ""))
                assert wire.requests == []


@with_both_clients
def test_every_documented_success_is_read_as_its_type(wire: Wire, endpoint: Endpoint) -> None:
    for answer in wire.some_of(endpoint.answers()):
        if answer.status >= 300:
            continue
        value = wire.call(wire.plain, endpoint, endpoint.least(), answer)
        if answer.media == "application/json":
            assert to_plain(value) == answer.value
            assert_typed(value, answer.value)
        else:
            assert value == {"": None, "application/octet-stream": BYTES}.get(answer.media, TEXT)
        if not wire.client_kind.is_async:  # both read with the same code
            strict = wire.call(wire.strict, endpoint, endpoint.least(), answer)
            assert (type(strict), strict) == (type(value), value)
    assert wire.warned == set()


@with_both_clients
def test_every_documented_error_is_raised_with_its_model(wire: Wire, endpoint: Endpoint) -> None:
    for answer in wire.some_of(endpoint.answers()):
        if answer.status < 300:
            continue
        with pytest.raises(StatusError) as caught:
            wire.call(wire.plain, endpoint, endpoint.least(), answer)
        error = caught.value
        assert type(error) is (ServerError if answer.status >= 500 else ERRORS[answer.status])
        assert (error.operation, error.method, error.status) == (endpoint.id, endpoint.method, answer.status)
        assert error.error is not None
        assert error.error.to_dict() == answer.value
        assert_typed(error.error, answer.value)


@with_each_operation
def test_path_arguments_are_positional_and_all_others_keyword_only(
    wires: list[Wire], endpoint: Endpoint
) -> None:
    parameters = inspect.signature(method_of(wires[False].plain, endpoint)).parameters.values()
    first = [p.name for p in parameters if (p.kind, p.default) == (p.POSITIONAL_OR_KEYWORD, p.empty)]
    named = {p.name: p.default is p.empty for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert (first, named, len(parameters)) == (endpoint.variables, endpoint.keywords, len(first) + len(named))


@with_each_operation
def test_sync_and_async_methods_have_the_same_arguments_in_the_same_order(
    wires: list[Wire], endpoint: Endpoint
) -> None:
    called, awaited = (method_of(wire.plain, endpoint) for wire in wires)
    assert [inspect.iscoroutinefunction(method) for method in (called, awaited)] == [False, True]
    one, other = inspect.signature(called), inspect.signature(awaited)
    assert list(one.parameters.values()) == list(other.parameters.values())
    assert one.return_annotation == other.return_annotation


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("endpoint", DEPRECATED, ids=lambda endpoint: endpoint.id)
def test_a_deprecated_operation_warns_at_the_line_of_the_call(
    wires: list[Wire], endpoint: Endpoint, is_async: bool
) -> None:
    wire = wires[is_async]
    wire.answer = endpoint.answers()[0]
    method, sample = method_of(wire.plain, endpoint), endpoint.least()

    def called() -> object:
        return method(*sample.arguments, **sample.named)

    async def awaited() -> object:
        return await method(*sample.arguments, **sample.named)

    with pytest.warns(DeprecationWarning, match=re.escape(endpoint.id)) as warnings:
        wire.client_kind.call(awaited if is_async else called)
    [warning] = warnings
    assert warning.filename == __file__
    assert "method(*sample.arguments" in linecache.getline(warning.filename, warning.lineno)
