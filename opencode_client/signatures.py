"""Raise `SignatureError` for a call with wrong arguments. It names the wrong one and lists the valid ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import CO_COROUTINE, Parameter, signature
from types import FunctionType
from typing import Any, TypeVar

from .errors import SignatureError

F = TypeVar("F", bound=Callable[..., Any])  # Any: every function
C = TypeVar("C", bound=type[Any])  # Any: every class

_COPIED = ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__")


def explain_calls(cls: C) -> C:
    """Decorate a class: its constructor and its public methods raise SignatureError."""
    for name, member in list(vars(cls).items()):
        function = getattr(member, "__func__", member)  # of a class method
        if isinstance(function, FunctionType) and (name == "__init__" or not name.startswith("_")):
            explained = explain_call(function)
            setattr(cls, name, explained if function is member else type(member)(explained))
    return cls


def explain_call(function: F) -> F:
    """Decorate a function: it raises SignatureError if its arguments do not fit."""
    # Only a wrapper can catch Python's error. A parameter `**unknown` would be cheaper, but it would be in every
    # signature, and `create_autospec` would accept every name.
    called: Any = function  # Any: as above

    async def explained_async(*args: Any, **kwargs: Any) -> Any:  # Any: those of the function
        try:
            return await called(*args, **kwargs)
        except TypeError as error:
            _explain(called, args, kwargs, error)
            raise

    def explained(*args: Any, **kwargs: Any) -> Any:  # Any: as above
        try:
            return called(*args, **kwargs)
        except TypeError as error:
            _explain(called, args, kwargs, error)
            raise

    is_async = called.__code__.co_flags & CO_COROUTINE
    result: Any = explained_async if is_async else explained
    for name in _COPIED:  # functools.wraps takes twice as long
        setattr(result, name, getattr(called, name))
    result.__wrapped__ = called
    return result  # type: ignore[no-any-return] # it has the function's signature


def wrong_name(label: str, wrong: str, known: Iterable[str]) -> SignatureError:
    """Return the error for an argument that `label`, a function or an operation, does not have."""
    from difflib import get_close_matches

    names = list(known)
    close = get_close_matches(wrong, names) or [name for name in names if len(wrong) > 2 and wrong in name]
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return SignatureError(f"{label}: there is no argument {wrong!r}.{hint} There are: {', '.join(names)}")


def _explain(
    function: Callable[..., Any], args: tuple[object, ...], kwargs: Mapping[str, object], error: TypeError
) -> None:  # Any: every function
    """Raise SignatureError if Python could not call the function. An error from inside it has one more frame."""
    if error.__traceback__ is None or error.__traceback__.tb_next is not None:
        return
    parameters = [
        one
        for one in signature(function).parameters.values()
        if one.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]
    label = function.__name__
    if parameters and parameters[0].name in ("self", "cls"):
        label = _method_label(function, args[0] if args else None)
        parameters, args = parameters[1:], args[1:]
    names = [one.name for one in parameters]
    several = [
        f"*{one.name}"
        for one in signature(function).parameters.values()
        if one.kind is Parameter.VAR_POSITIONAL
    ]
    for name in kwargs:
        if name not in names:
            raise wrong_name(label, name, [*several, *names]) from error
    shown = [f"{one.name}=" if one.kind is Parameter.KEYWORD_ONLY else one.name for one in parameters]
    fault = _fault(parameters, len(args), kwargs)
    raise SignatureError(f"{label}: {fault}. The arguments are: {', '.join(shown)}") from error


def _fault(parameters: list[Parameter], given: int, kwargs: Mapping[str, object]) -> str:
    """Describe the error of a call with `given` positional arguments. All names in `kwargs` exist."""
    unnamed = [one.name for one in parameters if one.kind is not Parameter.KEYWORD_ONLY]
    if given > len(unnamed):
        return f"{given} arguments without a name, but at most {len(unnamed)} can be without"
    twice = [name for name in unnamed[:given] if name in kwargs]
    if twice:
        return f"given twice: {', '.join(twice)}"
    required = [one.name for one in parameters if one.default is Parameter.empty]
    return f"missing: {', '.join(name for name in required if name not in {*kwargs, *unnamed[:given]})}"


def _method_label(function: Callable[..., Any], owner: object) -> str:  # Any: every function
    """Return the name of a method as its users write it: `client.session.list`, `EventStream.filter`."""
    cls = owner if isinstance(owner, type) else type(owner)
    path: str | None = getattr(cls, "_attribute_path", None)
    name = f"client.{path}" if path else cls.__name__
    return name if function.__name__ == "__init__" else f"{name}.{function.__name__}"
