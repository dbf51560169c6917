"""JSON is read and written with lone surrogates, which 1.18.33 sends in session titles and metadata."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import Enum

import pytest

from opencode_client.decoding.json_text import dumps, loads
from opencode_client.models import Session
from opencode_client.models.message import read_message


@dataclass
class _Range:
    end: object


class _Limit(Enum):
    NONE = math.inf


@pytest.mark.parametrize(
    "text", [b'{"a": [1, 2.5, null, true, "\xc3\xa9"]}', '{"a": "x"}', b"[]", b'"\\u0000"', b"1e400"]
)
def test_json_reads_as_the_standard_library_reads_it(text: bytes | str) -> None:
    assert loads(text) == json.loads(text)


def test_a_lone_surrogate_reads_and_writes() -> None:
    text = b'{"title":"half \\ud83d of it"}'
    assert loads(text) == {"title": "half \ud83d of it"}
    assert dumps(loads(text)) == text


def test_a_model_with_a_lone_surrogate_is_read_and_written() -> None:
    names = b'"id":"s","slug":"","projectID":"","directory":"","version":"","time":{"created":1,"updated":1}'
    wire = b'{"title":"\\udc00",' + names + b"}"
    session = Session.from_dict(loads(wire))
    assert session.title == "\udc00"
    assert json.loads(dumps(session.to_dict())) == json.loads(wire)


def test_integers_above_64_bits_are_written_with_all_digits() -> None:
    assert dumps({"n": 10**30}) == b'{"n":1000000000000000000000000000000}'


@pytest.mark.parametrize("text", [b"", b"{", b"<!doctype html>", b'{"a": }', b"\xff"])
def test_text_that_is_not_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|decode|Extra data"):
        loads(text)


@pytest.mark.usefixtures("no_collections")
@pytest.mark.parametrize("first", [b"", rb'"\ud800",'], ids=["orjson", "standard library"])
def test_nesting_too_deep_is_a_value_error(first: bytes) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        loads(b"[" + first + b"[" * 100_000 + b"]" * 100_001)


def test_nan_is_refused_where_the_standard_library_writes() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"a": float("nan"), "b": "\ud800"})


@pytest.mark.parametrize("value", [_Range(math.nan), [{"a": _Range([math.inf])}], _Limit.NONE])
def test_nan_is_refused_in_dataclasses_and_enums(value: object) -> None:
    with pytest.raises(ValueError, match="has no form in JSON"):
        dumps(value)


def test_a_deeply_nested_model_is_read_without_a_crash() -> None:
    assert read_message.read(loads(b'{"role":"user","parts":' + b"[" * 500 + b"]" * 500 + b"}"))
