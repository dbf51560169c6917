"""Servers that run already, and instances that are disposed at the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from opencode_client import ArgumentError, AuthenticationError, ConnectError, OpencodeServer
from tests.support.both_clients import ClientKind


@pytest.fixture
def disposed(httpserver: HTTPServer) -> list[str]:
    """The directories whose instances the server has disposed. It has a password, and fails for /broken."""
    found: list[str] = []

    def respond(request: Request) -> Response:
        if request.authorization is None or request.authorization.password != "hunter2":
            return Response(status=401)
        if request.path == "/instance/dispose":
            found.append(request.args["directory"])
            return Response("true", 500 if found[-1] == "/broken" else 200, mimetype="application/json")
        return Response('{"healthy": true, "version": "1.2.3"}', mimetype="application/json")

    httpserver.expect_request("").respond_with_handler(respond)
    httpserver.expect_request("/global/health").respond_with_handler(respond)
    httpserver.expect_request("/instance/dispose").respond_with_handler(respond)
    return found


def _used(kind: ClientKind, server: OpencodeServer) -> OpencodeServer:
    """Return the server after `with` or `async with`."""

    async def use() -> None:
        async with server:
            pass

    if kind.is_async:
        asyncio.run(use())
    else:
        with server:
            pass
    return server


def test_an_attached_server_has_the_same_attributes_as_a_started_one(
    httpserver: HTTPServer, disposed: list[str], client_kind: ClientKind
) -> None:
    url = httpserver.url_for("")
    server = OpencodeServer.attach(f"http://ada:hunter2@{url.partition('//')[2]}", directory="/repo")
    assert (server.url, server.port, server.hostname) == (url.rstrip("/"), httpserver.port, httpserver.host)
    assert (server.version, server.auth) == ("", ("ada", "hunter2"))
    assert _used(client_kind, server).version == "1.2.3"
    assert (server.pid, server.log, server.executable, str(server.directory)) == (None, "", "", "/repo")
    assert "hunter2" not in repr(server) + repr(vars(server))
    client: Any = server.async_client() if client_kind.is_async else server.client()  # Any: either client
    assert (client.options.directory, client.options.username) == ("/repo", "ada")
    assert client_kind.call(client.global_.health).version == "1.2.3"
    client_kind.call(client.close)
    assert disposed == []


def test_the_url_and_password_may_come_from_the_environment(
    httpserver: HTTPServer, disposed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_BASE_URL", httpserver.url_for(""))
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hunter2")
    assert OpencodeServer.attach().start().version == "1.2.3"


def test_a_wrong_password_or_url_is_an_error_of_the_start(
    httpserver: HTTPServer, disposed: list[str]
) -> None:
    with pytest.raises(AuthenticationError):
        OpencodeServer.attach(httpserver.url_for(""), password="wrong").start()
    with pytest.raises(ConnectError):
        OpencodeServer.attach("http://127.0.0.1:1").start()
    with pytest.raises(ArgumentError, match="base_url takes http://host:port"):
        OpencodeServer.attach("127.0.0.1:1")


def test_instances_are_disposed_at_the_end(
    httpserver: HTTPServer, disposed: list[str], client_kind: ClientKind
) -> None:
    url = httpserver.url_for("")
    server = OpencodeServer.attach(url, password="hunter2", dispose_on_exit=["/a", "/b c"])
    _used(client_kind, server)
    server.close()
    assert disposed == ["/a", "/b c"]


def test_a_failed_disposal_of_an_instance_is_a_warning(
    httpserver: HTTPServer, disposed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    OpencodeServer.attach(
        httpserver.url_for(""), password="hunter2", dispose_on_exit=["/broken", "/a"]
    ).close()
    assert disposed == ["/broken", "/a"]
    [record] = [
        record for record in caplog.records if record.name == "opencode_client.server.opencode_server"
    ]
    assert record.message.startswith("the instance of /broken was not disposed of: ")


def test_dispose_on_exit_accepts_one_directory_as_a_string(
    httpserver: HTTPServer, disposed: list[str]
) -> None:
    OpencodeServer.attach(httpserver.url_for(""), password="hunter2", dispose_on_exit="/a").close()
    assert disposed == ["/a"]
