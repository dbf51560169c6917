"""Servers of other versions: their operations, and servers that are not opencode 1.x."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache

import httpx
import pytest

from opencode_client import (
    ServerInfo,
    UnsupportedOperationError,
    UnsupportedServerError,
)
from opencode_client._spec import OPERATIONS
from opencode_client.calls import server_info
from opencode_client.calls.server_info import has_operation, info
from scripts.recordings import DATA, DOCUMENTED, document
from tests.support.both_clients import ClientKind
from tests.support.scripted_answers import Recorder, empty_page, versions

_document = cache(document)  # no test changes one


@cache
def _body(version: str) -> bytes:
    return gzip.decompress((DATA / "documents" / f"{version}.json.gz").read_bytes())


def _serves(version: str) -> Callable[[], httpx.Response]:
    """Answer `/doc` with the document of a version."""
    return lambda: httpx.Response(200, content=_body(version), headers={"content-type": "application/json"})


def test_an_operation_newer_than_the_server_is_not_sent(client_kind: ClientKind) -> None:
    server = versions("1.1.31")
    with pytest.raises(
        UnsupportedOperationError, match=r"v2\.session\.list: opencode 1\.1\.31 .* 1\.14\.48 has it"
    ):
        client_kind.call(client_kind.mocked(server).v2.session.list)
    assert server.paths == ["/global/health", "/doc"]


def test_an_operation_that_the_servers_document_lists_is_sent(client_kind: ClientKind) -> None:
    """A fork of opencode may have an older version number and newer operations."""
    server = versions("1.1.16", doc=_serves("1.18.33"), api_session=empty_page)
    client = client_kind.mocked(server)
    for _ in range(2):
        assert client_kind.call(client.v2.session.list).data == []
    assert server.paths == ["/global/health", "/doc", "/api/session", "/api/session"]


def test_an_incomplete_document_decides_the_operations_of_a_newer_version(client_kind: ClientKind) -> None:
    """A newer version may lack most operations of the older ones."""
    listed = _document("1.18.33")
    paths = {path: item for path, item in listed["paths"].items() if path.startswith("/api")}
    server = versions("1.19.0", doc=lambda: httpx.Response(200, json={**listed, "paths": paths}))
    found: ServerInfo = client_kind.call(client_kind.mocked(server).check_server)
    assert found.from_document
    assert found.supports("v2.session.list")
    assert not found.supports("session.list")


@pytest.mark.parametrize("version", ["26.08.24", "7.4.1"])
def test_a_server_with_an_unusual_version_is_accepted_by_its_document(
    client_kind: ClientKind, version: str
) -> None:
    server = versions(version, doc=_serves("1.17.19"), api_session=empty_page)
    assert client_kind.call(client_kind.mocked(server).check_server).version == version
    assert client_kind.call(client_kind.mocked(server).v2.session.list).data == []


def test_a_package_of_another_programs_document_accepts_its_own_version(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPERATIONS, "v2.session.list", ("", "26.08.24"))
    monkeypatch.setattr(server_info, "OPENCODE_VERSION", "26.08.24")
    server = versions("26.08.24", api_session=empty_page)
    assert client_kind.call(client_kind.mocked(server).v2.session.list).data == []
    assert server.paths == ["/global/health", "/api/session"]
    older = versions("26.07.01", doc=_serves("1.3.2"))
    with pytest.raises(
        UnsupportedOperationError, match=r"opencode 26\.07\.01 .* does not have GET /api/session$"
    ):
        client_kind.call(client_kind.mocked(older).v2.session.list)


def test_the_version_is_requested_once(client_kind: ClientKind) -> None:
    server = versions("1.18.33", api_session=empty_page)
    client = client_kind.mocked(server)
    for _ in range(2):
        client_kind.call(client.with_options(timeout=9).v2.session.list)
    assert server.paths == ["/global/health", "/api/session", "/api/session"]


def test_between_two_known_versions_the_servers_document_decides(client_kind: ClientKind) -> None:
    def serve(version: str) -> Recorder:
        return versions("1.5.0", doc=_serves(version), api_session=empty_page)

    assert client_kind.call(client_kind.mocked(serve("1.14.48")).v2.session.list).data == []
    with pytest.raises(UnsupportedOperationError, match=r"opencode 1\.5\.0"):
        client_kind.call(client_kind.mocked(serve("1.3.2")).v2.session.list)


def test_the_version_is_requested_again_after_an_unsupported_operation(client_kind: ClientKind) -> None:
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
def test_check_server_returns_the_operations_of_each_version(client_kind: ClientKind, version: str) -> None:
    served = _document(version)
    server = versions(version, doc=_serves(version))
    found: ServerInfo = client_kind.call(client_kind.mocked(server).check_server)
    listed = {
        o["operationId"] for item in served["paths"].values() for o in item.values() if "operationId" in o
    }
    assert (found.version, found.from_document) == (version, True)
    assert found.operations == listed & set(OPERATIONS)
    assert found.missing == set(OPERATIONS) - listed
    assert found.supports("session.list")


@pytest.mark.parametrize("version", DOCUMENTED)
def test_the_table_of_versions_agrees_with_the_documents(version: str) -> None:
    served = _document(version)
    listed = {
        o["operationId"] for item in served["paths"].values() for o in item.values() if "operationId" in o
    }
    assert info(version, None).operations == listed & set(OPERATIONS)
    assert {name for name in OPERATIONS if has_operation(name, version)} == listed & set(OPERATIONS)


@pytest.mark.parametrize(
    "body", [b"{}", b"<!doctype html>", b"\xff", b'{"paths": {"/a": {"get": {"operationId": "b"}}}}']
)
def test_without_a_usable_document_the_table_of_versions_decides(body: bytes) -> None:
    # 1.14.34 to 1.14.41 serve a document with three operations
    assert info("1.14.40", body) == info("1.3.2", None).__class__(
        "1.14.40", info("1.3.2", None).operations, False
    )


@pytest.mark.parametrize("since", ["local", "1.18.33", "1.17.19", None])
def test_the_document_decides_the_operations_of_a_local_build(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, since: str | None
) -> None:
    monkeypatch.setitem(OPERATIONS, "v2.session.list", ("1.18.33", since))
    assert [has_operation("v2.session.list", version) for version in ("1.18.33", "1.18.34", "local")] == [
        None
    ] * 3
    paths = {"/api/session": {"get": {"operationId": "v2.session.list"}}}
    served = {"openapi": "3.1.0", "paths": {**_document("1.18.33")["paths"], **paths}}
    server = versions("1.18.33", doc=lambda: httpx.Response(200, json=served), api_session=empty_page)
    assert client_kind.call(client_kind.mocked(server).v2.session.list).data == []


def test_a_build_without_a_version_has_all_operations() -> None:
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
def test_a_server_that_is_not_opencode_1_raises_unsupported_server_error(
    client_kind: ClientKind, status: int, content: bytes, kind: str
) -> None:
    client = client_kind.mocked(
        lambda _: httpx.Response(status, content=content, headers={"content-type": kind})
    )
    with pytest.raises(UnsupportedServerError, match=r"http://127\.0\.0\.1:1"):
        client_kind.call(client.check_server)
