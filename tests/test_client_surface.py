"""The sync and the async classes have the same names, with the same parameters in the same order."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opencode_client import (
    AsyncEventStream,
    AsyncFilteredStream,
    AsyncOpencodeClient,
    AsyncPaginator,
    AsyncPtyConnection,
    AsyncSharedStream,
    EventStream,
    FilteredStream,
    OpencodeClient,
    Paginator,
    PtyConnection,
    SharedStream,
    misuse,
)
from opencode_client.calls.namespace import AsyncNamespace, Namespace
from opencode_client.streams.async_shared_stream import AsyncSubscription
from opencode_client.streams.shared_stream import Subscription
from scripts.recordings import DOCUMENTED, document

_SYNC_NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
_PROTOCOLS = frozenset({"__init__", "__repr__", "__call__", "__len__", *_SYNC_NAMES.values()})

_CLASSES = [
    (EventStream, AsyncEventStream),
    (FilteredStream, AsyncFilteredStream),
    (SharedStream, AsyncSharedStream),
    (Subscription, AsyncSubscription),
    (PtyConnection, AsyncPtyConnection),
    (Paginator, AsyncPaginator),
]


def _surface(kind: type) -> dict[str, object]:
    """Return the form of each public member of a class, by the name that the sync class has for it."""
    names = {name: _SYNC_NAMES.get(name, name) for name in dir(kind)}
    return {
        sync_name: _form(inspect.getattr_static(kind, name))
        for name, sync_name in names.items()
        if (sync_name in _PROTOCOLS or not name.startswith("_"))
        and name != "aclose"  # for contextlib.aclosing
        and getattr(getattr(kind, name), "__module__", "") != misuse.__name__
    }


def _form(member: Any) -> object:  # Any: a member of any kind
    """Return the parameters of a function, and the kind of any other member."""
    kind = type(member).__name__
    function = getattr(member, "__func__", member)  # of a class method
    return (kind, _parameters(function)) if inspect.isfunction(function) else kind


def _parameters(function: Callable[..., object]) -> list[tuple[str, str, object]]:
    parameters = inspect.signature(function).parameters.values()
    return [(one.name, one.kind.name, one.default) for one in parameters]


def _namespaces(client: Any) -> Iterator[tuple[str, Any]]:  # Any: either client, or one of its namespaces
    """Yield each namespace of a client with its path, such as `v2.session`, at any depth."""
    for name in dir(client.__class__):
        if not name.startswith("_") and isinstance(
            namespace := getattr(client, name), Namespace | AsyncNamespace
        ):
            yield name, namespace
            yield from ((f"{name}.{path}", below) for path, below in _namespaces(namespace))


def _client_surface(client: OpencodeClient | AsyncOpencodeClient) -> dict[str, object]:
    found: dict[str, object] = dict(_surface(type(client)))
    for path, namespace in _namespaces(client):
        found |= {f"{path}.{name}": form for name, form in _surface(namespace.__class__).items()}
    return found


def test_both_clients_have_the_same_members_with_the_same_parameters() -> None:
    assert _client_surface(OpencodeClient()) == _client_surface(AsyncOpencodeClient())


@pytest.mark.parametrize(
    "path",
    ["session.prompt", "v2.session.list", "v2.session.revert.stage", "provider.oauth.authorize", "resync"],
)
def test_the_comparison_reaches_namespaces_of_any_depth(path: str) -> None:
    assert path in _client_surface(OpencodeClient())


@pytest.mark.parametrize(("sync_class", "async_class"), _CLASSES, ids=lambda kind: kind.__name__)
def test_sync_and_async_classes_have_the_same_members_with_the_same_parameters(
    sync_class: type, async_class: type
) -> None:
    assert _surface(sync_class) == _surface(async_class)


class _Sync:
    def one(self, a: int, *, b: int = 1) -> None: ...


class _OtherDefault:
    async def one(self, a: int, *, b: int = 2) -> None: ...


class _OtherKind:
    async def one(self, a: int, b: int = 1) -> None: ...


class _OtherName:
    async def two(self, a: int, *, b: int = 1) -> None: ...


class _Same:
    async def one(self, a: int, *, b: int = 1) -> None: ...


@pytest.mark.parametrize("other", [_OtherDefault, _OtherKind, _OtherName])
def test_the_comparison_finds_each_difference(other: type) -> None:
    assert _surface(_Sync) != _surface(other)


def test_the_comparison_accepts_an_awaited_twin() -> None:
    assert _surface(_Sync) == _surface(_Same)


def test_every_argument_of_an_operation_has_a_line_in_its_docstring() -> None:
    silent = {"self", "timeout", "headers", "options"}  # docs/client.md and docs/events.md have these
    silent |= {
        "level",
        "log_level",
        "layout",
    }  # enums: the pipeline makes them components without their texts
    from scripts.documents import operations  # imports the generator: 0.2 s in each worker

    documented = {f"Source: `{method} {path}`" for method, path in operations(document(DOCUMENTED[-1]))}
    for path, namespace in _namespaces(OpencodeClient()):
        for name, method in inspect.getmembers(namespace.__class__, inspect.isfunction):
            text = inspect.getdoc(method) or ""
            if any(source in text for source in documented):  # others are of servers that are newer
                missing = [one for one in inspect.signature(method).parameters if f"    {one}: " not in text]
                assert set(missing) <= silent, f"client.{path}.{name}"
