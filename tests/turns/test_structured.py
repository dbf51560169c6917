"""Structured output: which schemas and servers are accepted, and when it is an error."""

from __future__ import annotations

from typing import Any

import pytest

from opencode_client import ArgumentError, UnsupportedOperationError
from opencode_client.turns.options import body_of, check_options
from opencode_client.turns.result import SlashCommand
from opencode_client.turns.structured import check_version, schema_of
from opencode_client.turns.v1 import message_seen

_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


class _Listed:
    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "array"}

    @classmethod
    def model_validate(cls, _: Any) -> _Listed:
        return cls()


@pytest.mark.parametrize("output", [{}, [], "object", dict, int, {"type": "array"}, _Listed, _Listed()])
def test_an_output_that_is_not_an_object_schema_is_refused(output: Any) -> None:
    with pytest.raises(ArgumentError, match="output takes"):
        check_options("hi", {"output": output}, may_ask=False)


def test_a_schema_is_sent_unchanged() -> None:
    body = body_of("hi", {"output": _SCHEMA}, "key", [])
    assert body["format"] == {"type": "json_schema", "schema": _SCHEMA}
    assert schema_of(_SCHEMA) == _SCHEMA


def test_a_slash_command_with_an_output_is_refused() -> None:
    with pytest.raises(ArgumentError, match="SlashCommand"):
        check_options(SlashCommand("init"), {"output": _SCHEMA}, may_ask=False)


@pytest.mark.parametrize(
    ("numbers", "goes_on", "error"),
    [
        ((1, 1, 31), False, UnsupportedOperationError),
        ((1, 1, 53), False, UnsupportedOperationError),
        ((1, 1, 65), True, None),
        ((1, 3, 2), True, None),
        ((1, 14, 48), True, ArgumentError),
        ((1, 18, 33), True, ArgumentError),
        ((1, 18, 33), False, None),
        (None, True, ArgumentError),
        (None, False, None),
    ],
)
def test_a_server_without_structured_output_is_refused(
    numbers: tuple[int, ...] | None, goes_on: bool, error: type[Exception] | None
) -> None:
    if error is None:
        check_version(numbers, "v", "http://x", goes_on=goes_on)
        return
    with pytest.raises(error):
        check_version(numbers, "v", "http://x", goes_on=goes_on)


def test_a_message_with_an_output_ends_the_turn() -> None:
    """Source: 1.2.27 to 1.18.33 finish it with "tool-calls"."""
    info = {
        "id": "m",
        "sessionID": "s",
        "role": "assistant",
        "time": {"created": 1, "completed": 2},
        "finish": "tool-calls",
    }
    assert message_seen(info).goes_on
    assert not message_seen({**info, "structured": {"a": 1}}).goes_on
