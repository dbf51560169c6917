"""Whole turns on real servers with the scripted model; the client's models read the responses."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from opencode_client.models import AssistantMessage, MessageWithParts, TextPart, ToolPart
from opencode_client.models.message_with_parts import read_message_with_parts
from opencode_client.server import OpencodeServer
from opencode_client.testing import MODEL, Reply, ScriptedModel, ToolCall
from scripts.npm_server import get_server

pytestmark = pytest.mark.live

Running = tuple[OpencodeServer, ScriptedModel]


@pytest.fixture(scope="module", params=("1.1.31", "1.18.33"))
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Running, None, None]:
    folder: Path = tmp_path_factory.mktemp("scripted")
    (folder / "work").mkdir()
    with ScriptedModel() as model:
        settings = model.install(folder / "home", permission={"bash": "allow"})
        executable = get_server(request.param)
        with OpencodeServer(executable, directory=folder / "work", env=settings, password="") as server:
            yield server, model


def _post(server: OpencodeServer, path: str, body: dict[str, Any]) -> Any:
    return httpx.post(server.url + path, json=body, trust_env=False, timeout=60).raise_for_status().json()


def _prompt(server: OpencodeServer, session: str, text: str) -> MessageWithParts:
    answer = _post(server, f"/session/{session}/message", {"parts": [{"type": "text", "text": text}]})
    return MessageWithParts.from_dict(answer, strict=True)


def test_a_prompt_returns_the_scripts_text_and_usage(running: Running) -> None:
    server, model = running
    session = _post(server, "/session", {})["id"]
    model.say(Reply(text="Hello there", chunks=3, reasoning="hm"))
    reply = _prompt(server, session, "hi")
    assert isinstance(reply.info, AssistantMessage)
    assert f"{reply.info.provider_id}/{reply.info.model_id}" == MODEL
    assert (reply.info.tokens.input, reply.info.tokens.output) == (11, 7)
    assert [part.text for part in reply.parts if isinstance(part, TextPart)] == ["Hello there"]


def test_the_model_continues_after_a_tool_call(running: Running) -> None:
    server, model = running
    session = _post(server, "/session", {})["id"]
    call = ToolCall(name="bash", arguments={"command": "echo from-the-tool", "description": "says so"})
    model.say(Reply(tools=[call]), Reply(text="done"))
    reply = _prompt(server, session, "run it")
    assert [part.text for part in reply.parts if isinstance(part, TextPart)] == ["done"]
    listed = httpx.get(f"{server.url}/session/{session}/message", trust_env=False, timeout=30).json()
    parts = [part for message in listed for part in read_message_with_parts(message).parts]
    (tool,) = [part for part in parts if isinstance(part, ToolPart)]
    assert tool.state.status == "completed"
    assert "from-the-tool" in tool.state.output
