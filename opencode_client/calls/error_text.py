"""Extract a readable message from the body of an error response, without the secrets that the body may repeat.

Source: the error bodies of 1.1.31 and 1.18.33. They have a dozen forms, most of which no document describes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus

from ..model import OpencodeModel, Unknown, is_array, is_object

_MAX_LENGTH = 500
_STACK = re.compile(r"\n    at .*", re.DOTALL)
_REPEATED = re.compile(r"(, got |received )([{\[\"]).*?(?=\n  at \[|$)", re.DOTALL)
_KINDS = {"{": "an object", "[": "an array", '"': "a text"}
_PRIVATE = frozenset({
    "access", "api_key", "apiKey", "arguments", "client_secret", "clientSecret", "code", "command", "content",
    "environment", "headers", "inputs", "key", "password", "prompt", "refresh", "secret", "system", "text",
    "ticket", "token",
})  # fmt: skip
"""Members of requests that hold secrets or texts of people. Messages show none of the texts inside them."""
_SECRET_QUERY = re.compile(r"(?<=[?&])(auth_token|ticket)=[^&]*")


def status_text(status: int) -> str:
    """Return `404 Not Found`, or the number alone if the status has no name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def public_url(url: str) -> str:
    """Return the URL with *** in place of the query parameters that grant access."""
    return _SECRET_QUERY.sub(r"\1=***", url) if "?" in url else url


def error_text(data: object, content: bytes, content_type: str, sent: object) -> str:
    """Return the server's error message as one line, or "" if the body has none.

    Args:
        data: the body as parsed JSON; None if it is not JSON.
        content: the body.
        content_type: its `content-type` header.
        sent: the body of the request, which the server may repeat.
    """
    if data is not None:
        text = _message(data)
    elif content_type.startswith("text/html"):
        text = "a web page"
    else:
        text = content.decode("utf-8", "replace")  # not shortened yet: half a secret would not be found below
    text = _REPEATED.sub(lambda m: m[1] + _KINDS[m[2]], _STACK.sub("", text))
    for secret in sorted(set(_private_texts(sent)), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = " ".join(text.split())
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


def _message(data: object) -> str:
    """Return the message in `data`. Members that say most are tried first."""
    if is_array(data):
        return "; ".join(filter(None, map(_message, data)))
    if not is_object(data):
        return data if isinstance(data, str) else ""
    inner: object = data.get("data")
    name: object = data.get("name") or data.get("_tag")
    if isinstance(data.get("message"), str):
        path: object = data.get("path")
        place = f" at {'.'.join(map(str, path))}" if is_array(path) and path else ""
        return f"{data['message']}{place}"
    if is_object(inner) and name:
        scalars = [f"{key}={value}" for key, value in inner.items() if isinstance(value, str | int | float)]
        return _message(inner) or f"{name}{': ' if scalars else ''}{', '.join(scalars)}"
    for key in ("error", "errors", "issues"):
        if data.get(key):
            return _message(data[key])
    return str(name) if isinstance(name, str) else ""


def _private_texts(sent: object, *, private: bool = False) -> Iterator[str]:
    """Yield the texts in `sent` that no message may show, as they are and as JSON writes them."""
    if isinstance(sent, OpencodeModel | Unknown):
        sent = sent.to_dict()
    if isinstance(sent, str):
        if private and len(sent) > 2:
            yield from (sent, json.dumps(sent)[1:-1], json.dumps(sent, ensure_ascii=False)[1:-1])
    elif is_object(sent):
        for name, value in sent.items():
            yield from _private_texts(value, private=private or name in _PRIVATE)
    elif isinstance(sent, list | tuple):
        items: list[object] | tuple[object, ...] = sent  # pyright: ignore[reportUnknownVariableType] # JSON
        for item in items:
            yield from _private_texts(item, private=private)
