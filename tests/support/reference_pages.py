"""The API reference of the committed documents, written once, and functions that read its pages."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from attrs import frozen

from scripts.recordings import DOCUMENTED, document
from scripts.reference.writing import Reference, make_reference
from scripts.rooms import REFERENCE

NEWEST = DOCUMENTED[-1]
SEED = REFERENCE.parent.parent / "tests" / "data" / "reference" / "index-1.1.31.zh.md"
_ROW = re.compile(r"\| \[(.+?)\]\((.+?)\) \| \[?`(\S+ \S+)`(?:\]\(\S+\))? \| (.*?) \| (.+?) \|")
_LINKED = re.compile(r"\[(.+)\]\((.+)\)")


@frozen
class Row:
    """A row of an index page."""

    title: str
    file: str
    operation: str
    description: str
    status: str
    target: str
    """The link of the status; empty if it has none."""


@cache
def reference(version: str) -> Reference:
    """Return the reference of a version: both languages for the oldest and the newest version, else English."""
    languages = ("zh", "en") if version in (DOCUMENTED[0], NEWEST) else ("en",)
    return make_reference(document(version), REFERENCE, languages, version)


def pages(version: str) -> dict[str, str]:
    """Return the pages of a version, by path (zh/README.md)."""
    return reference(version).pages


def pages_of(given: dict[str, Any], language: str = "zh") -> dict[str, str]:
    """Return the pages of a document in one language, by name."""
    made = make_reference(given, REFERENCE, (language,)).pages
    return {name.removeprefix(f"{language}/"): text for name, text in made.items()}


def rows(index: str) -> list[Row]:
    """Return the rows of an index: of the reference, or of the older one that it continues."""
    found: list[Row] = []
    for title, file, operation, description, status in _ROW.findall(index):
        linked = _LINKED.fullmatch(status)
        shown, target = linked.groups() if linked else (status, "")
        found.append(Row(title, file, operation, description, shown, target))
    return found


def small_document(*operations: tuple[str, str, dict[str, Any]], **schemas: Any) -> dict[str, Any]:
    """Return a document with these operations: (method, path, operation object)."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, operation in operations:
        paths.setdefault(path, {})[method] = {"responses": {"200": {"description": "Success"}}, **operation}
    return {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}}


def body(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an operation with a JSON body of this schema."""
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}
