"""Docstrings of methods: the texts of the server's document, and the facts that the rules found out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from opencode_client.errors import error_class
from scripts.normalise.schema import Json
from scripts.render.text import docstring, indented, safe, wrapped

_WIDTH = 106
_SCOPE = {
    "directory": "Project to work in: a path on the server's machine. Default: the client's.",
    "workspace": "Id of the workspace to work in (`wrk...`). Default: the client's.",
}
_BODIES = {"json": "Whole body: a model, or JSON with the server's names.", "bytes": "Whole body."}
"""The arguments that are neither parameters nor members of the body."""


class Argument(Protocol):
    """An argument as the docstring needs it."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...


def method_docstring(
    operation: Json, meta: Json, arguments: Iterable[Argument], result: str, version: str
) -> str:
    """Return a method's docstring, for an indentation of eight.

    Args:
        result: the document's description of the result.
        version: the server version of the document, "" if unknown.
    """
    texts = {argument.name: argument.description.strip() for argument in arguments}
    if meta["body"] in _BODIES:
        texts["body"] = operation["requestBody"].get("description") or _BODIES[meta["body"]]
    texts |= {name: text for name, text in _SCOPE.items() if name in meta["scope"]}
    sections = [*_paragraphs(operation, meta), *_sections(meta, texts, result, version)]
    return docstring("\n\n".join(sections), 8)


def short_docstring(operation: Json, meta: Json) -> str:
    """Return the docstring of the asynchronous method, which refers to the synchronous one."""
    awaited = "" if meta["kind"] in ("stream", "websocket") else ", awaited"
    title = operation.get("summary") or ""
    title = title if safe(title) else meta["texts"]["name"]
    text = f"{title}: as `{meta['namespace']['class']}.{meta['attribute']}`{awaited}."
    return docstring(wrapped(text, _WIDTH), 8)


def _paragraphs(operation: Json, meta: Json) -> Iterator[str]:
    title, description = operation.get("summary") or "", operation.get("description") or ""
    yield f"{wrapped(title if safe(title) else meta['texts']['name'], 100)}."
    if description and description != title:
        yield wrapped(description, _WIDTH)
    if meta["kind"] == "blocking":
        yield f"{wrapped(meta['reason'], _WIDTH, first='Waits without a timeout, or for `turn_timeout`: ')}."
    if meta["note"]:
        yield wrapped(meta["note"], _WIDTH)
    if meta["deprecated"]:
        yield "Deprecated by the server's document."
    if meta["kind"] == "stream":
        yield "Use it in `with`. Open it before you cause the events you want; `options` are those of `StreamOptions`."
    if meta["kind"] == "websocket":
        yield "Use it in `with`; `options` are those of `PtyOptions`."


def _sections(meta: Json, texts: Mapping[str, str], result: str, version: str) -> Iterator[str]:
    """Yield the sections of Google's style, with the texts that a documentation site shows as tables."""
    described = [
        indented(wrapped(text, _WIDTH - 8, first=f"{name}: "), " " * 4)
        for name, text in texts.items()
        if text
    ]
    errors: dict[str, list[str]] = {}
    for status in meta["errors"]:
        if status != "default":
            errors.setdefault(_error_name(status), []).append(status)
    raised = [f"{name}: {', '.join(statuses)}." for name, statuses in errors.items()]
    returned = [f"{wrapped(result, _WIDTH - 4)}."] if result else []
    for head, lines in (("Args", described), ("Returns", returned), ("Raises", raised)):
        if lines:
            yield "\n".join([f"{head}:", *(indented(f"    {line}", " " * 4) for line in lines)])
    source = f"Source: `{meta['texts']['source']}`{_versions(meta, version)}."
    yield indented(wrapped(source, _WIDTH - 4), "    ")


def _versions(meta: Json, version: str) -> str:
    if meta["since"] == "":  # the document is not opencode's own
        return ""
    first = meta["since"] or version or "newer"
    return (
        f", opencode {first} (not in {meta['absent']})"
        if meta["absent"]
        else f", opencode {first} or earlier"
    )


def _error_name(status: str) -> str:
    """Return the class that a status raises; a range such as 4XX has the class of all its statuses."""
    return error_class(int(status.replace("X", "9"))).__name__
