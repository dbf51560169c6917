"""Watch what agents do in a directory, until Ctrl-C: `python watch_events.py [directory]`."""

import sys
from time import strftime

from opencode_client import OpencodeClient, StreamGap, UndecodableEvent, UnknownEvent
from opencode_client.models import (
    EventMessagePartDelta,
    EventMessagePartUpdated,
    EventPermissionAsked,
    EventSessionError,
    EventSessionStatus,
    ToolPart,
)

STYLES = ("\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m")
DIM, BOLD, RED, YELLOW, PLAIN = STYLES if sys.stdout.isatty() else [""] * len(STYLES)


def say(style: str, text: str) -> None:
    print(f"\n{DIM}{strftime('%H:%M:%S')}{PLAIN} {style}{text}{PLAIN}", end="", flush=True)


def watch(client: OpencodeClient) -> None:
    with client.event.subscribe() as events:
        say(BOLD, f"watching {client.options.directory} at {client.options.base_url}")
        for event in events:
            match event:
                case EventMessagePartDelta(properties=said):
                    print(said.delta, end="", flush=True)
                case EventMessagePartUpdated(properties=changed) if isinstance(changed.part, ToolPart):
                    say(DIM, f"{changed.part.tool}: {changed.part.state.status}")
                case EventSessionStatus(properties=now):
                    say(BOLD, f"{now.session_id} is {now.status.type}\n")
                case EventPermissionAsked(properties=asked):
                    say(
                        YELLOW, f"{asked.session_id} asks for {asked.permission}: {', '.join(asked.patterns)}"
                    )
                case EventSessionError(properties=failed):
                    say(RED, f"{failed.session_id}: {failed.error.name if failed.error else 'failed'}")
                case StreamGap(reason=reason, attempts=attempts):
                    say(RED, f"here something may be missing: {reason} ({attempts} attempts)")
                case UnknownEvent() | UndecodableEvent():
                    say(DIM, f"not known: {event!r}")
                case _:
                    pass


if __name__ == "__main__":
    with OpencodeClient(directory=sys.argv[1] if len(sys.argv) > 1 else ".") as opencode:
        try:
            watch(opencode)
        except KeyboardInterrupt:
            print()
