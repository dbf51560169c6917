"""Recorded responses and events, changed at random, are read leniently and strictly.

Lenient reading always gives a model, and its `to_dict` gives the same JSON. Strict reading gives a model or an error
with a JSON path. No other error is raised.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opencode_client.errors import ResponseDecodeError
from opencode_client.model import OpencodeModel, Unknown, is_array, is_object, to_plain
from tests.support.recorded_payloads import Reader, recorded_payloads
from tests.support.sizes import small_and_full

_payloads = cache(recorded_payloads)  # takes seconds
_VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**400, -(10**40), 1e308, float("inf"), "", "text", "\ud83d", "__unknown__",
    [], [None], [[]], {}, {"type": None}, {"type": "new.type"}, {"type": []}, {"": {}}, "2026-11-23T07:15:43.845Z",
]  # fmt: skip


def _junk(draw: st.DrawFn) -> Any:
    return copy.deepcopy(draw(st.sampled_from(_VALUES)))


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Switch off the warnings for these payloads. Other tests cover them."""
    logger = logging.getLogger("opencode_client.decoding")
    logger.disabled = True
    yield
    logger.disabled = False


@st.composite
def _changed(draw: st.DrawFn) -> tuple[Reader, Any]:
    """Draw a recorded payload with one to four changes: members removed, added, set to null or to another type."""
    reader, payload = draw(st.sampled_from(_payloads()))
    payload = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 4))):
        _change(draw, payload)
    return reader, payload


def _change(draw: st.DrawFn, payload: Any) -> None:
    holder = payload
    while inside := _containers(holder):
        if draw(st.integers(0, 3)) == 0:
            break
        holder = draw(st.sampled_from(inside))
    if not is_object(holder):
        holder.append(_junk(draw))
        return
    key = draw(st.sampled_from([*holder, "brand_new"]))
    match draw(st.sampled_from(["drop", "set", "text"])):
        case "drop":
            holder.pop(key, None)
        case "set":
            holder[key] = _junk(draw)
        case _:
            holder[key] = draw(st.text(max_size=5))


def _containers(holder: Any) -> list[Any]:
    inside: list[Any] = list(holder.values()) if is_object(holder) else holder
    return [value for value in inside if is_object(value) or is_array(value)]


def _check_each(check: Callable[[Reader, Any], None], examples: int) -> None:
    @given(_changed())
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def checked(changed: tuple[Reader, Any]) -> None:
        check(*changed)

    checked()


@small_and_full("examples", 40, 600)
def test_lenient_reading_always_returns_a_model_with_the_same_json(examples: int) -> None:
    def check(reader: Reader, payload: Any) -> None:
        read = reader(copy.deepcopy(payload), strict=False)
        assert isinstance(read, OpencodeModel | Unknown | list | dict)
        assert to_plain(read) == payload

    _check_each(check, examples)


@small_and_full("examples", 40, 600)
def test_strict_reading_returns_a_model_or_raises_an_error_with_the_path(examples: int) -> None:
    def check(reader: Reader, payload: Any) -> None:
        error = _error_of(reader, payload)
        if error is not None:
            assert error.path.startswith("$")
            assert f"{error.path}: expected {error.expected}, got {error.got}" in str(error)

    _check_each(check, examples)


def _error_of(reader: Reader, payload: Any) -> ResponseDecodeError | None:
    try:
        reader(copy.deepcopy(payload), strict=True)
    except ResponseDecodeError as error:
        return error
    return None
