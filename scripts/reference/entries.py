"""The operations of a document as the reference lists them: pages, order, links."""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import frozen

from opencode_client.model import is_object
from scripts.normalise.kinds import read_kinds, read_since, route
from scripts.normalise.schema import METHODS, Json
from scripts.reference.catalogue import Catalogue
from scripts.reference.markdown import slug
from scripts.reference.modules import Module, Modules
from scripts.reference.untrusted import object_at, objects_at, text_at

_STREAM = "text/event-stream"
_kinds = cache(read_kinds)
_since = cache(read_since)


@frozen(eq=False)
class Entry:
    """One operation: the page and anchor that describe it, and its part of the document."""

    method: str
    path: str
    module: Module
    anchor: str
    operation: Json

    @property
    def name(self) -> str:
        """`METHOD path`, its key in the catalogue."""
        return f"{self.method} {self.path}"

    @property
    def id(self) -> str:
        """Its operationId, or an empty string."""
        return text_at(self.operation, "operationId")

    @property
    def english(self) -> str:
        """The document's longest text about it: its description, or its summary."""
        return text_at(self.operation, "description") or text_at(self.operation, "summary")

    @property
    def link(self) -> str:
        """The link to its section, from another page."""
        return f"{self.module.file}#{self.anchor}"

    @property
    def contents(self) -> list[tuple[str, str, Any]]:
        """Every response's (status, media type, schema); a response without content has an empty media type."""
        found: list[tuple[str, str, Any]] = []
        for status in (responses := object_at(self.operation, "responses")):
            content = object_at(object_at(responses, status), "content") or {"": {}}
            found += [(status, media, object_at(content, media).get("schema")) for media in content]
        return found

    @property
    def is_measured(self) -> bool:
        """Return True for an operation of opencode 1.x. Measured facts apply to no other, not even on the same path."""
        return _since().is_related([(self.id, route(self.method, self.path))])

    @property
    def stream(self) -> Json | None:
        """The schema of its server-sent events; None if its response is no stream."""
        schemas = (schema for _, media, schema in self.contents if media == _STREAM)
        return next((schema if is_object(schema) else {} for schema in schemas), None)

    @property
    def kind(self) -> str:
        """`stream`, `websocket`, `blocking` or `request`."""
        if self.stream is not None:
            return "stream"
        if self.operation.get("x-websocket") is True:
            return "websocket"
        kind = _kinds().get(self.id)
        is_other = _since().is_other(self.id, route(self.method, self.path))
        return kind.kind if kind and not is_other else "request"


def entries(document: Json, modules: Modules, catalogue: Catalogue) -> list[Entry]:
    """Every operation by page: first the pinned rows of the index in their order, then the document's order."""
    found: list[Entry] = []
    anchors: set[str] = set()
    for path, item in document["paths"].items():
        for method, operation in item.items() if is_object(item) else ():
            if method in METHODS and is_object(operation):
                anchor = _unique(slug(f"{method} {path}"), anchors)
                merged = _with_shared_parameters(operation, item, document)
                found.append(Entry(method.upper(), path, modules.of(path), anchor, merged))
    return sorted(found, key=lambda entry: (entry.module.number, catalogue.order(entry.name)))


def _unique(name: str, taken: set[str]) -> str:
    unique, count = name, 2
    while unique in taken:
        unique, count = f"{name}-{count}", count + 1
    taken.add(unique)
    return unique


def _with_shared_parameters(operation: Json, item: Json, document: Json) -> Json:
    """The operation with the parameters of its path, and with references followed."""
    shared = object_at(object_at(document, "components"), "parameters")
    every = [*objects_at(item, "parameters"), *objects_at(operation, "parameters")]
    followed = [object_at(shared, text_at(p, "$ref").rsplit("/", 1)[-1]) or p for p in every]
    return {**operation, "parameters": followed}


def first_version(entry: Entry) -> tuple[str | None, str | None, str]:
    """Return (newest version known without it, oldest known with it, newest that was compared)."""
    since = _since()
    is_other = since.is_other(entry.id, route(entry.method, entry.path))
    known = since.row("" if is_other else entry.id)
    return known["absent"], known["since"], since.versions[-1]
