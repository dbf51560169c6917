"""The readers of a message with its parts."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from opencode_client.model import JsonObject
from opencode_client.models import MessageWithParts, SessionCommandResponse, ToolPart

_INFO: JsonObject = {
    "id": "m", "sessionID": "s", "role": "assistant", "time": {"created": 1}, "parentID": "p", "modelID": "m",
    "providerID": "p", "mode": "build", "agent": "build", "path": {"cwd": "/", "root": "/"}, "cost": 0,
    "tokens": {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}},
}  # fmt: skip
_CALL: JsonObject = {"callID": "c", "tool": "bash", "state": {"status": "pending", "input": {}, "raw": ""}}

every_class = pytest.mark.parametrize("cls", [MessageWithParts, SessionCommandResponse])


def _part(kind: str, **members: Any) -> JsonObject:  # Any: JSON
    return {"id": "x", "sessionID": "s", "messageID": "m", "type": kind, **members}


def _message(cls: type[MessageWithParts], *parts: JsonObject) -> MessageWithParts:
    return cls.from_dict({"info": _INFO, "parts": list(parts)})


@every_class
def test_the_texts_are_joined_without_a_separator(cls: type[MessageWithParts]) -> None:
    message = _message(
        cls,
        _part("text", text="Hel"),
        _part("reasoning", text="no", time={"start": 1}),
        _part("text", text="lo "),
    )
    assert message.text == "Hello "


@every_class
@pytest.mark.parametrize("flag", ["synthetic", "ignored"])
def test_a_text_that_the_user_did_not_write_is_left_out(cls: type[MessageWithParts], flag: str) -> None:
    given = [_part("text", text="a", **{flag: True}), _part("text", text="b", **{flag: False})]
    assert _message(cls, *given).text == "b"


@every_class
def test_reasoning_is_separate_from_the_text(cls: type[MessageWithParts]) -> None:
    parts = [_part("reasoning", text=text, time={"start": 1}) for text in ("hm", ", yes")]
    message = _message(cls, *parts, _part("text", text="yes"))
    assert (message.reasoning, message.text) == ("hm, yes", "yes")


@every_class
@pytest.mark.parametrize("data", [{"info": _INFO}, {"info": _INFO, "parts": None}])
def test_a_message_without_parts_has_no_text(cls: type[MessageWithParts], data: JsonObject) -> None:
    message = cls.from_dict(data)
    assert (message.text, message.reasoning, message.tool_calls) == ("", "", [])


def test_the_response_of_a_command_is_a_message() -> None:
    command = SessionCommandResponse.from_dict({"info": _INFO, "parts": [_part("text", text="done")]})
    assert isinstance(command, MessageWithParts)
    again = pickle.loads(pickle.dumps(command))  # noqa: S301 # of this test
    assert (type(again), again, again.info.id) == (SessionCommandResponse, command, "m")
    assert SessionCommandResponse(info=command.info, parts=command.parts).to_dict() == command.to_dict()


@every_class
def test_tool_calls_are_in_order_in_every_state(cls: type[MessageWithParts]) -> None:
    error = {"status": "error", "input": {}, "error": "no", "time": {"start": 1, "end": 2}}
    calls = [
        _part("tool", **{**_CALL, "callID": "1"}),
        _part("tool", **{**_CALL, "callID": "2", "state": error}),
    ]
    message = _message(cls, calls[0], _part("text", text="x"), calls[1])
    assert [(type(call), call.call_id) for call in message.tool_calls] == [(ToolPart, "1"), (ToolPart, "2")]


@every_class
def test_the_texts_and_tool_calls_of_a_message_without_parts_are_empty(cls: type[MessageWithParts]) -> None:
    message = _message(cls)
    assert (message.text, message.reasoning, message.tool_calls) == ("", "", [])


@every_class
def test_a_part_of_a_newer_server_is_not_text(cls: type[MessageWithParts]) -> None:
    assert _message(cls, _part("poem", text="x"), _part("text", text="y")).text == "y"


def test_a_text_that_the_server_left_out_is_empty() -> None:
    assert _message(MessageWithParts, _part("text"), _part("reasoning", time={"start": 1})).text == ""


def test_the_readers_are_not_members_of_the_json() -> None:
    message = _message(MessageWithParts, _part("text", text="x"))
    assert message.to_dict().keys() == {"info", "parts"}


def test_the_readers_include_an_added_part() -> None:
    message = _message(MessageWithParts, _part("text", text="a"))
    message.parts.extend(_message(MessageWithParts, _part("text", text="b")).parts)
    assert message.text == "ab"
