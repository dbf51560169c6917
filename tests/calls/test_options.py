"""The options of a client, from its arguments and from the environment."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import pytest

from opencode_client import ArgumentError, AsyncOpencodeClient, ClientOptions, OpencodeClient
from tests.support.both_clients import ClientKind

_VARIABLES = ("OPENCODE_BASE_URL", "OPENCODE_SERVER_PASSWORD", "OPENCODE_SERVER_USERNAME")
_LOOPBACK = (
    "http://127.0.0.1:1",
    "http://localhost:1",
    "http://[::1]:1",
    "http://x.localhost",
    "http://127.9.9.9",
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _options(base_url: str | None = None, **arguments: Any) -> ClientOptions:
    return OpencodeClient(base_url, **arguments).options


def test_the_base_url_is_the_servers_default_address() -> None:
    assert _options().base_url == "http://127.0.0.1:4096"


def test_an_argument_wins_over_the_base_url_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE_BASE_URL", "http://a:1/")
    assert (_options().base_url, _options("http://b:2").base_url) == ("http://a:1", "http://b:2")


def test_credentials_are_removed_from_the_url() -> None:
    options = _options("http://us%40er:p%3Aw@host:1/prefix/")
    assert options.base_url == "http://host:1/prefix"
    assert (options.username, options.password) == ("us@er", "p:w")


def test_arguments_win_over_the_url_and_the_url_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "environment")
    monkeypatch.setenv("OPENCODE_SERVER_USERNAME", "environment")
    url = "http://url:url@127.0.0.1:1"
    given = _options(url, username="given", password="given")
    assert (given.username, given.password) == ("given", "given")
    assert (_options(url).username, _options(url).password) == ("url", "url")
    plain = _options("http://127.0.0.1:1")
    assert (plain.username, plain.password) == ("environment", "environment")


@pytest.mark.parametrize("url", _LOOPBACK)
def test_the_environments_password_is_sent_to_loopback(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "secret")
    assert _options(url).password == "secret"


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "http://localhost.example.org", "http://127.0.0.1.example.org", "http://1.2.3.4"],
)
def test_the_environments_password_is_not_sent_to_other_hosts(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "secret")
    assert _options(url).password is None


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("https://example.org/path", "secret"),
        ("https://example.org:443", "secret"),
        ("http://example.org", None),
        ("https://example.org:444", None),
        ("https://other.example.org", None),
    ],
)
def test_the_environments_password_is_sent_to_the_origin_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, password: str | None
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "secret")
    monkeypatch.setenv("OPENCODE_BASE_URL", "https://example.org")
    assert _options(url).password == password


def test_an_empty_password_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "secret")
    assert _options("http://127.0.0.1:1", password="").password is None


@pytest.mark.parametrize(
    "url",
    [
        "localhost:4096",
        "ftp://host",
        "http://",
        "http://host:0",
        "http://host:x",
        "http://h st",
        "http://h?a=b",
    ],
)
def test_a_wrong_url_is_an_error_that_names_base_url(url: str) -> None:
    with pytest.raises(ArgumentError, match="base_url"):
        OpencodeClient(url)


@pytest.mark.parametrize(
    "url", ["localhost:4096", "http://h:x", "http://h?a=b", "http://u:p/w@h", "http://h st"]
)
def test_the_error_for_a_url_of_the_environment_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENCODE_BASE_URL", url)
    with pytest.raises(ArgumentError, match=r"^OPENCODE_BASE_URL "):
        OpencodeClient()


def test_the_error_for_a_url_without_a_scheme_repeats_it_unchanged() -> None:
    with pytest.raises(
        ArgumentError, match=r"takes http://host:port or https://\.\.\., not 'localhost:4096'$"
    ):
        OpencodeClient("localhost:4096")


@pytest.mark.parametrize(
    ("variable", "value"), [("OPENCODE_SERVER_PASSWORD", "\udcff"), ("OPENCODE_SERVER_USERNAME", "a:b")]
)
def test_credentials_that_http_does_not_allow_are_an_error(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hunter2")
    monkeypatch.setenv(variable, value)
    with pytest.raises(ArgumentError, match="username") as caught:
        client_kind.client()
    assert "hunter2" not in str(caught.value)


def test_the_error_for_a_url_does_not_repeat_its_password() -> None:
    with pytest.raises(ArgumentError) as raised:
        OpencodeClient("ftp://user:secret@host")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"max_retries": -1}, "max_retries"),
        ({"turn_timeout": 0}, "turn_timeout takes seconds above 0, or None for no limit, not 0"),
        ({"turn_timeout": True}, "turn_timeout"),
        ({"turn_timeout": httpx.Timeout(5)}, "turn_timeout"),
        ({"directory": ""}, "directory"),
        ({"directory": 7}, "directory"),
        ({"headers": {"a b": "c"}}, "header 'a b'"),
        ({"headers": {"a": "b\r\nc: d"}}, "header 'a'"),
        ({"http_client": object()}, "http_client"),
    ],
)
def test_the_error_for_a_wrong_argument_names_it(
    client_kind: ClientKind, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        client_kind.client("http://127.0.0.1:1", **arguments)


def test_a_sync_client_refuses_an_async_http_client_and_the_reverse() -> None:
    with pytest.raises(ArgumentError, match=r"takes a httpx\.Client, not AsyncClient"):
        OpencodeClient(http_client=httpx.AsyncClient())  # type: ignore[arg-type] # what the test is about
    with (
        httpx.Client() as client,
        pytest.raises(ArgumentError, match=r"takes a httpx\.AsyncClient, not Client"),
    ):
        AsyncOpencodeClient(http_client=client)  # type: ignore[arg-type] # what the test is about


def test_a_relative_directory_starts_at_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _options(directory="a/../b").directory == os.path.join(os.path.realpath(tmp_path), "b")


@pytest.mark.parametrize("directory", ["/a b", "C:\\repo", "C:/repo", "\\\\host\\share", "/a/../b", "/a%41"])
def test_a_directory_that_is_absolute_on_any_system_is_unchanged(directory: str) -> None:
    assert _options(directory=directory).directory == directory


def test_a_path_object_is_accepted_as_a_directory() -> None:
    assert _options(directory=PurePosixPath("/repo")).directory == "/repo"


def test_options_are_pickled_copied_and_compared() -> None:
    options = _options(
        "http://h", password="p", headers={"A": "b"}, timeout=httpx.Timeout(3.0), directory="/r"
    )
    assert pickle.loads(pickle.dumps(options)) == options == copy.deepcopy(options)  # noqa: S301 # ours


def test_a_client_can_be_made_from_the_options_of_another(client_kind: ClientKind) -> None:
    options = _options("http://h", password="p", directory="/r")
    kind = AsyncOpencodeClient if client_kind.is_async else OpencodeClient
    assert kind.from_options(options).options == options


@pytest.mark.parametrize("text", [repr, str])
def test_no_repr_contains_a_secret(client_kind: ClientKind, text: Any) -> None:
    client = client_kind.client("http://u:secret@127.0.0.1:1", headers={"x-key": "secret"})
    assert "secret" not in text(client.options)
    assert "secret" not in text(client)


def test_a_view_changes_only_the_given_options(client_kind: ClientKind) -> None:
    client = client_kind.client("http://h", directory="/a", timeout=5, headers={"a": "1"}, password="p")
    view = client.with_options(directory=None, headers={"B": "2"}, max_retries=0)
    assert (view.options.directory, view.options.headers, view.options.max_retries) == (None, {"b": "2"}, 0)
    assert (view.options.timeout, view.options.password, client.options.directory) == (5, "p", "/a")


def test_a_view_refuses_the_same_wrong_options_as_a_client(client_kind: ClientKind) -> None:
    with pytest.raises(ArgumentError, match="max_retries"):
        client_kind.client("http://h").with_options(max_retries=-1)
    with pytest.raises(ArgumentError, match="directory"):
        client_kind.client("http://h").with_options(directory="")
