"""Extract a readable message from the body of an error response, without the secrets that the body may repeat.

Source: the error bodies of 1.1.31 and 1.18.33. They have a dozen forms, most of which no document describes.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from ..model import OpencodeModel, Unknown, is_array, is_object
from .error_hints import hints

if TYPE_CHECKING:
    import httpx

    from .request_builder import Prepared

Clean: TypeAlias = Callable[[str], str]

_MAX_LENGTH = 500
"""Characters of one message. A response can have several."""
_MAX_TOTAL = 2000
_MAX_SHOWN = 200
"""Characters of a body that is not JSON."""
_MAX_SEARCHED = 10_000
_MAX_MESSAGES = 50
"""Limits for bodies that are crafted to be slow to parse. So no pattern may scan a whole text without a match."""
_STACK = re.compile(r"\n    at .*", re.DOTALL)
_REPEATED = re.compile(r"(, got |received )([{\[\"])(?:(?!\n  at \[).)*", re.DOTALL)
_KINDS = {"{": "an object", "[": "an array", '"': "a text"}
_CONFIG_FILE = re.compile(
    r"--- JSONC Input ---.*?(?:--- Errors ---|\Z)|--- End ---|\n *Line \d+:[^\n]*\n *\^", re.DOTALL
)
"""The parts of a message that repeat a configuration file, which may hold keys (1.1.31 to 1.18.33)."""
_PRIVATE = frozenset({
    "access", "api_key", "apiKey", "arguments", "client_secret", "clientSecret", "code", "command", "content",
    "environment", "headers", "inputs", "key", "password", "prompt", "refresh", "secret", "system", "text",
    "ticket", "token",
})  # fmt: skip
"""Members of requests that hold secrets or texts of people. Messages show none of the texts inside them."""
_PUBLIC_HEADERS = frozenset({
    "accept", "accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding",
    "user-agent",
})  # fmt: skip
_SECRET_QUERY = re.compile(r"(?<=[?&])(auth_token|ticket)=[^&]*")
_CREDENTIALS = re.compile(
    r"(\b(?:Basic|Bearer)\s+)[\w+/=.~-]+|(?<=://)([^/\s@:]{0,200}:)[^\s@]{0,1000}(?=@)|(\b(?:auth_token|ticket)=)[^&\s]*",
    re.IGNORECASE,
)
"""Credentials with a known form: in a header, a URL or a query."""
_NAMED = re.compile(
    rf'(?<![\w-])((?:"(?:{"|".join(sorted(_PRIVATE))})"'
    r'|"?[\w-]{0,40}?(?:authorization|cookie|credential|key|passw|secret|ticket|token)[\w-]{0,40}"?)\s*[:=]\s*)'
    r'("(?:[^"\\]|\\.)*"?|[{\[][^}\]]*[}\]]?|[^\s"\',;&<>{}\[\]]+)',
    re.IGNORECASE,
)
"""A name for a secret with its value, in a text that is not JSON."""


def status_text(status: int) -> str:
    """Return `404 Not Found`, or the number alone if the status has no name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def public_url(url: str) -> str:
    """Return the URL with *** in place of the query parameters that grant access."""
    return _SECRET_QUERY.sub(r"\1=***", url) if "?" in url else url


def error_text(prepared: Prepared, response: httpx.Response, data: object) -> str:
    """Return `: <the server's message> (<what to check>)` as one line; "" if there is neither.

    Args:
        data: the body as parsed JSON; None if it is not JSON.
    """
    clean = _cleaner(prepared)
    if data is not None:
        text = _message(data, clean)
    elif response.headers.get("content-type", "").lower().startswith("text/html"):
        text = "a web page"
    else:
        text = _shortened(_without_named(clean, response.content), _MAX_LENGTH)
    shown = f": {_shortened(text, _MAX_TOTAL)}" if text else ""
    return f"{shown}{hints(prepared, response.status_code, text)}"


def body_text(prepared: Prepared, content: bytes) -> str:
    """Return the beginning of a body that is not JSON, as one line, in quotes, without secrets."""
    return repr(_shortened(_without_named(_cleaner(prepared), content), _MAX_SHOWN))


def _without_named(clean: Clean, content: bytes) -> str:
    # shorten the text later: half a secret would not be found
    return _NAMED.sub(r"\1***", clean(content.decode("utf-8", "replace")))


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


def _cleaner(prepared: Prepared) -> Clean:
    """Return a function that hides the request's secrets in a text, and makes the text one line."""
    secrets = {*_private_texts(prepared.sent), *_header_texts(prepared.http.headers)}
    ordered = sorted(secrets, key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in ordered:
            text = text.replace(secret, "***")
        return " ".join(_CREDENTIALS.sub(r"\1\2\3***", text[:_MAX_SEARCHED]).split())

    return clean


def _message(data: object, clean: Clean) -> str:
    """Return the message in `data`. The most informative members are tried first."""
    if is_array(data):
        return "; ".join(
            dict.fromkeys(filter(None, (_message(item, clean) for item in data[:_MAX_MESSAGES])))
        )
    if not is_object(data):
        return _one_message(data, clean) if isinstance(data, str) else ""
    inner: object = data.get("data")
    name: object = data.get("name") or data.get("_tag")
    if isinstance(data.get("message"), str):
        text, path = data["message"], data.get("path")
        place = (
            f" at {'.'.join(map(str, path))}" if is_array(path) and path and "\n  at [" not in text else ""
        )
        more, inside = _message(data.get("issues"), clean), _message(data.get("errors"), clean)
        inside = f" ({inside})" if inside else ""  # of a union: why no variant fits
        return f"{_one_message(text, clean)}{place}{inside}{'; ' if more else ''}{more}"
    if is_object(inner) and name:
        return _named_message(str(name), inner, clean)
    for key in ("error", "errors", "issues"):
        if data.get(key):
            return _message(data[key], clean)
    return _one_message(name, clean) if isinstance(name, str) else ""


def _named_message(name: str, data: dict[str, object], clean: Clean) -> str:
    """Return the message of `{"name": name, "data": data}`, with the server's file and the reference into its log."""
    text, file, ref = _message(data, clean), data.get("path"), data.get("ref")
    if not text:
        scalars = [f"{key}={value}" for key, value in data.items() if isinstance(value, str | int | float)]
        return clean(f"{name}{': ' if scalars else ''}{', '.join(scalars)}")
    if isinstance(file, str):
        text = f"{name} in {file} on the server: {text}"
    return f"{text} (ref {ref} in the server's log)" if isinstance(ref, str) else text


def _one_message(text: str, clean: Clean) -> str:
    """Return a message without its stack trace and without repeated values: they may be secrets from a file."""
    text = _REPEATED.sub(lambda m: m[1] + _KINDS[m[2]], _CONFIG_FILE.sub("", _STACK.sub("", text)))
    return _shortened(clean(text), _MAX_LENGTH)


def _header_texts(headers: httpx.Headers) -> Iterator[str]:
    """Yield the texts in the request's headers that no message may show: the user's, and the password."""
    for name, value in headers.items():
        if name not in _PUBLIC_HEADERS and len(value) > 2:
            yield value
        if name == "authorization" and value.startswith("Basic "):
            try:
                pair = b64decode(value.removeprefix("Basic ")).decode("utf-8", "replace")
            except Base64Error:  # a header of the user's
                continue
            password = pair.partition(":")[2]
            if len(password) > 2:
                yield password


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
