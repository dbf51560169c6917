"""Options of a client: the server's URL, timeouts, and which server gets the password of the environment.

No I/O; only the environment is read.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable
from urllib.parse import unquote, urlsplit

from attrs import evolve, field, frozen
from attrs.converters import optional

from ..errors import ArgumentError
from ..signatures import explain_calls
from .directories import absolute
from .unset import UNSET, Unset

if TYPE_CHECKING:
    import httpx

    from .header_function import OutgoingRequest
    from .observer import Observer
    from .retry_policy import RetryEvent

DEFAULT_BASE_URL = "http://127.0.0.1:4096"
DEFAULT_USERNAME = "opencode"
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
LONGEST_S = 1e9
"""The longest timeout, in seconds: sockets raise OverflowError for much longer ones."""

Timeout: TypeAlias = "float | httpx.Timeout | None"
"""Seconds without progress, or an `httpx.Timeout` with a limit for each phase. None: wait for the response for ever."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_ENCODE = "; if its password has one of / ? # @, percent-encode that, or pass it as password="
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_PLAIN_URL = re.compile(
    r"https?://(127\.0\.0\.1|([a-z][a-z0-9-]{0,62}\.){0,3}[a-z][a-z0-9-]{0,62})(:\d+)?(/[\w-]+)*", re.A
)
_URL_TEXT = re.compile(r"[\x21-\x7e]+")


@runtime_checkable
class AnyHttpClient(Protocol):
    """The part of `httpx.Client` and `httpx.AsyncClient` that options depend on. This module does not import httpx."""

    @property
    def base_url(self) -> httpx.URL: ...
    @property
    def headers(self) -> httpx.Headers: ...
    @property
    def auth(self) -> httpx.Auth | None: ...
    @property
    def timeout(self) -> httpx.Timeout: ...


def checked_retries(max_retries: int) -> int:
    """Return `max_retries`.

    Raises:
        ArgumentError: it is not a whole number, at least 0.
    """
    if type(max_retries) is not int or max_retries < 0:
        raise ArgumentError(f"max_retries takes a whole number, 0 for no retries, not {max_retries!r}")
    return max_retries


def checked_seconds(name: str, seconds: float | None) -> float | None:
    """Return the seconds of the option or argument `name`. None: no limit.

    Raises:
        ArgumentError: it is not a positive number, or above a billion.
    """
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_S:  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise ArgumentError(f"{name} takes seconds above 0, or None for no limit, not {seconds!r}")
    return seconds


def _turn_seconds(seconds: float | None) -> float | None:
    return checked_seconds("turn_timeout", seconds)


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with lower-case names.

    Raises:
        ArgumentError: a name or value has characters that HTTP does not allow. The message does not show the value.
    """
    checked: dict[str, str] = {}
    if not isinstance(headers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise ArgumentError(f"headers takes a mapping of names to values, not {type(headers).__name__}")
    for name, value in headers.items():
        texts = isinstance(name, str) and isinstance(value, str)  # pyright: ignore[reportUnnecessaryIsInstance] # as above
        if not (texts and _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise ArgumentError(f"header {name!r}: HTTP does not allow this name or this value")
        if name.lower() in _FRAMING:
            raise ArgumentError(f"header {name!r}: it depends on the body, so the client sets it")
        checked[name.lower()] = value
    return checked


def _check_text(name: str, value: object) -> None:
    """Raise ArgumentError if the option `name` is neither a text nor None. The message does not show it."""
    if not isinstance(value, str | None):
        raise ArgumentError(f"{name} takes a text, not {type(value).__name__}")


def _password(value: str | None) -> str | None:
    _check_text("password", value)
    return value


def _headers_or_function(given: Any) -> Any:  # Any: as `ClientOptions.headers`
    return given if callable(given) else checked_headers(given)


def _shown_headers(headers: object) -> str:
    """Return the names without the values, or "<function>": values and functions may hold secrets."""
    return repr(dict.fromkeys(headers, "***")) if isinstance(headers, dict) else "<function>"  # pyright: ignore[reportUnknownArgumentType] # only its names


@explain_calls
@frozen(kw_only=True)
class ClientOptions:
    """A client's options, immutable and picklable. `OpencodeClient.from_options` makes a client from them.

    `base_url` has no credentials and no slash at its end. `password` None means no authentication.
    """

    base_url: str
    directory: str | None = field(default=None, converter=optional(absolute))
    workspace: str | None = None
    username: str = DEFAULT_USERNAME
    password: str | None = field(
        default=None, converter=_password, repr=lambda value: "None" if value is None else "'***'"
    )
    timeout: Timeout = READ_TIMEOUT_S
    turn_timeout: float | None = field(default=None, converter=_turn_seconds)
    max_retries: int = field(default=2, converter=checked_retries)
    strict: bool = False
    headers: Mapping[str, str] | Callable[[OutgoingRequest], Any] = field(  # Any: also awaitable, see there
        factory=dict[str, str], converter=_headers_or_function, repr=_shown_headers
    )
    on_retry: Callable[[RetryEvent], object] | None = None
    observer: Observer | None = None


def is_checked(options: ClientOptions) -> bool:
    """Return False if httpx has to check the URL, the timeout or the credentials."""
    seconds = options.timeout
    is_number = seconds is None or (isinstance(seconds, float | int) and 0 < seconds <= LONGEST_S)
    is_plain = _PLAIN_URL.fullmatch(options.base_url) is not None
    is_safe = ":" not in options.username and f"{options.username}{options.password}".isascii()
    return is_number and type(seconds) is not bool and is_plain and is_safe


def changed_options(
    options: ClientOptions, **changes: Any
) -> ClientOptions:  # Any: as `with_options` takes them
    """Return the options with the changes that are not UNSET.

    Raises:
        ArgumentError: a change is wrong; the message names it.
    """
    return evolve(options, **{name: value for name, value in changes.items() if value is not UNSET})


def headers_key(options: ClientOptions) -> Hashable:
    """Return a key for the headers. Views share an event stream only if their keys are equal: it sends its headers."""
    headers = options.headers
    if not callable(headers):
        return frozenset(headers.items())
    is_hashable = isinstance(headers, Hashable)  # pyright: ignore[reportUnnecessaryIsInstance] # not each class of users
    return headers if is_hashable else id(headers)


def find_server(
    base_url: str | None, username: str | None, password: str | None, client: AnyHttpClient | None = None
) -> tuple[str, str, str | None]:
    """Return URL, user and password of the server: those given, else those in the URL, else the environment's.

    `client` is the user's httpx client. Its base URL wins over the environment's. Its authentication wins over all
    passwords but the one of an argument (`password`, or in `base_url`). A password from the environment is only
    returned for this machine, or for the origin of OPENCODE_BASE_URL.

    Raises:
        ArgumentError: the URL is wrong, or `client` has the URL of another server.
    """
    for name, text in (("base_url", base_url), ("username", username), ("password", password)):
        _check_text(name, text)
    environment_url = os.environ.get("OPENCODE_BASE_URL")
    client_url = str(client.base_url) if isinstance(client, AnyHttpClient) else ""
    if base_url and client_url and _origin(base_url) != _origin(client_url):
        raise ArgumentError(
            "base_url and the base_url of http_client lead to different servers: name one of them"
        )
    source = "base_url" if base_url else "base_url of http_client" if client_url else "OPENCODE_BASE_URL"
    given_url = base_url or client_url or environment_url or DEFAULT_BASE_URL
    url, url_user, url_password = split_url(given_url, source)
    if base_url and password is None:
        password = url_password
    if client_url and url_password is None:
        _, url_user, url_password = split_url(client_url, "base_url of http_client")
    user = username or url_user or os.environ.get("OPENCODE_SERVER_USERNAME") or DEFAULT_USERNAME
    if password is None and isinstance(client, AnyHttpClient) and _authenticates(client):
        return url, user, None
    password = url_password if password is None else password
    if password is None and (
        is_loopback(url) or (environment_url and _origin(environment_url) == _origin(url))
    ):
        password = os.environ.get("OPENCODE_SERVER_PASSWORD")
    return url, user, password or None


def find_timeout(timeout: Timeout | Unset, client: AnyHttpClient | None) -> Timeout:
    """Return the timeout: the given one, else that of the user's httpx client, else 60 seconds.

    A client's timeout of 5 seconds, httpx's default, is ignored.
    """
    if timeout is not UNSET:
        return timeout
    if isinstance(client, AnyHttpClient) and client.timeout != type(client.timeout)(5.0):
        return client.timeout
    return READ_TIMEOUT_S


def _authenticates(client: AnyHttpClient) -> bool:
    return client.auth is not None or "authorization" in client.headers


def split_url(url: str, name: str = "base_url") -> tuple[str, str | None, str | None]:
    """Return the URL without credentials and final slash, the user, and the password. Errors call the URL `name`.

    Raises:
        ArgumentError: it cannot be the URL of a server. The message does not show credentials.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        if str(error).startswith("Port out of range"):  # this message shows nothing of the URL
            raise ArgumentError(f"{name}: {str(error).lower()}") from None
        raise ArgumentError(f"{name} is not a URL: its host or its port cannot be read{_ENCODE}") from None
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise ArgumentError(f"{name} takes http://host:port or https://..., not {_public(url)!r}")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ArgumentError(f"{name} has an @ after its host{_ENCODE}")
    if parts.query or parts.fragment:
        raise ArgumentError(f"{name} takes no query and no fragment: {place!r} has one")
    if not _URL_TEXT.fullmatch(place):
        raise ArgumentError(f"{name} takes ASCII without spaces, not {place!r}")
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return place, user, password


def _public(url: str) -> str:
    """Return an invalid URL without the parts that may be credentials: all before the last @, and the query."""
    before, _, after = url.strip().rpartition("@")
    return ("***@" if before else "") + re.split(r"[?#]", after)[0]


def is_loopback(url: str) -> bool:
    """Return True if the URL's host is this machine."""
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
