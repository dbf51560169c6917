"""Parse and write JSON with orjson, and with the standard library where orjson refuses.

Servers send lone surrogates (1.18.33: in session titles and metadata). orjson neither reads nor writes them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from types import NoneType
from typing import Any

import orjson

from ..model import OpencodeModel, Unknown

_NO_FLOATS = frozenset({str, int, bool, NoneType})


def loads(text: bytes | str) -> Any:  # Any: JSON has no type until a model reads it
    """Return the parsed JSON.

    Raises:
        ValueError: the text is not JSON, or is nested too deeply.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "limit" in str(error):  # 1024 levels; the standard library reads fewer, by recursion
            raise ValueError("nested too deeply") from error
        try:
            return json.loads(text)
        except RecursionError as recursion:  # about 900 levels with a lone surrogate
            raise ValueError("nested too deeply") from recursion


def dumps(value: object) -> bytes:
    """Return `value` as compact JSON. It may hold models, mappings and sequences of any kind.

    Raises:
        ValueError: it holds NaN or an infinity.
        TypeError: it holds an object that cannot be written as JSON.
    """
    try:
        text = orjson.dumps(value, _plain, orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain).encode()
    # orjson writes null for NaN. Searching the text costs less than looking at every value
    if b"null" in text:
        _check_numbers(value)
    return text


def _check_numbers(value: Any) -> None:  # Any: as above
    """Raise ValueError if NaN or an infinity is in `value`. It was written as JSON, so it is not circular."""
    todo = [value]
    for item in todo:  # the loop adds to it
        if type(item) in _NO_FLOATS:
            continue
        if isinstance(item, float):
            if not math.isfinite(item):
                raise ValueError(f"{item} has no form in JSON")
        elif isinstance(item, Mapping):
            todo.extend(item.values())  # pyright: ignore[reportUnknownArgumentType] # of any content
        elif isinstance(item, OpencodeModel | Unknown):
            todo.append(item.to_dict())
        elif isinstance(item, Enum):
            todo.append(item.value)
        elif is_dataclass(item):
            todo.extend(getattr(item, one.name) for one in fields(item))
        elif isinstance(item, Sequence) and not isinstance(item, str | bytes | bytearray):
            todo.extend(item)  # pyright: ignore[reportUnknownArgumentType] # of any content


def _plain(value: Any) -> object:  # Any: any object in a request's body
    if isinstance(value, OpencodeModel | Unknown):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] # of any content
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return list(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] # of any content
    hint = "; most members take to_epoch_ms(...)" if isinstance(value, date) else ""
    raise TypeError(f"{type(value).__name__} cannot be written as JSON{hint}")


def unwritable(value: Any, path: str = "$") -> str | None:  # Any: as above
    """Return the first place in `value` that `dumps` refuses, with the reason. Return None if there is none.

    Example: `$.parts[0].text: set cannot be written as JSON`
    """
    try:
        dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        inside = (unwritable(item, step) for step, item in _items(value, path))
        return next(filter(None, inside), f"{path}: {error}")
    return None


def _items(value: Any, path: str) -> list[tuple[str, Any]]:  # Any: as above
    if isinstance(value, OpencodeModel | Unknown):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return [(f"{path}.{key}", item) for key, item in value.items()]  # pyright: ignore[reportUnknownVariableType] # of any content
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)
    items: list[Any] = list(value) if is_list else []  # pyright: ignore[reportUnknownArgumentType] # of any content
    return [(f"{path}[{index}]", item) for index, item in enumerate(items)]
