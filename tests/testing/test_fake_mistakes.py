"""Mistakes in the scripts and tools of a fake server: a turn ends with a message that names them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opencode_client import BadRequestError, TurnError
from opencode_client.testing import FakeServer, Reply, ToolCall

SCRIPTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "raises": (lambda request: request["no"], "the script of the test failed: KeyError: 'no'"),
    "returns a number": (
        lambda _: 5,
        "the script returns a Reply, a text, or None for the next reply of the queue",
    ),
}


_TEXT = {"type": "text", "text": "hi"}
_SUBTASK = {"type": "subtask", "prompt": "p", "description": "d", "agent": "general"}
_NO_KEY = ("Missing key", "Invalid input: expected string, received undefined")
_NO_STRING = ("Expected string, got 5", "Invalid input: expected string, received number")
_NO_OBJECT = ("Expected object | null, got ", "Invalid input: expected object, received string")
BODIES: dict[str, tuple[dict[str, Any], list[str | int], tuple[str, str]]] = {
    "no id": ({"parts": [], "model": {"id": "a", "providerID": "b"}}, ["model", "modelID"], _NO_KEY),
    "no provider": ({"parts": [], "model": {"modelID": "a"}}, ["model", "providerID"], _NO_KEY),
    "an id of a number": (
        {"parts": [], "model": {"providerID": "a", "modelID": 5}},
        ["model", "modelID"],
        _NO_STRING,
    ),
    "a model as text": ({"parts": [], "model": "a/b"}, ["model"], _NO_OBJECT),
    "no text": ({"parts": [_TEXT, {"type": "text"}]}, ["parts", 1, "text"], _NO_KEY),
    "a text of a number": ({"parts": [{"type": "text", "text": 5}]}, ["parts", 0, "text"], _NO_STRING),
    "a subtask's model": ({"parts": [{**_SUBTASK, "model": "a/b"}]}, ["parts", 0, "model"], _NO_OBJECT),
    "no description": (
        {"parts": [{"type": "subtask", "prompt": "p"}]},
        ["parts", 0, "description"],
        _NO_KEY,
    ),
    "no media type": ({"parts": [{"type": "file", "url": "x"}]}, ["parts", 0, "mime"], _NO_KEY),
    "no name": ({"parts": [{"type": "agent"}]}, ["parts", 0, "name"], _NO_KEY),
}
"""Wrong bodies of prompts: the path of the mistake, and the beginning of the messages of 1.18.33 and 1.3.2."""


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("version", ["1.18.33", "1.3.2"])
def test_a_wrong_prompt_is_refused_like_by_real_servers(name: str, version: str, tmp_path: Path) -> None:
    body, path, texts = BODIES[name]
    with FakeServer(version=version, directory=tmp_path) as started, started.client() as client:
        session = client.session.create()
        with pytest.raises(BadRequestError) as caught:
            client.send("POST", f"/session/{session.id}/message", json=body)
    data: Any = caught.value.data  # Any: JSON
    if version == "1.18.33":
        text = data["data"]["message"]
        assert text.startswith(texts[0])
        assert text.endswith(f"\n  at {''.join(f'[{json.dumps(one)}]' for one in path)}")
    else:
        assert (data["error"][0]["path"], data["error"][0]["message"]) == (path, texts[1])


def test_a_wrong_model_of_a_command_of_the_shell_is_refused(tmp_path: Path) -> None:
    model: Any = {"id": "a", "providerID": "b"}  # Any: the mistake
    with FakeServer(directory=tmp_path) as started, started.client() as client:
        session = client.session.create()
        with pytest.raises(BadRequestError, match=r'Missing key at \["model"\]\["modelID"\]'):
            client.session.shell(session.id, agent="build", command="echo hi", model=model)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_fails_fails_the_turn(name: str, tmp_path: Path) -> None:
    script, text = SCRIPTS[name]
    with (
        FakeServer(script=script, directory=tmp_path) as started,
        started.client() as client,
        pytest.raises(TurnError) as caught,
    ):
        client.run("hi", timeout=20)
    assert text in str(caught.value)


def test_a_script_may_return_a_text(tmp_path: Path) -> None:
    with FakeServer(script=lambda _: "Hello.", directory=tmp_path) as started, started.client() as client:
        assert client.run("hi", timeout=20).text == "Hello."


def test_an_exception_of_a_tool_function_is_an_error_of_the_tool(tmp_path: Path) -> None:
    wrong: Any = {"bash": lambda: "no argument"}  # Any: the mistake
    call = ToolCall(name="bash", arguments={"command": "true"})
    with (
        FakeServer(Reply(tools=[call]), directory=tmp_path, tools=wrong) as started,
        started.client() as client,
    ):
        (made,) = client.run("hi", timeout=20).tool_calls
    assert "the function for this tool failed: TypeError: " in made.state.error  # type: ignore[union-attr] # its status is "error"
