"""Test programs that use an OpenCode server: a fake server; a scripted model for a real one; partial models.

`FakeServer` behaves like a server, without opencode and without a model. `ScriptedModel` is a model on this machine,
with which a real server runs whole turns offline. Both take the same `Reply` and `ToolCall`.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..decoding.shapes import no_warnings
from ..errors import ArgumentError
from ..model import JsonObject, OpencodeModel, UnionReader, is_array, is_object, layout_of
from ..signatures import explain_call
from .replies import MODEL, Reply, Script, ToolCall

if TYPE_CHECKING:
    from .fake_calls import FakeCall
    from .fake_server import FakeServer
    from .scripted_model import ScriptedModel
    from .terminals import FakeTerminal

__all__ = [
    "MODEL",
    "FakeCall",
    "FakeServer",
    "FakeTerminal",
    "Reply",
    "Script",
    "ScriptedModel",
    "ToolCall",
    "partial",
]

_LAZY = {
    "FakeCall": "fake_calls",
    "FakeServer": "fake_server",
    "FakeTerminal": "terminals",
    "ScriptedModel": "scripted_model",
}
"""Names whose modules are imported when they are first used."""

_SIMILAR = 0.8
"""The similarity of a misspelt name. Less similar names are members of a newer server."""

M = TypeVar("M", bound=OpencodeModel)
T = TypeVar("T")


def __getattr__(name: str) -> Any:  # Any: a class of another module
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    return value


@overload
def partial(model: type[M], data: JsonObject) -> M: ...
@overload
def partial(model: UnionReader[T], data: JsonObject) -> T: ...
@explain_call
def partial(model: type[M] | UnionReader[T], data: JsonObject) -> M | T:
    """Return a model for a test from some of its members. It is read like by `from_dict`, but without warnings.

    Members that are left out are None, even if they are required.

    Args:
        model: Class of the model, or the reader of a union, such as `read_event`.
        data: JSON object with the server's names.

    Raises:
        ArgumentError: `model` or `data` is something else, or `data` has a misspelt name, or a Python name in place
            of the server's.
    """
    if not _is_readable(model):
        raise ArgumentError(
            f"partial takes the class of a model, or the reader of a union, not {model!r:.60}"
        )
    if not is_object(data):
        raise ArgumentError(f"partial takes a JSON object as data, not {data!r:.60}")
    with no_warnings():
        result = model.read(data) if isinstance(model, UnionReader) else model.from_dict(data)
    _check_names(result)
    return result


def _is_readable(model: object) -> bool:
    return isinstance(model, UnionReader) or (isinstance(model, type) and issubclass(model, OpencodeModel))


def _check_names(value: object) -> None:
    """Raise ArgumentError if a member in `value` has its Python name, or is misspelt: it was read as unknown."""
    if isinstance(value, OpencodeModel):
        cls, given = type(value), value.raw_ or {}
        left_out = [wire_name for _, wire_name, *_ in layout_of(cls) if wire_name not in given]
        for name, wire_name, *_ in layout_of(cls):
            if name != wire_name and name in given:
                raise ArgumentError(
                    f"partial: {cls.__name__} takes the server's name {wire_name!r}, not {name!r}"
                )
            _check_names(getattr(value, name))
        for name in value.additional_properties:
            if close := get_close_matches(name, left_out, n=1, cutoff=_SIMILAR):
                raise ArgumentError(
                    f"partial: {cls.__name__} has no member {name!r}. Did you mean {close[0]!r}?"
                )
    for one in value if is_array(value) else value.values() if is_object(value) else ():
        _check_names(one)
