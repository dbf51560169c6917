"""Access to terminals: passwords, tickets, directories, TLS and proxies. No error or log contains a secret."""

from __future__ import annotations

import os
import ssl
import traceback
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from opencode_client import ConnectError, ForbiddenError, OpencodeError, PtyClosedError
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import http
from tests.support.terminal_actions import connected, entered, rest
from tests.support.terminal_server import PTY_ID, TICKET, PtyServer, close, cursor, cut, end, say

_PASSWORD = "correct horse:batterié"
_BASIC = "Basic " + b64encode(f"opencode:{_PASSWORD}".encode()).decode()
_KEY = "header-0123456789"
_CONNECT = f"/pty/{PTY_ID}/connect"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """A function that returns all log messages so far, of all levels."""
    caplog.set_level(0)
    for name in ("opencode_client", "websockets", "websockets.client", "asyncio", "httpx", "httpcore"):
        caplog.set_level(1, name)
    return lambda: caplog.text + "".join(repr(vars(record)) for record in caplog.records)


def _entered(client_kind: ClientKind, server: PtyServer, **options: Any) -> Any:  # Any: sync or async
    client = client_kind.client(server.url, password=_PASSWORD, headers={"x-api-key": _KEY}, max_retries=0)
    return entered(client_kind, client.pty.connect(PTY_ID, **options))


def test_the_password_is_sent_in_a_header(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), end]) as server:
        rest(client_kind, _entered(client_kind, server))
        [dial] = server.dials
    assert dial.target == _CONNECT
    assert (dial.headers["authorization"], dial.headers["x-api-key"]) == (_BASIC, _KEY)
    assert dial.headers["user-agent"].startswith("opencode-client-python/")


def test_headers_and_authentication_of_a_given_http_client_are_sent(client_kind: ClientKind) -> None:
    kind: Any = httpx.AsyncClient if client_kind.is_async else httpx.Client
    with PtyServer([cursor(0), end]) as server:
        own = kind(base_url=server.url, auth=("me", "own"), headers={"x-own": "1", "user-agent": "mine"})
        client = client_kind.client(None, http_client=own, max_retries=0)
        rest(client_kind, entered(client_kind, client.pty.connect(PTY_ID)))
        [dial] = server.dials
        client_kind.call(client.close)
        client_kind.call(own.aclose if client_kind.is_async else own.close)
    names = ("authorization", "x-own", "user-agent")
    basic = "Basic " + b64encode(b"me:own").decode()
    assert [dial.headers[name] for name in names] == [basic, "1", "mine"]


def test_a_ticket_replaces_the_password(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), end]) as server:
        rest(client_kind, _entered(client_kind, server, auth="ticket"))
        [dial] = server.dials
        asked = next(call for call in server.calls if call.method == "POST")
    assert dial.target == f"{_CONNECT}?ticket={TICKET}"
    assert "authorization" not in dial.headers
    assert (asked.headers["authorization"], asked.headers["x-opencode-ticket"]) == (_BASIC, "1")


def test_every_connection_has_its_own_ticket(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("a"), cut], [cursor(1), end]) as server:
        assert rest(client_kind, _entered(client_kind, server, auth="ticket")) == ["a"]
        assert server.dials[1].target == f"{_CONNECT}?cursor=1&ticket={TICKET}"
        assert [call.method for call in server.calls].count("POST") == 2


def test_a_ticket_request_names_the_directory_and_workspace_of_the_terminal(client_kind: ClientKind) -> None:
    place = {"directory": "/wörk", "workspace": "w1"}
    with PtyServer([cursor(0), end]) as server:
        rest(client_kind, _entered(client_kind, server, auth="ticket", **place))
        [dial] = server.dials
        calls = [call for call in server.calls if call.path != "/global/health"]
    assert dial.target == f"{_CONNECT}?directory=%2Fw%C3%B6rk&workspace=w1&ticket={TICKET}"
    assert {call.target.partition("?")[2] for call in calls} == {"directory=%2Fw%C3%B6rk&workspace=w1"}


def test_a_terminal_uses_the_directory_of_its_client(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), end]) as server:
        rest(
            client_kind,
            entered(client_kind, client_kind.client(server.url, directory="/r").pty.connect(PTY_ID)),
        )
        assert server.dials[0].target == f"{_CONNECT}?directory=%2Fr"


def test_logs_and_reprs_of_a_working_terminal_contain_no_secret(
    client_kind: ClientKind, logged: Callable[[], str]
) -> None:
    with PtyServer([cursor(0), say("a"), cut], [cursor(1), end]) as server:
        for auth in ("basic", "ticket"):
            terminal = _entered(client_kind, server, auth=auth)
            rest(client_kind, terminal)
            _assert_silent(logged() + repr(terminal) + repr(terminal._request))


_REFUSALS = {
    "forbidden": http(status=403),
    "redirected": http(status=307, headers={"location": f"https://127.0.0.1:1{_CONNECT}?ticket={TICKET}"}),
    "sent in circles": http(status=302, headers={"location": f"{_CONNECT}?ticket={TICKET}"}),
    "sent elsewhere": http(status=301, headers={"location": f"ws://127.0.0.1:1/?ticket={TICKET}"}),
    "answered": http(b"<p>hello", 200, {"content-type": "text/html"}),
    "no WebSocket": http(status=101, headers={"upgrade": "h2c"}),
    "no HTTP": b"what?\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("refusal", _REFUSALS.values(), ids=list(_REFUSALS))
@pytest.mark.parametrize("auth", ["basic", "ticket"])
def test_logs_and_errors_of_a_refused_connection_contain_no_secret(
    client_kind: ClientKind, logged: Callable[[], str], refusal: bytes, auth: str
) -> None:
    with PtyServer(answers={_CONNECT: refusal}) as server:
        with pytest.raises(OpencodeError) as caught:
            _entered(client_kind, server, auth=auth)
        assert len(server.dials) == 1
    error = caught.value
    assert getattr(error, "operation", "") == "pty.connect"
    _assert_silent("".join([logged(), str(error), repr(error), *traceback.format_exception(error)]))


@pytest.mark.parametrize("how", [cut, close(1011, "crash")])
def test_logs_and_errors_of_a_broken_connection_contain_no_secret(
    client_kind: ClientKind, logged: Callable[[], str], how: Any
) -> None:
    with PtyServer([cursor(0), how]) as server:
        terminal = _entered(client_kind, server, auth="ticket", reconnect=False)
        with pytest.raises(PtyClosedError) as caught:
            rest(client_kind, terminal)
    error = caught.value
    _assert_silent("".join([logged(), str(error), repr(error), *traceback.format_exception(error)]))


def _assert_silent(text: str) -> None:
    for secret in (TICKET, _PASSWORD, _BASIC.split()[1], _KEY):
        assert secret not in text


def test_a_used_ticket_is_forbidden(client_kind: ClientKind) -> None:
    with PtyServer(answers={_CONNECT: http(status=403)}) as server, pytest.raises(ForbiddenError):
        _entered(client_kind, server, auth="ticket")


def test_connections_to_loopback_use_no_proxy(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY"):
        for written in (name, name.lower()):
            monkeypatch.setenv(written, "http://127.0.0.1:1")
    with PtyServer([cursor(0), end]) as server:
        assert rest(client_kind, connected(client_kind, server)) == []


def test_connections_to_other_hosts_use_the_proxy_of_the_environment(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with PtyServer() as proxy:
        client = client_kind.client("http://opencode.invalid:4096", max_retries=0)
        client._caller.knowledge.version = "1.18.33"
        terminal = client.pty.connect(PTY_ID)
        arguments = terminal._request.connect_arguments(terminal._request.prepare(None), None)
        assert arguments["proxy"] is None
        monkeypatch.setenv("http_proxy", proxy.url)
        assert (
            terminal._request.connect_arguments(terminal._request.prepare(None), None)["proxy"] == proxy.url
        )


def _over_tls(
    client_kind: ClientKind, server: PtyServer, trusting: ssl.SSLContext, **options: Any
) -> Any:  # Any: as above
    given = (httpx.AsyncClient if client_kind.is_async else httpx.Client)(verify=trusting, trust_env=False)
    client = client_kind.client(server.url, http_client=given, max_retries=0)
    try:
        return rest(client_kind, entered(client_kind, client.pty.connect(PTY_ID, **options)))
    finally:
        client_kind.call(client.close)
        client_kind.call(given.aclose if isinstance(given, httpx.AsyncClient) else given.close)


def test_the_callers_tls_context_is_used(
    client_kind: ClientKind, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    served, trusting = tls
    with PtyServer([cursor(0), say("safe"), end], tls=served) as server:
        assert _over_tls(client_kind, server, trusting, ssl=trusting) == ["safe"]


def test_an_untrusted_certificate_is_refused_without_a_tls_context(
    client_kind: ClientKind, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    served, trusting = tls
    with PtyServer([cursor(0), end], tls=served) as server, pytest.raises(ConnectError, match="certificate"):
        _over_tls(client_kind, server, trusting)


def test_a_tls_context_is_ignored_without_tls(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), end]) as server:
        assert rest(client_kind, connected(client_kind, server, ssl=ssl.create_default_context())) == []
