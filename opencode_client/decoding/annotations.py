"""Reading what is not as the document says: leniently, keeping everything, or strictly, naming the place.

Rests on the annotations of the models: they are the only description of a member there is at run time.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, TypeVar

from attrs import fields, frozen

from ..errors import ResponseDecodeError
from ..model import OpencodeModel, is_object, reader_of
from .shapes import (
    Anything,
    Constant,
    ListOf,
    MapOf,
    ModelOf,
    Named,
    OneOf,
    Scalar,
    Shape,
    Tagged,
    json_type,
    step,
    warn_once,
)
from .unions import UntaggedUnion, Variants

M = TypeVar("M", bound=OpencodeModel)


def read_by_annotations(cls: type[M], data: Any) -> M:  # Any: whatever came
    """An instance with everything that `data` has; what is missing reads as None, with one warning per member.

    Raises:
        ResponseDecodeError: `data` is no object.
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
        elif member.required and not (member.nullable and member.wire in data):
            warn_once(where, "null" if member.wire in data else "missing", member.shape.expected)
        setattr(self, member.name, value)
    return self


def check_model(
    cls: type[OpencodeModel], data: Any, path: str = "$", root: str = ""
) -> None:  # Any: whatever came
    """Nothing, if `data`, at `path` of what `root` reads, is as the document says `cls` is.

    Raises:
        ResponseDecodeError: with the JSON path of the first member that is not.
    """
    root = root or cls.__name__
    if not is_object(data):
        raise ResponseDecodeError(root, path, "object", json_type(data))
    for member in members(cls):
        place = step(path, member.wire)
        if member.wire not in data:
            if member.required:
                raise ResponseDecodeError(root, place, member.shape.expected, "nothing")
        elif data[member.wire] is not None or not member.nullable:
            member.shape.check(data[member.wire], place, root)


@frozen
class Member:
    """One member of a class, as its annotation says."""

    name: str
    wire: str
    required: bool
    nullable: bool
    shape: Shape


_members: dict[type[OpencodeModel], tuple[Member, ...]] = {}  # by class, made when first needed


def members(cls: type[OpencodeModel]) -> tuple[Member, ...]:
    """The members of a class. A constant's default does not make it optional; None does."""
    known = _members.get(cls)
    if known is None:
        known = _members[cls] = _members_of(cls)
    return known


def _members_of(cls: type[OpencodeModel]) -> tuple[Member, ...]:
    wire_names = cls._wire_names  # pyright: ignore[reportPrivateUsage] # only reading asks for it
    package = next((base for base in cls.__mro__ if reader_of(base)), cls).__module__.rpartition(".")[0]
    found: list[Member] = []
    for field in fields(cls):
        if field.init:
            shape = shape_of(package, str(field.type))
            nullable = isinstance(shape, Anything) or (
                isinstance(shape, OneOf) and Scalar("None") in shape.shapes
            )
            wire = wire_names.get(field.name) or field.name
            found.append(Member(field.name, wire, field.default is not None, nullable, shape))
    return tuple(found)


@cache
def shape_of(package: str, annotation: str) -> Shape:
    """The shape that an annotation of the models in `package` describes."""
    return _shape(ast.parse(annotation, mode="eval").body, package)


def _shape(node: ast.expr, package: str) -> Shape:
    match node:
        case ast.Constant(value=None):
            return Scalar("None")
        case ast.Name(id="Any"):
            return Anything()
        case ast.Name(id="JsonObject"):
            return MapOf(Anything())
        case ast.Name(id="str" | "int" | "float" | "bool" as kind) | ast.Attribute(attr=kind):
            return Scalar(kind)
        case ast.Name(id=name):
            return _named(name, package)
        case ast.BinOp():
            return OneOf(tuple(_shape(option, package) for option in _options(node)))
        case ast.Subscript(value=ast.Name(id=kind) | ast.Attribute(attr=kind), slice=inside):
            return _subscripted(kind, inside, package)
        case _:
            raise AssertionError(f"no shape for {ast.unparse(node)}")


def _options(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from _options(node.left)
        yield from _options(node.right)
    else:
        yield node


def _subscripted(kind: str, inside: ast.expr, package: str) -> Shape:
    if kind == "Literal":
        options = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        return Constant(tuple(ast.literal_eval(option) for option in options))
    if kind == "list":
        return ListOf(_shape(inside, package))
    value = inside.elts[1] if isinstance(inside, ast.Tuple) else inside
    return MapOf(_shape(value, package))


def _named(name: str, package: str) -> Shape:
    """Return the shape of a class or union; it looks for the reader, as the alias would import every variant."""
    module: ModuleType = sys.modules[package].module_of(name)
    readers: list[Variants[Any] | UntaggedUnion[Any]] = [
        v for v in vars(module).values() if isinstance(v, Variants | UntaggedUnion)
    ]
    for reader in readers:
        if reader.name == name:
            return Tagged(reader) if isinstance(reader, Variants) else Named(package, reader.expression)
    return ModelOf(getattr(module, name))
