"""Files and structured output of turns, on real servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from opencode_client import ArgumentError, FileAttachment, SlashCommand
from opencode_client.models import FilePartInput
from opencode_client.server import OpencodeServer
from opencode_client.testing import ScriptedModel
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync, client_of
from tests.live.servers import VERSIONS, scripted_server

pytestmark = pytest.mark.live

_VERSIONS = tuple(os.environ.get("TURN_VERSIONS", " ".join(VERSIONS)).split())
_Servers = Callable[[str], tuple[OpencodeServer, ScriptedModel]]


@pytest.fixture(scope="module")
def servers() -> Generator[_Servers]:
    """Servers that are started when a test first uses their version."""
    with ExitStack() as running:

        @cache
        def start(version: str) -> tuple[OpencodeServer, ScriptedModel]:
            return running.enter_context(scripted_server(version, snapshot=False))

        yield start


@pytest.fixture(params=_VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(servers: _Servers, version: str) -> OpencodeServer:
    return servers(version)[0]


@pytest.fixture(params=CLIENT_KINDS)
def kind(request: pytest.FixtureRequest) -> SyncOrAsync:
    chosen: SyncOrAsync = request.param
    return chosen


def _run(kind: SyncOrAsync, server: OpencodeServer, prompt: Any, **options: Any) -> Any:
    with client_of(kind, server.url, directory=server.directory) as client:
        return client.run(prompt, timeout=60, **options)


def test_the_model_sees_the_text_of_files(kind: SyncOrAsync, server: OpencodeServer, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"name": "grün"}')
    result = _run(kind, server, "look", files=[tmp_path / "a.json", FileAttachment("b.ts", b"let b = 2")])
    assert '{"name": "grün"}' in result.text
    assert "let b = 2" in result.text


def test_a_prompt_of_files_alone(kind: SyncOrAsync, server: OpencodeServer, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print(1)")
    assert "print(1)" in _run(kind, server, "", files=[tmp_path / "a.py"]).text
    assert "print(1)" in _run(kind, server, [FilePartInput.from_path(tmp_path / "a.py")]).text


def test_a_command_with_a_file(kind: SyncOrAsync, server: OpencodeServer) -> None:
    assert (
        "print(2)"
        in _run(kind, server, SlashCommand("init"), files=[FileAttachment("b.py", b"print(2)")]).text
    )


def test_a_missing_file_creates_no_session(kind: SyncOrAsync, server: OpencodeServer) -> None:
    with client_of(kind, server.url, directory=server.directory) as client:
        before = len(client.session.list())
        with pytest.raises(ArgumentError, match="does not exist"):
            client.run("look", files=["missing.txt"])
        assert len(client.session.list()) == before
