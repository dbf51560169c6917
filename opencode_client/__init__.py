"""Typed Python client for the OpenCode server. Names are imported when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from opencode_client.async_pty import AsyncPtyConnection as AsyncPtyConnection
    from opencode_client.async_streams import AsyncEventStream as AsyncEventStream
    from opencode_client.client import AsyncOpencodeClient as AsyncOpencodeClient
    from opencode_client.client import OpencodeClient as OpencodeClient
    from opencode_client.compatibility import ServerInfo as ServerInfo
    from opencode_client.errors import ArgumentError as ArgumentError
    from opencode_client.errors import AuthenticationError as AuthenticationError
    from opencode_client.errors import BadRequestError as BadRequestError
    from opencode_client.errors import ClientClosedError as ClientClosedError
    from opencode_client.errors import ConflictError as ConflictError
    from opencode_client.errors import ConnectError as ConnectError
    from opencode_client.errors import ConnectionLostError as ConnectionLostError
    from opencode_client.errors import EmptyResponseError as EmptyResponseError
    from opencode_client.errors import EventTooLargeError as EventTooLargeError
    from opencode_client.errors import ForbiddenError as ForbiddenError
    from opencode_client.errors import NotFoundError as NotFoundError
    from opencode_client.errors import OpencodeError as OpencodeError
    from opencode_client.errors import PayloadTooLargeError as PayloadTooLargeError
    from opencode_client.errors import PtyClosedError as PtyClosedError
    from opencode_client.errors import PtyGapError as PtyGapError
    from opencode_client.errors import PtyTimeoutError as PtyTimeoutError
    from opencode_client.errors import RateLimitError as RateLimitError
    from opencode_client.errors import RequestError as RequestError
    from opencode_client.errors import RequestTimeoutError as RequestTimeoutError
    from opencode_client.errors import ResponseDecodeError as ResponseDecodeError
    from opencode_client.errors import ServerError as ServerError
    from opencode_client.errors import ServerStartError as ServerStartError
    from opencode_client.errors import StatusError as StatusError
    from opencode_client.errors import StreamClosedError as StreamClosedError
    from opencode_client.errors import UnsupportedOperationError as UnsupportedOperationError
    from opencode_client.errors import UnsupportedServerError as UnsupportedServerError
    from opencode_client.events import ServerHeartbeat as ServerHeartbeat
    from opencode_client.events import StreamGap as StreamGap
    from opencode_client.events import UndecodableEvent as UndecodableEvent
    from opencode_client.filtered import AsyncFilteredStream as AsyncFilteredStream
    from opencode_client.filtered import FilteredStream as FilteredStream
    from opencode_client.model import OpencodeModel as OpencodeModel
    from opencode_client.model import Unknown as Unknown
    from opencode_client.model import UnknownEvent as UnknownEvent
    from opencode_client.options import ClientOptions as ClientOptions
    from opencode_client.options import RetryEvent as RetryEvent
    from opencode_client.options import Timeout as Timeout
    from opencode_client.pty import PtyConnection as PtyConnection
    from opencode_client.pty_dial import PtyOptions as PtyOptions
    from opencode_client.pty_frames import PtyControl as PtyControl
    from opencode_client.responses import Response as Response
    from opencode_client.resync import SessionSnapshot as SessionSnapshot
    from opencode_client.server import OpencodeServer as OpencodeServer
    from opencode_client.shared import AsyncSharedStream as AsyncSharedStream
    from opencode_client.shared import SharedStream as SharedStream
    from opencode_client.shared import StreamOverflow as StreamOverflow
    from opencode_client.stream_state import StreamOptions as StreamOptions
    from opencode_client.streams import EventStream as EventStream
    from opencode_client.times import to_datetime as to_datetime
    from opencode_client.times import to_epoch_ms as to_epoch_ms
    from opencode_client.unset import UNSET as UNSET
    from opencode_client.unset import Unset as Unset

__all__ = [
    "UNSET",
    "ArgumentError",
    "AsyncEventStream",
    "AsyncFilteredStream",
    "AsyncOpencodeClient",
    "AsyncPtyConnection",
    "AsyncSharedStream",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ClientOptions",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "EmptyResponseError",
    "EventStream",
    "EventTooLargeError",
    "FilteredStream",
    "ForbiddenError",
    "NotFoundError",
    "OpencodeClient",
    "OpencodeError",
    "OpencodeModel",
    "OpencodeServer",
    "PayloadTooLargeError",
    "PtyClosedError",
    "PtyConnection",
    "PtyControl",
    "PtyGapError",
    "PtyOptions",
    "PtyTimeoutError",
    "RateLimitError",
    "RequestError",
    "RequestTimeoutError",
    "Response",
    "ResponseDecodeError",
    "RetryEvent",
    "ServerError",
    "ServerHeartbeat",
    "ServerInfo",
    "ServerStartError",
    "SessionSnapshot",
    "SharedStream",
    "StatusError",
    "StreamClosedError",
    "StreamGap",
    "StreamOptions",
    "StreamOverflow",
    "Timeout",
    "UndecodableEvent",
    "Unknown",
    "UnknownEvent",
    "Unset",
    "UnsupportedOperationError",
    "UnsupportedServerError",
    "to_datetime",
    "to_epoch_ms",
]

_HOMES = {
    "ArgumentError": "errors",
    "AsyncEventStream": "async_streams",
    "AsyncFilteredStream": "filtered",
    "AsyncOpencodeClient": "client",
    "AsyncPtyConnection": "async_pty",
    "AsyncSharedStream": "shared",
    "AuthenticationError": "errors",
    "BadRequestError": "errors",
    "ClientClosedError": "errors",
    "ClientOptions": "options",
    "ConflictError": "errors",
    "ConnectError": "errors",
    "ConnectionLostError": "errors",
    "EmptyResponseError": "errors",
    "EventStream": "streams",
    "EventTooLargeError": "errors",
    "FilteredStream": "filtered",
    "ForbiddenError": "errors",
    "NotFoundError": "errors",
    "OpencodeClient": "client",
    "OpencodeError": "errors",
    "OpencodeModel": "model",
    "OpencodeServer": "server",
    "PayloadTooLargeError": "errors",
    "PtyClosedError": "errors",
    "PtyConnection": "pty",
    "PtyControl": "pty_frames",
    "PtyGapError": "errors",
    "PtyOptions": "pty_dial",
    "PtyTimeoutError": "errors",
    "RateLimitError": "errors",
    "RequestError": "errors",
    "RequestTimeoutError": "errors",
    "Response": "responses",
    "ResponseDecodeError": "errors",
    "RetryEvent": "options",
    "ServerError": "errors",
    "ServerHeartbeat": "events",
    "ServerInfo": "compatibility",
    "ServerStartError": "errors",
    "SessionSnapshot": "resync",
    "SharedStream": "shared",
    "StatusError": "errors",
    "StreamClosedError": "errors",
    "StreamGap": "events",
    "StreamOptions": "stream_state",
    "StreamOverflow": "shared",
    "Timeout": "options",
    "UNSET": "unset",
    "UndecodableEvent": "events",
    "Unknown": "model",
    "UnknownEvent": "model",
    "Unset": "unset",
    "UnsupportedOperationError": "errors",
    "UnsupportedServerError": "errors",
    "to_datetime": "times",
    "to_epoch_ms": "times",
}


if not TYPE_CHECKING:  # or checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
