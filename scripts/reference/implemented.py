"""Operations that the client has a method for, read from the package itself, never from a document.

An operation is implemented when a method of a namespace of `OpencodeClient` uses an `Operation` with that METHOD and
path. Names in braces do not matter: they are not sent.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any, TypeGuard

from attrs import frozen

from opencode_client import AsyncOpencodeClient, OpencodeClient
from opencode_client.calls.operation import Operation
from scripts.render.text import filled

_NAMES_IN_BRACES = re.compile(r"\{[^}]*\}")
_LOOPBACK = "http://127.0.0.1:4096"
_WIDTH = 100

Key = tuple[str, str]


@frozen
class Method:
    """A method of a client: its name under the client, its file and line, its function."""

    name: str
    file: Path
    line: int
    function: Callable[..., object]
    operation: Operation[Any]  # Any: its result type does not matter here

    @property
    def awaited(self) -> bool:
        """Return True for a coroutine; streams and terminals are context managers instead."""
        return inspect.iscoroutinefunction(self.function)

    def signature(self) -> str:
        """The call with all its arguments, as in the code."""
        signature = inspect.signature(self.function)
        shown = [_argument(parameter) for parameter in self._parameters()]
        named = [p.kind is p.KEYWORD_ONLY for p in self._parameters()]
        if True in named:
            shown.insert(named.index(True), "*")
        returns = f" -> {_annotation(signature.return_annotation)}"
        line = f"client.{self.name}({', '.join(shown)}){returns}"
        if len(line) <= _WIDTH:
            return line
        arguments = "".join(f"    {argument},\n" for argument in shown)
        return f"client.{self.name}(\n{arguments}){returns}"

    def call(self) -> str:
        """The shortest call: only required arguments."""
        required = [p for p in self._parameters() if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
        shown = [f"{p.name}=..." if p.kind is p.KEYWORD_ONLY else p.name for p in required]
        return f"client.{self.name}({', '.join(shown)})"

    def _parameters(self) -> list[inspect.Parameter]:
        return [p for name, p in inspect.signature(self.function).parameters.items() if name != "self"]


def _argument(parameter: inspect.Parameter) -> str:
    stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    text = f"{stars}{parameter.name}: {_annotation(parameter.annotation)}{default}"
    return "\n        | ".join(filled(text.split(" | "), " | ", _WIDTH - 12))


def _annotation(annotation: object) -> str:
    return str(annotation).replace("builtins.", "")


@frozen
class Implementation:
    """The methods for one operation: of `OpencodeClient` and of `AsyncOpencodeClient`."""

    sync: Method
    twin: Method | None


def key(method: str, path: str) -> Key:
    """The key of an operation: method and path, without names in braces."""
    return method.upper(), _NAMES_IN_BRACES.sub("{}", path)


def implementations() -> dict[Key, Implementation]:
    """Return {(METHOD, path): methods} for every method of the clients."""
    twins = {key(m.operation.method, m.operation.path): m for m in _methods(AsyncOpencodeClient(_LOOPBACK))}
    found: dict[Key, Implementation] = {}
    with OpencodeClient(_LOOPBACK) as client:
        for method in _methods(client):
            wire = key(method.operation.method, method.operation.path)
            found[wire] = Implementation(method, twins.get(wire))
    return found


def _methods(holder: object, above: str = "") -> Iterator[Method]:
    """Every method of an operation under a client or a namespace, depth first."""
    members = {name: member for base in reversed(type(holder).__mro__) for name, member in vars(base).items()}
    for name, member in sorted(members.items(), key=lambda item: item[0]):
        if name.startswith("_"):
            continue
        if isinstance(member, cached_property):
            yield from _methods(getattr(holder, name), f"{above}{name}.")
        elif isinstance(member, FunctionType) and above:
            function = inspect.unwrap(member)
            operation = _operation_of(function)
            if operation is not None:
                code = function.__code__
                yield Method(above + name, Path(code.co_filename), code.co_firstlineno, member, operation)


def _operation_of(function: Any) -> Operation[Any] | None:  # Any: a function
    """The `Operation` that the method's code uses."""
    named = (function.__globals__.get(name) for name in function.__code__.co_names)
    return next((value for value in named if _is_operation(value)), None)


def _is_operation(value: object) -> TypeGuard[Operation[Any]]:  # Any: as above
    return isinstance(value, Operation)
