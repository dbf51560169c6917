"""Servers with a user name and a password: the places where clients find them, and the errors without them."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import quote

import pytest

from opencode_client.errors import AuthenticationError
from opencode_client.models import UnauthorizedErrorBody
from opencode_client.server import OpencodeServer
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync, client_of
from tests.live.servers import NEW, VERSIONS, scripted_server

pytestmark = pytest.mark.live

_USER = "jörg"
_PASSWORD = "a:b@c/ß €%41"


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Generator[OpencodeServer, None, None]:
    env = {"OPENCODE_SERVER_USERNAME": _USER}
    with scripted_server(request.param, password=_PASSWORD, env=env) as (running, _):
        yield running


@pytest.fixture(params=CLIENT_KINDS)
def client_kind(request: pytest.FixtureRequest) -> SyncOrAsync:
    known: SyncOrAsync = request.param
    return known


def _version(client_kind: SyncOrAsync, base_url: str | None = None, **credentials: str) -> str:
    with client_of(client_kind, base_url, **credentials) as client:
        return client.global_.health().version


def _with_userinfo(url: str) -> str:
    scheme, _, place = url.partition("://")
    return f"{scheme}://{quote(_USER, safe='')}:{quote(_PASSWORD, safe='')}@{place}"


def test_credentials_are_taken_from_the_arguments(server: OpencodeServer, client_kind: SyncOrAsync) -> None:
    assert _version(client_kind, server.url, username=_USER, password=_PASSWORD) == server.version


def test_credentials_are_taken_from_the_url(server: OpencodeServer, client_kind: SyncOrAsync) -> None:
    assert _version(client_kind, _with_userinfo(server.url)) == server.version


def test_credentials_are_taken_from_the_environment(
    server: OpencodeServer, client_kind: SyncOrAsync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_BASE_URL", server.url)
    monkeypatch.setenv("OPENCODE_SERVER_USERNAME", _USER)
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", _PASSWORD)
    assert _version(client_kind) == server.version


def test_credentials_are_taken_from_the_url_in_the_environment(
    server: OpencodeServer, client_kind: SyncOrAsync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_BASE_URL", _with_userinfo(server.url))
    assert _version(client_kind) == server.version


def test_arguments_win_over_the_environment(
    server: OpencodeServer, client_kind: SyncOrAsync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENCODE_SERVER_USERNAME", "somebody else")
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "another")
    assert _version(client_kind, server.url, username=_USER, password=_PASSWORD) == server.version


def test_a_wrong_password_is_an_authentication_error(
    server: OpencodeServer, client_kind: SyncOrAsync
) -> None:
    with pytest.raises(AuthenticationError):
        _version(client_kind, server.url, username=_USER, password=f"{_PASSWORD}x")


def test_a_wrong_user_name_is_an_authentication_error(
    server: OpencodeServer, client_kind: SyncOrAsync
) -> None:
    with pytest.raises(AuthenticationError):
        _version(client_kind, server.url, password=_PASSWORD)


def test_missing_credentials_are_an_authentication_error(
    server: OpencodeServer, client_kind: SyncOrAsync
) -> None:
    with pytest.raises(AuthenticationError):
        _version(client_kind, server.url)


def test_check_server_raises_authentication_error_without_credentials(
    server: OpencodeServer, client_kind: SyncOrAsync
) -> None:
    with client_of(client_kind, server.url) as client, pytest.raises(AuthenticationError):
        client.check_server()


@pytest.mark.parametrize("server", [NEW], indirect=True, scope="module")
def test_the_v2_core_refuses_with_the_documented_body(
    server: OpencodeServer, client_kind: SyncOrAsync
) -> None:
    with client_of(client_kind, server.url, username=_USER, password=_PASSWORD) as client:
        client.check_server()  # otherwise the client requests the version first, and that refusal has no body
        with pytest.raises(AuthenticationError) as caught:
            client.v2.session.list(headers={"authorization": "Basic bm9ib2R5Om5vdGhpbmc="})
    assert isinstance(caught.value.error, UnauthorizedErrorBody)
