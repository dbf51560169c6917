"""Methods of a package generated from a small document, called as its users would."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from types import ModuleType
from typing import Any

import httpx
import pytest

from opencode_client import UNSET, ArgumentError
from opencode_client.calls.operation import Arguments, Operation
from tests.support.both_clients import ClientKind


class Caller:
    """Keeps the arguments of each call."""

    def __init__(self) -> None:
        self.seen: list[tuple[Operation[Any], Arguments]] = []

    def call(self, operation: Operation[Any], arguments: Arguments) -> Any:
        self.seen.append((operation, arguments))
        return "value"


class AsyncCaller(Caller):
    async def call(self, operation: Operation[Any], arguments: Arguments) -> str:
        self.seen.append((operation, arguments))
        return "value"


@pytest.fixture
def things(models: ModuleType) -> ModuleType:
    return importlib.import_module(f"{models.__name__.partition('.')[0]}.api.list_thing")


def _update(things: ModuleType) -> Any:
    return things.ListThingNamespace.update


def _operation(things: ModuleType) -> Operation[None]:
    found: Operation[None] = things._UPDATE
    return found


def test_arguments_are_sent_where_the_table_requires(things: ModuleType) -> None:
    caller = Caller()
    value = things.ListThingNamespace(caller).update(
        "t",
        "a/b",
        note=None,
        query_timeout=3,
        mood="good",
        due=None,
        directory="/r",
        timeout=1,
        headers={"a": "b"},
    )
    assert value == "value"
    [(operation, arguments)] = caller.seen
    assert operation is things._UPDATE
    assert {name: getattr(arguments, name) for name in arguments.__slots__} == {
        "path": ("t", "a/b"),
        "directory": "/r",
        "workspace": None,
        "timeout": 1,
        "headers": {"a": "b"},
        "query": {"mood": "good", "timeout": 3},
        "body": {"note": None, "kind": "x", "due": None, "parts": None},
    }


def test_the_async_method_sends_the_same_request(things: ModuleType) -> None:
    caller = AsyncCaller()
    twin = things.AsyncListThingNamespace(caller)
    assert asyncio.run(twin.update("t", "a", note="n", query_timeout=1)) == "value"
    assert inspect.signature(things.AsyncListThingNamespace.update) == inspect.signature(_update(things))


@pytest.fixture
def apps(models: ModuleType) -> ModuleType:
    return importlib.import_module(f"{models.__name__.partition('.')[0]}.api.app")


@pytest.mark.parametrize("body", [b"\xff\0", bytearray(b"\xff\0"), "\xff"])
def test_a_body_of_bytes_is_sent_unchanged(
    client_kind: ClientKind, apps: ModuleType, body: bytes | bytearray | str
) -> None:
    sent: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(204)

    namespace = apps.AsyncAppNamespace if client_kind.is_async else apps.AppNamespace
    client_kind.call(namespace(client_kind.mocked(keep)._caller).log, body=body)
    assert sent[0].content == (body.encode() if isinstance(body, str) else body)


def test_a_body_of_bytes_accepts_no_other_type(client_kind: ClientKind, apps: ModuleType) -> None:
    namespace = apps.AsyncAppNamespace if client_kind.is_async else apps.AppNamespace
    with pytest.raises(ArgumentError, match=r"app\.log: body takes bytes or text, not dict"):
        client_kind.call(namespace(client_kind.client()._caller).log, body={})


def test_an_optional_argument_that_accepts_null_is_unset_by_default(things: ModuleType) -> None:
    defaults = {p.name: p.default for p in inspect.signature(_update(things)).parameters.values()}
    assert (defaults["due"], defaults["parts"], defaults["mood"]) == (UNSET, None, None)
    assert (defaults["note"], defaults["query_timeout"]) == (inspect.Parameter.empty, inspect.Parameter.empty)
    assert _operation(things).nullable == {"note", "due"}


def test_a_constant_is_its_own_default(things: ModuleType) -> None:
    assert inspect.signature(_update(things)).parameters["kind"].default == "x"


def test_arguments_are_closed_sets_sequences_and_mappings(things: ModuleType) -> None:
    annotations = _update(things).__annotations__
    assert annotations["mood"] == "Literal['bad', 'good'] | None"
    assert annotations["parts"] == "Sequence[Part | JsonMapping] | None"
    assert annotations["due"] == "float | None | Unset"


def test_the_row_of_the_table_matches_the_document(things: ModuleType) -> None:
    operation = _operation(things)
    assert (operation.id, operation.method, operation.path) == (
        "list.thing.update",
        "PATCH",
        "/thing/{thingID}/at/*",
    )
    assert (operation.returns, operation.body) == ("None", "members")
    assert operation.scope is not None
    assert (operation.scope.directory, operation.scope.workspace) == ("directory", None)
    assert (operation.deprecated, operation.repeatable, operation.blocking) == (True, False, False)
    assert operation.errors == {"404": ("Sent",)}


def test_the_docstring_contains_the_documents_texts(things: ModuleType) -> None:
    docstring = inspect.getdoc(_update(things)) or ""
    assert docstring.startswith("Change a thing.\n\nAll at once.\n")
    assert "    mood: How it is.\n" in docstring
    assert "Raises:\n    NotFoundError: 404.\n" in docstring
    assert docstring.endswith("Source: `PATCH /thing/{thingID}/at/{path}`.")


def test_a_method_with_the_name_of_a_type_does_not_hide_the_type(things: ModuleType) -> None:
    above = importlib.import_module(things.__name__.replace("list_thing", "list_"))
    assert above.ListNamespace.list.__annotations__["return"] == "builtins.list[int]"
    assert above.ListNamespace(Caller()).thing.update("t", "a", note="n", query_timeout=1) == "value"
