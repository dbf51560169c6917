"""How the WebSocket of a terminal is opened: what is asked of the server, and what its refusal means."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from ssl import SSLContext
from time import monotonic
from typing import Any, Literal, TypedDict

import httpx
from attrs import evolve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException
from websockets.http11 import Response

from ..calls.error_mapping import error_from_httpx, response_or_error
from ..calls.operation import Arguments, Operation
from ..calls.request_builder import Prepared, RequestBuilder
from ..calls.server_info import release
from ..calls.transports import environment_proxy
from ..errors import (
    ArgumentError,
    OpencodeError,
    PtyClosedError,
    UnsupportedOperationError,
)

_OPEN_S = 10.0
_CLOSE_S = 1.0
_PING_S = 20.0
_MAX_FRAME_BYTES = 64 * 1024 * 1024
_KEEPALIVE = {"TCP_KEEPIDLE": 20, "TCP_KEEPALIVE": 20, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""By which the system finds out in a minute that a peer has gone; what a system does not know it is not asked."""
_DELAY_S = 0.25
_LONGEST_DELAY_S = 5.0
_SETTLED_S = 5.0
"""After so long, a connection that says nothing new is not one that breaks at once."""
_FIRST_WITH_CURSOR = (1, 1, 56)
_OUR_FAULTS = (1002, 1003, 1007, 1009)
_UNSAID = frozenset({"accept", "accept-encoding", "connection", "content-length", "content-type", "host"})
"""What every request has and a handshake says otherwise or not at all."""

_silent = logging.Logger(f"{__package__}.websocket", logging.CRITICAL + 1)
"""For `websockets`, which logs whole requests: with the password or the ticket."""


class PtyOptions(TypedDict, total=False):
    """How a terminal is connected; every one may be left out.

    `cursor`: where output begins, in UTF-16 code units as `PtyConnection.cursor` counts them (-1: with what comes from
    now on; left out or None: with all that the server still has). `auth` ("basic"): "ticket" fetches a ticket that is
    good for one connection, and sends no password over the WebSocket. `reconnect` (True): come back after a broken
    connection; False raises `PtyClosedError`. `max_attempts` (6): how many connections in a row may fail before that.
    `exit_code` (True): listen to events too, for what `wait` gives. `ssl`: the TLS context, where a given `http_client`
    has one.
    """

    cursor: int | None
    auth: Literal["basic", "ticket"]
    reconnect: bool
    max_attempts: int
    exit_code: bool
    ssl: SSLContext | None


def checked_options(operation: str, options: PtyOptions, *, has_tickets: bool) -> PtyOptions:
    """The options.

    Raises:
        ArgumentError: one that there is not, or a value that it cannot have.
    """
    unknown = options.keys() - PtyOptions.__annotations__.keys()
    if unknown:
        raise ArgumentError(f"{operation}: terminals have no option {sorted(unknown)[0]!r}")
    if options.get("auth", "basic") not in ("basic", "ticket"):
        raise ArgumentError(f"{operation}: auth is 'basic' or 'ticket', not {options['auth']!r}")  # pyright: ignore[reportTypedDictNotRequiredAccess] # it has a default
    cursor = options.get("cursor")
    if cursor is not None and cursor < -1:
        raise ArgumentError(f"{operation}: cursor is at least -1, not {cursor}")
    if options.get("auth") == "ticket" and not has_tickets:
        raise ArgumentError(f"{operation}: this client was generated from a document without tickets")
    return options


class Refusal(InvalidHandshake):
    """The server's answer in place of a WebSocket: to `websockets`, `InvalidStatus` may mean to follow a redirect.

    Calls follow none either. It would take credentials elsewhere, and its errors repeat the URL, ticket and all.
    """

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class HandshakeRequest:
    """What every connection of one terminal asks for. Holds credentials: it has no `repr` of them."""

    def __init__(
        self, requests: RequestBuilder, operation: Operation[Any], arguments: Arguments, options: PtyOptions
    ) -> None:
        self._requests = requests
        self.operation = operation
        self.arguments = arguments
        self.pty_id = str(arguments.path[0])
        self.options = options

    @property
    def scope(self) -> dict[str, Any]:
        """The arguments that calls about the same terminal share. Older documents have no `workspace`."""
        given = self.arguments
        shared = {"directory": given.directory, "workspace": given.workspace, "headers": given.headers}
        return {name: value for name, value in shared.items() if value is not None}

    @property
    def place(self) -> tuple[object, ...]:
        """What terminals have in common that one event stream tells of."""
        return (
            "exits",
            self.prepared(None).text.partition("?")[2],
            tuple((self.arguments.headers or {}).items()),
        )

    def prepared(self, cursor: int | None) -> Prepared:
        """The request, as the document has it."""
        query = None if cursor is None else {"cursor": str(cursor)}
        return self._requests.prepare(self.operation, evolve(self.arguments, timeout=None, query=query))

    def connect_arguments(self, prepared: Prepared, ticket: str | None) -> dict[str, Any]:
        """What `websockets` takes to make the connection."""
        url = f"ws{prepared.text.removeprefix('http')}"
        headers = [(name, value) for name, value in prepared.http.headers.items() if name not in _UNSAID]
        if ticket is not None:
            url += f"{'&' if '?' in url else '?'}ticket={ticket}"
            headers = [(name, value) for name, value in headers if name != "authorization"]
        context = None
        if url.startswith("wss:"):
            context = self.options.get("ssl") or httpx.create_ssl_context()
        return {
            "uri": url,
            "ssl": context,
            "additional_headers": headers,
            "user_agent_header": None,  # it is among the headers
            "proxy": environment_proxy(prepared.text),
            "compression": None,  # no server has it
            "open_timeout": _OPEN_S,
            "close_timeout": _CLOSE_S,
            # pings keep what is on the way from closing it; nobody waits for the answer, which stands behind output
            "ping_interval": _PING_S,
            "ping_timeout": None,
            "max_size": _MAX_FRAME_BYTES,
            "logger": _silent,
        }


def has_cursor(request: HandshakeRequest, version: str) -> bool:
    """Whether a server of that version says where output stands, and can begin where it is asked to.

    Raises:
        UnsupportedOperationError: it cannot, but is asked to.
    """
    numbers = release(version)
    if numbers is None or numbers >= _FIRST_WITH_CURSOR:
        return True
    if request.options.get("cursor") in (None, -1):
        return False
    raise UnsupportedOperationError(
        f"{request.operation.id}: opencode {version} has no cursor: 1.1.56 has it, 1.1.53 does not",
        operation=request.operation.id,
        url=request.prepared(None).url,
        version=version,
    )


def refused(prepared: Prepared, error: Exception, started: float) -> OpencodeError:
    """The error for a connection that was not made."""
    if isinstance(error, Refusal):
        said = error.response
        answer = httpx.Response(
            said.status_code, headers=list(said.headers.raw_items()), content=bytes(said.body or b"")
        )
        outcome = response_or_error(prepared, answer, started)
        if isinstance(outcome, OpencodeError):
            return outcome
        error = WebSocketException(f"HTTP {said.status_code} in place of a WebSocket")
    kind = httpx.ConnectTimeout if isinstance(error, TimeoutError) else httpx.ConnectError
    return error_from_httpx(prepared, kind(str(error) or type(error).__name__), started)


def closed(request: HandshakeRequest, error: ConnectionClosed) -> PtyClosedError:
    """What the end of a connection is to its user."""
    frame = error.rcvd or error.sent
    code, reason = (1006, "") if frame is None else (frame.code, frame.reason)
    what = "it ended" if code == 1000 else "the connection broke"
    said = f" ({code}{': ' + reason if reason else ''})"
    return PtyClosedError(f"terminal {request.pty_id}: {what}{said}", code=code, reason=reason)


def is_end(error: ConnectionClosed) -> bool:
    """Whether the server said that this is the end: of the process, the terminal or its instance."""
    return error.rcvd is not None and error.rcvd.code == 1000


def is_our_fault(error: ConnectionClosed) -> bool:
    """Whether this client ended it because of what it got: it would get it again."""
    return error.rcvd_then_sent is not True and error.sent is not None and error.sent.code in _OUR_FAULTS


def keep_alive(sock: Any) -> None:  # Any: a socket, or asyncio's stand-in for one
    """Have the system look after a connection that says nothing."""
    if not hasattr(sock, "setsockopt"):
        return
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Failures:
    """When to try again after connections that failed, or broke before they were of use."""

    def __init__(self, options: PtyOptions) -> None:
        self._most = options.get("max_attempts", 6)
        self._count = 0
        self._due: float | None = None
        self._since: float | None = None

    def connected(self) -> None:
        """Called when a connection was made."""
        self._since = monotonic()

    def reset(self) -> None:
        """Called when output came that had not come before."""
        self._count = 0

    def due(self) -> float | None:
        """When, by the monotonic clock, the next attempt is due; the same until it is `begun`. None: there is none."""
        if self._due is None:
            now = monotonic()
            if self._since is not None and now - self._since > _SETTLED_S:
                self._count = 0
            self._since = None
            self._count += 1
            if self._count > self._most:
                return None
            self._due = (
                now if self._count == 1 else now + min(_LONGEST_DELAY_S, _DELAY_S * 2.0 ** (self._count - 2))
            )
        return self._due

    def begun(self) -> None:
        """Called when the attempt is made."""
        self._due = None
