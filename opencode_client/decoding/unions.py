"""Readers of unions. One lookup of the tag selects the variant; its class is imported when its tag is first seen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import frozen

from ..model import READ_ERRORS, OpencodeModel, UnionReader, Unknown, is_object, reader_of

if TYPE_CHECKING:
    from .shapes import Shape

T = TypeVar("T")
Reader = Callable[[Any], Any]


@frozen
class NestedTag:
    """Variants that share a tag. The value at the end of `path` selects one of them."""

    path: tuple[str, ...]
    table: Mapping[Any, str | ConstantsCheck]


@frozen
class ConstantsCheck:
    """A variant with more constants than its tag. If one of them has another value, the variant is unknown."""

    class_name: str
    constants: Mapping[str, Any]


class Variants(dict[Any, Callable[[Any], T]], UnionReader[T], Generic[T]):
    """The readers of a union's variants, by tag: `read_part[data["type"]](data)`.

    The table has the name of a class for each tag. A reader is added to the dict when its tag is first seen. A tag
    that is not in the table gives the union's Unknown class.
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
        self.module = module
        self.name: str = name
        self.tag = tag
        self.table = table
        self.unknown = unknown
        self.otherwise = otherwise

    def __missing__(self, value: Any) -> Callable[[Any], T]:  # Any: any JSON
        row = self.table.get(value)
        if row is None:
            return self.unknown  # type: ignore[return-value] # every union alias includes its Unknown class
        reader = self[value] = self._row_reader(row)
        return reader

    def _row_reader(self, row: str | ConstantsCheck | NestedTag) -> Reader:
        if isinstance(row, NestedTag):
            return self._nested_reader(row)
        return self._checking_reader(row) if isinstance(row, ConstantsCheck) else self._class_reader(row)

    def _model(self, name: str) -> type[OpencodeModel]:
        found: type[OpencodeModel] = getattr(sys.modules[self.module.rpartition(".")[0]], name)
        return found

    def _class_reader(self, name: str) -> Reader:
        model = self._model(name)
        return reader_of(model) or model.from_dict

    def _nested_reader(self, nested: NestedTag) -> Reader:
        rows = Variants[Any](self.module, self.name, nested.path[-1], nested.table, self.unknown)

        def read(data: Any) -> Any:  # Any: a variant of the union
            value = data
            try:
                for key in nested.path:
                    value = value[key]
                reader = rows[value]
            except READ_ERRORS:
                reader = self.unknown
            return reader(data)

        return read

    def _checking_reader(self, row: ConstantsCheck) -> Reader:
        read = self._class_reader(row.class_name)

        def read_checked(data: Any) -> Any:  # Any: a variant of the union
            if any(key in data and data[key] != value for key, value in row.constants.items()):
                return self.unknown(data)
            return read(data)

        return read_checked

    def classes(self) -> Iterator[type]:
        """Yield the classes of all variants. This imports them all, which takes time."""
        for row in self.table.values():
            for leaf in row.table.values() if isinstance(row, NestedTag) else (row,):
                yield self._model(leaf.class_name if isinstance(leaf, ConstantsCheck) else leaf)
        if self.otherwise:
            yield self._model(self.otherwise)
        yield self.unknown

    def read(self, data: Any) -> T:  # Any: any JSON
        try:
            return self[data[self.tag]](data)
        except READ_ERRORS:  # not an object, no tag, or a tag that is an object or an array
            return self._read_untagged(data)

    def _read_untagged(self, data: Any) -> T:  # Any: any JSON
        reader: Reader = self.unknown
        if is_object(data) and self.tag not in data and self.otherwise:
            reader = self._class_reader(self.otherwise)
        return reader(data)  # type: ignore[no-any-return] # a reader of this union's table

    def shape(self) -> Shape:
        from .annotations import Tagged  # only strict reading needs it

        return Tagged(self)

    def __repr__(self) -> str:
        return f"<reader of {self.name}>"


class ExactVariants(Variants[T]):
    """`Variants` for tags that are not texts. As dict keys, 1 and True are equal; in JSON they are not."""

    def read(self, data: Any) -> T:  # Any: any JSON
        tag: object = data.get(self.tag) if is_object(data) else None
        if any(type(tag) is type(known) and tag == known for known in self.table):
            return self[tag](data)
        return self._read_untagged(data)


class UntaggedUnion(UnionReader[T]):
    """The reader of a union without a tag, such as text or object. The kind of JSON selects the variant.

    Data that fits no variant is returned unchanged. `expression` is the union as an annotation.
    """

    def __init__(self, module: str, name: str, expression: str) -> None:
        self.package: str = module.rpartition(".")[0]
        self.name: str = name
        self.expression = expression

    def read(self, data: Any) -> T:  # Any: any JSON
        return self._resolve().read(data, (self.name, ""))  # type: ignore[no-any-return] # a shape of this union's expression

    def shape(self) -> Shape:
        from .shapes import Deferred  # only unusual data needs it

        return Deferred(self._resolve)

    def _resolve(self) -> Shape:
        from .annotations import shape_of  # as above

        return shape_of(self.package, self.expression)
