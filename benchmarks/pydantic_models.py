"""pydantic models with tagged unions, made in code from a server's normalised document.

They keep unknown members, as this client's models do (`extra="allow"`). Constants and enums are Literal types.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, create_model

from benchmarks.peers import Reader, event_key
from opencode_client.model import is_array
from scripts.normalise import normalise
from scripts.recordings import document

_SCALARS: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}
_KEEP = ConfigDict(extra="allow", protected_namespaces=())


class Models:
    """The models of one server's document. Each class is made when it is first needed."""

    def __init__(self, server_version: str) -> None:
        normalised = normalise(document(server_version), strict=False)
        self._schemas: dict[str, Any] = normalised.document["components"]["schemas"]
        self._made: dict[str, Any] = {}

    def reader(self, name: str) -> Reader:
        """Return a reader of parsed JSON as the component schema `name`."""
        return TypeAdapter(self._named(name)).validate_python

    def list_reader(self, name: str) -> Reader:
        """Return a reader of a JSON text as a list of the component schema `name`."""
        listed: Any = GenericAlias(list, (self._named(name),))
        return TypeAdapter(listed).validate_json

    def _named(self, name: str) -> Any:  # Any: an annotation
        if name not in self._made:
            self._made[name] = Any  # a schema that contains itself finds this
            schema = self._schemas[name]
            kind = schema.get("x-oc", {}).get("kind")
            if kind == "union":
                self._made[name] = self._union(schema)
            elif kind == "object":
                self._made[name] = self._class(name, schema)
            elif kind in ("alias", "mixed"):
                self._made[name] = Union[tuple(map(self._type, schema["properties"].values()))]  # noqa: UP007 # made here
            else:
                self._made[name] = self._type(schema)
        return self._made[name]

    def _class(self, name: str, schema: Any) -> type[BaseModel]:  # Any: JSON
        members: dict[str, Any] = {}
        for wire, member in schema["properties"].items():
            python_name = schema["x-oc"]["members"][wire]
            python_name += "_" if hasattr(BaseModel, python_name) else ""
            made = self._type(member)
            if wire not in schema.get("required", ()):
                members[python_name] = (made | None, Field(None, alias=wire))
            else:
                members[python_name] = (made, Field(alias=wire))
        made_class: type[BaseModel] = create_model(name, __config__=_KEEP, **members)
        return made_class

    def _union(self, schema: Any) -> Any:  # Any: JSON in, an annotation out
        table = schema["x-oc"]["table"]
        rows = [(str(row["value"]), row["class"]) for row in table if "class" in row]
        rows += [
            (f"{row['value']} {inner['value']}", inner["class"])
            for row in table
            if "table" in row
            for inner in row["table"]
        ]
        tag = schema["x-oc"]["tag"]
        if any("table" in row for row in table):
            variants = tuple(Annotated[self._named(name), Tag(value)] for value, name in rows)
            return Annotated[Union[variants], Discriminator(event_key)]  # noqa: UP007 # made here
        variants = tuple(self._named(name) for _, name in rows)
        if len(variants) == 1:
            return variants[0]
        return Annotated[Union[variants], Field(discriminator=tag)]  # noqa: UP007 # made here

    def _type(self, schema: Any) -> Any:  # Any: JSON in, an annotation out
        if "$ref" in schema:
            return self._named(schema["$ref"].rpartition("/")[2])
        if "const" in schema:
            return Literal[schema["const"]]
        if "enum" in schema:
            return Literal[tuple(schema["enum"])]
        if "anyOf" in schema:
            return Union[tuple(map(self._type, schema["anyOf"]))]  # noqa: UP007 # made here
        kind = schema.get("type")
        if is_array(kind):
            return Union[tuple(_SCALARS[one] for one in kind)]  # noqa: UP007 # made here
        if kind == "array":
            return GenericAlias(list, (self._type(schema.get("items", {})),))
        if kind == "object":
            return GenericAlias(dict, (str, self._type(schema.get("additionalProperties") or {})))
        return _SCALARS.get(kind, Any)
