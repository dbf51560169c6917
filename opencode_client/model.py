"""The base classes of generated models and unions.

A generated model is a slotted attrs class. A generated function without branches reads data that matches the document;
`decoding.annotations` reads all other data. `to_dict` returns the JSON that the model was read from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeGuard, TypeVar

from attrs import NOTHING, Attribute, define, field, fields

from .errors import ResponseDecodeError
from .signatures import explain_call, explain_calls

if TYPE_CHECKING:
    from typing import Protocol

    from .decoding.shapes import Shape

JsonObject = dict[str, Any]
"""A JSON object whose members the server's document does not describe."""


def is_object(value: object) -> TypeGuard[JsonObject]:
    """Return True if `value`, parsed JSON, is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Return True if `value`, parsed JSON, is an array."""
    return isinstance(value, list)


def array(value: Any) -> list[Any]:  # Any: any JSON
    """Return `value` if it is an array. Generated readers use it, because a loop also accepts a text or an object.

    Raises:
        TypeError: it is not an array.
    """
    if type(value) is list:
        return value  # pyright: ignore[reportUnknownVariableType] # JSON
    raise TypeError("not an array")


T = TypeVar("T")


if TYPE_CHECKING:

    class _New(Protocol):
        def __call__(self, cls: type[T], /) -> T: ...


new: _New = object.__new__
"""Make an instance without calling its constructor. Generated readers use it."""

READ_ERRORS = (KeyError, TypeError, AttributeError, ValueError)
"""Exceptions of a generated reader for JSON that does not match the document."""

_SECRET_MAPS = frozenset({"environment", "headers"})
_SECRETS = frozenset(
    {"access", "api_key", "client_secret", "key", "password", "refresh", "secret", "ticket", "token"}
)


@explain_calls
@define(slots=True, kw_only=True, eq=False, repr=False)
class OpencodeModel:
    """A JSON object from or for the server.

    Made by its constructor or by `from_dict`. Mutable; do not change one from several threads at once. Two models are
    equal if they have the same class and the same JSON. Members that this version of the client does not know are
    kept: see `additional_properties`; `to_dict` and `copy.copy` include them, `attrs.evolve` does not. A `repr` shows
    *** for members that may hold a secret.
    """

    raw_: JsonObject | None = field(init=False, default=None)
    """The JSON object that was read, unchanged; None if the model was made by its constructor. Do not change it."""

    _wire_names: ClassVar[dict[str, str]] = {}
    _reader: ClassVar[Callable[[JsonObject], Any] | None] = None  # Any: the class itself

    @classmethod
    def from_dict(cls, data: JsonObject, *, strict: bool = False) -> Self:
        """Return the model for `data`, parsed JSON. The model keeps `data`; do not use it for anything else.

        A required member that is missing or null reads as None, with one warning for each member on the logger
        `opencode_client.decoding`.

        Raises:
            ResponseDecodeError: `data` is not an object. With `strict`, also for any other difference from the
                document, with its JSON path. New values of enums and new variants of unions are accepted.
        """
        reader = reader_of(cls)
        try:
            if strict:
                from .decoding.annotations import ModelOf  # see read_lenient

                ModelOf(cls).check(data, "$", cls.__name__)
            return read_lenient(cls, data) if reader is None else reader(data)
        except RecursionError:
            raise ResponseDecodeError(
                cls.__name__, "$", "less nesting", "more than Python can read"
            ) from None

    def to_dict(self) -> JsonObject:
        """Return the JSON object, with the server's member names and with unknown members.

        The members keep the order in which they were read, because the order can matter to the server. Members that
        were not read go last. A member that is None is left out, unless it was read as null, or is required and was not
        missing when the model was read. Objects and arrays that the document does not describe are shared with the
        model, not copied.
        """
        raw = self.raw_
        result: JsonObject = {} if raw is None else raw.copy()
        for name, wire, required, _ in layout_of(type(self)):
            value = getattr(self, name)
            if value is not None:
                result[wire] = value if type(value) in _PLAIN else to_plain(value)
            elif required and (raw is None or wire in raw):
                result[wire] = None
            elif raw is not None and raw.get(wire) is not None:
                del result[wire]
        return result

    @property
    def additional_properties(self) -> Mapping[str, Any]:
        """The members that were read and that this class does not know, by their JSON names. Read-only."""
        known = {wire for _, wire, *_ in layout_of(type(self))}
        return MappingProxyType(
            {name: value for name, value in (self.raw_ or {}).items() if name not in known}
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OpencodeModel) or type(other) is not type(self):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        shown = [
            f"{name}={_shown(name, value)}"
            for name, *_ in layout_of(type(self))
            if (value := getattr(self, name)) is not None
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


M = TypeVar("M", bound=OpencodeModel)


def reads(cls: type[M]) -> Callable[[Callable[[JsonObject], M]], Callable[[JsonObject], M]]:
    """Decorate the generated function that reads `cls`. Wrong arguments of `cls` raise SignatureError."""

    def register(read: Callable[[JsonObject], M]) -> Callable[[JsonObject], M]:
        cls._reader = read  # pyright: ignore[reportPrivateUsage] # the same module
        cls.__init__ = explain_call(cls.__init__)  # type: ignore[method-assign] # the same signature
        return read

    return register


def reader_of(cls: type[M]) -> Callable[[JsonObject], M] | None:
    """Return the generated reader of `cls`; None for a class that a user derived from a generated one."""
    reader: Callable[[JsonObject], M] | None = cls.__dict__.get("_reader")
    return reader


def read_lenient(cls: type[M], data: JsonObject) -> M:
    """Return a model for data that does not match the document: keep everything, warn once for each member."""
    # The only circular import of this package: `decoding.annotations` needs the base class, and `from_dict` of the base
    # class needs `decoding.annotations`. Few programs need that, so it is imported when first used.
    from .decoding.annotations import read_by_annotations

    return read_by_annotations(cls, data)


class UnionReader(ABC, Generic[T]):
    """Base class of the readers of unions. A reader takes JSON and returns the matching variant.

    `name` is the union's name.
    """

    name: str

    @abstractmethod
    def read(self, data: Any) -> T:  # Any: any JSON
        """Return the variant that matches `data`. Data that matches none is kept; see the subclasses."""

    @abstractmethod
    def shape(self) -> Shape:
        """Return the shape that checks the union strictly."""

    def __call__(self, data: Any, *, strict: bool = False) -> T:  # Any: any JSON
        """Return the variant that matches `data`.

        Raises:
            ResponseDecodeError: only with `strict`, for the first difference from the document.
        """
        if strict:
            self.shape().check(data, "$", self.name)
        return self.read(data)


class Unknown:
    """A variant of a union that this version of the client does not know. `raw_` is its JSON, as in models.

    Its tag (`type`, `role`, ...) reads as "__unknown__", so that type checkers can narrow the union when you compare
    the tag with a known value. `tag` is the tag that the server sent. The members that all known variants have are
    read from `raw_`: each is None where it is missing or of another kind.
    """

    __slots__ = ("raw_",)

    tag_name: ClassVar[str] = "type"
    _wire_names: ClassVar[dict[str, str]] = {}

    def __init__(self, raw_: Any) -> None:  # Any: any JSON
        self.raw_: Any = raw_

    @property
    def tag(self) -> str | None:
        """The tag that the server sent; None if there is none or it is not a text."""
        value: object = self.raw_.get(self.tag_name) if is_object(self.raw_) else None
        return value if isinstance(value, str) else None

    if not TYPE_CHECKING:  # type checkers would accept every name

        def __getattr__(self, name: str) -> Any:  # Any: the members have annotations
            from .decoding.annotations import read_shared  # see read_lenient

            return read_shared(self, name)

    def to_dict(self) -> Any:  # Any: any JSON
        """Return the JSON, unchanged."""
        return self.raw_

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and type(other) is type(self) and self.raw_ == other.raw_

    __hash__: ClassVar[None]  # type: ignore[assignment] # mutable content: not hashable, like the models

    def __repr__(self) -> str:
        shown = f"tag={self.tag!r}" if self.tag is not None else f"raw_={type(self.raw_).__name__}"
        return f"{type(self).__name__}({shown})"


class UnknownEvent(Unknown):
    """An event with a type that this version of the client does not know.

    All events have `id`. The details are in `properties`. Events under /api have `data` instead, and may have
    `durable`, `location` and `metadata`.
    """

    __slots__ = ()

    type: Literal["__unknown__"] = "__unknown__"
    id: str | None
    properties: JsonObject | None
    data: JsonObject | None
    durable: JsonObject | None
    location: JsonObject | None
    metadata: JsonObject | None


_PLAIN = frozenset({str, int, float, bool})


def to_plain(value: Any) -> Any:  # Any: the value of any member, and its JSON
    """Return `value` with JSON objects in place of models, also inside lists and maps."""
    if isinstance(value, OpencodeModel | Unknown):
        return value.to_dict()
    if is_array(value):
        return [item if type(item) in _PLAIN else to_plain(item) for item in value]
    if is_object(value):
        return {key: item if type(item) in _PLAIN else to_plain(item) for key, item in value.items()}
    return value


_layouts: dict[type[OpencodeModel], tuple[tuple[str, str, bool, Attribute[Any]], ...]] = {}


def layout_of(cls: type[OpencodeModel]) -> tuple[tuple[str, str, bool, Attribute[Any]], ...]:
    """Return the members of a class: name, JSON name, required in JSON, attribute. Cached."""
    layout = _layouts.get(cls)
    if layout is None:
        wire_names = cls._wire_names  # pyright: ignore[reportPrivateUsage] # the same module
        layout = _layouts[cls] = tuple(
            (one.name, wire_names.get(one.name) or one.name, one.default is NOTHING, one)
            for one in fields(cls)
            if one.init
        )
    return layout


def _shown(name: str, value: object) -> str:
    if name in _SECRETS and isinstance(value, str):
        return "'***'"
    if name in _SECRET_MAPS and is_object(value):
        return repr(dict.fromkeys(value, "***"))
    return repr(value)
