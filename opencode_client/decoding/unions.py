"""Readers of unions: one look-up of the discriminating member; classes are imported when first met."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from attrs import frozen

from ..model import READ_ERRORS, OpencodeModel, Unknown, is_object, reader_of

T = TypeVar("T")
Reader = Callable[[Any], Any]


@frozen
class NestedTag:
    """Variants that share a tag: the value at the end of `path` decides between them."""

    path: tuple[str, ...]
    table: Mapping[Any, str | ConstantsCheck]


@frozen
class ConstantsCheck:
    """A variant with more constants than its tag: where one has another value, the variant is unknown."""

    class_name: str
    constants: Mapping[str, Any]


class Variants(dict[Any, Callable[[Any], T]], Generic[T]):
    """The readers of a union's variants by tag value: `read_part[data["type"]](data)`.

    The table gives a class of the models for each value; a reader enters the dict when its value is first seen.
    A value that is not in the table gives the union's Unknown class.
    """

    def __init__(
        self,
        module: str,
        name: str,
        tag: str,
        table: Mapping[Any, str | ConstantsCheck | NestedTag],
        unknown: type[Unknown],
        otherwise: str | None = None,
    ) -> None:
        super().__init__()
        self.package: str = module.rpartition(".")[0]
        self.name = name
        self.tag = tag
        self.table = table
        self.unknown = unknown
        self.otherwise = otherwise

    def __missing__(self, value: Any) -> Callable[[Any], T]:  # Any: whatever stands where the tag should
        place = self.table.get(value)
        if place is None:
            return self.unknown  # type: ignore[return-value] # every union alias includes its Unknown class
        reader = self[value] = self.reader(place)
        return reader

    def reader(self, place: str | ConstantsCheck | NestedTag) -> Reader:
        """What reads the variant that a row of the table names."""
        if isinstance(place, str):
            return self.class_reader(place)
        if isinstance(place, NestedTag):
            return NestedTagReader(self, place)
        return ConstantsReader(self, place, self.class_reader(place.class_name))

    def model(self, name: str) -> type[OpencodeModel]:
        """Return the class of this name, which the models package imports when it is first used."""
        found: type[OpencodeModel] = getattr(sys.modules[self.package], name)
        return found

    def classes(self) -> Iterator[type]:
        """Yield the classes of all variants; importing them all takes its time."""
        for row in self.table.values():
            for leaf in row.table.values() if isinstance(row, NestedTag) else (row,):
                yield self.model(leaf.class_name if isinstance(leaf, ConstantsCheck) else leaf)
        if self.otherwise:
            yield self.model(self.otherwise)
        yield self.unknown

    def class_reader(self, name: str) -> Reader:
        """Return the function that reads the class of this name."""
        model = self.model(name)
        return reader_of(model) or model.from_dict

    def read(self, data: Any) -> T:  # Any: whatever came
        """The variant that `data` is, Unknown for anything that is none."""
        try:
            return self[data[self.tag]](data)
        except READ_ERRORS:  # no object, no tag, or a tag that is an object or an array
            return self._untagged(data)

    def _untagged(self, data: Any) -> T:  # Any: whatever came
        reader: Reader = self.unknown
        if is_object(data) and self.tag not in data and self.otherwise:
            reader = self.class_reader(self.otherwise)
        result: Any = reader(data)
        return result  # type: ignore[no-any-return] # a reader of this union's table

    def __call__(self, data: Any, *, strict: bool = False) -> T:  # Any: whatever came
        """The same as `read`; with `strict` as a model's `from_dict`.

        Raises:
            ResponseDecodeError: with `strict`, for the first thing that is not as documented.
        """
        if strict:
            from .shapes import Tagged  # which builds on this module

            Tagged(self).check(data, "$", self.name)
        return self.read(data)

    def __repr__(self) -> str:
        return f"<reader of {self.name}>"

    def variant(self, data: Any) -> type[OpencodeModel] | None:
        """The class that `data` is of; None where it is unknown."""
        read = self.read(data)
        return type(read) if isinstance(read, OpencodeModel) else None


class NestedTagReader(dict[Any, Reader]):
    """Reads variants that share a tag by what stands deeper; readers enter the dict when first needed."""

    def __init__(self, union: Variants[Any], deeper: NestedTag) -> None:
        super().__init__()
        self.union = union
        self.deeper = deeper

    def __call__(self, data: Any) -> Any:  # Any: a variant of the union
        value = data
        try:
            for key in self.deeper.path:
                value = value[key]
            reader = self[value]
        except READ_ERRORS:
            reader = self.union.unknown
        return reader(data)

    def __missing__(self, value: Any) -> Reader:  # Any: whatever stands where the deeper tag should
        place = self.deeper.table.get(value)
        if place is None:
            return self.union.unknown
        reader = self[value] = self.union.reader(place)
        return reader


class ExactVariants(Variants[T]):
    """The same for tags that are no texts: Python holds 1 and True for one key, JSON does not."""

    def read(self, data: Any) -> T:  # Any: whatever came
        """The variant that `data` is, Unknown for anything that is none."""
        tag: object = data.get(self.tag) if is_object(data) else None
        if any(type(tag) is type(known) and tag == known for known in self.table):
            return self[tag](data)
        return self._untagged(data)


@frozen
class ConstantsReader:
    """Reads a variant after comparing its other constants."""

    union: Variants[Any]
    fixed: ConstantsCheck
    read: Reader

    def __call__(self, data: Any) -> Any:  # Any: a variant of the union
        if any(key in data and data[key] != value for key, value in self.fixed.constants.items()):
            return self.union.unknown(data)
        return self.read(data)


class UntaggedUnion(Generic[T]):
    """The reader of a union that no tag decides, such as text or object: told apart by what came.

    `expression` is the union as its annotation says it.
    """

    def __init__(self, module: str, name: str, expression: str) -> None:
        self.package: str = module.rpartition(".")[0]
        self.name = name
        self.expression = expression

    def read(self, data: Any) -> T:  # Any: whatever came
        """The variant that `data` is; `data` itself where it is a scalar or none of them."""
        return self(data)

    def __call__(self, data: Any, *, strict: bool = False) -> T:  # Any: whatever came
        """The same as `read`; with `strict` as a model's `from_dict`.

        Raises:
            ResponseDecodeError: with `strict`, for the first thing that is not as documented.
        """
        from .annotations import shape_of  # which builds on this module

        shape = shape_of(self.package, self.expression)
        if strict:
            shape.check(data, "$", self.name)
        result: Any = shape.read(data, (self.name, ""))
        return result  # type: ignore[no-any-return] # a shape of this union's expression
