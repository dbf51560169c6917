"""Fetching the document: a response that is not a document raises an error that shows it, and changes no file."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from scripts import fetch_spec
from scripts.documents import SpecError, lost_operations, parse_document
from scripts.fetch_spec import fetch

_DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "é", "version": "1"},
    "paths": {"/b": {"get": {"operationId": "b.get"}}, "/a": {"post": {"operationId": "a.create"}}},
    "components": {"schemas": {"Z": {}, "A": {}}},
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fetch_spec, "ROOT", tmp_path)
    for name in ("OPENCODE_SERVER_USERNAME", "OPENCODE_SERVER_PASSWORD", "ALLOW_REMOVED"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def served(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tree: Path) -> HTTPServer:
    """A server with the document, for `make spec`."""
    httpserver.expect_request("/doc").respond_with_json(_DOCUMENT)
    httpserver.expect_request("/global/health").respond_with_json({"healthy": True, "version": "1.18.33"})
    monkeypatch.setenv("OPENCODE_URL", httpserver.url_for(""))
    return httpserver


def _files(tree: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in tree.iterdir()}


def test_the_served_document_is_written_indented(served: HTTPServer, tree: Path) -> None:
    assert fetch_spec.main() == 0
    text = (tree / "openapi.json").read_text(encoding="utf-8")
    assert text == json.dumps(_DOCUMENT, indent=2, ensure_ascii=False) + "\n"


def test_the_source_file_has_the_version_the_hash_and_the_counts(served: HTTPServer, tree: Path) -> None:
    fetch_spec.main()
    body = fetch(served.url_for("")).body
    assert json.loads((tree / "openapi.source.json").read_text(encoding="utf-8")) == {
        "opencode_version": "1.18.33",
        "document_sha256": hashlib.sha256(body).hexdigest(),
        "operations": 2,
        "schemas": 2,
    }


def test_two_runs_write_the_same_bytes(served: HTTPServer, tree: Path) -> None:
    fetch_spec.main()
    first = _files(tree)
    fetch_spec.main()
    assert _files(tree) == first


@pytest.mark.parametrize("end", ["", "/", "/doc", "/doc/"])
def test_the_url_may_end_in_doc_or_not(served: HTTPServer, end: str) -> None:
    assert fetch(served.url_for("").rstrip("/") + end).version == "1.18.33"


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/doc", "/openapi.yaml"])
def test_the_url_may_be_the_full_address_of_the_document(served: HTTPServer, path: str) -> None:
    body = json.dumps({**_DOCUMENT, "openapi": "3.1.1"})  # JSON is YAML, too
    served.expect_request(path).respond_with_data(body)
    found = fetch(served.url_for(path))
    assert (found.body.decode(), found.version, found.path) == (body, "1.18.33", path)


@pytest.fixture
def second(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tree: Path) -> HTTPServer:
    """A server of OpenCode 2.x: its document has another path, and all other paths return a web page."""
    httpserver.expect_request("/api/info").respond_with_json({"version": "2.1.3", "pid": 1})
    httpserver.expect_request("/api/openapi.json").respond_with_json(_DOCUMENT)
    httpserver.expect_request(re.compile(".*")).respond_with_data("<!doctype html>", content_type="text/html")
    return httpserver


def test_a_server_of_2_x_is_named(second: HTTPServer) -> None:
    url = second.url_for("").rstrip("/")
    text = f"{url} is OpenCode 2.1.3 (by GET /api/info); this client speaks 1.x: see docs/opencode-2.md"
    with pytest.raises(SpecError, match=f"^{re.escape(text)}$"):
        fetch(url)


def test_the_document_of_2_x_is_read_from_its_full_address(second: HTTPServer) -> None:
    assert fetch(second.url_for("/api/openapi.json")).version == "2.1.3"


def test_the_error_for_a_missing_password_of_2_x_names_the_variable(
    httpserver: HTTPServer, tree: Path
) -> None:
    httpserver.expect_request("/api/info").respond_with_json({"_tag": "UnauthorizedError"}, status=401)
    httpserver.expect_request(re.compile(".*")).respond_with_data("<!doctype html>", content_type="text/html")
    with pytest.raises(SpecError, match=r"/api/info gave 401 .*; set OPENCODE_SERVER_USERNAME"):
        fetch(httpserver.url_for(""))


@pytest.mark.parametrize(
    ("status", "kind", "body", "message"),
    [
        (200, "text/html", "<!doctype html><p>", "gave 200 text/html: '<!doctype html><p>'"),
        (200, "application/json", "{nope", "/doc is not JSON: line 1, column 2: "),
        (200, "application/json", "[1]", "/doc is JSON but no object: '[1]'"),
        (
            200,
            "application/json",
            '{"swagger": "2.0"}',
            "/doc is not OpenAPI 3.x: it has no member openapi: it is Swagger 2.0",
        ),
        (200, "application/json", '{"openapi": "2.0"}', "/doc is not OpenAPI 3.x: openapi is '2.0'"),
        (200, "application/json", '{"openapi": "3.1.0", "paths": {}}', "is OpenAPI 3.1.0 without operations"),
        (200, "application/json", '{"openapi": "3.1.0", "paths": {"/a": null}}', "without operations"),
        (200, "application/json", '{"openapi": "3.1.0", "x": NaN}', "/doc is not JSON"),
        (200, "application/json", "[" * 200_000, "/doc is not JSON"),
        (200, "application/json", json.dumps({**_DOCUMENT, "x": "\ud800"}), "half a surrogate pair"),
        (500, "application/json", "{}", "gave 500 application/json: '{}'"),
        (302, "text/plain", "elsewhere", "gave 302 text/plain: 'elsewhere'"),
        (401, "text/plain", "Unauthorized", "set OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD"),
    ],
)
def test_a_response_that_is_not_a_document_is_refused_and_changes_nothing(
    httpserver: HTTPServer,
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    kind: str,
    body: str,
    message: str,
) -> None:
    (tree / "openapi.json").write_text(json.dumps(_DOCUMENT), encoding="utf-8")
    httpserver.expect_request("/doc").respond_with_data(body, status=status, content_type=kind)
    httpserver.expect_request("/global/health").respond_with_json({"version": "1"})
    monkeypatch.setenv("OPENCODE_URL", httpserver.url_for(""))
    before = _files(tree)
    assert fetch_spec.main() == 1
    assert message in capsys.readouterr().err
    assert _files(tree) == before


def test_a_lost_operation_is_refused_by_name(
    served: HTTPServer, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more: dict[str, Any] = {
        **_DOCUMENT,
        "paths": {**_DOCUMENT["paths"], "/c": {"delete": {"operationId": "c.remove"}}},
    }
    (tree / "openapi.json").write_text(json.dumps(more), encoding="utf-8")
    assert fetch_spec.main() == 1
    assert "1 operations would be removed" in (error := capsys.readouterr().err)
    assert "DELETE /c (c.remove)" in error
    assert json.loads((tree / "openapi.json").read_text(encoding="utf-8")) == more


def test_allow_removed_accepts_lost_operations(
    served: HTTPServer, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more: dict[str, Any] = {**_DOCUMENT, "paths": {**_DOCUMENT["paths"], "/c": {"delete": {}}}}
    (tree / "openapi.json").write_text(json.dumps(more), encoding="utf-8")
    monkeypatch.setenv("ALLOW_REMOVED", "1")
    assert fetch_spec.main() == 0


def test_many_lost_operations_are_counted_not_all_listed(
    served: HTTPServer, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many: dict[str, Any] = {**_DOCUMENT, "paths": {f"/{index}": {"get": {}} for index in range(30)}}
    (tree / "openapi.json").write_text(json.dumps(many), encoding="utf-8")
    fetch_spec.main()
    assert "... and 10 more" in capsys.readouterr().err


@pytest.mark.parametrize(
    "health",
    [{}, {"version": None}, {"version": ""}, {"version": "1.2.3\nstatus=unchanged"}, {"version": "--x"}],
)
def test_a_server_without_a_valid_version_is_refused(
    httpserver: HTTPServer, health: dict[str, object]
) -> None:
    httpserver.expect_request("/doc").respond_with_json(_DOCUMENT)
    httpserver.expect_request("/global/health").respond_with_json({"healthy": True, **health})
    with pytest.raises(SpecError, match="has no valid version"):
        fetch(httpserver.url_for(""))


def test_the_password_of_the_environment_is_sent_as_basic_auth(
    served: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hunter2")
    assert fetch_spec.main() == 0
    authorization = served.log[0][0].authorization
    assert authorization
    assert (authorization.username, authorization.password) == ("opencode", "hunter2")


@pytest.mark.parametrize(
    "where",
    ["http://me:hunter2@127.0.0.1:9", "ftp://me:hunter2@x", "http://me:hunter2@", "http://me:hunter2/x@h"],
)
def test_no_error_shows_a_credential(where: str) -> None:
    with pytest.raises(SpecError) as caught:
        fetch(where)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.__cause__)


def test_a_missing_server_has_its_own_exit_code(
    tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("OPENCODE_URL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
    monkeypatch.setattr("scripts.npm_server.CACHE", tree / "cache")
    monkeypatch.setenv("OPENCODE_VERSION", "1.0.0")
    assert fetch_spec.main() == fetch_spec.NO_SERVER
    assert list(tree.iterdir()) == []


def test_lost_operations_compares_method_and_path() -> None:
    moved: dict[str, Any] = {"paths": {"/b": {"put": {}}, "/a": {"post": {}}}}
    assert lost_operations(_DOCUMENT, moved) == ["GET /b (b.get)"]


def test_a_byte_order_mark_alone_is_not_a_document() -> None:
    with pytest.raises(SpecError, match="not JSON"):
        parse_document(b"\xff\xfe", "/doc")


def test_the_error_for_a_broken_committed_document_names_it(
    served: HTTPServer, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "openapi.json").write_text("<<<<<<< HEAD", encoding="utf-8")
    assert fetch_spec.main() == 1
    assert "the earlier openapi.json is broken" in capsys.readouterr().err


def test_lost_operations_are_found_against_the_last_commit(
    served: HTTPServer, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {**_DOCUMENT["paths"], "/c": {"get": {"operationId": "c.get"}}}
    (tree / "openapi.json").write_text(json.dumps({**_DOCUMENT, "paths": paths}), encoding="utf-8")
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (["init", "-q"], ["add", "openapi.json"], ["commit", "-qm", "."]):
        subprocess.run(["git", *author, *command], cwd=tree, check=True)
    (tree / "openapi.json").write_text(json.dumps(_DOCUMENT), encoding="utf-8")
    assert fetch_spec.main() == 1
    assert "GET /c (c.get)" in capsys.readouterr().err


def test_when_one_file_cannot_be_written_neither_is(
    served: HTTPServer, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "openapi.json").write_text(json.dumps({**_DOCUMENT, "x": 1}), encoding="utf-8")
    (tree / "openapi.source.json").mkdir()
    before = (tree / "openapi.json").read_bytes()
    assert fetch_spec.main() == 1
    assert "openapi.source.json" in capsys.readouterr().err
    assert (tree / "openapi.json").read_bytes() == before


def test_a_request_with_a_wrong_password_is_not_repeated(httpserver: HTTPServer) -> None:
    httpserver.expect_request(re.compile("/doc|/global/health")).respond_with_data("", status=401)
    with pytest.raises(SpecError, match="has another user name or password") as raised:
        fetch(httpserver.url_for(""), ("opencode", "hunter2"))
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://u:12#hunter2@h",
        "http://u:12?hunter2@h",
        "http://u:12/hunter2@h",
        "http://u:hunter2/x@h",
        "u:hunter2@h",
    ],
)
def test_no_error_for_a_url_contains_its_password(url: str) -> None:
    with pytest.raises(SpecError, match=r"^OPENCODE_URL ") as raised:
        fetch(url)
    assert "hunter2" not in f"{raised.value} {raised.value!r}"
