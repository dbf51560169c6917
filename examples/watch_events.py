"""Show the events of a directory's agents until Ctrl-C: `python watch_events.py [directory]`."""

import sys
from time import strftime
from typing import Any

from opencode_client import OpencodeClient, OpencodeError, StreamGap, UndecodableEvent, UnknownEvent
from opencode_client.models import (
    EventMessagePartDelta,
    EventMessagePartUpdated,
    EventPermissionAsked,
    EventQuestionAsked,
    EventSessionCreated,
    EventSessionError,
    EventSessionStatus,
    EventSessionUpdated,
    EventTodoUpdated,
    Session,
    ToolPart,
    ToolStateCompleted,
    ToolStateError,
)

STYLES = ("\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m")
DIM, BOLD, RED, GREEN, YELLOW, PLAIN = STYLES if sys.stdout.isatty() else [""] * len(STYLES)
BOXES = {"completed": "[x]", "in_progress": "[~]", "cancelled": "[-]"}


class Viewer:
    """Prints events: each change once, and text while the agent writes it."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.statuses: dict[str, str] = {}
        self.within_line = False

    def show(self, event: Any) -> None:
        """Print an event if users want to see it."""
        match event:
            case EventMessagePartDelta(properties=delta) if delta.field == "text":
                self.within_line = True
                print(delta.delta, end="", flush=True)
            case EventMessagePartUpdated(properties=changed) if isinstance(changed.part, ToolPart):
                self.tool(changed.part)
            case EventSessionCreated(properties=made):
                self.sessions[made.info.id] = made.info
                self.line(DIM, f"new session: {made.info.title}")
            case EventSessionUpdated(properties=changed):
                self.sessions[changed.info.id] = changed.info
            case EventSessionStatus(properties=now):
                if self.statuses.get(now.session_id) != now.status.type:
                    self.statuses[now.session_id] = now.status.type
                    self.line(BOLD, f"{self.title(now.session_id)} is {now.status.type}")
            case EventPermissionAsked(properties=asked):
                self.line(YELLOW, f"asks for permission: {asked.permission} {', '.join(asked.patterns)}")
            case EventQuestionAsked(properties=asked):
                for question in asked.questions:
                    self.line(YELLOW, f"asks a question: {question.question}")
            case EventTodoUpdated(properties=changed):
                for todo in changed.todos:
                    self.line(DIM, f"{BOXES.get(todo.status, '[ ]')} {todo.content}")
            case EventSessionError(properties=failed):
                what = failed.error.name if failed.error else "failed"
                self.line(RED, f"{self.title(failed.session_id or '')}: {what}")
            case StreamGap(reason=reason):
                self.line(RED, f"events may be missing here: {reason}")
            case UnknownEvent() | UndecodableEvent():
                self.line(DIM, f"unknown event: {event!r}")
            case _:
                pass

    def tool(self, part: ToolPart) -> None:
        """Print the result of a tool."""
        if isinstance(part.state, ToolStateCompleted):
            took_ms = part.state.time.end - part.state.time.start
            self.line(GREEN, f"{part.tool}: {part.state.title} {DIM}{took_ms} ms")
        elif isinstance(part.state, ToolStateError):
            self.line(RED, f"{part.tool}: {part.state.error}")

    def title(self, session_id: str) -> str:
        """Return a session's title, or its id if the title is unknown."""
        known = self.sessions.get(session_id)
        return known.title if known else session_id

    def line(self, style: str, text: str) -> None:
        """Print a new line."""
        start = "\n" if self.within_line else ""
        self.within_line = False
        print(f"{start}{DIM}{strftime('%H:%M:%S')}{PLAIN} {style}{text}{PLAIN}", flush=True)


def watch(client: OpencodeClient) -> None:
    viewer = Viewer()
    with client.event.subscribe() as events:
        viewer.sessions = {session.id: session for session in client.session.list()}
        viewer.line(BOLD, f"watching {client.options.directory} at {client.options.base_url}")
        for event in events:
            viewer.show(event)


if __name__ == "__main__":
    try:
        with OpencodeClient(directory=sys.argv[1] if len(sys.argv) > 1 else ".") as opencode:
            watch(opencode)
    except KeyboardInterrupt:
        print()
    except OpencodeError as error:
        sys.exit(str(error))
