"""Files and structured output of turns, on real servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    FileAttachment,
    SlashCommand,
    TurnOutputError,
    UnsupportedOperationError,
)
from opencode_client.model import JsonObject
from opencode_client.models import FilePartInput
from opencode_client.server import OpencodeServer
from opencode_client.testing import Reply, ScriptedModel, ToolCall
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync, client_of
from tests.live.servers import VERSIONS, scripted_server

pytestmark = pytest.mark.live

_VERSIONS = tuple(os.environ.get("TURN_VERSIONS", " ".join(VERSIONS)).split())
_REPLIES = {
    "#number": Reply(text="ok", tools=[ToolCall(name="StructuredOutput", arguments={"a": 1})]),
    "#wrong": Reply(tools=[ToolCall(name="StructuredOutput", arguments={"a": "x"})]),
    "#text": Reply(text="I refuse"),
}


def _script(request: JsonObject) -> Reply | None:
    text = str(request["messages"][-1])
    return next((reply for name, reply in _REPLIES.items() if name in text), None)


_Servers = Callable[[str], tuple[OpencodeServer, ScriptedModel]]


@pytest.fixture(scope="module")
def servers() -> Generator[_Servers]:
    """Servers that are started when a test first uses their version."""
    with ExitStack() as running:

        @cache
        def start(version: str) -> tuple[OpencodeServer, ScriptedModel]:
            return running.enter_context(scripted_server(version, script=_script, snapshot=False))

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


class _Answer:
    """A class like those of pydantic."""

    def __init__(self, a: int) -> None:
        self.a = a

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

    @classmethod
    def model_validate(cls, value: Any) -> _Answer:
        if not isinstance(value["a"], int):
            raise ValueError("a is no number")  # noqa: TRY004 # as pydantic
        return cls(value["a"])


_SCHEMA = _Answer.model_json_schema()


@pytest.mark.parametrize("output", [_Answer, _SCHEMA], ids=["class", "schema"])
def test_structured_output(kind: SyncOrAsync, servers: _Servers, version: str, output: Any) -> None:
    server, model = servers(version)
    if version == "1.1.31":
        asked = len(model.requests)
        with pytest.raises(UnsupportedOperationError, match=r"1\.1\.65 or newer"):
            _run(kind, server, "#number", output=output)
        assert len(model.requests) == asked
        return
    result = _run(kind, server, "#number", output=output)
    assert result.structured == {"a": 1} if output is _SCHEMA else result.structured.a == 1
    assert result.duration_s < 30


@pytest.mark.parametrize("prompt", ["#text", "#wrong"])
def test_an_output_that_is_none(kind: SyncOrAsync, server: OpencodeServer, version: str, prompt: str) -> None:
    if version == "1.1.31":
        pytest.skip("it has no structured output")
    with pytest.raises(TurnOutputError) as caught:
        _run(kind, server, prompt, output=_Answer)
    assert caught.value.reason == "structure"
    assert caught.value.partial is not None


def test_an_output_leaves_the_history_of_a_session_alone(
    kind: SyncOrAsync, server: OpencodeServer, version: str
) -> None:
    if version == "1.1.31":
        pytest.skip("it has no structured output")
    session_id = _run(kind, server, "hello").session_id
    if version.startswith("1.1"):
        with pytest.raises(ArgumentError, match="could not list"):
            _run(kind, server, "#number", output=_Answer, session_id=session_id)
        result = _run(kind, server, "#number", output=_Answer, session_id=session_id, fork=True)
    else:
        result = _run(kind, server, "#number", output=_Answer, session_id=session_id)
    assert result.structured.a == 1
    assert _run(kind, server, "more", session_id=session_id).text == "echo: more"
