"""The text of an error answer, for people: what the server said of it, without what it repeats of the request.

Source: the error bodies of 1.1.31 and 1.18.33, a dozen shapes, most of them in no document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from ..model import OpencodeModel, Unknown, is_array, is_object

_LONGEST = 500
_STACK = re.compile(r"\n    at .*", re.DOTALL)
_REPEATED = re.compile(r"(, got |received )([{\[\"]).*?(?=\n  at \[|$)", re.DOTALL)
_KINDS = {"{": "an object", "[": "an array", '"': "a text"}
_NO_ECHO = frozenset({
    "access", "api_key", "apiKey", "arguments", "client_secret", "clientSecret", "code", "command", "content",
    "environment", "headers", "inputs", "key", "password", "prompt", "refresh", "secret", "system", "text",
    "ticket", "token",
})  # fmt: skip
"""Members of requests that hold secrets or what people wrote: no message repeats what is below them."""
_SECRET_QUERY = re.compile(r"(?<=[?&])(auth_token|ticket)=[^&]*")


def status_text(status: int) -> str:
    """`404 Not Found`; the number alone for a status that has no name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def public_url(url: str) -> str:
    """The URL without the values of query parameters that let somebody in."""
    return _SECRET_QUERY.sub(r"\1=***", url) if "?" in url else url


def error_text(data: object, content: bytes, content_type: str, sent: object) -> str:
    """What the server said, on one line; "" where it said nothing. `sent` is the body that it may repeat."""
    if data is not None:
        text = _said(data)
    elif content_type.startswith("text/html"):
        text = "a web page"
    else:
        text = content.decode("utf-8", "replace")  # whole: a secret that is cut would not be found
    text = _REPEATED.sub(lambda m: m[1] + _KINDS[m[2]], _STACK.sub("", text))
    for secret in sorted(set(_not_to_repeat(sent)), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _said(data: object) -> str:
    """The message in `data`: tried in the order in which servers' bodies say most."""
    if is_array(data):
        return "; ".join(filter(None, map(_said, data)))
    if not is_object(data):
        return data if isinstance(data, str) else ""
    inner: object = data.get("data")
    name: object = data.get("name") or data.get("_tag")
    if isinstance(data.get("message"), str):
        return _with_place(data)
    if is_object(inner) and name:
        return _said(inner) or f"{name}{_scalars(inner)}"
    for key in ("error", "errors", "issues"):
        if data.get(key):
            return _said(data[key])
    return str(name) if isinstance(name, str) else ""


def _with_place(issue: dict[str, Any]) -> str:
    path: object = issue.get("path")
    place = f" at {'.'.join(map(str, path))}" if is_array(path) and path else ""
    return f"{issue['message']}{place}"


def _scalars(data: dict[str, Any]) -> str:
    shown = [f"{name}={value}" for name, value in data.items() if isinstance(value, str | int | float)]
    return f": {', '.join(shown)}" if shown else ""


def _not_to_repeat(sent: object, *, below: bool = False) -> Iterator[str]:
    if isinstance(sent, str):
        if below and len(sent) > 2:
            yield sent
            yield json.dumps(sent)[1:-1]
            yield json.dumps(sent, ensure_ascii=False)[1:-1]
    elif isinstance(sent, OpencodeModel | Unknown):
        yield from _not_to_repeat(sent.to_dict(), below=below)
    elif is_object(sent):
        for name, value in sent.items():
            yield from _not_to_repeat(value, below=below or name in _NO_ECHO)
    elif isinstance(sent, list | tuple):
        items: list[object] | tuple[object, ...] = sent  # pyright: ignore[reportUnknownVariableType] # JSON
        for item in items:
            yield from _not_to_repeat(item, below=below)
