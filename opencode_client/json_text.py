"""JSON by orjson; where orjson refuses, the standard library decides.

Servers do send lone surrogates (1.18.33: session titles, metadata), which orjson neither reads nor writes.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


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
    """`value` as compact JSON.

    Raises:
        ValueError: NaN or an infinity beside something that orjson refuses.
        TypeError: something that JSON has no form for.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
