"""The name of a model as a text: "provider/model"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import ArgumentError
from .model import OpencodeModel

_LONGEST = 60


def model_in(value: Any, owner: str, id_key: str) -> Any:  # Any: of the user; JSON or a model
    """Return a JSON object for a text, which is split at its first slash. Return models, mappings and None unchanged.

    `owner` is the operation or the class, for errors. `id_key` is the key of the model's id.

    Raises:
        ArgumentError: there is no text before or after the slash, or `value` cannot be a model.
    """
    if value is None or isinstance(value, OpencodeModel | Mapping):
        return value  # pyright: ignore[reportUnknownVariableType] # JSON
    provider, _, model = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not provider.strip() or not model.strip():
        is_long = isinstance(value, str) and len(value) > _LONGEST
        shown = repr(f"{value[:_LONGEST]}..." if is_long else value)
        raise ArgumentError(
            f'{owner}: model takes "provider/model", such as "anthropic/claude-sonnet-4-5", '
            f'or {{"providerID": ..., "{id_key}": ...}}, not {shown}'
        )
    return {"providerID": provider, id_key: model}
