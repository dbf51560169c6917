"""The kinds of value that an annotation of a model can describe: each reads leniently and checks strictly."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, Protocol

from attrs import frozen

from ..errors import ResponseDecodeError
from ..model import OpencodeModel, is_array, is_object
from .unions import Variants

logger: logging.Logger = logging.getLogger(__package__)

Where = tuple[str, str]
"""The class and the member that are being read, for warnings."""

_NUMBER_TEXTS = frozenset({"NaN", "Infinity", "-Infinity"})
"""How servers write the numbers that JSON has no form for (1.18.33's document: times)."""
_NAMES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "None": "null"}
_warned: set[Where] = set()  # bounded by the members of all models


def warn_once(where: Where, found: str, expected: str) -> None:
    """One line per class and member: what a newer or older server sends otherwise than documented."""
    if where not in _warned:
        _warned.add(where)
        logger.warning("%s is %s, not %s as documented", ".".join(filter(None, where)), found, expected)


def json_type(value: object) -> str:
    """What JSON calls the type of `value`."""
    if is_object(value):
        return "object"
    if is_array(value):
        return "array"
    name = type(value).__name__.replace("NoneType", "None")
    return "number" if type(value) in (int, float) else _NAMES.get(name, name)


def step(path: str, key: str | int) -> str:
    """The JSON path one deeper: `$.parts[3].state`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{key!a}]"


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


class _Checked(ABC):
    """What shapes share: the check that nothing below needs."""

    expected: str

    @abstractmethod
    def fits(self, value: Any) -> bool: ...

    def read(self, value: Any, where: Where) -> Any:
        if not self.fits(value):
            warn_once(where, json_type(value), self.expected)
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
                return type(value) in (int, float) or (isinstance(value, str) and value in _NUMBER_TEXTS)


@frozen
class Constant(_Checked):
    """One of a few values."""

    values: tuple[str | int | bool, ...]

    @property
    def expected(self) -> str:  # type: ignore[override] # read-only here, and nobody writes it
        return " or ".join(ascii(value) for value in self.values)

    def fits(self, value: Any) -> bool:
        return any(type(value) is type(known) and value == known for known in self.values)

    def check(self, value: Any, path: str, model: str) -> None:
        if not self.fits(value):
            got = ascii(value[:40]) if isinstance(value, str) else json_type(value)
            raise ResponseDecodeError(model, path, self.expected, got)


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
        from .annotations import members  # which builds on this module

        return is_object(value) and all(
            member.wire in value for member in members(self.model) if member.required
        )

    def read(self, value: Any, where: Where) -> Any:
        return self.model.from_dict(value) if is_object(value) else super().read(value, where)

    def check(self, value: Any, path: str, model: str) -> None:
        from .annotations import check_model  # which builds on this module

        check_model(self.model, value, path, model)


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
        kinds = " or ".join(dict.fromkeys(json_type(known) for known in self.union.table))
        tag = value.get(self.union.tag)
        if json_type(tag) not in kinds.split(" or ") and not (tag is None and self.union.otherwise):
            got = json_type(tag) if self.union.tag in value else "nothing"
            raise ResponseDecodeError(model, step(path, self.union.tag), kinds, got)
        variant = self.union.variant(value)
        if variant is not None:
            ModelOf(variant).check(value, path, model)


@frozen
class Named(_Checked):
    """A union that no tag decides, looked up when needed: it may be made of itself."""

    package: str
    expression: str

    @property
    def shape(self) -> Shape:
        """The shape that the expression describes."""
        from .annotations import shape_of  # which builds on this module

        return shape_of(self.package, self.expression)

    @property
    def expected(self) -> str:  # type: ignore[override] # read-only here, and nobody writes it
        return self.shape.expected

    def fits(self, value: Any) -> bool:
        return self.shape.fits(value)

    def read(self, value: Any, where: Where) -> Any:
        return self.shape.read(value, where)

    def check(self, value: Any, path: str, model: str) -> None:
        self.shape.check(value, path, model)


@frozen
class OneOf(_Checked):
    """A union that is told apart by what comes: the shape that fits and knows most of it, of several the first."""

    shapes: tuple[Shape, ...]

    @property
    def expected(self) -> str:  # type: ignore[override] # read-only here, and nobody writes it
        return " or ".join(dict.fromkeys(shape.expected for shape in self.shapes))

    def fits(self, value: Any) -> bool:
        return any(shape.fits(value) for shape in self.shapes)

    def read(self, value: Any, where: Where) -> Any:
        fitting = [shape for shape in self.shapes if shape.fits(value)]
        if fitting:
            return min(fitting, key=lambda shape: _strangers(shape, value)).read(value, where)
        lone = [shape for shape in self.shapes if shape.expected == json_type(value)]
        return lone[0].read(value, where) if len(lone) == 1 else super().read(value, where)

    def check(self, value: Any, path: str, model: str) -> None:
        candidates = [shape for shape in self.shapes if shape.fits(value)]
        candidates = candidates or [shape for shape in self.shapes if shape.expected == json_type(value)]
        if not candidates:
            raise ResponseDecodeError(model, path, self.expected, json_type(value))
        for shape in candidates[:-1]:
            with suppress(ResponseDecodeError):
                shape.check(value, path, model)
                return
        candidates[-1].check(value, path, model)


def _strangers(shape: Shape, value: Any) -> int:
    """How many members the value has that the shape does not know."""
    from .annotations import members  # which builds on this module

    if not isinstance(shape, ModelOf):
        return 0
    return len(value.keys() - {member.wire for member in members(shape.model)})
