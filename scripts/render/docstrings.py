"""Docstrings of methods: what the server's document writes about an operation, and what the rules have found out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from opencode_client.errors import error_class
from scripts.normalise.schema import Json
from scripts.render.text import indented, safe, wrapped


class Argument(Protocol):
    """An argument as the docstring needs it."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...


def summary(operation: Json, meta: Json) -> str:
    """Return what an operation is for, in a line: the document's summary, else the operation's id."""
    return safe(operation.get("summary") or "") or safe(meta["said"]["name"])


def method_docstring(
    operation: Json, meta: Json, arguments: Iterable[Argument], result: str, version: str
) -> str:
    """Return a method's docstring, for an indentation of eight.

    Args:
        result: what the document writes about the result.
        version: the server version of the document, "" if unknown.
    """
    sections = [*_paragraphs(operation, meta), "\n".join(_last_section(meta, arguments, result, version))]
    return indented("\n\n".join(sections), " " * 8)


def _paragraphs(operation: Json, meta: Json) -> Iterator[str]:
    title, description = operation.get("summary") or "", operation.get("description") or ""
    yield f"{wrapped(title if safe(title) else meta['said']['name'], 100)}."
    if description and description != title:
        yield wrapped(description, 106)
    if meta["kind"] == "blocking":
        yield f"Waits without a timeout: {wrapped(meta['reason'], 82)}."
    if meta["deprecated"]:
        yield "Deprecated by the server's document."
    if meta["kind"] == "stream":
        yield "A stream to use in `with`, opened before what it is to show; `options` are those of `StreamOptions`."
    if meta["kind"] == "websocket":
        yield "A connection to use in `with`; `options` are those of `PtyOptions`."


def _last_section(meta: Json, arguments: Iterable[Argument], result: str, version: str) -> Iterator[str]:
    described = [argument for argument in arguments if argument.description.strip()]
    if described:
        yield "Args:"
    for argument in described:
        yield f"    {argument.name}: {indented(wrapped(argument.description.strip(), 90), ' ' * 8)}"
    if result:
        yield f"Returns: {indented(wrapped(result, 96), '    ')}."
    errors = dict.fromkeys(_error_name(status) for status in meta["errors"] if status != "default")
    if errors:
        yield f"Raises: {', '.join(errors)}."
    first = meta["since"] or safe(version) or "newer"
    older = f"(not in {meta['absent']})" if meta["absent"] else "or earlier"
    yield f"Source: `{safe(meta['said']['source'])}`, opencode {first} {older}."


def _error_name(status: str) -> str:
    """Return the class that a status raises; a range such as 4XX has the class of all its statuses."""
    return error_class(int(status.replace("X", "9"))).__name__
