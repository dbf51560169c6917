"""Typed Python client for the OpenCode server. Each public name is imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .async_client import AsyncOpencodeClient
    from .attachments import FileAttachment
    from .calls.async_paginator import AsyncPaginator
    from .calls.header_function import AsyncHeadersFunction, HeadersFunction, OutgoingRequest
    from .calls.options import ClientOptions, Timeout
    from .calls.paginator import Paginator
    from .calls.raw import Response
    from .calls.retry_policy import RetryEvent
    from .calls.server_info import ServerInfo
    from .calls.unset import UNSET, Unset
    from .client import OpencodeClient
    from .decoding.times import to_datetime, to_epoch_ms
    from .errors import (
        AgentNotFoundError,
        ArgumentError,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConflictError,
        ConnectError,
        ConnectionLostError,
        EmptyResponseError,
        EventLoopError,
        EventTooLargeError,
        ForbiddenError,
        HeadersError,
        ModelNotFoundError,
        NotFoundError,
        OpencodeError,
        PayloadTooLargeError,
        PtyClosedError,
        PtyGapError,
        PtyTimeoutError,
        RateLimitError,
        RequestError,
        RequestTimeoutError,
        ResponseDecodeError,
        ServerError,
        ServerStartError,
        SessionBusyError,
        SignatureError,
        StatusError,
        StreamClosedError,
        StreamTimeoutError,
        TurnAbortedError,
        TurnAuthenticationError,
        TurnBudgetError,
        TurnContextError,
        TurnError,
        TurnLostError,
        TurnOutputError,
        TurnProviderError,
        TurnTimeoutError,
        UnsupportedOperationError,
        UnsupportedServerError,
    )
    from .model import OpencodeModel, Unknown, UnknownEvent
    from .server import OpencodeServer
    from .streams.async_filtered_stream import AsyncFilteredStream
    from .streams.async_shared_stream import AsyncSharedStream
    from .streams.async_stream import AsyncEventStream
    from .streams.event_decoder import ServerHeartbeat, StreamGap, UndecodableEvent
    from .streams.filtered_stream import FilteredStream
    from .streams.reconnect import StreamOptions
    from .streams.shared_stream import SharedStream
    from .streams.snapshot import SessionSnapshot
    from .streams.stream import EventStream
    from .streams.subscriber_queue import StreamOverflow
    from .terminals.async_connection import AsyncPtyConnection
    from .terminals.connection import PtyConnection
    from .terminals.frames import PtyControl
    from .terminals.handshake import PtyOptions
    from .turns.asks import Asks
    from .turns.async_asks import AsyncAsks
    from .turns.async_many import AsyncManyTurns
    from .turns.async_turn import AsyncTurn
    from .turns.many import ManyTurns
    from .turns.options import TurnOptions
    from .turns.policies import Decision, PermissionPolicy, QuestionPolicy
    from .turns.result import Reject, SlashCommand, Tokens, TurnReply, TurnResult
    from .turns.specs import TurnOutcome, TurnSpec
    from .turns.turn import Turn
    from .turns.updates import (
        AskClosed,
        Compacting,
        PermissionAsk,
        QuestionAsk,
        ReasoningDelta,
        Retrying,
        StepFinished,
        SubagentChanged,
        TextDelta,
        TextReplaced,
        TodoChanged,
        ToolUpdate,
        TurnFinished,
        TurnGap,
    )

__all__ = [
    "UNSET", "AgentNotFoundError", "ArgumentError", "AskClosed", "Asks", "AsyncAsks",
    "AsyncEventStream", "AsyncFilteredStream", "AsyncHeadersFunction", "AsyncManyTurns", "AsyncOpencodeClient",
    "AsyncPaginator", "AsyncPtyConnection", "AsyncSharedStream", "AsyncTurn", "AuthenticationError",
    "BadRequestError", "ClientClosedError", "ClientOptions", "Compacting", "ConflictError",
    "ConnectError", "ConnectionLostError", "Decision", "EmptyResponseError", "EventLoopError",
    "EventStream", "EventTooLargeError", "FileAttachment", "FilteredStream", "ForbiddenError",
    "HeadersError", "HeadersFunction",
    "ManyTurns", "ModelNotFoundError", "NotFoundError", "OpencodeClient", "OpencodeError",
    "OpencodeModel", "OpencodeServer", "OutgoingRequest", "Paginator", "PayloadTooLargeError", "PermissionAsk",
    "PermissionPolicy", "PtyClosedError", "PtyConnection", "PtyControl", "PtyGapError",
    "PtyOptions", "PtyTimeoutError", "QuestionAsk", "QuestionPolicy", "RateLimitError",
    "ReasoningDelta", "Reject", "RequestError", "RequestTimeoutError", "Response",
    "ResponseDecodeError", "RetryEvent", "Retrying", "ServerError", "ServerHeartbeat", "ServerInfo",
    "ServerStartError", "SessionBusyError", "SessionSnapshot", "SharedStream", "SignatureError", "SlashCommand",
    "StatusError", "StepFinished", "StreamClosedError", "StreamGap", "StreamOptions",
    "StreamOverflow", "StreamTimeoutError", "SubagentChanged", "TextDelta", "TextReplaced",
    "Timeout", "TodoChanged", "Tokens", "ToolUpdate", "Turn", "TurnAbortedError",
    "TurnAuthenticationError", "TurnBudgetError", "TurnContextError", "TurnError", "TurnFinished",
    "TurnGap", "TurnLostError", "TurnOptions", "TurnOutcome", "TurnOutputError",
    "TurnProviderError", "TurnReply", "TurnResult", "TurnSpec", "TurnTimeoutError",
    "UndecodableEvent", "Unknown", "UnknownEvent", "Unset", "UnsupportedOperationError",
    "UnsupportedServerError", "to_datetime", "to_epoch_ms",
]  # fmt: skip

_MODULES = {
    "async_client": ("AsyncOpencodeClient",),
    "attachments": ("FileAttachment",),
    "calls.async_paginator": ("AsyncPaginator",),
    "calls.header_function": ("AsyncHeadersFunction", "HeadersFunction", "OutgoingRequest"),
    "calls.options": ("ClientOptions", "Timeout"),
    "calls.paginator": ("Paginator",),
    "calls.raw": ("Response",),
    "calls.retry_policy": ("RetryEvent",),
    "calls.server_info": ("ServerInfo",),
    "calls.unset": ("UNSET", "Unset"),
    "client": ("OpencodeClient",),
    "decoding.times": ("to_datetime", "to_epoch_ms"),
    "model": ("OpencodeModel", "Unknown", "UnknownEvent"),
    "server": ("OpencodeServer",),
    "streams.async_filtered_stream": ("AsyncFilteredStream",),
    "streams.async_shared_stream": ("AsyncSharedStream",),
    "streams.async_stream": ("AsyncEventStream",),
    "streams.event_decoder": ("ServerHeartbeat", "StreamGap", "UndecodableEvent"),
    "streams.filtered_stream": ("FilteredStream",),
    "streams.reconnect": ("StreamOptions",),
    "streams.shared_stream": ("SharedStream",),
    "streams.snapshot": ("SessionSnapshot",),
    "streams.stream": ("EventStream",),
    "streams.subscriber_queue": ("StreamOverflow",),
    "terminals.async_connection": ("AsyncPtyConnection",),
    "terminals.connection": ("PtyConnection",),
    "terminals.frames": ("PtyControl",),
    "terminals.handshake": ("PtyOptions",),
    "turns.asks": ("Asks",),
    "turns.async_asks": ("AsyncAsks",),
    "turns.async_many": ("AsyncManyTurns",),
    "turns.async_turn": ("AsyncTurn",),
    "turns.many": ("ManyTurns",),
    "turns.options": ("TurnOptions",),
    "turns.policies": ("Decision", "PermissionPolicy", "QuestionPolicy"),
    "turns.result": ("Reject", "SlashCommand", "Tokens", "TurnReply", "TurnResult"),
    "turns.specs": ("TurnOutcome", "TurnSpec"),
    "turns.turn": ("Turn",),
    "turns.updates": (
        "AskClosed",
        "Compacting",
        "PermissionAsk",
        "QuestionAsk",
        "ReasoningDelta",
        "Retrying",
        "StepFinished",
        "SubagentChanged",
        "TextDelta",
        "TextReplaced",
        "TodoChanged",
        "ToolUpdate",
        "TurnFinished",
        "TurnGap",
    ),
}
"""Module of each public name; `errors` has all names of `__all__` that are not listed here."""


if not TYPE_CHECKING:  # type checkers would accept every name otherwise

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = next((module for module, names in _MODULES.items() if name in names), "errors")
        value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
