"""Streams and terminals of a real server, each used once; their outcomes are short texts for a table."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Timer
from typing import Any

from opencode_client import OpencodeClient, UnknownEvent
from opencode_client.errors import OpencodeError
from opencode_client.models import TextPartInput
from tests.live.recorded_calls import Outcome, Record, failed
from tests.live.scripted_turns import MODEL

_PATIENCE_S = 15.0
_SHELL = ["-c", "read line; echo \N{GRINNING FACE} $line; exit 7"]


def walk_streams(record: Record, client: OpencodeClient) -> None:
    """Use the four streams and both kinds of terminals."""
    _note(record, "event.subscribe", lambda: _turn(client, client.event.subscribe(), lambda event: event))
    _note(record, "global.event", lambda: _turn(client, client.global_.event(), lambda event: event.payload))
    _note(record, "v2.event.subscribe", lambda: _switch(client, client.v2.event.subscribe()))
    _note(record, "v2.session.events", lambda: _switch(client, None))
    _note(record, "pty.connect", lambda: _shell(client))
    _note(record, "v2.pty.connect", lambda: _second_shell(client))


def _note(record: Record, case: str, use: Callable[[], str]) -> None:
    try:
        text = use()
    except OpencodeError as error:
        text = failed(error)
    record.outcomes[case] = Outcome(text, ())


@contextmanager
def _patient(stream: Any) -> Generator[Any]:  # Any: as below
    """Open a stream or a terminal, and close it if it does not end in time."""
    with stream as opened:
        timer = Timer(_PATIENCE_S, opened.close)
        timer.start()
        try:
            yield opened
        finally:
            timer.cancel()


def _turn(client: OpencodeClient, stream: Any, event_of: Callable[[Any], Any]) -> str:  # Any: of any event
    """Watch the events of a turn until the session is idle. Return the types that are unknown."""
    unknown: set[str] = set()
    with _patient(stream) as events:
        session = client.session.create()
        client.session.prompt_async(session.id, parts=[TextPartInput(text="hello")])
        for item in events:
            event = event_of(item)
            if isinstance(event, UnknownEvent):
                unknown.add(str(event.raw_.get("type")))
            if event.type == "session.idle" and event.properties.session_id == session.id:
                return ", ".join(["a turn", *sorted(f"unknown {kind}" for kind in unknown)])
    return "no turn"


def _switch(client: OpencodeClient, stream: Any) -> str:  # Any: as above
    """Watch the event of a change to a v2 session."""
    session_id = client.v2.session.create(
        model={"id": MODEL["modelID"], "providerID": MODEL["providerID"]}
    ).data.id
    with _patient(stream or client.v2.session.events(session_id)) as events:
        client.v2.session.switch_agent(session_id, agent="build")
        switches = (type(event).__name__ for event in events if str(event.type).endswith("agent.switched"))
        return next(switches, "no event")


def _shell(client: OpencodeClient) -> str:
    with _patient(client.terminal("/bin/sh", args=_SHELL)) as terminal:
        return _first_output(terminal)


def _second_shell(client: OpencodeClient) -> str:
    pty = client.v2.pty.create(command="/bin/sh", args=_SHELL).data
    with _patient(client.v2.pty.connect(pty.id)) as terminal:
        return _first_output(terminal)


def _first_output(terminal: Any) -> str:  # Any: of either core
    terminal.send("hello\n")
    line = "".join(terminal).splitlines()[-1].strip()
    return f"{line}, exit {terminal.wait(10)}"
