"""JSON by orjson; where orjson refuses, the standard library decides.

Servers do send lone surrogates (1.18.33: session titles, metadata), which orjson neither reads nor writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from ..model import OpencodeModel, Unknown, is_object


def loads(text: bytes | str) -> Any:  # Any: JSON is untyped until a model reads it
    """The parsed JSON.

    Raises:
        ValueError: the text is not JSON, or nested too deeply to read.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _standard_loads(text)


def _standard_loads(text: bytes | str) -> Any:  # Any: as above
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def dumps(value: object) -> bytes:
    """`value` as compact JSON; models as what they were read from, any mapping or sequence.

    Raises:
        ValueError: NaN or an infinity beside something that orjson refuses.
        TypeError: something that JSON has no form for.
    """
    try:
        return orjson.dumps(value, _plain, orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> object:  # Any: whatever the caller put into a body
    if isinstance(value, OpencodeModel | Unknown):
        return value.to_dict()
    if isinstance(value, Mapping):
        mapping: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType] # whatever it holds
        return dict(mapping)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        sequence: Sequence[Any] = value  # pyright: ignore[reportUnknownVariableType] # whatever it holds
        return list(sequence)
    hint = "; to_epoch_ms(...) is what most members take" if isinstance(value, date) else ""
    raise TypeError(f"{type(value).__name__} has no form in JSON{hint}")


def unwritable(value: Any, path: str = "$") -> str | None:  # Any: as above
    """Where `value` holds what `dumps` refuses, and what it is; None if nowhere.

    `$.parts[0].text: set has no form in JSON`
    """
    try:
        dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        return next(filter(None, _inside(value, path)), f"{path}: {error}")
    return None


def _inside(value: Any, path: str) -> list[str | None]:  # Any: as above
    if isinstance(value, OpencodeModel | Unknown):
        value = value.to_dict()
    if is_object(value):
        return [unwritable(item, f"{path}.{key}") for key, item in value.items()]
    items: list[Any] = list(value) if isinstance(value, list | tuple) else []  # pyright: ignore[reportUnknownArgumentType] # whatever it holds
    return [unwritable(item, f"{path}[{index}]") for index, item in enumerate(items)]
