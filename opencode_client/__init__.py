"""Typed Python client for the OpenCode server. Names are imported when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .async_client import AsyncOpencodeClient as AsyncOpencodeClient
    from .calls.options import ClientOptions as ClientOptions
    from .calls.options import RetryEvent as RetryEvent
    from .calls.options import Timeout as Timeout
    from .calls.response import Response as Response
    from .calls.server_info import ServerInfo as ServerInfo
    from .calls.unset import UNSET as UNSET
    from .calls.unset import Unset as Unset
    from .client import OpencodeClient as OpencodeClient
    from .decoding.times import to_datetime as to_datetime
    from .decoding.times import to_epoch_ms as to_epoch_ms
    from .errors import ArgumentError as ArgumentError
    from .errors import AuthenticationError as AuthenticationError
    from .errors import BadRequestError as BadRequestError
    from .errors import ClientClosedError as ClientClosedError
    from .errors import ConflictError as ConflictError
    from .errors import ConnectError as ConnectError
    from .errors import ConnectionLostError as ConnectionLostError
    from .errors import EmptyResponseError as EmptyResponseError
    from .errors import EventTooLargeError as EventTooLargeError
    from .errors import ForbiddenError as ForbiddenError
    from .errors import NotFoundError as NotFoundError
    from .errors import OpencodeError as OpencodeError
    from .errors import PayloadTooLargeError as PayloadTooLargeError
    from .errors import PtyClosedError as PtyClosedError
    from .errors import PtyGapError as PtyGapError
    from .errors import PtyTimeoutError as PtyTimeoutError
    from .errors import RateLimitError as RateLimitError
    from .errors import RequestError as RequestError
    from .errors import RequestTimeoutError as RequestTimeoutError
    from .errors import ResponseDecodeError as ResponseDecodeError
    from .errors import ServerError as ServerError
    from .errors import ServerStartError as ServerStartError
    from .errors import StatusError as StatusError
    from .errors import StreamClosedError as StreamClosedError
    from .errors import UnsupportedOperationError as UnsupportedOperationError
    from .errors import UnsupportedServerError as UnsupportedServerError
    from .model import OpencodeModel as OpencodeModel
    from .model import Unknown as Unknown
    from .model import UnknownEvent as UnknownEvent
    from .server import OpencodeServer as OpencodeServer
    from .streams.async_filtered_stream import AsyncFilteredStream as AsyncFilteredStream
    from .streams.async_shared_stream import AsyncSharedStream as AsyncSharedStream
    from .streams.async_stream import AsyncEventStream as AsyncEventStream
    from .streams.event_decoder import ServerHeartbeat as ServerHeartbeat
    from .streams.event_decoder import StreamGap as StreamGap
    from .streams.event_decoder import UndecodableEvent as UndecodableEvent
    from .streams.filtered_stream import FilteredStream as FilteredStream
    from .streams.reconnect import StreamOptions as StreamOptions
    from .streams.shared_stream import SharedStream as SharedStream
    from .streams.snapshot import SessionSnapshot as SessionSnapshot
    from .streams.stream import EventStream as EventStream
    from .streams.subscriber_queue import StreamOverflow as StreamOverflow
    from .terminals.async_connection import AsyncPtyConnection as AsyncPtyConnection
    from .terminals.connection import PtyConnection as PtyConnection
    from .terminals.frames import PtyControl as PtyControl
    from .terminals.handshake import PtyOptions as PtyOptions

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
    "AsyncEventStream": "streams.async_stream",
    "AsyncFilteredStream": "streams.async_filtered_stream",
    "AsyncOpencodeClient": "async_client",
    "AsyncPtyConnection": "terminals.async_connection",
    "AsyncSharedStream": "streams.async_shared_stream",
    "AuthenticationError": "errors",
    "BadRequestError": "errors",
    "ClientClosedError": "errors",
    "ClientOptions": "calls.options",
    "ConflictError": "errors",
    "ConnectError": "errors",
    "ConnectionLostError": "errors",
    "EmptyResponseError": "errors",
    "EventStream": "streams.stream",
    "EventTooLargeError": "errors",
    "FilteredStream": "streams.filtered_stream",
    "ForbiddenError": "errors",
    "NotFoundError": "errors",
    "OpencodeClient": "client",
    "OpencodeError": "errors",
    "OpencodeModel": "model",
    "OpencodeServer": "server",
    "PayloadTooLargeError": "errors",
    "PtyClosedError": "errors",
    "PtyConnection": "terminals.connection",
    "PtyControl": "terminals.frames",
    "PtyGapError": "errors",
    "PtyOptions": "terminals.handshake",
    "PtyTimeoutError": "errors",
    "RateLimitError": "errors",
    "RequestError": "errors",
    "RequestTimeoutError": "errors",
    "Response": "calls.response",
    "ResponseDecodeError": "errors",
    "RetryEvent": "calls.options",
    "ServerError": "errors",
    "ServerHeartbeat": "streams.event_decoder",
    "ServerInfo": "calls.server_info",
    "ServerStartError": "errors",
    "SessionSnapshot": "streams.snapshot",
    "SharedStream": "streams.shared_stream",
    "StatusError": "errors",
    "StreamClosedError": "errors",
    "StreamGap": "streams.event_decoder",
    "StreamOptions": "streams.reconnect",
    "StreamOverflow": "streams.subscriber_queue",
    "Timeout": "calls.options",
    "UNSET": "calls.unset",
    "UndecodableEvent": "streams.event_decoder",
    "Unknown": "model",
    "UnknownEvent": "model",
    "Unset": "calls.unset",
    "UnsupportedOperationError": "errors",
    "UnsupportedServerError": "errors",
    "to_datetime": "decoding.times",
    "to_epoch_ms": "decoding.times",
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
