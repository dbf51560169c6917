"""Python types of normalised schemas: annotations, types of arguments, and expressions that read JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from attrs import frozen

from scripts.normalise.schema import META, Json, referenced
from scripts.render.text import literal

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def builtin(name: str, hidden: Collection[str]) -> str:
    """Return a builtin type's name, with its module where a member or method in `hidden` has the same name."""
    return f"builtins.{name}" if name in hidden else name


def allows_anything(schema: Json) -> bool:
    """Return True for `{}`, which allows every JSON value."""
    return not schema.keys() & {"$ref", "anyOf", "const", "enum", "type"}


def options(schema: Json) -> Iterator[Json]:
    """Yield the variants of a union, with nested unions flattened; for another schema, the schema itself."""
    if "anyOf" in schema:
        for variant in schema["anyOf"]:
            yield from options(variant)
    else:
        yield schema


def allows_null(schema: Json) -> bool:
    """Return True if null is a documented value."""
    return any(allows_anything(option) or option.get("type") == "null" for option in options(schema))


@frozen
class Types:
    """The types of one document's schemas; `components` are its component schemas, after all rules."""

    components: dict[str, Json]

    def annotation(self, schema: Json, *, opened: bool, hidden: Collection[str] = ()) -> str:
        """Return the annotation of a value.

        Args:
            opened: values that the document does not list are read too: `Literal['a'] | str`.
            hidden: builtin types whose names mean something else where the annotation is.
        """
        if "anyOf" in schema:
            each = (self.annotation(part, opened=opened, hidden=hidden) for part in options(schema))
            return " | ".join(dict.fromkeys(each))
        if "items" in schema:
            items = self.annotation(schema["items"], opened=opened, hidden=hidden)
            return f"{builtin('list', hidden)}[{items}]"
        if "const" in schema:
            return _constant(schema["const"], opened, hidden)
        name = referenced(schema)
        if name is None:
            return _scalar(schema, hidden)
        component = self.components[name]
        if "enum" in component:
            return _enum(component, opened, hidden)
        if not self.is_map(schema):
            return name
        if allows_anything(component["additionalProperties"]):
            return "JsonObject"
        value = self.annotation(component["additionalProperties"], opened=opened, hidden=hidden)
        return f"{builtin('dict', hidden)}[{builtin('str', hidden)}, {value}]"

    def argument(self, schema: Json, hidden: Collection[str] = (), *, mapping: bool = True) -> str:
        """Return the type of a method's argument: closed sets, any sequence, and mappings in place of models."""
        if "items" in schema:
            return f"Sequence[{self.argument(schema['items'], hidden)}]"
        if "anyOf" in schema:
            variants = list(options(schema))
            types = [self.argument(variant, hidden, mapping=False) for variant in variants]
            distinct = dict.fromkeys(kind for kind in types if kind != "None")
            mappings = ["JsonMapping"] if any(map(self.is_model, variants)) else []
            return " | ".join([*distinct, *mappings, *(["None"] if "None" in types else [])])
        if self.is_model(schema):
            return f"{referenced(schema)} | JsonMapping" if mapping else str(referenced(schema))
        if self.is_map(schema):
            value = self.argument(self._values(schema), hidden)
            return f"Mapping[{builtin('str', hidden)}, {value}]"
        return self.annotation(schema, opened=False, hidden=hidden)

    def read(self, schema: Json, source: str, depth: int = 0) -> str:
        """Return the expression that reads the JSON value in `source`, itself an expression.

        Args:
            depth: how many loops are around it; it keeps the names of their variables apart.
        """
        if not self.needs_reading(schema):
            return source
        item, key = f"item{depth or ''}", f"key{depth or ''}"
        if "items" in schema:
            return f"[{self.read(schema['items'], item, depth + 1)} for {item} in array({source})]"
        if "anyOf" in schema:
            [variant, *_] = filter(self.needs_reading, options(schema))
            return f"None if {source} is None else {self.read(variant, source, depth)}"
        if self.is_map(schema):
            value = self.read(self._values(schema), item, depth + 1)
            return f"{{{key}: {value} for {key}, {item} in {source}.items()}}"
        return _call_reader(self._meta(schema), source)

    def needs_reading(self, schema: Json) -> bool:
        """Return True if reading a value makes a model of it, or of a part."""
        if "items" in schema:
            return self.needs_reading(schema["items"])
        if "anyOf" in schema:
            return any(map(self.needs_reading, options(schema)))
        return self.is_model(schema) or (self.is_map(schema) and self.needs_reading(self._values(schema)))

    def structure(self, schema: Json) -> str:
        """Return what to pass for an object or an array, for error messages; "" if a text or a number is allowed."""
        texts = dict.fromkeys(
            self._structure(option) for option in options(schema) if option.get("type") != "null"
        )
        return "" if "" in texts else " or ".join(texts)

    def _structure(self, schema: Json) -> str:
        if "items" in schema:
            return "a list"
        if self.is_class(schema):
            members = [
                f'"{name}": ...' for name in self.components[referenced(schema) or ""].get("required", ())
            ]
            return f"{{{', '.join(members)}}}" if members else "an object"
        return "an object" if self._meta(schema).get("kind") in ("map", "union") else ""

    def is_map(self, schema: Json) -> bool:
        """Return True for a reference to an object without named members."""
        return self._meta(schema).get("kind") == "map"

    def is_model(self, schema: Json) -> bool:
        """Return True for a reference to a class or to a union with a reader."""
        return bool(self._meta(schema)) and not self.is_map(schema)

    def is_class(self, schema: Json) -> bool:
        """Return True for a reference to a class."""
        return self._meta(schema).get("kind") == "object"

    def description(self, schema: Json) -> str:
        """Return the description of a schema, or of the component that it refers to."""
        target = self.components.get(referenced(schema) or "", schema)
        return str(target.get("description") or "")

    def _meta(self, schema: Json) -> Json:
        meta: Json = self.components.get(referenced(schema) or "", {}).get(META, {})
        return meta

    def _values(self, schema: Json) -> Json:
        values: Json = self.components[referenced(schema) or ""]["additionalProperties"]
        return values


def _scalar(schema: Json, hidden: Collection[str]) -> str:
    if schema.get("type") == "null":
        return "None"
    kind = _SCALARS.get(schema.get("type", ""))
    return builtin(kind, hidden) if kind else "Any"


def _constant(value: object, opened: bool, hidden: Collection[str]) -> str:
    kind = builtin(type(value).__name__, hidden)
    if opened and isinstance(value, bool):
        return kind
    return f"Literal[{literal(value)}]{f' | {kind}' if opened else ''}"


def _enum(schema: Json, opened: bool, hidden: Collection[str]) -> str:
    values: list[str | int] = schema["enum"]
    values = sorted(
        values, key=lambda value: (str(value).lower() if isinstance(value, str) else value, value)
    )
    kind = builtin(_SCALARS[schema["type"]], hidden)
    return f"Literal[{', '.join(map(literal, values))}]{f' | {kind}' if opened else ''}"


def _call_reader(meta: Json, source: str) -> str:
    """Return the call that reads a class or a union; a union whose tags are all text is one look-up."""
    if meta["kind"] == "object":
        return f"{meta['reader']}({source})"
    if meta["kind"] == "union" and not meta["otherwise"] and all_text(meta["table"]):
        return f"{meta['reader']}[{source}[{literal(meta['tag'])}]]({source})"
    return f"{meta['reader']}.read({source})"


def all_text(table: list[Json]) -> bool:
    """Return True if every tag of a table is text; 1 and True are the same key in Python, but not in JSON."""
    return all(isinstance(row["value"], str) for row in table)
