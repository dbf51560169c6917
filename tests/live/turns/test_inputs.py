"""Files and structured output of turns, on real servers."""

from __future__ import annotations

from collections.abc import Generator
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
from opencode_client.testing import Reply, ToolCall
from tests.live.client_pairs import SyncOrAsync, client_of
from tests.live.turns.players import IS_FAKE, Site, Sites, open_site, run

pytestmark = pytest.mark.live

_REPLIES = {
    "#number": Reply(text="ok", tools=[ToolCall(name="StructuredOutput", arguments={"a": 1})]),
    "#wrong": Reply(tools=[ToolCall(name="StructuredOutput", arguments={"a": "x"})]),
    "#text": Reply(text="I refuse"),
}


def _script(request: JsonObject) -> Reply | None:
    text = str(request["messages"][-1])
    return next((reply for name, reply in _REPLIES.items() if name in text), None)


@pytest.fixture(scope="module")
def sites() -> Generator[Sites]:
    """Servers that are started when a test first uses their version."""
    with ExitStack() as running:

        @cache
        def start(version: str) -> Site:
            return running.enter_context(open_site(version, script=_script))

        yield start


_READS_FILES = pytest.mark.skipif(
    IS_FAKE, reason="the fake sends files to the model as they are, not their text"
)


@_READS_FILES
def test_the_model_gets_the_text_of_files(kind: SyncOrAsync, server: Site, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"name": "grün"}')
    result = run(kind, server, "look", files=[tmp_path / "a.json", FileAttachment("b.ts", b"let b = 2")])
    assert '{"name": "grün"}' in result.text
    assert "let b = 2" in result.text


@_READS_FILES
def test_a_prompt_may_be_only_files(kind: SyncOrAsync, server: Site, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print(1)")
    assert "print(1)" in run(kind, server, "", files=[tmp_path / "a.py"]).text
    assert "print(1)" in run(kind, server, [FilePartInput.from_path(tmp_path / "a.py")]).text


@_READS_FILES
def test_a_command_may_have_a_file(kind: SyncOrAsync, server: Site) -> None:
    assert (
        "print(2)"
        in run(kind, server, SlashCommand("init"), files=[FileAttachment("b.py", b"print(2)")]).text
    )


def test_a_missing_file_creates_no_session(kind: SyncOrAsync, server: Site) -> None:
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
def test_structured_output_is_returned_or_unsupported(
    kind: SyncOrAsync, sites: Sites, version: str, output: Any
) -> None:
    server = sites(version)
    if version == "1.1.31":
        with pytest.raises(UnsupportedOperationError, match=r"1\.1\.65 or newer"):
            run(kind, server, "#number", output=output)
        assert not any("#number" in str(one) for one in server.model.requests)
        return
    result = run(kind, server, "#number", output=output)
    assert result.structured == {"a": 1} if output is _SCHEMA else result.structured.a == 1
    assert result.duration_s < 30


@pytest.mark.parametrize("prompt", ["#text", "#wrong"])
def test_an_answer_without_structured_output_raises_turn_output_error(
    kind: SyncOrAsync, server: Site, version: str, prompt: str
) -> None:
    if version == "1.1.31":
        pytest.skip("it has no structured output")
    with pytest.raises(TurnOutputError) as caught:
        run(kind, server, prompt, output=_Answer)
    assert caught.value.reason == "structure"
    assert caught.value.partial is not None


def test_an_output_does_not_change_the_history_of_a_session(
    kind: SyncOrAsync, server: Site, version: str
) -> None:
    if version == "1.1.31":
        pytest.skip("it has no structured output")
    session_id = run(kind, server, "hello").session_id
    if version.startswith("1.1"):
        with pytest.raises(ArgumentError, match="could not list"):
            run(kind, server, "#number", output=_Answer, session_id=session_id)
        result = run(kind, server, "#number", output=_Answer, session_id=session_id, fork=True)
    else:
        result = run(kind, server, "#number", output=_Answer, session_id=session_id)
    assert result.structured.a == 1
    assert run(kind, server, "more", session_id=session_id).text == "echo: more"
