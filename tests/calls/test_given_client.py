"""A given httpx client: its base URL, headers, authentication and timeout are used unless options replace them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from opencode_client import (
    ArgumentError,
    BadRequestError,
    ClientClosedError,
    NotFoundError,
    RequestError,
    ServerError,
)
from tests.support.both_clients import ClientKind
from tests.support.stream_cases import idle_event, take

_BEARER = {"authorization": "Bearer secret"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENCODE_BASE_URL", raising=False)
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "environment")


class _Given:
    """Makes httpx clients without a network, and keeps the requests that they send."""

    def __init__(self, kind: ClientKind) -> None:
        self.sent: list[httpx.Request] = []
        self._kind = kind

    def __call__(self, **options: Any) -> Any:  # Any: arguments of httpx; either of its clients
        kind = httpx.AsyncClient if self._kind.is_async else httpx.Client
        return kind(transport=httpx.MockTransport(self._answer), **options)

    def last(self, client: Any) -> httpx.Request:  # Any: either client
        """Make a call, and return the request that was sent."""
        self._kind.call(client.session.list)
        return self.sent[-1]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(200, json=[])


@pytest.fixture
def given(client_kind: ClientKind) -> _Given:
    return _Given(client_kind)


def test_the_base_url_headers_and_timeout_of_a_given_client_are_used(
    client_kind: ClientKind, given: _Given
) -> None:
    own = given(
        base_url="https://proxy.example:8443/opencode/", headers={**_BEARER, "user-agent": "mine"}, timeout=7
    )
    client = client_kind.client(None, http_client=own)
    sent = given.last(client)
    assert str(sent.url) == "https://proxy.example:8443/opencode/session"
    assert (sent.headers["authorization"], sent.headers["user-agent"]) == ("Bearer secret", "mine")
    assert set(sent.extensions["timeout"].values()) == {7}
    assert client.options.base_url == "https://proxy.example:8443/opencode"


def test_the_accept_encoding_of_a_given_client_is_used(client_kind: ClientKind, given: _Given) -> None:
    own = given(headers={"accept-encoding": "br", "accept": "application/json"})
    sent = given.last(client_kind.client(http_client=own))
    assert (sent.headers["accept-encoding"], sent.headers["accept"]) == ("br", "application/json")


def _with_bearer(request: httpx.Request) -> httpx.Request:
    request.headers.update(_BEARER)
    return request


_AUTHENTICATIONS: list[dict[str, Any]] = [{"headers": _BEARER}, {"auth": _with_bearer}]


@pytest.mark.parametrize("options", _AUTHENTICATIONS, ids=["header", "auth"])
def test_the_environments_password_does_not_replace_a_given_clients_authentication(
    client_kind: ClientKind, given: _Given, options: dict[str, Any]
) -> None:
    own = given(base_url="http://127.0.0.1:4096", **options)
    assert given.last(client_kind.client(None, http_client=own)).headers["authorization"] == "Bearer secret"


def test_credentials_in_the_base_url_of_a_given_client_are_used(
    client_kind: ClientKind, given: _Given
) -> None:
    own = given(base_url="http://me:own@127.0.0.1:4096")
    sent = given.last(client_kind.client(None, http_client=own))
    assert sent.headers["authorization"] == "Basic bWU6b3du"


def test_the_environments_password_is_sent_to_this_machine_without_other_authentication(
    client_kind: ClientKind, given: _Given
) -> None:
    assert (
        given.last(client_kind.client(None, http_client=given()))
        .headers["authorization"]
        .startswith("Basic ")
    )
    other = given(base_url="https://other.example")
    assert "authorization" not in given.last(client_kind.client(None, http_client=other)).headers


def test_explicit_options_replace_options_of_a_given_client(client_kind: ClientKind, given: _Given) -> None:
    own = given(base_url="http://127.0.0.1:4096", headers={**_BEARER, "user-agent": "mine"}, timeout=7)
    client = client_kind.client(
        "http://127.0.0.1:4096/prefix",
        http_client=own,
        password="ours",
        timeout=9,
        headers={"user-agent": "named"},
    )
    sent = given.last(client)
    assert str(sent.url) == "http://127.0.0.1:4096/prefix/session"
    assert sent.headers["authorization"].startswith("Basic ")
    assert sent.headers["user-agent"] == "named"
    assert sent.extensions["timeout"]["read"] == 9


def test_a_password_in_the_base_url_argument_replaces_a_given_clients_authentication(
    client_kind: ClientKind, given: _Given
) -> None:
    client = client_kind.client("http://me:named@127.0.0.1:4096", http_client=given(headers=_BEARER))
    assert given.last(client).headers["authorization"] == "Basic bWU6bmFtZWQ="


def test_the_default_timeout_of_httpx_counts_as_not_set(client_kind: ClientKind, given: _Given) -> None:
    assert given.last(client_kind.client(http_client=given())).extensions["timeout"]["read"] == 60


def test_two_base_urls_of_different_servers_are_an_error(client_kind: ClientKind, given: _Given) -> None:
    own = given(base_url="https://their.example", headers=_BEARER)
    with pytest.raises(ArgumentError, match="different servers"):
        client_kind.client("http://127.0.0.1:4096", http_client=own)
    assert given.sent == []


def test_the_base_url_of_a_given_client_wins_over_the_environments(
    client_kind: ClientKind, given: _Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_BASE_URL", "https://environment.example")
    sent = given.last(client_kind.client(None, http_client=given(base_url="https://their.example")))
    assert (sent.url.host, "authorization" in sent.headers) == ("their.example", False)


def test_streams_use_the_base_url_and_headers_of_a_given_client(client_kind: ClientKind) -> None:
    sent: list[httpx.Request] = []

    def answer_events(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, content=idle_event("a"), headers={"content-type": "text/event-stream"})

    kind = httpx.AsyncClient if client_kind.is_async else httpx.Client
    own = kind(
        transport=httpx.MockTransport(answer_events), base_url="https://their.example", headers=_BEARER
    )
    take(client_kind, client_kind.client(None, http_client=own).event.subscribe(reconnect=False))
    assert [(str(one.url), one.headers["authorization"]) for one in sent] == [
        ("https://their.example/event", "Bearer secret")
    ]


def _raising(client_kind: ClientKind, status: int, *, read: bool) -> Any:  # Any: either client
    """Create a client with an httpx client whose hook raises for error statuses."""

    def check(response: httpx.Response) -> None:
        if read:
            response.read()
        response.raise_for_status()

    async def check_async(response: httpx.Response) -> None:
        if read:
            await response.aread()
        response.raise_for_status()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"name": "Broken", "data": {"message": "what broke"}})

    hooks: dict[str, list[Callable[..., Any]]] = {
        "response": [check_async if client_kind.is_async else check]
    }
    kind = httpx.AsyncClient if client_kind.is_async else httpx.Client
    own = kind(transport=httpx.MockTransport(answer), event_hooks=hooks)
    return client_kind.client(http_client=own, max_retries=0)


@pytest.mark.parametrize("read", [False, True], ids=["unread", "read"])
@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequestError), (404, NotFoundError), (500, ServerError)]
)
def test_a_hook_that_raises_for_the_status_does_not_change_the_error(
    client_kind: ClientKind, status: int, error: type[Exception], read: bool
) -> None:
    client = _raising(client_kind, status, read=read)
    with pytest.raises(error, match="what broke" if read else str(status)):
        client_kind.call(client.session.get, "ses_1")
    stream = client.event.subscribe()
    with pytest.raises(error):
        take(client_kind, stream)


@pytest.mark.parametrize(
    "failure", [httpx.InvalidURL("bad"), httpx.CookieConflict("two"), httpx.StreamConsumed()]
)
def test_an_exception_of_httpx_becomes_a_request_error(client_kind: ClientKind, failure: Exception) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(RequestError) as caught:
        client_kind.call(client_kind.mocked(fail).session.list)
    assert caught.value.__cause__ is not None


def test_a_closed_http_client_opens_no_stream(client_kind: ClientKind, given: _Given) -> None:
    own = given()
    client = client_kind.client(http_client=own)
    client_kind.call(own.aclose if client_kind.is_async else own.close)
    with pytest.raises(ClientClosedError):
        take(client_kind, client.event.subscribe())
    with pytest.raises(ClientClosedError):
        client_kind.call(client.session.list)
