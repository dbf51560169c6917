"""Connections: proxies of the environment, connections that are kept, the caller's own httpx client."""

from __future__ import annotations

import json

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from opencode_client.calls.route import environment_proxy
from tests.support.both_clients import ClientKind

_PATHS = {"home": "/", "state": "/s", "config": "/c", "worktree": "/w", "directory": "/d"}


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_uses_no_proxy(
    client_kind: ClientKind, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    httpserver.expect_request("/path").respond_with_json(_PATHS)
    client = client_kind.client(f"http://{host}:{httpserver.port}")
    assert client_kind.call(client.path.get).worktree == "/w"


def test_another_host_uses_the_environments_proxy(
    client_kind: ClientKind, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def proxy(request: Request) -> Response:
        seen.append(request.environ["REQUEST_URI"])
        return Response(
            '{"home": "/", "state": "", "config": "", "worktree": "", "directory": ""}',
            mimetype="application/json",
        )

    httpserver.expect_request("/path").respond_with_handler(proxy)
    monkeypatch.setenv("http_proxy", httpserver.url_for(""))
    assert client_kind.call(client_kind.client("http://opencode.invalid:4096").path.get).home == "/"
    assert seen == ["http://opencode.invalid:4096/path"]


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://example.org", "http://plain:1"),
        ("https://example.org:4096", "http://secure:2"),
        ("http://inside.example.net", None),
        ("http://[::1]:4096", None),
    ],
)
def test_environment_proxy_returns_the_proxy_for_a_url(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None
) -> None:
    monkeypatch.setenv("http_proxy", "plain:1")
    monkeypatch.setenv("https_proxy", "http://secure:2")
    monkeypatch.setenv("no_proxy", "inside.example.net")
    assert environment_proxy(url) == proxy


def test_all_proxy_applies_to_every_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://all:3")
    assert environment_proxy("https://example.org") == "http://all:3"


def test_gzip_is_requested_only_from_other_hosts_than_loopback(
    client_kind: ClientKind, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def keep(request: Request) -> Response:
        seen.append(request.headers["accept-encoding"])
        return Response(json.dumps(_PATHS), mimetype="application/json")

    httpserver.expect_request("/path").respond_with_handler(keep)
    monkeypatch.setenv("http_proxy", httpserver.url_for(""))
    for url in (httpserver.url_for(""), "http://opencode.invalid:4096"):
        client_kind.call(client_kind.client(url).path.get)
    assert seen == ["identity", "gzip"]


def test_headers_and_authentication_of_a_given_client_are_sent(client_kind: ClientKind) -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=_PATHS)

    transport = httpx.MockTransport(keep)
    kind = httpx.AsyncClient if client_kind.is_async else httpx.Client
    given = kind(transport=transport, headers={"x-own": "1", "user-agent": "theirs"}, auth=("u", "p"))
    client_kind.call(client_kind.client(http_client=given).path.get)
    client_kind.call(client_kind.client(http_client=given, password="ours").path.get)
    assert [request.headers["x-own"] for request in seen] == ["1", "1"]
    theirs, ours = (request.headers["authorization"] for request in seen)
    assert theirs == "Basic dTpw"
    assert ours != theirs
