"""The operations of a document as the reference lists them: pages, order, places to link to."""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import frozen

from opencode_client.model import is_object
from scripts.normalise.kinds import read_kinds, read_since
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
    """One operation: where it is described, and what the document says of it."""

    method: str
    path: str
    module: Module
    anchor: str
    operation: Json

    @property
    def name(self) -> str:
        """`METHOD path`, by which the catalogue knows it."""
        return f"{self.method} {self.path}"

    @property
    def id(self) -> str:
        """Its operationId; empty without one."""
        return text_at(self.operation, "operationId")

    @property
    def english(self) -> str:
        """What the document says of it in most words."""
        return text_at(self.operation, "description") or text_at(self.operation, "summary")

    @property
    def link(self) -> str:
        """Where it is described, from another page."""
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
    def stream(self) -> Json | None:
        """The schema of its server-sent events; None if it answers with something else."""
        schemas = (schema for _, media, schema in self.contents if media == _STREAM)
        return next((schema if is_object(schema) else {} for schema in schemas), None)

    @property
    def kind(self) -> str:
        """`stream`, `websocket`, `blocking` or `request`."""
        if self.stream is not None:
            return "stream"
        kind = _kinds().get(self.id)
        return kind.kind if kind else "request"


def entries(document: Json, modules: Modules, catalogue: Catalogue) -> list[Entry]:
    """Every operation: the index's pinned rows in their order, then by page, in the document's order."""
    found: list[Entry] = []
    anchors: set[str] = set()
    for path, item in document["paths"].items():
        for method, operation in item.items() if is_object(item) else ():
            if method in METHODS and is_object(operation):
                anchor = _free(slug(f"{method} {path}"), anchors)
                merged = _with_shared_parameters(operation, item, document)
                found.append(Entry(method.upper(), path, modules.of(path), anchor, merged))
    return sorted(found, key=lambda entry: _place(entry, catalogue))


def _place(entry: Entry, catalogue: Catalogue) -> tuple[int, int]:
    return catalogue.order(entry.name), entry.module.number


def _free(name: str, taken: set[str]) -> str:
    free, count = name, 2
    while free in taken:
        free, count = f"{name}-{count}", count + 1
    taken.add(free)
    return free


def _with_shared_parameters(operation: Json, item: Json, document: Json) -> Json:
    """The operation with the parameters of its path, references followed."""
    shared = object_at(object_at(document, "components"), "parameters")
    every = [*objects_at(item, "parameters"), *objects_at(operation, "parameters")]
    followed = [object_at(shared, text_at(p, "$ref").rsplit("/", 1)[-1]) or p for p in every]
    return {**operation, "parameters": followed}


def first_version(entry: Entry) -> tuple[str | None, str | None, str]:
    """(the newest version known without it, the oldest known with it, the newest that was compared)."""
    newest, since = _since()
    known = since.get(entry.id, {"absent": newest, "since": None})
    return known["absent"], known["since"], newest
