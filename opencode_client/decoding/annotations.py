"""Read and check models by the annotations of their members.

Generated readers handle data that matches the document. This module handles all other data. Lenient reading keeps
everything and logs warnings. Strict reading raises an error with the JSON path.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from inspect import get_annotations
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

from ..errors import ResponseDecodeError
from ..model import OpencodeModel, UnionReader, Unknown, is_object, layout_of, reader_of
from .shapes import BUILTIN, Constant, ListOf, MapOf, OneOf, Shape, Where, json_type, step, warn_once

if TYPE_CHECKING:
    from .unions import Variants

M = TypeVar("M", bound=OpencodeModel)


def read_by_annotations(cls: type[M], data: Any) -> M:  # Any: JSON of any kind
    """Return a model with everything in `data`. A missing required member reads as None, with one warning.

    Raises:
        ResponseDecodeError: `data` is not an object.
    """
    if not is_object(data):
        raise ResponseDecodeError(cls.__name__, "$", "object", json_type(data))
    self = cls.__new__(cls)
    self.raw_ = data
    for member in members(cls):
        where = (cls.__name__, member.name)
        value = data.get(member.wire)
        if value is not None:
            value = member.shape.read(value, where)
        elif member.required and not (member.wire in data and member.shape.fits(None)):
            warn_once(where, "null" if member.wire in data else "missing", member.shape.expected)
        setattr(self, member.name, value)
    return self


@frozen
class Member:
    """One member of a class, as its annotation describes it. `wire` is its name in JSON."""

    name: str
    wire: str
    required: bool
    shape: Shape


_members: dict[type[OpencodeModel], tuple[Member, ...]] = {}


def members(cls: type[OpencodeModel]) -> tuple[Member, ...]:
    """Return the members of a class. A default of None makes a member optional; any other default is a constant."""
    found = _members.get(cls)
    if found is None:
        generated = next((base for base in cls.__mro__ if reader_of(base)), cls)
        package = generated.__module__.rpartition(".")[0]
        found = _members[cls] = tuple(
            Member(name, wire, field.default is not None, shape_of(package, str(field.type)))
            for name, wire, _, field in layout_of(cls)
        )
    return found


def read_shared(variant: Unknown, name: str) -> Any:  # Any: its annotation has the type
    """Return a member of an unknown variant; None where it is missing or of another kind.

    Raises:
        AttributeError: its class has no such member.
    """
    wire_names = type(variant)._wire_names  # pyright: ignore[reportPrivateUsage] # of this package
    for cls in type(variant).__mro__:
        annotation = get_annotations(cls).get(name)
        if annotation is not None:
            wire = wire_names.get(name, name)
            value = variant.raw_.get(wire) if is_object(variant.raw_) else None
            shape = shape_of(cls.__module__.rpartition(".")[0], annotation)
            return shape.read(value, (cls.__name__, name)) if shape.fits(value) else None
    raise AttributeError(f"{type(variant).__name__!r} object has no attribute {name!r}")


@frozen
class ModelOf(Shape):
    """A model."""

    model: type[OpencodeModel]
    expected: str = "object"

    def fits(self, value: Any) -> bool:
        return is_object(value) and all(
            member.wire in value for member in members(self.model) if member.required
        )

    def read(self, value: Any, where: Where) -> Any:
        return self.model.from_dict(value) if is_object(value) else super().read(value, where)

    def check(self, value: Any, path: str, model: str) -> None:
        if not is_object(value):
            raise ResponseDecodeError(model, path, "object", json_type(value))
        for member in members(self.model):
            place = step(path, member.wire)
            if member.wire not in value:
                if member.required:
                    raise ResponseDecodeError(model, place, member.shape.expected, "nothing")
            else:
                member.shape.check(value[member.wire], place, model)

    def count_unknown(self, value: Any) -> int:
        known = {member.wire: member.shape for member in members(self.model)}
        return sum(name not in known or not known[name].is_listed(one) for name, one in value.items())


@frozen
class Tagged(Shape):
    """A union with a tag. An unknown tag is not an error."""

    union: Variants[Any]
    expected: str = "object"

    def read(self, value: Any, where: Where) -> Any:
        return self.union.read(value)

    def check(self, value: Any, path: str, model: str) -> None:
        super().check(value, path, model)
        kinds = dict.fromkeys(json_type(known) for known in self.union.table)
        tag = value.get(self.union.tag)
        if json_type(tag) not in kinds and not (tag is None and self.union.otherwise):
            got = json_type(tag) if self.union.tag in value else "nothing"
            raise ResponseDecodeError(model, step(path, self.union.tag), " or ".join(kinds), got)
        variant = self.union.read(value)
        if isinstance(variant, OpencodeModel):
            ModelOf(type(variant)).check(value, path, model)


@cache
def shape_of(package: str, annotation: str) -> Shape:
    """Return the shape that an annotation of the models in `package` describes."""
    return _shape(ast.parse(annotation, mode="eval").body, package)


def _shape(node: ast.expr, package: str) -> Shape:
    match node:
        case ast.Constant(value=None):
            return BUILTIN["None"]
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return BUILTIN.get(name) or _named(name, package)
        case ast.BinOp(left=left, right=right):
            first = _shape(left, package)
            options = first.shapes if isinstance(first, OneOf) else (first,)
            return OneOf((*options, _shape(right, package)))
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal"), slice=inside):
            values = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            return Constant(tuple(map(ast.literal_eval, values)))
        case ast.Subscript(slice=ast.Tuple(elts=[_, value])):
            return MapOf(_shape(value, package))
        case ast.Subscript(slice=item):
            return ListOf(_shape(item, package))
        case _:
            raise AssertionError(f"no shape for {ast.unparse(node)}")


def _named(name: str, package: str) -> Shape:
    """Return the shape of a class or a union. A union has a reader; its alias would import every variant."""
    module: ModuleType = sys.modules[package].module_of(name)
    for reader in vars(module).values():
        if isinstance(reader, UnionReader) and reader.name == name:
            return reader.shape()
    return ModelOf(getattr(module, name))
