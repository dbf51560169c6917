"""Properties of the comparison of any two documents."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from opencode_client.model import is_array, is_object
from scripts.changes.change import Change
from scripts.changes.document import compare_documents
from scripts.recordings import document as recorded
from tests.changes.small_documents import (
    NULL,
    NUMBER,
    STRING,
    an_object,
    any_of,
    document,
    operation,
    ref,
)
from tests.support.sizes import small_and_full

_INTEGER = {"type": "integer"}
_ANY: dict[str, Any] = {}
_AB = {"type": "string", "enum": ["a", "b"]}
_A = {"type": "string", "enum": ["a"]}
_Schemas = st.SearchStrategy[dict[str, Any]]
_SCALARS = [STRING, NUMBER, _INTEGER, {"type": "boolean"}, _ANY, _A, _AB, {"const": 1}]
_REFERENCES = [ref("One"), ref("Two"), ref("")]


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _map_of(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def _pair(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return an_object("a", a=a, b=b)


def _tagged(a: dict[str, Any]) -> dict[str, Any]:
    return an_object("type", type={"const": "text"}, a=a)


def _larger(inner: _Schemas) -> _Schemas:
    unions = st.lists(inner | st.just(NULL), min_size=2, max_size=3).map(lambda variants: any_of(*variants))
    objects = st.builds(_pair, inner, inner) | inner.map(_tagged)
    return inner.map(_list_of) | inner.map(_map_of) | objects | unions


def _served(body: dict[str, Any], response: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    known = dict.fromkeys(("One", "Two", ""), _ANY)  # the pipeline refuses references to missing models
    return document(operation(body=body, response=response), **{**known, **models})


_schemas: _Schemas = st.recursive(st.sampled_from([*_SCALARS, *_REFERENCES]), _larger, max_leaves=6)
_models = st.dictionaries(st.sampled_from(["One", "Two", "Three", ""]), _schemas, max_size=3)
each_size = small_and_full("examples", 8, 100)
_documents: _Schemas = st.builds(_served, _schemas, _schemas, _models)


@each_size
def test_a_document_against_itself_has_no_changes(examples: int) -> None:
    @settings(max_examples=examples)
    @given(_documents)
    def check(value: dict[str, Any]) -> None:
        assert compare_documents(value, copy.deepcopy(value)) == []

    check()


@each_size
def test_removed_in_one_direction_is_added_in_the_other(examples: int) -> None:
    @settings(max_examples=examples)
    @given(_documents, _documents)
    def check(old: dict[str, Any], new: dict[str, Any]) -> None:
        assert _where(compare_documents(old, new), "removed") == _where(compare_documents(new, old), "added")

    check()


def _where(changes: list[Change], kind: str) -> list[str]:
    return [change.where for change in changes if change.kind == kind]


def _reversed(value: Any) -> Any:
    """The same document with everything in the opposite order."""
    if is_object(value):
        return {key: _reversed(member) for key, member in reversed(value.items())}
    return [_reversed(item) for item in reversed(value)] if is_array(value) else value


def test_order_does_not_matter() -> None:
    served = recorded("1.1.31")
    assert compare_documents(served, _reversed(served)) == []
