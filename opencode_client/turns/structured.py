"""Structured output: the schema that is sent, and the check of what the model returns. No I/O.

Source: 1.1.31 and 1.1.53 ignore `format`; 1.1.65 does not. Servers 1.14 to 1.18 cannot list the messages of a session
that had a prompt with `format`.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from ..errors import ArgumentError, TurnOutputError, UnsupportedOperationError
from .policies import is_mapping
from .result import TurnResult

_FIRST = (1, 1, 65)
_LOSES_HISTORY = ((1, 14), (1, 19))


def schema_of(output: Any) -> dict[str, Any]:  # Any: an argument; JSON
    """Return the JSON schema of the argument `output`.

    Raises:
        ArgumentError: it is neither a schema of an object nor a class that has one.
    """
    schema: Any = output.model_json_schema() if _is_model(output) else output  # Any: JSON
    if not is_mapping(schema) or not schema:
        raise ArgumentError(
            f"output takes a JSON schema, or a class with model_json_schema and model_validate, not {output!r}"
        )
    if schema.get("type", "object") != "object":
        raise ArgumentError(
            f"output takes the schema of an object, not of type {schema['type']!r}: put it into a property"
        )
    return dict(schema)


def check_version(numbers: tuple[int, ...] | None, version: str, url: str, *, goes_on: bool) -> None:
    """Check that a server can return structured output. `goes_on`: in a session that exists.

    Raises:
        UnsupportedOperationError: the server does not have it.
        ArgumentError: it would damage the session.
    """
    if numbers is not None and numbers < _FIRST:
        text = f"output needs opencode 1.1.65 or newer; the server at {url} is {version}, which ignores it"
        raise UnsupportedOperationError(text, operation="session.prompt", url=url, version=version)
    first, end = _LOSES_HISTORY
    if goes_on and (numbers is None or first <= numbers < end):
        raise ArgumentError(
            f"output with session_id is not possible on opencode {version}: the server could not list the session's"
            " messages after that. Leave session_id out for a session of its own, or use fork=True"
        )


def checked(
    result: TurnResult[Any], output: Any
) -> tuple[TurnResult[Any], TurnOutputError | None]:  # Any: of the user's class
    """Return the result with its structured output as the class that was given, or the error of a wrong output."""
    try:
        if result.structured is None:
            raise ValueError("the model returned no structured output")
        if _is_model(output):
            result = evolve(result, structured=output.model_validate(result.structured))
    except (ValueError, TypeError) as cause:  # pydantic's ValidationError is a ValueError
        what = (
            "" if result.structured is None else f"the structured output is not a valid {output.__name__}: "
        )
        error = TurnOutputError(f"{what}{cause}")
        error.reason, error.__cause__ = "structure", cause
        return result, error
    return result, None


def _is_model(output: object) -> bool:
    return isinstance(output, type) and all(
        callable(getattr(output, name, None)) for name in ("model_json_schema", "model_validate")
    )
