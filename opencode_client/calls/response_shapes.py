"""Answers that straight-line reading is not enough for: strict ones, maps and unions, and the bodies of errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import fields

from ..decoding.annotations import shape_of
from ..decoding.shapes import ModelOf, Shape, Tagged, json_type
from ..errors import ResponseDecodeError
from ..model import OpencodeModel, reader_of
from .operation import Operation
from .response import MODELS


def read_by_shape(
    operation: Operation[Any], data: Any, *, strict: bool
) -> Any:  # Any: JSON, `operation.returns`
    """The value of an answer.

    Raises:
        ResponseDecodeError: it is not of the documented kind; with `strict`, anything not as documented.
    """
    shape = shape_of(MODELS, operation.returns)
    if strict:
        shape.check(data, "$", operation.id)
    elif not _fits(shape, data):
        raise ResponseDecodeError(operation.id, "$", shape.expected, json_type(data))
    return shape.read(data, (operation.id, ""))


def reader_of_shape(annotation: str) -> Callable[[Any], Any]:
    """What reads one value of a type that the models name, without ado: for streams, which read many."""
    shape = shape_of(MODELS, annotation)
    if isinstance(shape, Tagged):
        read: Callable[[Any], Any] = shape.union.read
        return read
    if isinstance(shape, ModelOf):
        return reader_of(shape.model) or shape.model.from_dict
    return partial(shape.read, where=(annotation, ""))


def _fits(shape: Shape, data: object) -> bool:
    return json_type(data) in shape.expected.split(" or ") or shape.fits(data)


def documented_error(
    operation: Operation[Any], status: int, data: object
) -> Any:  # Any: one of several models
    """The first documented model that the body is; None for the many shapes that no document has."""
    for name in operation.errors.get(str(status), ()):
        shape = shape_of(MODELS, name)
        try:
            shape.check(data, "$", name)
            model = shape.read(data, (name, ""))
        except (ResponseDecodeError, RecursionError):
            continue
        if isinstance(model, OpencodeModel) and _has_its_constants(model):
            return model
    return None


def _has_its_constants(model: OpencodeModel) -> bool:
    """Whether the members of one value have it: reading takes any, but they tell error bodies apart."""
    constants = (member for member in fields(type(model)) if member.init and isinstance(member.default, str))
    return all(getattr(model, member.name) == member.default for member in constants)
