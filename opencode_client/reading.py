"""Reading what is not as the document says: leniently, keeping everything, or strictly, naming the place.

Rests on the annotations of the models: they are the only description of a member there is at run time.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Protocol, TypeVar

from attrs import fields, frozen

from opencode_client.errors import ResponseDecodeError
from opencode_client.model import OpencodeModel, is_array, is_object
from opencode_client.variants import Mixed, Variants

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=OpencodeModel)
Where = tuple[str, str]
"""The class and the member that are being read, for warnings."""

_NAMES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "None": "null"}
_warned: set[Where] = set()  # bounded by the members of all models


def read_model(cls: type[M], data: Any) -> M:  # Any: whatever came
    """An instance with everything that `data` has; what is missing reads as None, with one warning per member.

    Raises:
        ResponseDecodeError: `data` is no object.
    """
    if not is_object(data):
        raise ResponseDecodeError(cls.__name__, "$", "object", json_type(data))
    self = cls.__new__(cls)
    self._raw = data  # pyright: ignore[reportPrivateUsage] # the one place outside that fills a model in
    for member in members(cls):
        where = (cls.__name__, member.name)
        value = data.get(member.wire)
        if value is not None:
            value = member.shape.read(value, where)
        elif member.required and not (member.nullable and member.wire in data):
            warn_once(where, "null" if member.wire in data else "missing")
        setattr(self, member.name, value)
    return self


def check_model(cls: type[OpencodeModel], data: Any, path: str = "$") -> None:  # Any: whatever came
    """Nothing, if `data` is as the document says `cls` is.

    Raises:
        ResponseDecodeError: with the JSON path of the first member that is not.
    """
    if not is_object(data):
        raise ResponseDecodeError(cls.__name__, path, "object", json_type(data))
    for member in members(cls):
        place = step(path, member.wire)
        if member.wire not in data:
            if member.required:
                raise ResponseDecodeError(cls.__name__, place, member.shape.expected, "nothing")
        elif data[member.wire] is not None or not member.nullable:
            member.shape.check(data[member.wire], place, cls.__name__)


def warn_once(where: Where, found: str) -> None:
    """One line per class and member: what a newer or older server sends otherwise than documented."""
    if where not in _warned:
        _warned.add(where)
        logger.warning("%s.%s: the server sent %s; see strict=True for the place", *where, found)


def json_type(value: object) -> str:
    """What JSON calls the type of `value`."""
    if is_object(value):
        return "object"
    if is_array(value):
        return "array"
    return (
        "number"
        if type(value) in (int, float)
        else _NAMES.get(type(value).__name__.replace("NoneType", "None"), "?")
    )


def step(path: str, key: str | int) -> str:
    """The JSON path one deeper: `$.parts[3].state`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{ascii(key)}]"


class Shape(Protocol):
    """One kind of value."""

    @property
    def expected(self) -> str:
        """What an error says was expected."""
        ...

    def fits(self, value: Any) -> bool:
        """Whether `value` is of this kind, looked at from outside."""
        ...

    def read(self, value: Any, where: Where) -> Any:
        """`value` read; unread, with a warning, where it is of another kind."""
        ...

    def check(self, value: Any, path: str, model: str) -> None:
        """Raise ResponseDecodeError unless `value` is of this kind all the way down."""
        ...


class _Checked:
    """What shapes share: the check that nothing below needs."""

    expected: str

    def fits(self, value: Any) -> bool:
        raise NotImplementedError

    def read(self, value: Any, where: Where) -> Any:
        if not self.fits(value):
            warn_once(where, json_type(value))
        return value

    def check(self, value: Any, path: str, model: str) -> None:
        if not self.fits(value):
            raise ResponseDecodeError(model, path, self.expected, json_type(value))


@frozen
class Anything(_Checked):
    """Any JSON."""

    expected: str = "anything"

    def fits(self, value: Any) -> bool:
        return True


@frozen
class Scalar(_Checked):
    """Text, a number, a boolean or null; an integer may come as 1.0, a boolean is no number."""

    kind: str

    @property
    def expected(self) -> str:  # type: ignore[override] # read-only here, and nobody writes it
        return _NAMES[self.kind]

    def fits(self, value: Any) -> bool:
        match self.kind:
            case "str":
                return isinstance(value, str)
            case "bool":
                return isinstance(value, bool)
            case "None":
                return value is None
            case "int":
                return (type(value) is int) or (type(value) is float and value.is_integer())
            case _:
                return type(value) in (int, float)


@frozen
class Constant(_Checked):
    """One of a few values."""

    values: tuple[str | int | bool, ...]

    @property
    def expected(self) -> str:  # type: ignore[override] # read-only here, and nobody writes it
        return " or ".join(ascii(value) for value in self.values)

    def fits(self, value: Any) -> bool:
        return any(type(value) is type(known) and value == known for known in self.values)


@frozen
class ListOf(_Checked):
    """An array whose items are of one shape."""

    item: Shape
    expected: str = "array"

    def fits(self, value: Any) -> bool:
        return is_array(value)

    def read(self, value: Any, where: Where) -> Any:
        if not is_array(value):
            return super().read(value, where)
        return [self.item.read(item, where) for item in value]

    def check(self, value: Any, path: str, model: str) -> None:
        super().check(value, path, model)
        for index, item in enumerate(value):
            self.item.check(item, step(path, index), model)


@frozen
class MapOf(_Checked):
    """An object with any names, whose values are of one shape."""

    value: Shape
    expected: str = "object"

    def fits(self, value: Any) -> bool:
        return is_object(value)

    def read(self, value: Any, where: Where) -> Any:
        if not is_object(value):
            return super().read(value, where)
        return {key: self.value.read(item, where) for key, item in value.items()}

    def check(self, value: Any, path: str, model: str) -> None:
        super().check(value, path, model)
        for key, item in value.items():
            self.value.check(item, step(path, key), model)


@frozen
class ModelOf(_Checked):
    """A model."""

    model: type[OpencodeModel]
    expected: str = "object"

    def fits(self, value: Any) -> bool:
        return is_object(value) and all(m.wire in value for m in members(self.model) if m.required)

    def read(self, value: Any, where: Where) -> Any:
        return self.model.from_dict(value) if is_object(value) else super().read(value, where)

    def check(self, value: Any, path: str, model: str) -> None:
        check_model(self.model, value, path)


@frozen
class Tagged(_Checked):
    """A union with a tag; a tag that is not known is no fault."""

    union: Variants[Any]
    expected: str = "object"

    def fits(self, value: Any) -> bool:
        return is_object(value)

    def read(self, value: Any, where: Where) -> Any:
        return self.union.read(value)

    def check(self, value: Any, path: str, model: str) -> None:
        super().check(value, path, model)
        if self.union.tag not in value and not self.union.otherwise:
            raise ResponseDecodeError(self.union.name, step(path, self.union.tag), "string", "nothing")
        variant = self.union.variant(value)
        if variant is not None:
            check_model(variant, value, path)


@frozen
class OneOf(_Checked):
    """A union that is told apart by what comes: the first shape that fits."""

    shapes: tuple[Shape, ...]

    @property
    def expected(self) -> str:  # type: ignore[override] # read-only here, and nobody writes it
        return " or ".join(dict.fromkeys(shape.expected for shape in self.shapes))

    def fits(self, value: Any) -> bool:
        return any(shape.fits(value) for shape in self.shapes)

    def read(self, value: Any, where: Where) -> Any:
        for shape in self.shapes:
            if shape.fits(value):
                return shape.read(value, where)
        lone = [shape for shape in self.shapes if shape.expected == json_type(value)]
        return lone[0].read(value, where) if len(lone) == 1 else super().read(value, where)

    def check(self, value: Any, path: str, model: str) -> None:
        candidates = [shape for shape in self.shapes if shape.fits(value)]
        candidates = candidates or [shape for shape in self.shapes if shape.expected == json_type(value)]
        if not candidates:
            super().check(value, path, model)
        for index, shape in enumerate(candidates):
            try:
                return shape.check(value, path, model)
            except ResponseDecodeError:
                if index == len(candidates) - 1:
                    raise


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
    package = cls.__module__.rpartition(".")[0]
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
        values = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        return Constant(tuple(ast.literal_eval(value) for value in values))
    if kind == "list":
        return ListOf(_shape(inside, package))
    assert isinstance(inside, ast.Tuple)
    return MapOf(_shape(inside.elts[1], package))


def _named(name: str, package: str) -> Shape:
    """A class or a union of the models: unions by their readers, whose aliases would import every variant."""
    module = import_module(f"{package}.{import_module(package).MODULES[name]}")
    readers: list[Variants[Any] | Mixed[Any]] = [
        v for v in vars(module).values() if isinstance(v, Variants | Mixed)
    ]
    for reader in readers:
        if reader.name == name:
            return Tagged(reader) if isinstance(reader, Variants) else shape_of(package, reader.expression)
    return ModelOf(getattr(module, name))
