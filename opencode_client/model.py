"""What every generated model is: a slotted attrs class that gives back what it was read from.

`from_dict` of a generated class is straight-line code for what servers send; anything else goes to
`reading`, which keeps what it cannot read and says so once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, Self, TypeAlias, TypeGuard, TypeVar

from attrs import NOTHING, define, field, fields

from .errors import ResponseDecodeError

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object that the server's document leaves open."""


def is_object(value: object) -> TypeGuard[JsonObject]:
    """Whether `value`, parsed JSON, is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether `value`, parsed JSON, is an array."""
    return isinstance(value, list)


def array(value: Any) -> list[Any]:  # Any: whatever came
    """`value`, if it is an array: an empty text or object would loop as one.

    Raises:
        TypeError: it is none.
    """
    if type(value) is list:
        return value  # pyright: ignore[reportUnknownVariableType] # JSON
    raise TypeError("no array")


T = TypeVar("T")


class _New(Protocol):
    def __call__(self, cls: type[T], /) -> T: ...


new: _New = object.__new__
"""Makes an instance without its constructor, for straight-line reading."""

READ_ERRORS = (KeyError, TypeError, AttributeError, ValueError)
"""What straight-line reading raises when the wire is not what the document says."""

_SECRET_MAPS = frozenset({"environment", "headers"})
_SECRETS = frozenset(
    {"access", "api_key", "client_secret", "key", "password", "refresh", "secret", "ticket", "token"}
)


@define(slots=True, kw_only=True, eq=False, repr=False)
class OpencodeModel:
    """A JSON object of the server's.

    Made by its constructor or read by `from_dict`; mutable; not safe to change from several threads at once.
    Two are equal when they are of one class and mean the same JSON. Members that this version of the client
    does not know are kept: `additional_properties` shows them, `to_dict` gives them back, `copy.copy` takes them
    along (`attrs.evolve` does not). A `repr` shows *** for members that may hold a secret.
    """

    raw_: JsonObject | None = field(init=False, default=None)
    """The JSON object that was read; None for a model made by its constructor."""

    _wire_names: ClassVar[dict[str, str]] = {}
    _reader: ClassVar[Callable[[JsonObject], Any] | None] = None  # Any: the class itself

    @classmethod
    def from_dict(cls, data: JsonObject, *, strict: bool = False) -> Self:
        """The model that `data`, parsed JSON, describes; `data` belongs to the model from then on.

        A required member that is missing or null reads as None, with one warning per member on the logger
        `opencode_client.decoding`.

        Raises:
            ResponseDecodeError: `data` is no object; with `strict`, also anything that is not as documented,
                with the JSON path to it. New values of enums and new variants of unions are no fault.
        """
        reader = reader_of(cls)
        try:
            if strict:
                _check(cls, data)
            return read_lenient(cls, data) if reader is None else reader(data)
        except RecursionError:
            raise ResponseDecodeError(
                cls.__name__, "$", "less nesting", "more than Python recurses"
            ) from None

    def to_dict(self) -> JsonObject:
        """The JSON object: members under the wire's names, nulls where null was read, unknown members included.

        A member that is None is left out, unless it is required or was read as null. Objects and arrays that
        the document leaves open are shared with the model, not copied.
        """
        raw = self.raw_
        result: JsonObject = {}
        for name, wire, required in _layout(type(self)):
            value = getattr(self, name)
            if value is not None:
                result[wire] = value if type(value) in _PLAIN else to_plain(value)
            elif raw is None:
                if required:
                    result[wire] = None
            elif wire in raw and (required or raw[wire] is None):
                result[wire] = None
        if raw is not None and len(raw) != len(result):
            result.update(self.additional_properties)
        return result

    @property
    def additional_properties(self) -> Mapping[str, Any]:
        """The members that were read and that this class does not know, by their wire names; not to be changed."""
        known = {wire for _, wire, _ in _layout(type(self))}
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
            for name, _, _ in _layout(type(self))
            if (value := getattr(self, name)) is not None
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


M = TypeVar("M", bound=OpencodeModel)


def reads(cls: type[M]) -> Callable[[Callable[[JsonObject], M]], Callable[[JsonObject], M]]:
    """Decorates the function that reads `cls` in straight lines."""

    def register(read: Callable[[JsonObject], M]) -> Callable[[JsonObject], M]:
        cls._reader = read  # pyright: ignore[reportPrivateUsage] # the same module
        return read

    return register


def reader_of(cls: type[M]) -> Callable[[JsonObject], M] | None:
    """What reads exactly `cls` in straight lines; None for a class that somebody derived from a generated one."""
    reader: Callable[[JsonObject], M] | None = cls.__dict__.get("_reader")
    return reader


def read_lenient(cls: type[M], data: JsonObject) -> M:
    """What a reader gives back when the wire is not what the document says: see `reading`, imported only then."""
    from .decoding.annotations import read_by_annotations

    return read_by_annotations(cls, data)


class Unknown:
    """A variant of a union that this version of the client does not know: `raw` is the JSON that came.

    Its discriminating member (`type`, `role`, ...) reads as "__unknown__", so that comparing it with a known value
    narrows the union for type checkers; `tag` is what the server sent there.
    """

    __slots__ = ("raw",)

    tag_name: ClassVar[str] = "type"

    def __init__(self, raw: Any) -> None:  # Any: whatever came
        self.raw: Any = raw

    @property
    def tag(self) -> str | None:
        """The discriminating member's value; None where there is none or it is no text."""
        value: object = self.raw.get(self.tag_name) if is_object(self.raw) else None
        return value if isinstance(value, str) else None

    def to_dict(self) -> Any:  # Any: whatever came
        """What came, unchanged."""
        return self.raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and type(other) is type(self) and self.raw == other.raw

    __hash__: ClassVar[None]  # type: ignore[assignment] # mutable content: not hashable, like the models

    def __repr__(self) -> str:
        shown = f"tag={self.tag!r}" if self.tag is not None else f"raw={type(self.raw).__name__}"
        return f"{type(self).__name__}({shown})"


class UnknownEvent(Unknown):
    """An event of a type that this version of the client does not know."""

    __slots__ = ()

    type: Literal["__unknown__"] = "__unknown__"


_PLAIN = frozenset({str, int, float, bool})


def to_plain(value: Any) -> Any:  # Any: in and out, any member's value and its JSON
    """`value` with models as JSON objects, in lists and maps too."""
    if isinstance(value, OpencodeModel | Unknown):
        return value.to_dict()
    if is_array(value):
        return [item if type(item) in _PLAIN else to_plain(item) for item in value]
    if is_object(value):
        return {key: item if type(item) in _PLAIN else to_plain(item) for key, item in value.items()}
    return value


_Layout: TypeAlias = tuple[tuple[str, str, bool], ...]

_layouts: dict[type[OpencodeModel], _Layout] = {}  # by class, made when first written


def _layout(cls: type[OpencodeModel]) -> _Layout:
    """The members of a class: (name, wire name, required)."""
    known = _layouts.get(cls)
    if known is None:
        wire_names = cls._wire_names  # pyright: ignore[reportPrivateUsage] # the same module
        known = _layouts[cls] = tuple(
            (member.name, wire_names.get(member.name) or member.name, member.default is NOTHING)
            for member in fields(cls)
            if member.init
        )
    return known


def _shown(name: str, value: object) -> str:
    if name in _SECRETS and isinstance(value, str):
        return "'***'"
    if name in _SECRET_MAPS and is_object(value):
        return repr(dict.fromkeys(value, "***"))
    return repr(value)


def _check(cls: type[OpencodeModel], data: object) -> None:
    from .decoding.annotations import check_model

    check_model(cls, data)
