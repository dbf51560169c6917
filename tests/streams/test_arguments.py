"""Arguments of streams, filters and shared streams are checked when they are given."""

from __future__ import annotations

from typing import Any

import pytest

from opencode_client import ArgumentError, StreamGap, UnknownEvent
from opencode_client.models import EventSessionIdle, GlobalEvent, Session
from opencode_client.streams.checks import STREAM_OPTIONS, Checks, check_options
from opencode_client.streams.reconnect import StreamOptions
from opencode_client.terminals.handshake import PTY_OPTIONS, PtyOptions
from tests.support.both_clients import ClientKind


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"retries": 3}, "no argument 'retries'. There are: directory, workspace, headers, reconnect"),
        ({"reconnect": 1}, "reconnect takes True or False, not 1"),
        ({"max_attempts": -1}, "max_attempts takes a whole number"),
        ({"max_attempts": 1.5}, "max_attempts takes a whole number"),
        ({"max_attempts": True}, "max_attempts takes a whole number"),
        ({"on_gap": "print"}, "on_gap takes a function"),
        ({"heartbeats": "yes"}, "heartbeats takes True or False"),
        ({"watchdog_s": 0}, "watchdog_s takes seconds above 0"),
        ({"watchdog_s": -1}, "watchdog_s takes seconds above 0"),
        ({"watchdog_s": float("nan")}, "watchdog_s takes seconds above 0"),
        ({"watchdog_s": 1e300}, "watchdog_s takes seconds above 0"),
        ({"watchdog_s": "95"}, "watchdog_s takes seconds above 0"),
        ({"max_event_bytes": 0}, "max_event_bytes takes a number of bytes"),
        ({"max_event_bytes": None}, "max_event_bytes takes a number of bytes"),
        ({"directory": 5}, "directory must be a str or a path"),
        ({"directory": ""}, "directory is empty"),
        ({"headers": {"a\nb": "c"}}, "HTTP does not allow"),
    ],
)
def test_a_wrong_argument_of_a_stream_is_an_error_at_once(
    client_kind: ClientKind, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ArgumentError, match=text):
        client_kind.client().event.subscribe(**options)


def test_an_empty_path_argument_is_an_error_at_once(client_kind: ClientKind) -> None:
    with pytest.raises(ArgumentError, match=r"v2\.session\.events"):
        client_kind.client().v2.session.events("")


def test_valid_options_are_accepted(client_kind: ClientKind) -> None:
    client_kind.client().event.subscribe(
        reconnect=False, max_attempts=0, on_gap=None, heartbeats=True, watchdog_s=None, max_event_bytes=1
    )


@pytest.mark.parametrize(
    ("options", "checks"),
    [(StreamOptions, STREAM_OPTIONS), (PtyOptions, PTY_OPTIONS)],
    ids=["stream", "pty"],
)
def test_each_option_is_checked(options: type, checks: Checks) -> None:
    for name in options.__annotations__:
        with pytest.raises(ArgumentError, match=f"{name} takes"):
            check_options("x", {name: object()}, checks, ())


@pytest.mark.parametrize(
    ("types", "named", "text"),
    [
        (
            ("session.idle",),
            {},
            "filter takes classes of events, such as EventSessionIdle .*not 'session.idle'",
        ),
        ((EventSessionIdle, None), {}, "filter takes classes of events.*not None"),
        (((EventSessionIdle, StreamGap),), {}, "filter takes classes of events"),
        ((), {"session_id": ""}, "session_id takes the id of a session, such as session.id, not ''"),
        ((), {"session_id": "msg_1"}, "session_id takes the id of a session"),
        ((), {"session_id": 5}, "session_id takes an id, such as session.id, not int"),
        ((), {"session_id": "ses_1", "children": "yes"}, "children takes True or False"),
        ((), {"children": True}, "children=True needs session_id"),
    ],
)
def test_a_wrong_argument_of_a_filter_is_an_error_at_once(
    client_kind: ClientKind, types: tuple[Any, ...], named: dict[str, Any], text: str
) -> None:
    stream = client_kind.client().event.subscribe()
    with pytest.raises(ArgumentError, match=rf"event\.subscribe: .*{text}"):
        stream.filter(*types, **named)


def test_a_filter_that_can_match_no_envelope_is_an_error(client_kind: ClientKind) -> None:
    stream = client_kind.client().global_.event()
    with pytest.raises(ArgumentError, match="each item is a GlobalEvent"):
        stream.filter(EventSessionIdle)
    stream.filter(GlobalEvent, StreamGap, UnknownEvent)


def test_an_argument_error_does_not_show_a_whole_session(client_kind: ClientKind) -> None:
    session = Session.from_dict({"id": "ses_1", "title": "x" * 500, "time": {"created": 1, "updated": 2}})
    with pytest.raises(ArgumentError) as caught:
        client_kind.client().event.subscribe().filter(session_id=session)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("max_queue", [0, -1, True, 1.5, "10", None])
def test_a_wrong_queue_size_is_an_error_at_once(client_kind: ClientKind, max_queue: Any) -> None:
    with pytest.raises(ArgumentError, match="max_queue takes a number of items, at least 1"):
        client_kind.client().event.subscribe().share(max_queue=max_queue)
