"""Open the WebSocket of a terminal: its options, its request, its errors, and the delays between attempts."""

from __future__ import annotations

import logging
import socket
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from ssl import SSLContext
from time import monotonic
from typing import Any, Literal, TypedDict

import httpx
from attrs import evolve, frozen
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException
from websockets.http11 import Response

from ..calls import sockets
from ..calls.error_mapping import error_from_httpx, response_or_error
from ..calls.operation import Arguments, Operation
from ..calls.options import ClientOptions
from ..calls.request_builder import Prepared, RequestBuilder
from ..calls.route import environment_proxy, tls_context
from ..calls.server_info import release
from ..errors import (
    ArgumentError,
    ClientClosedError,
    NotFoundError,
    OpencodeError,
    PtyClosedError,
    UnsupportedOperationError,
)
from ..streams.checks import Checks, check_options, is_flag, is_whole

_OPEN_S = 10.0
_CLOSE_S = 1.0
_PING_S = 20.0
_PONG_S = 20.0
"""The longest silence after a ping, and the longest time in which the server may read none of the sent data."""
PONG_CHECKS = 4
"""The number of checks in that time. With a single one, a pong would be missed if the reader has only just resumed."""
FAILURES = (OSError, WebSocketException, EOFError, ImportError, ValueError)
"""Errors of a handshake. ImportError: a SOCKS proxy needs another package. ValueError: a proxy's URL is wrong."""
_MAX_FRAME_BYTES = 64 * 1024 * 1024
_MAX_FRAMES = 16
"""The largest number of frames that are read ahead. The rest waits in the connection and on the server."""
_DELAY_S = 0.25
_LONGEST_DELAY_S = 5.0
_SETTLED_S = 5.0
"""A connection that lasted this long counts as a success, even without output."""
_FIRST_WITH_CURSOR = (1, 1, 56)
_OUR_FAULTS = (1002, 1003, 1007, 1009)
_NOT_COPIED = frozenset({"accept", "accept-encoding", "connection", "content-length", "content-type", "host"})
"""Headers of calls that are not copied to the handshake: it needs other values, or none."""

_silent = logging.Logger(f"{__package__}.websocket", logging.CRITICAL + 1)
"""The logger for `websockets`. It would log whole requests, with the password or the ticket."""


class PtyOptions(TypedDict, total=False):
    """Options of a terminal's connection. All are optional; the defaults are in brackets.

    `cursor` (None): the start of the output, in UTF-16 code units, as `PtyConnection.cursor` counts them; -1 means only
    new output, None all output that the server still has. `auth` ("basic"): "ticket" fetches a ticket that is valid for
    one connection, and sends no password over the WebSocket. `reconnect` (True): reconnect after a broken connection;
    False raises `PtyClosedError`. `max_attempts` (6): connections in a row that may fail before `PtyClosedError`.
    `exit_code` (True): also read the event stream, which `wait` needs. `ssl` (None): the TLS context; needed if your
    own `http_client` has one.
    """

    cursor: int | None
    auth: Literal["basic", "ticket"]
    reconnect: bool
    max_attempts: int
    exit_code: bool
    ssl: SSLContext | None


PTY_OPTIONS: Checks = {
    "cursor": (lambda it: it is None or is_whole(it, -1), "a whole number, at least -1, or None"),
    "auth": (lambda it: it in ("basic", "ticket"), "'basic' or 'ticket'"),
    "reconnect": (is_flag, "True or False"),
    "max_attempts": (lambda it: is_whole(it, 0), "a whole number, at least 0"),
    "exit_code": (is_flag, "True or False"),
    "ssl": (lambda it: isinstance(it, SSLContext | None), "an ssl.SSLContext, or None"),
}


def check_pty_options(
    label: str,
    options: PtyOptions,
    *,
    has_tickets: bool,
    others: Iterable[str] = ("pty_id", "directory", "workspace", "headers"),
) -> None:
    """Raise ArgumentError for an option that does not exist, or that has an impossible value.

    `others` are the names of the other arguments of `label`, for the message.
    """
    check_options(label, options, PTY_OPTIONS, others)
    if options.get("auth") == "ticket" and not has_tickets:
        raise ArgumentError(f"{label}: this client was generated from a document without tickets")


class HandshakeRefusedError(InvalidHandshake):
    """The server refused the WebSocket: it sent a normal response.

    This replaces `InvalidStatus`, after which `websockets` may follow a redirect. As for calls, redirects are not
    followed: they would send credentials to another place, and their errors would show the URL with the ticket.
    """

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@frozen(repr=False)  # it holds credentials
class HandshakeRequest:
    """The request that opens each WebSocket of one terminal."""

    requests: RequestBuilder
    operation: Operation[Any]
    arguments: Arguments
    options: PtyOptions
    unix_path: str | None = None
    """The Unix socket to connect to, in place of the URL's host."""

    @property
    def pty_id(self) -> str:
        """The id of the terminal."""
        return str(self.arguments.path[0])

    @property
    def call_options(self) -> dict[str, Any]:
        """Directory, workspace and headers for calls about this terminal, without those that are None.

        A client that was generated from an older document has no argument `workspace`.
        """
        given = self.arguments
        shared = {"directory": given.directory, "workspace": given.workspace, "headers": given.headers}
        return {name: value for name, value in shared.items() if value is not None}

    @property
    def watch_key(self) -> tuple[object, ...]:
        """The key under which terminals share one exit watch: the same directory, workspace and headers."""
        query = self.prepare(None).text.partition("?")[2]
        return (query, tuple((self.arguments.headers or {}).items()))

    def prepare(self, cursor: int | None) -> Prepared:
        """Return the HTTP request of the handshake, as the server's document describes it."""
        query = {**(self.arguments.query or {}), **({} if cursor is None else {"cursor": str(cursor)})}
        return self.requests.prepare(self.operation, self.arguments.changed(timeout=None, query=query))

    def websocket_url(self, prepared: Prepared, ticket: str | None) -> str:
        """Return the URL of the WebSocket."""
        url = f"ws{prepared.text.removeprefix('http')}"
        return url if ticket is None else f"{url}{'&' if '?' in url else '?'}ticket={ticket}"

    def connect_arguments(self, prepared: Prepared, ticket: str | None) -> dict[str, Any]:
        """Return the arguments of `connect` of `websockets`. A ticket replaces the password."""
        url = self.websocket_url(prepared, ticket)
        omitted = _NOT_COPIED if ticket is None else _NOT_COPIED | {"authorization"}
        headers = self.requests.merged(prepared.http).headers.items()
        is_tls = url.startswith("wss:")
        return {
            "uri": url,
            "ssl": (self.options.get("ssl") or tls_context(prepared.text)) if is_tls else None,
            "additional_headers": [pair for pair in headers if pair[0] not in omitted],
            "user_agent_header": None,  # it is among the headers
            "proxy": None if self.unix_path else environment_proxy(prepared.text),
            "compression": None,  # no server has it
            "open_timeout": _OPEN_S,
            "close_timeout": _CLOSE_S,
            "ping_interval": _PING_S,
            "ping_timeout": _PONG_S,
            "max_size": _MAX_FRAME_BYTES,
            "max_queue": _MAX_FRAMES,
            "logger": _silent,
        }

    def check_cursor(self, version: str) -> bool:
        """Return True if a server of this version supports cursors.

        Raises:
            UnsupportedOperationError: it does not, but the options request one.
        """
        numbers = release(version)
        if numbers is None or numbers >= _FIRST_WITH_CURSOR:
            return True
        if self.options.get("cursor") in (None, -1):
            return False
        raise UnsupportedOperationError(
            f"{self.operation.id}: opencode {version} has no cursor: 1.1.56 has it, 1.1.53 does not",
            operation=self.operation.id,
            url=self.requests.base_url,
            version=version,
        )


def error_from_handshake(prepared: Prepared, error: Exception, started: float) -> OpencodeError:
    """Return our error for a handshake that failed."""
    if isinstance(error, HandshakeRefusedError):
        refused = error.response
        # `websockets` does not decode the body
        headers = [pair for pair in refused.headers.raw_items() if pair[0].lower() != "content-encoding"]
        body = bytes(refused.body or b"")
        response = httpx.Response(refused.status_code, headers=headers, content=body)
        outcome = response_or_error(prepared, response, started)
        if isinstance(outcome, OpencodeError):
            return outcome
        error = WebSocketException(f"HTTP {refused.status_code} in place of a WebSocket")
    kind = httpx.ConnectTimeout if isinstance(error, TimeoutError) else httpx.ConnectError
    cause = kind(str(error) or type(error).__name__)
    if isinstance(error, OSError):  # the errors of `websockets` may hold the URL, with the ticket
        cause.__cause__ = error
    return error_from_httpx(prepared, cause, started)


def error_from_close(request: HandshakeRequest, error: ConnectionClosed) -> PtyClosedError:
    """Return our error for a connection that ended. No close frame means code 1006."""
    frame = error.rcvd or error.sent
    code, reason = (1006, "") if frame is None else (frame.code, frame.reason)
    what = "it ended" if code == 1000 else "the connection broke"
    detail = reason or str(error.__cause__ or "")
    text = f"terminal {request.pty_id}: {what} ({code}{detail and f': {detail}'})"
    closed = PtyClosedError(text, code=code, reason=reason)
    closed.__cause__ = error
    return closed


def is_normal_end(error: ConnectionClosed) -> bool:
    """Return True if the server ended the connection because the process, the terminal or its instance ended."""
    return error.rcvd is not None and error.rcvd.code == 1000


def is_our_fault(error: ConnectionClosed) -> bool:
    """Return True if this client ended the connection because of a frame. It would get the same frame again."""
    return error.rcvd_then_sent is not True and error.sent is not None and error.sent.code in _OUR_FAULTS


def silence() -> TimeoutError:
    """Return the cause of the end of a connection whose server is silent."""
    return TimeoutError(f"nothing came for {_PONG_S:g} s after a ping")


def options_for_reconnecting(options: ClientOptions) -> ClientOptions:
    """Return options for the calls before another attempt: they fail as soon as the handshake would."""
    timeout = options.timeout
    longer = timeout is None or (isinstance(timeout, int | float) and timeout > _OPEN_S)
    return evolve(options, timeout=_OPEN_S if longer else timeout, max_retries=0)


def is_final(error: OpencodeError) -> bool:
    """Return True if the next attempt to connect again would fail in the same way."""
    if isinstance(error, NotFoundError):
        return error.data is not None  # else it is not from opencode, but from a proxy in front of it
    return isinstance(error, ArgumentError | ClientClosedError | UnsupportedOperationError)


def set_keep_alive(sock: Any) -> None:  # Any: a socket, or the object that asyncio gives for it
    """Let the system check that the server's machine is still there, and limit how long sending may block."""
    if not hasattr(sock, "setsockopt"):
        return
    ms = int(1000 * _PONG_S)
    limit = ms if sys.platform == "win32" else struct.pack("ll", *divmod(1000 * ms, 1_000_000))
    sockets.set_keep_alive(sock)
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


class ReconnectDelays:
    """Delays before new connections. They grow while connections fail, or break before they bring output."""

    def __init__(self, max_attempts: int) -> None:
        self._max_attempts = max_attempts
        self._attempts = 0
        self._due: float | None = None
        self._connected_at: float | None = None

    def connected(self) -> None:
        """Call this when a connection was made."""
        self._connected_at = monotonic()

    def reset(self) -> None:
        """Call this when new output has come."""
        self._attempts = 0

    def delay_s(self) -> float | None:
        """Return the seconds until the next attempt, or None after the last one.

        All calls before `begin` are about the same attempt.
        """
        now = monotonic()
        if self._due is None:
            if self._connected_at is not None and now - self._connected_at > _SETTLED_S:
                self._attempts = 0
            self._connected_at = None
            if self._attempts >= self._max_attempts:
                return None
            growing_s = _DELAY_S * 2.0 ** min(self._attempts - 1, 16)
            self._due = now + min(_LONGEST_DELAY_S, growing_s) if self._attempts else now
            self._attempts += 1
        return max(0.0, self._due - now)

    def begin(self) -> None:
        """Call this when the attempt begins."""
        self._due = None
