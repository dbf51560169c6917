"""All errors of this package, except `FleetError` of `opencode_client.fleet`, which is an `OpencodeError`, too.

OpencodeError
├── ArgumentError                 an argument is wrong; nothing was sent (also a ValueError)
│   ├── SignatureError            an argument is unknown, missing or one too many (also a TypeError)
│   ├── ModelNotFoundError        the server does not have this model
│   └── AgentNotFoundError        the server does not have this agent
├── HeadersError                  your `headers=` function raised an error; nothing was sent
├── ClientClosedError             the client is closed
├── EventLoopError                the async client is used in a wrong event loop (also a RuntimeError)
├── StreamClosedError             the event stream is closed, or was opened in another process or event loop
├── StreamTimeoutError            an event stream had no item in time (also a TimeoutError)
├── ServerStartError              `opencode serve` did not start; has the end of its log
├── UnsupportedServerError        the URL does not lead to an opencode 1.x server
├── UnsupportedOperationError     the server does not have the operation
├── RequestError                  no complete response
│   ├── ConnectError              nothing was sent; sending again is safe
│   ├── ConnectionLostError       the connection broke; the server may have done the work
│   └── RequestTimeoutError       no response in time; the server may still work on it (also a TimeoutError)
├── PtyClosedError                the terminal ended, or its connection cannot be restored
├── PtyGapError                   output of a terminal is missing here; you can read on
├── PtyTimeoutError               a terminal did not show the expected text in time (also a TimeoutError)
├── SessionBusyError              the session is busy, so the prompt was not sent
├── TurnError                     a turn failed; `partial` has its result so far
│   ├── TurnAbortedError          somebody aborted it, or the program left it early
│   ├── TurnProviderError         the provider of the model failed
│   │   └── TurnAuthenticationError   the provider's key is missing or wrong
│   ├── TurnContextError          the conversation is too long for the model
│   ├── TurnOutputError           the answer is incomplete: its length, a filter or its structure
│   ├── TurnTimeoutError          it was not over in time, and was aborted (also a TimeoutError)
│   ├── TurnBudgetError           it passed max_cost or max_steps
│   └── TurnLostError             the session, the instance or the server is gone
├── EventTooLargeError            a stream sent an event above the size limit; you can read on
├── EmptyResponseError            a success without its body; 1.1.x means "no such session, model or agent"
├── ResponseDecodeError           a response does not match the server's document (also a ValueError)
└── StatusError                   the response has an error status
    ├── BadRequestError           400
    ├── AuthenticationError       401
    ├── ForbiddenError            403
    ├── NotFoundError             404
    ├── ConflictError             409
    ├── PayloadTooLargeError      413
    ├── RateLimitError            429
    └── ServerError               5xx
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from ..model import OpencodeModel
    from .terminals import *  # noqa: F403 # all its errors; see __getattr__
    from .turns import *  # noqa: F403 # as above


class OpencodeError(Exception):
    """The base class of every error of this package. Errors can be pickled and copied. See docs/errors.md."""

    def __reduce__(self) -> tuple[Any, ...]:  # Any: the form that pickle takes
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[OpencodeError], arguments: tuple[Any, ...], state: dict[str, Any]) -> OpencodeError:
    error = kind.__new__(kind)  # without __init__, which may require more arguments than `args` has
    error.args = arguments
    error.__dict__.update(state)
    return error


class ArgumentError(OpencodeError, ValueError):
    """An argument is wrong, so no request was made. See docs/errors.md."""


class SignatureError(ArgumentError, TypeError):
    """An argument of a call is unknown, missing or one too many. The message lists the valid arguments.

    It is also a TypeError, because Python raises that in such a case.

    See docs/errors.md.
    """


class HeadersError(OpencodeError):
    """Your `headers=` function raised an error, which is the `__cause__`. The request was not sent.

    See docs/errors.md.
    """


class ClientClosedError(OpencodeError):
    """The client or its `http_client` was closed, before or during this call.

    Also raised in a forked child if the parent process has used the `http_client`.

    See docs/errors.md.
    """


class EventLoopError(OpencodeError, RuntimeError):
    """The async client is used without asyncio, or in two event loops at the same time. See docs/errors.md."""


class StreamClosedError(OpencodeError):
    """The event stream ended or was closed, or another process or event loop opened it. Subscribe again.

    See docs/errors.md.
    """


class StreamTimeoutError(OpencodeError, TimeoutError):
    """An event stream had no item in time. Nothing is lost; you can read on. See docs/errors.md."""


class ResponseDecodeError(OpencodeError, ValueError):
    """JSON from the server does not match the server's document. See docs/errors.md.

    Attributes:
        model: The class or the operation that was read.
        path: The JSON path to the wrong value.
        expected: The documented kind of value.
        got: The kind of value that the server sent.
        operation: The operationId; this and the following are None if no call raised this error.
        method: The HTTP method.
        url: The URL without credentials.
        status: The status code.
        headers: The response's headers, with names in lower case.
        body: The whole body.
        response: httpx's response. Its request has no headers and no body, because they may hold secrets.
    """

    operation: str | None = None
    method: str | None = None
    url: str | None = None
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    response: httpx.Response | None = None

    def __init__(self, model: str, path: str, expected: str, got: str) -> None:
        super().__init__(model, path, expected, got)
        self.model = model
        self.path = path
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.model}: {self.path}: expected {self.expected}, got {self.got}"


class ServerStartError(OpencodeError):
    """`opencode serve` did not start. `log` is the end of its output. See docs/errors.md."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message, log)
        self.log = log

    def __str__(self) -> str:
        return f"{self.args[0]}\n{self.log}".rstrip()


class UnsupportedServerError(OpencodeError):
    """The server at `url` is not opencode 1.x. `version` is the version that it reports, or None. See docs/errors.md.

    Raised when the client checks the version, and by a call that gets a web page in place of JSON.
    """

    def __init__(self, message: str, *, url: str, version: str | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.version = version


class UnsupportedOperationError(OpencodeError):
    """The server does not have the operation, or an option of it. Nothing was done. See docs/errors.md.

    Attributes:
        operation: The operationId.
        url: URL of the server, without credentials.
        version: The server's version; None if it is not known.
    """

    def __init__(self, message: str, *, operation: str, url: str, version: str | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.url = url
        self.version = version


class RequestError(OpencodeError):
    """A request got no complete response. `__cause__` is the error of httpx. See docs/errors.md.

    Attributes:
        operation: The operationId.
        method: The HTTP method.
        url: The URL without credentials.
    """

    def __init__(self, message: str, *, operation: str, method: str, url: str) -> None:
        super().__init__(message)
        self.operation = operation
        self.method = method
        self.url = url


class ConnectError(RequestError):
    """No connection, so nothing was sent. Is `opencode serve` running at this URL? See docs/errors.md."""


class ConnectionLostError(RequestError):
    """The connection broke during the request or its response. The server may have done the work.

    See docs/errors.md.
    """


class RequestTimeoutError(RequestError, TimeoutError):
    """No response in time. The server may have done the work, or may still work on it. See docs/errors.md."""


class EventTooLargeError(OpencodeError):
    """A stream sent an event that is larger than its limit. The event was dropped; you can read on after it.

    See docs/errors.md.
    """


class EmptyResponseError(OpencodeError):
    """The server reported success but sent no body, although its document promises one. See docs/errors.md.

    Source: 1.1.x does this if the session, the model or the agent does not exist. 1.18.33 sends null if there was no
    workspace to remove.
    """

    def __init__(self, message: str, *, operation: str, method: str, url: str, status: int) -> None:
        super().__init__(message)
        self.operation = operation
        self.method = method
        self.url = url
        self.status = status


class StatusError(OpencodeError):
    """The response has an error status. See docs/errors.md.

    Attributes:
        operation: The operationId.
        method: The HTTP method.
        url: The URL without credentials.
        status: The status code.
        headers: The response's headers, with names in lower case.
        body: The response's body.
        data: The body as parsed JSON; None if it is not JSON.
        error: The body as the documented model; None if it does not match one.
        response: httpx's response. Its request has no headers and no body, because they may hold secrets.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        method: str,
        url: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        data: Any = None,  # Any: JSON of a dozen forms
        error: OpencodeModel | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.method = method
        self.url = url
        self.status = status
        self.headers = headers
        self.body = body
        self.data = data
        self.error = error
        self.response = response


class BadRequestError(StatusError):
    """400: the server rejected the request, for example for a wrong argument. See docs/errors.md."""


class AuthenticationError(StatusError):
    """401: the user name or the password is missing or wrong. See docs/errors.md."""


class ForbiddenError(StatusError):
    """403: the server does not allow this. See docs/errors.md."""


class NotFoundError(StatusError):
    """404: the session, message, terminal or other thing does not exist. See docs/errors.md."""


class ConflictError(StatusError):
    """409: not possible now, for example because the session is busy. See docs/errors.md."""


class PayloadTooLargeError(StatusError):
    """413: the request's body is larger than the server accepts. See docs/errors.md."""


class RateLimitError(StatusError):
    """429: too many requests. See docs/errors.md."""


class ServerError(StatusError):
    """5xx: the server failed. See docs/errors.md."""


_BY_STATUS: dict[int, type[StatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
    429: RateLimitError,
}


def error_class(status: int) -> type[StatusError]:
    """Return the error class for a status. The status must not be a success."""
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else StatusError)


if not TYPE_CHECKING:  # a checker would accept any name

    def __getattr__(name: str) -> object:
        """Return an error of terminals or turns, which most programs do not need."""
        if not name.endswith("Error"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = "terminals" if name.startswith("Pty") else "turns"
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value
