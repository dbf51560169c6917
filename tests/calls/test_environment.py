"""Wrong environment variables and hosts raise an OpencodeError that names the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from opencode_client import ArgumentError, ConnectError
from tests.support.both_clients import Action, ClientKind
from tests.support.stream_cases import take


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "OPENCODE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


_USES: dict[str, Action] = {
    "call": lambda client: client.session.list(),
    "prompt": lambda client: client.session.prompt("ses_1", parts=[]),
    "check_server": lambda client: client.check_server(),
}
_PROXIES = [
    "ftp://me:secret@proxy",
    "http://[me:secret",
    "http://proxy:me-secret",
    "http://me:secret@proxy:99999",
    "http://me:secret@",
    "socks5://me:secret@proxy",
]
every_use = pytest.mark.parametrize("use", _USES.values(), ids=list(_USES))


@every_use
@pytest.mark.parametrize("proxy", _PROXIES)
def test_the_error_for_an_unusable_proxy_names_its_variable(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, use: Action, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    error = client_kind.error("https://opencode.invalid", use)
    assert isinstance(error, ArgumentError)
    assert "https_proxy" in str(error)
    assert "secret" not in str(error)


def test_the_error_for_a_proxy_of_a_stream_names_its_variable(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", "ftp://proxy")
    with pytest.raises(ArgumentError, match="all_proxy"):
        take(client_kind, client_kind.client("http://opencode.invalid").event.subscribe())


@every_use
@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "wrong"])
def test_the_error_for_unreadable_certificates_names_their_variable(
    client_kind: ClientKind,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    use: Action,
    content: str | None,
) -> None:
    file = tmp_path / "certificates.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    error = client_kind.error("https://127.0.0.1:1", use)
    assert isinstance(error, ArgumentError)
    assert "SSL_CERT_FILE" in str(error)


@every_use
def test_the_error_for_an_unwritable_key_log_names_its_variable(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, use: Action
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "no folder" / "keys"))
    error = client_kind.error("https://127.0.0.1:1", use)
    assert isinstance(error, ArgumentError)
    assert "SSLKEYLOGFILE" in str(error)


@pytest.mark.parametrize("host", ["a" * 64, f"{'a.' * 200}b", "a..b", "opencode.invalid"])
def test_an_unknown_host_raises_an_opencode_error(client_kind: ClientKind, host: str) -> None:
    for use in _USES.values():
        error = client_kind.error(f"http://{host}:4096", use, max_retries=0)
        assert isinstance(error, ArgumentError | ConnectError), error
    with pytest.raises((ArgumentError, ConnectError)):
        take(
            client_kind,
            client_kind.client(f"http://{host}:4096", max_retries=0).event.subscribe(reconnect=False),
        )


@pytest.mark.parametrize("name", ["content-length", "Transfer-Encoding"])
def test_headers_that_depend_on_the_body_are_refused(client_kind: ClientKind, name: str) -> None:
    with pytest.raises(ArgumentError, match=name):
        client_kind.client(headers={name: "5"})
