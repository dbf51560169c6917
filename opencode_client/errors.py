"""Everything that this package raises.

OpencodeError
├── ArgumentError                 a call that no request can be made of (also a ValueError)
├── ClientClosedError             the client was closed
├── StreamClosedError             the event stream was closed
├── ServerStartError              `opencode serve` did not come up; with the end of its log
├── UnsupportedServerError        what answers is not opencode 1.x
├── UnsupportedOperationError     the server does not have the operation
├── RequestError                  no whole answer came
│   ├── ConnectError              nothing was sent: safe to send again
│   ├── ConnectionLostError       broke on the way: the server may have done it
│   └── RequestTimeoutError       no answer in time: the server may still be at it (also a TimeoutError)
├── PtyClosedError                the terminal ended, or its connection cannot be made again
├── PtyGapError                   here output of a terminal is missing; read on
├── PtyTimeoutError               a terminal did not show in time what was waited for (also a TimeoutError)
├── EventTooLargeError            a stream sent an event that is larger than allowed
├── EmptyResponseError            200 without the documented body: how 1.1.x says "no such session, model or agent"
├── ResponseDecodeError           what the server sent is not what its document says (also a ValueError)
└── StatusError                   the server said no
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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model import OpencodeModel


class OpencodeError(Exception):
    """The root of every error of this package. Errors can be pickled and copied."""

    def __reduce__(self) -> tuple[Any, ...]:  # Any: what pickle takes
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[OpencodeError], arguments: tuple[Any, ...], state: dict[str, Any]) -> OpencodeError:
    error = kind.__new__(kind)
    error.args = arguments
    error.__dict__.update(state)
    return error


class ArgumentError(OpencodeError, ValueError):
    """No request can be made of these arguments; nothing was sent."""


class ClientClosedError(OpencodeError):
    """The client was closed before this call."""


class StreamClosedError(OpencodeError):
    """The event stream was closed before it was opened again; subscribe anew."""


class PtyClosedError(OpencodeError):
    """A terminal ended, or its connection broke and cannot be made again.

    `code` and `reason` are those of the WebSocket: 1000 is the end of the process, or of the terminal; 1006 a broken
    connection. `seen` is what `read_until` had read.
    """

    def __init__(self, message: str, *, code: int, reason: str = "", seen: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.seen = seen


class PtyGapError(OpencodeError):
    """Here output of a terminal is missing: its connection broke. What came later can be read on.

    `lost` counts UTF-16 code units; None where nobody can say how many, if any (opencode 1.1.53 and older).
    """

    def __init__(self, message: str, *, lost: int | None) -> None:
        super().__init__(message)
        self.lost = lost


class PtyTimeoutError(OpencodeError, TimeoutError):
    """A terminal did not show in time what was waited for. `seen` is what it showed; it can be read again."""

    def __init__(self, message: str, *, seen: str = "") -> None:
        super().__init__(message)
        self.seen = seen


class ResponseDecodeError(OpencodeError, ValueError):
    """What the server sent is not what its document says.

    `model` is the class or the operation that was read, `path` the JSON path to the value, `expected` and `got` say
    what it is. `body` is the whole body, where a call raised this.
    """

    body: bytes | None = None

    def __init__(self, model: str, path: str, expected: str, got: str) -> None:
        super().__init__(model, path, expected, got)
        self.model = model
        self.path = path
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.model}: {self.path}: expected {self.expected}, got {self.got}"


class ServerStartError(OpencodeError):
    """`opencode serve` did not come up. `log` is the end of what it wrote."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message, log)
        self.log = log

    def __str__(self) -> str:
        return f"{self.args[0]}\n{self.log}".rstrip()


class UnsupportedServerError(OpencodeError):
    """What answers at `url` is not opencode 1.x; `version` is what it says of itself, None if it does not."""

    def __init__(self, message: str, *, url: str, version: str | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.version = version


class UnsupportedOperationError(OpencodeError):
    """The server at `url`, of `version` (None where unknown), does not have the operation; nothing was done."""

    def __init__(self, message: str, *, operation: str, url: str, version: str | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.url = url
        self.version = version


class RequestError(OpencodeError):
    """A request got no whole answer. `url` has no credentials; the cause is `__cause__`."""

    def __init__(self, message: str, *, operation: str, method: str, url: str) -> None:
        super().__init__(message)
        self.operation = operation
        self.method = method
        self.url = url


class ConnectError(RequestError):
    """No connection, so nothing was sent: the server does not run, or not there."""


class ConnectionLostError(RequestError):
    """The connection broke while sending or reading: the server may have done what was asked."""


class RequestTimeoutError(RequestError, TimeoutError):
    """No answer in time. Unless connecting took too long, the server may have done what was asked, or be at it."""


class EventTooLargeError(OpencodeError):
    """A stream sent an event that is larger than its limit; nothing of it is kept."""


class EmptyResponseError(OpencodeError):
    """A success without the body that the document promises.

    Servers 1.1.x answer so when the session, the model or the agent does not exist, and 1.18.33 with null where there
    was no workspace to remove.
    """

    def __init__(self, message: str, *, operation: str, method: str, url: str, status: int) -> None:
        super().__init__(message)
        self.operation = operation
        self.method = method
        self.url = url
        self.status = status


class StatusError(OpencodeError):
    """The server answered with a status that says no.

    `operation` is the operationId, `url` has no credentials, `headers` are in lower case, `body` is what came.
    `data` is the parsed JSON of it (None if it is none), `error` the documented model where it decodes as one.
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
        data: Any = None,  # Any: JSON of a dozen shapes
        error: OpencodeModel | None = None,
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


class BadRequestError(StatusError):
    """400: the server could not use what was sent."""


class AuthenticationError(StatusError):
    """401: the server wants a user name and a password, or others than these."""


class ForbiddenError(StatusError):
    """403: the server refuses, whoever asks."""


class NotFoundError(StatusError):
    """404: there is no such session, message, terminal or the like."""


class ConflictError(StatusError):
    """409: not now; the session is busy."""


class PayloadTooLargeError(StatusError):
    """413: the body is larger than the server takes."""


class RateLimitError(StatusError):
    """429: too many requests."""


class ServerError(StatusError):
    """5xx: the server failed."""


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
    """The class for a status that says no."""
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else StatusError)
