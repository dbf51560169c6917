"""What a client was told: where the server is, who asks, and how long to wait. Values only; nothing here does I/O."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from attrs import evolve, field, frozen

from ..errors import ArgumentError, OpencodeError
from .directories import StrPath, absolute
from .unset import UNSET, Unset

if TYPE_CHECKING:
    import httpx

DEFAULT_BASE_URL = "http://127.0.0.1:4096"
DEFAULT_USERNAME = "opencode"
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0

Timeout: TypeAlias = "float | httpx.Timeout | None"
"""Seconds without progress, `httpx.Timeout` for each phase, or None: wait without limit for the answer."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_URL_TEXT = re.compile(r"[\x21-\x7e]+")


@frozen
class RetryEvent:
    """What `on_retry` is called with before the wait. `attempt` 1 was the first request; another follows."""

    operation: str
    attempt: int
    delay_s: float
    error: OpencodeError


@frozen(kw_only=True)
class ClientOptions:
    """A client's options, immutable and picklable; `OpencodeClient.from_options` makes a client of them.

    `base_url` is without credentials and without a slash at the end; `password` None means no authentication.
    """

    base_url: str
    directory: str | None = None
    workspace: str | None = None
    username: str = DEFAULT_USERNAME
    password: str | None = field(default=None, repr=lambda value: "None" if value is None else "'***'")
    timeout: Timeout = READ_TIMEOUT_S
    max_retries: int = 2
    strict: bool = False
    headers: Mapping[str, str] = field(
        factory=dict[str, str], repr=lambda value: repr(dict.fromkeys(value, "***"))
    )
    on_retry: Callable[[RetryEvent], object] | None = None


def make_options(
    base_url: str | None,
    *,
    directory: StrPath | None,
    workspace: str | None,
    username: str | None,
    password: str | None,
    timeout: Timeout | Unset,
    max_retries: int,
    strict: bool,
    headers: Mapping[str, str] | None,
    on_retry: Callable[[RetryEvent], object] | None,
) -> ClientOptions:
    """The options that the arguments of a client and the environment give.

    Raises:
        ArgumentError: what is wrong with which argument.
    """
    environment_url = os.environ.get("OPENCODE_BASE_URL")
    url, url_user, url_password = split_url(base_url or environment_url or DEFAULT_BASE_URL)
    password = url_password if password is None else password
    if password is None and (
        is_loopback(url) or (environment_url and _origin(environment_url) == _origin(url))
    ):
        password = os.environ.get("OPENCODE_SERVER_PASSWORD")
    return ClientOptions(
        base_url=url,
        directory=None if directory is None else absolute(directory),
        workspace=workspace,
        username=username or url_user or os.environ.get("OPENCODE_SERVER_USERNAME") or DEFAULT_USERNAME,
        password=password or None,
        timeout=READ_TIMEOUT_S if timeout is UNSET else timeout,
        max_retries=checked_retries(max_retries),
        strict=strict,
        headers=checked_headers(headers or {}),
        on_retry=on_retry,
    )


def changed_options(
    options: ClientOptions, **changes: Any
) -> ClientOptions:  # Any: the arguments of `with_options`
    """The options with those changes that are not UNSET.

    Raises:
        ArgumentError: what is wrong with which change.
    """
    given = {name: value for name, value in changes.items() if value is not UNSET}
    checks: dict[str, Callable[[Any], Any]] = {
        "directory": absolute,
        "max_retries": checked_retries,
        "headers": checked_headers,
    }
    for name in checks.keys() & given.keys():
        if given[name] is not None:
            given[name] = checks[name](given[name])
    return evolve(options, **given)


def split_url(url: str) -> tuple[str, str | None, str | None]:
    """The URL without credentials, query and final slash; the user; the password.

    Raises:
        ArgumentError: no URL of a server; the message does not repeat credentials.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ArgumentError("base_url is no URL: its host or its port cannot be read") from None
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    if parts.scheme not in ("http", "https") or not host or port == 0:
        shown = place if parts.scheme else url.rpartition("@")[2]
        raise ArgumentError(f"base_url takes http://host:port or https://..., not {shown!r}")
    if parts.query or parts.fragment:
        raise ArgumentError(f"base_url takes no query and no fragment: {place!r} has one")
    if not _URL_TEXT.fullmatch(place):
        raise ArgumentError(f"base_url takes ASCII without spaces, not {place!r}")
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return place, user, password


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url.strip())
        return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", None, None


def checked_retries(max_retries: int) -> int:
    """`max_retries`, if it is a count.

    Raises:
        ArgumentError: it is none.
    """
    if type(max_retries) is not int or max_retries < 0:
        raise ArgumentError(f"max_retries takes a count, 0 for never, not {max_retries!r}")
    return max_retries


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers under names in lower case.

    Raises:
        ArgumentError: HTTP cannot carry one; the message names it and does not repeat its value.
    """
    checked: dict[str, str] = {}
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and isinstance(value, str) and _HEADER_VALUE.fullmatch(value)):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError(f"header {name!r}: HTTP cannot carry this name and value")
        checked[name.lower()] = value
    return checked
