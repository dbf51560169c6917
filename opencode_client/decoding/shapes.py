"""Kinds of JSON values that the annotations of models use. Each kind reads leniently and checks strictly."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import NoneType
from typing import Any

from attrs import frozen

from ..errors import ResponseDecodeError
from ..logs import fields
from ..model import is_array, is_object

logger: logging.Logger = logging.getLogger(__package__)

Where = tuple[str, str]
"""The class and the member that are being read, for warnings."""

_NUMBER_TEXTS = frozenset({"NaN", "Infinity", "-Infinity"})
"""Texts that servers send for numbers that JSON cannot write (1.18.33's document: times)."""
_JSON_TYPES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",  # before int, as it is a kind of int
    int: "number",
    float: "number",
    NoneType: "null",
}
_warned: set[Where] = set()  # never larger than the number of all members
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def no_warnings() -> Generator[None]:
    """Turn the warnings of this thread or task off, and do not count them as logged."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def warn_once(where: Where, found: str, expected: str) -> None:
    """Log one warning for each class and member that differs from the server's document."""
    if where not in _warned and not _quiet.get():
        _warned.add(where)
        name = ".".join(filter(None, where))
        logger.warning("%s is %s, not %s as documented", name, found, expected, extra=fields(None))


def json_type(value: object) -> str:
    """Return the JSON name of the type of `value`."""
    name = _JSON_TYPES.get(type(value))
    return name or next(
        (name for kind, name in _JSON_TYPES.items() if isinstance(value, kind)), type(value).__name__
    )


def step(path: str, key: str | int) -> str:
    """Return the JSON path of a member or an item: `$.parts` and 3 give `$.parts[3]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{key!a}]"


class Shape:
    """One kind of JSON value. `expected` is its name in errors and warnings."""

    expected: str

    def fits(self, value: Any) -> bool:
        """Return True if `value` is of this kind. Shallow: items and the values of members are not checked."""
        return json_type(value) == self.expected

    def read(self, value: Any, where: Where) -> Any:
        """Return `value` with models in it. A value of another kind is returned unchanged, with a warning."""
        if not self.fits(value):
            warn_once(where, json_type(value), self.expected)
        return value

    def check(self, value: Any, path: str, model: str) -> None:
        """Check `value` and everything inside it. `path` and `model` are for the error.

        Raises:
            ResponseDecodeError: with the JSON path of the first value that is of another kind.
        """
        if not self.fits(value):
            raise ResponseDecodeError(model, path, self.expected, json_type(value))

    def count_unknown(self, value: Any) -> int:
        """Return the number of members that are undocumented or have an undocumented constant; 0 if not a model."""
        return 0

    def is_listed(self, value: Any) -> bool:
        """Return False for a text that is not one of the constants in the document."""
        return True


@frozen
class Scalar(Shape):
    """A text, a boolean or null."""

    expected: str


@frozen
class Anything(Shape):
    """Any JSON."""

    expected: str = "anything"

    def fits(self, value: Any) -> bool:
        return True


@frozen
class Number(Scalar):
    """A number. An integer may come as 1.0."""

    def fits(self, value: Any) -> bool:
        if self.expected == "integer":
            return type(value) is int or (type(value) is float and value.is_integer())
        return type(value) in (int, float) or (isinstance(value, str) and value in _NUMBER_TEXTS)


@frozen
class Constant(Shape):
    """One of a few values."""

    values: tuple[str | int | bool, ...]

    @property
    def expected(self) -> str:  # type: ignore[override] # nothing assigns it
        return " or ".join(map(ascii, self.values))

    def fits(self, value: Any) -> bool:
        return any(type(value) is type(known) and value == known for known in self.values)

    def check(self, value: Any, path: str, model: str) -> None:
        if not self.fits(value):
            got = ascii(value[:40]) if isinstance(value, str) else json_type(value)
            raise ResponseDecodeError(model, path, self.expected, got)


@frozen
class ListOf(Shape):
    """An array with items of one kind."""

    item: Shape
    expected: str = "array"

    def read(self, value: Any, where: Where) -> Any:
        if not is_array(value):
            return super().read(value, where)
        return [self.item.read(item, where) for item in value]

    def check(self, value: Any, path: str, model: str) -> None:
        super().check(value, path, model)
        for index, item in enumerate(value):
            self.item.check(item, step(path, index), model)


@frozen
class MapOf(Shape):
    """An object with any member names, and values of one kind."""

    value: Shape
    expected: str = "object"

    def read(self, value: Any, where: Where) -> Any:
        if not is_object(value):
            return super().read(value, where)
        return {key: self.value.read(item, where) for key, item in value.items()}

    def check(self, value: Any, path: str, model: str) -> None:
        super().check(value, path, model)
        for key, item in value.items():
            self.value.check(item, step(path, key), model)


@frozen
class Deferred(Shape):
    """A shape that is created again at each use, because it may contain itself."""

    shape: Callable[[], Shape]

    @property
    def expected(self) -> str:  # type: ignore[override] # nothing assigns it
        return self.shape().expected

    def fits(self, value: Any) -> bool:
        return self.shape().fits(value)

    def read(self, value: Any, where: Where) -> Any:
        return self.shape().read(value, where)

    def check(self, value: Any, path: str, model: str) -> None:
        self.shape().check(value, path, model)


@frozen
class OneOf(Shape):
    """A union without a tag. If several kinds fit, the one with the fewest unknown members and constants is used."""

    shapes: tuple[Shape, ...]

    @property
    def expected(self) -> str:  # type: ignore[override] # nothing assigns it
        return " or ".join(dict.fromkeys(shape.expected for shape in self.shapes))

    def fits(self, value: Any) -> bool:
        return any(shape.fits(value) for shape in self.shapes)

    def read(self, value: Any, where: Where) -> Any:
        fitting = [shape for shape in self.shapes if shape.fits(value)]
        if fitting:
            return min(fitting, key=lambda shape: shape.count_unknown(value)).read(value, where)
        of_type = self._of_type(value)
        return of_type[0].read(value, where) if len(of_type) == 1 else super().read(value, where)

    def check(self, value: Any, path: str, model: str) -> None:
        candidates = [shape for shape in self.shapes if shape.fits(value)] or self._of_type(value)
        if not candidates:
            raise ResponseDecodeError(model, path, self.expected, json_type(value))
        for shape in candidates[:-1]:
            with suppress(ResponseDecodeError):
                shape.check(value, path, model)
                return
        candidates[-1].check(value, path, model)

    def is_listed(self, value: Any) -> bool:
        constants = [shape for shape in self.shapes if isinstance(shape, Constant)]
        return not (constants and isinstance(value, str)) or any(shape.fits(value) for shape in constants)

    def _of_type(self, value: Any) -> list[Shape]:
        return [shape for shape in self.shapes if shape.expected == json_type(value)]


BUILTIN: dict[str, Shape] = {
    "None": Scalar("null"),
    "Any": Anything(),
    "JsonObject": MapOf(Anything()),
    "str": Scalar("string"),
    "bool": Scalar("boolean"),
    "int": Number("integer"),
    "float": Number("number"),
}
"""Shapes of annotations that name no model."""
