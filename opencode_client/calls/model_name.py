"""The name of a model as a text: "provider/model"."""

from __future__ import annotations

from ..errors import ArgumentError

_LONGEST = 60


def model_in(text: str, operation: str, id_key: str) -> dict[str, str]:
    """Return the JSON object for `text`, which is split at its first slash. `id_key` is the key of the model's id.

    Raises:
        ArgumentError: there is no text before or after the slash, or no slash.
    """
    provider, _, model = text.partition("/")
    if not provider.strip() or not model.strip():
        shown = repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
        raise ArgumentError(
            f'{operation}: model takes "provider/model", such as "anthropic/claude-sonnet-4-5", '
            f'or {{"providerID": ..., "{id_key}": ...}}, not {shown}'
        )
    return {"providerID": provider, id_key: model}
