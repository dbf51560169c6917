"""Regeneration with real servers: fetch their document, generate a package, read their responses with it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_httpserver import HTTPServer

from opencode_client import models
from opencode_client.server import OpencodeServer
from scripts.documents import SpecError, parse_document
from scripts.fetch_spec import fetch, write
from scripts.recordings import document
from scripts.rooms import ROOT
from scripts.scratch_server import scratch_server
from tests.support import generated_packages as packages

pytestmark = pytest.mark.live

_VERSIONS = ("1.1.31", "1.18.33")


@pytest.fixture(scope="module", params=_VERSIONS)
def server(request: pytest.FixtureRequest) -> Generator[OpencodeServer, None, None]:
    with HTTPServer() as catalogue:  # without one, 1.1.31 fails every request about models
        catalogue.expect_request("/api.json").respond_with_json({})
        settings = {"OPENCODE_MODELS_URL": catalogue.url_for("").rstrip("/")}
        with scratch_server(request.param, env=settings) as running:
            yield running


def _get(server: OpencodeServer, path: str) -> Any:
    return httpx.get(server.url + path, trust_env=False, timeout=30).raise_for_status().json()


def test_the_fetched_document_is_the_committed_one_of_that_version(server: OpencodeServer) -> None:
    served = fetch(server.url)
    assert served.version == server.version
    assert parse_document(served.body, "/doc") == document(server.version)


def test_the_models_of_the_generated_package_import(server: OpencodeServer, tmp_path: Path) -> None:
    package = packages.write(tmp_path, parse_document(fetch(server.url).body, "/doc"))
    session = httpx.post(f"{server.url}/session", json={}, trust_env=False, timeout=30).json()
    made = packages.load_models(package, f"client_{server.version.replace('.', '_')}")
    assert made.Session.from_dict(session, strict=True).to_dict() == session


def test_responses_read_strictly_and_to_dict_returns_the_same_json(
    server: OpencodeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "opencode_client.decoding")
    session = httpx.post(f"{server.url}/session", json={"title": "é"}, trust_env=False, timeout=30).json()
    answers: list[tuple[Any, Any]] = [
        (models.Session, session),
        *((models.Session, item) for item in _get(server, "/session")),
        (models.GlobalHealthResponse, _get(server, "/global/health")),
        (models.Config, _get(server, "/config")),
        (models.ConfigProvidersResponse, _get(server, "/config/providers")),
        (models.ProviderListResponse, _get(server, "/provider")),
        *((models.Agent, item) for item in _get(server, "/agent")),
        *((models.Command, item) for item in _get(server, "/command")),
        *((models.Project, item) for item in _get(server, "/project")),
        (models.Path, _get(server, "/path")),
    ]
    for model, data in answers:
        assert model.from_dict(json.loads(json.dumps(data)), strict=True).to_dict() == data
    assert caplog.messages == []


def test_fetching_needs_and_accepts_the_servers_password(tmp_path: Path) -> None:
    with scratch_server("1.1.31", password="hunter2") as server:
        with pytest.raises(SpecError, match="gave 401"):
            fetch(server.url)
        served = fetch(server.url, ("opencode", "hunter2"))
    write(parse_document(served.body, "/doc"), served, tmp_path)
    source = json.loads((tmp_path / "openapi.source.json").read_text(encoding="utf-8"))
    assert source["document_sha256"] == hashlib.sha256(served.body).hexdigest()


def test_the_committed_document_is_the_one_that_its_server_serves() -> None:
    source = json.loads((ROOT / "openapi.source.json").read_text(encoding="utf-8"))
    with scratch_server(source["opencode_version"]) as server:
        body = fetch(server.url).body
    assert hashlib.sha256(body).hexdigest() == source["document_sha256"]
    assert (ROOT / "openapi.json").read_text(encoding="utf-8") == (
        json.dumps(json.loads(body), indent=2, ensure_ascii=False) + "\n"
    )
