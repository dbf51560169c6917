"""Calls with wrong arguments raise an error that names the wrong one, the nearest right one and all valid ones."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Callable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Any

import pytest

import opencode_client
from opencode_client import ArgumentError, AsyncOpencodeClient, OpencodeClient, SignatureError, testing
from opencode_client.api.session import AsyncSessionNamespace, SessionNamespace
from opencode_client.calls.namespace import AsyncNamespace, Namespace
from opencode_client.models import FilePartInput, Session, TextPartInput
from opencode_client.signatures import explain_call
from tests.support.both_clients import ClientKind

_RESULTS = frozenset(
    {
        *(
            "AskClosed",
            "AsyncAsks",
            "AsyncManyTurns",
            "AsyncPaginator",
            "AsyncSharedStream",
            "AsyncTurn",
            "Asks",
        ),
        *("AsyncEventStream", "AsyncFilteredStream", "AsyncPtyConnection", "EventStream", "FilteredStream"),
        *(
            "Compacting",
            "ManyTurns",
            "Paginator",
            "PermissionAsk",
            "PtyConnection",
            "PtyControl",
            "QuestionAsk",
        ),
        *(
            "ReasoningDelta",
            "Response",
            "RetryEvent",
            "Retrying",
            "ServerHeartbeat",
            "ServerInfo",
            "SessionSnapshot",
        ),
        *("SharedStream", "StepFinished", "StreamGap", "StreamOverflow", "SubagentChanged", "TextDelta"),
        *(
            "TextReplaced",
            "TodoChanged",
            "Tokens",
            "ToolUpdate",
            "Turn",
            "TurnFinished",
            "TurnGap",
            "TurnOutcome",
        ),
        *(
            "OutgoingRequest",
            "TurnReply",
            "TurnResult",
            "UndecodableEvent",
            "Unknown",
            "UnknownEvent",
            "Unset",
        ),
    }
)
"""Classes that only the package creates."""
_INTERNAL = frozenset({"chunks_of", "take"})
"""Methods that programs do not call."""


def _namespaces(kind: type) -> Iterator[type]:
    yield kind
    for name in dir(kind):
        if isinstance(inspect.getattr_static(kind, name), cached_property) and not name.startswith("_"):
            yield from _namespaces(getattr(kind, name))


def _operations(kind: type) -> list[Callable[..., Any]]:
    base = AsyncNamespace if kind is AsyncOpencodeClient else Namespace
    return [
        member
        for namespace in _namespaces(kind)
        if issubclass(namespace, base)
        for name, member in vars(namespace).items()
        if inspect.isfunction(member) and not name.startswith("_")
    ]


def _handwritten() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions, constructors and methods of public names that have arguments."""
    modules = (opencode_client, testing)
    public = {name: getattr(module, name) for module in modules for name in _names(module)}
    for name, value in public.items():
        if inspect.isfunction(value) and name not in _INTERNAL:
            yield name, value
        if not inspect.isclass(value) or issubclass(value, BaseException) or not hasattr(value, "__mro__"):
            continue
        for one in dir(value):
            member = inspect.getattr_static(value, one)
            is_made = one == "__init__" and name not in _RESULTS
            function = getattr(member, "__func__", member)
            if inspect.isfunction(function) and (is_made or not one.startswith("_")) and one not in _INTERNAL:
                yield f"{name}.{one}", function


def _names(module: ModuleType) -> Iterator[str]:
    yield from getattr(module, "__all__", ())
    for name, value in vars(module).items():
        if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_"):
            yield name


def _call(function: Callable[..., Any], *args: object, **kwargs: object) -> object:
    result = function(*args, **kwargs)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def _takes_names(function: Callable[..., Any]) -> bool:
    parameters = list(inspect.signature(function).parameters.values())
    kinds = {one.kind for one in parameters if one.name not in ("self", "cls")}
    return inspect.Parameter.VAR_KEYWORD not in kinds and bool(kinds - {inspect.Parameter.VAR_POSITIONAL})


@pytest.mark.parametrize("kind", [OpencodeClient, AsyncOpencodeClient])
def test_the_error_of_every_operation_names_an_unknown_argument(kind: type) -> None:
    operations = _operations(kind)
    assert len(operations) > 50
    client = kind("http://127.0.0.1:1")
    for operation in operations:
        owner: Any = inspect.unwrap(operation).__globals__[operation.__qualname__.partition(".")[0]]
        with pytest.raises(ArgumentError, match=r"there is no argument 'no_such'\..* There are: .*headers"):
            _call(operation, owner(client._caller), *["id"] * len(_positional(operation)), no_such=1)


def _positional(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD][1:]


@pytest.mark.parametrize(("name", "function"), [(n, f) for n, f in _handwritten() if _takes_names(f)])
def test_the_error_of_every_handwritten_call_names_an_unknown_argument(
    name: str, function: Callable[..., Any]
) -> None:
    with pytest.raises(SignatureError, match=r"there is no argument 'no_such'\..* There are: "):
        _call(function, no_such=1)


def test_the_message_has_the_method_the_nearest_names_and_all_names(client_kind: ClientKind) -> None:
    client = client_kind.client()
    with pytest.raises(SignatureError) as caught:
        client_kind.call(client.session.get, "ses_1", directry="/repo")
    assert str(caught.value) == (
        "client.session.get: there is no argument 'directry'. Did you mean 'directory'? "
        "There are: session_id, directory, workspace, timeout, headers"
    )


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "missing: session_id, message_id"),
        (("ses_1",), "missing: message_id"),
        (("ses_1", "msg_1", "x"), "3 arguments without a name, but at most 2 can be without"),
    ],
)
def test_missing_and_surplus_arguments_are_named(
    arguments: tuple[str, ...], fault: str, client_kind: ClientKind
) -> None:
    client = client_kind.client()
    with pytest.raises(SignatureError) as caught:
        client_kind.call(client.session.message, *arguments)
    assert str(caught.value) == (
        f"client.session.message: {fault}. The arguments are: session_id, message_id, directory=, workspace=, "
        "timeout=, headers="
    )


def test_an_argument_that_is_passed_twice_is_named(client_kind: ClientKind) -> None:
    client = client_kind.client()
    with pytest.raises(SignatureError, match=r"^client\.session\.get: given twice: session_id\. "):
        client_kind.call(client.session.get, "ses_1", session_id="ses_2")


_NEAR: list[tuple[Callable[[Any], object], str, str, str]] = [
    (lambda it: type(it)(base_ur=""), "OpencodeClient", "base_ur", "base_url"),
    (lambda it: it.with_options(tieout=1), "OpencodeClient.with_options", "tieout", "timeout"),
    (lambda it: it.event.subscribe(directry=""), "event.subscribe", "directry", "directory"),
    (lambda it: it.v2.session.events("ses_1", aftr=1), "v2.session.events", "aftr", "after"),
    (lambda it: it.pty.connect("pty_1", cursr=1), "pty.connect", "cursr", "cursor"),
    (lambda it: it.terminal(comand="sh"), "client.terminal", "comand", "command"),
    (lambda it: it.paginate(it.session.messages, limt=1), "client.session.messages", "limt", "limit"),
    (lambda it: it.event.subscribe().filter(children_=1), "EventStream.filter", "children_", "children"),
]


@pytest.mark.parametrize(("call", "label", "wrong", "right"), _NEAR)
def test_a_near_name_is_suggested(
    call: Callable[[Any], object], label: str, wrong: str, right: str, client_kind: ClientKind
) -> None:
    with pytest.raises(SignatureError) as caught:
        call(client_kind.client())
    assert f"{label}: there is no argument {wrong!r}. Did you mean {right!r}" in str(caught.value)


def test_the_errors_of_models_name_their_members() -> None:
    make: Any = TextPartInput
    with pytest.raises(
        SignatureError, match=r"^TextPartInput: there is no argument 'txt'. Did you mean 'text'?"
    ):
        make(txt="hi")
    with pytest.raises(SignatureError, match=r"^TextPartInput: missing: text. "):
        make()
    load: Any = FilePartInput
    with pytest.raises(SignatureError, match=r"^FilePartInput.from_path: there is no argument 'max_byte'."):
        load.from_path("a", max_byte=1)
    read: Any = Session
    with pytest.raises(SignatureError, match=r"^Session.from_dict: there is no argument 'stric'."):
        read.from_dict({}, stric=True)


def test_the_error_is_a_type_error_and_contains_no_values() -> None:
    make: Any = OpencodeClient
    with pytest.raises(TypeError) as caught:
        make(pasword="".join(["s3", "cret"]))
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("is_async", [False, True])
def test_a_type_error_from_inside_a_call_is_unchanged(is_async: bool) -> None:
    def broken(*, value: object) -> object:
        return sum(value)  # type: ignore[call-overload] # it raises TypeError

    async def broken_async(*, value: object) -> object:
        return broken(value=value)

    with pytest.raises(TypeError) as caught:
        _call(explain_call(broken_async if is_async else broken), value=1)
    assert not isinstance(caught.value, SignatureError)


def test_signatures_are_unchanged() -> None:
    assert list(inspect.signature(SessionNamespace.get).parameters)[:2] == ["self", "session_id"]
    assert inspect.iscoroutinefunction(AsyncSessionNamespace.get)
    assert not inspect.iscoroutinefunction(SessionNamespace.get)
    assert inspect.signature(TextPartInput).parameters.keys() >= {"text", "type"}
