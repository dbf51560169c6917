"""Mistakes in the scripts and tools of a fake server: a turn ends with a message that names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opencode_client import TurnError
from opencode_client.testing import FakeServer, Reply, ToolCall

SCRIPTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "raises": (lambda request: request["no"], "the script of the test failed: KeyError: 'no'"),
    "returns a number": (
        lambda _: 5,
        "the script returns a Reply, a text, or None for the next reply of the queue",
    ),
}


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


def test_a_tool_function_that_fails_is_an_error_of_the_tool(tmp_path: Path) -> None:
    wrong: Any = {"bash": lambda: "no argument"}  # Any: the mistake
    call = ToolCall(name="bash", arguments={"command": "true"})
    with (
        FakeServer(Reply(tools=[call]), directory=tmp_path, tools=wrong) as started,
        started.client() as client,
    ):
        (made,) = client.run("hi", timeout=20).tool_calls
    assert "the function for this tool failed: TypeError: " in made.state.error  # type: ignore[union-attr] # its status is "error"
