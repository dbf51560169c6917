"""Examples of the operations that people use most. The reference shows their bodies; tests run them.

A function is the example of the operation in its docstring. It gets a client, and prints what it reads.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from functools import cache

from opencode_client import OpencodeClient


def create_session(client: OpencodeClient) -> None:
    """POST /session"""
    session = client.session.create(title="Review")
    print(session.id, session.directory)


def list_sessions(client: OpencodeClient) -> None:
    """GET /session"""
    for session in client.session.list(roots=True, limit=500):
        print(session.title, session.time.updated)


def session_status(client: OpencodeClient) -> None:
    """GET /session/status"""
    for session_id, status in client.session.status().items():  # without idle ones
        print(session_id, status.type)


def rename_session(client: OpencodeClient) -> None:
    """PATCH /session/{sessionID}"""
    session = client.session.create()
    print(client.session.update(session.id, title="Review of the parser").title)


def prompt(client: OpencodeClient) -> None:
    """POST /session/{sessionID}/message"""
    from opencode_client.models import TextPartInput

    session = client.session.create(title="Review")
    text = TextPartInput(text="Explain this project.")
    reply = client.session.prompt(session.id, parts=[text])
    print(reply.text)


def prompt_async(client: OpencodeClient) -> None:
    """POST /session/{sessionID}/prompt_async"""
    from opencode_client.models import EventMessagePartDelta, EventSessionIdle

    session = client.session.create(title="Review")
    with client.event.subscribe() as events:  # before the prompt: earlier events are lost
        client.session.prompt_async(session.id, parts=[{"type": "text", "text": "Hi"}])
        for event in events:
            match event:
                case EventMessagePartDelta(properties=new) if new.session_id == session.id:
                    print(new.delta, end="")
                case EventSessionIdle(properties=end) if end.session_id == session.id:
                    break
                case _:
                    pass


def messages(client: OpencodeClient) -> None:
    """GET /session/{sessionID}/message"""
    session = client.session.list(limit=1)[0]
    for message in client.session.messages(session.id, limit=20):  # the newest 20
        print(message.info.role, message.text)
    every = client.paginate(client.session.messages, session.id, limit=50)  # in pages
    print([message.info.id for message in every])


def fork(client: OpencodeClient) -> None:
    """POST /session/{sessionID}/fork"""
    session = client.session.list(limit=1)[0]
    last = client.session.messages(session.id, limit=1)[0]
    copy = client.session.fork(session.id, message_id=last.info.id)  # without it
    print(len(client.session.messages(copy.id)))


def abort(client: OpencodeClient) -> None:
    """POST /session/{sessionID}/abort"""
    session = client.session.create()
    client.session.prompt_async(session.id, parts=[{"type": "text", "text": "Explain."}])
    print(client.session.abort(session.id))


def permissions(client: OpencodeClient) -> None:
    """POST /permission/{requestID}/reply"""
    for request in client.permission.list():
        print(request.permission, request.patterns)
        client.permission.reply(request.id, reply="once")


def questions(client: OpencodeClient) -> None:
    """POST /question/{requestID}/reply"""
    for request in client.question.list():
        chosen = [[question.options[0].label] for question in request.questions]
        client.question.reply(request.id, answers=chosen)
        print(chosen)


def follow_events(client: OpencodeClient) -> None:
    """GET /event"""
    from opencode_client import StreamGap
    from opencode_client.models import EventSessionCreated

    with client.event.subscribe() as events:
        client.session.create(title="Review")
        for event in events:
            match event:
                case EventSessionCreated(properties=created):
                    print("new session:", created.info.title)
                    break
                case StreamGap():
                    print("events may be missing: read again what you show")
                case _:
                    pass


def follow_all_directories(client: OpencodeClient) -> None:
    """GET /global/event"""
    with client.global_.event() as events:
        client.session.create(title="Review")
        for event in events:
            print(event)
            break


def create_terminal(client: OpencodeClient) -> None:
    """POST /pty"""
    pty = client.pty.create(command="sh", title="Shell")
    print(pty.id, pty.pid)
    client.pty.remove(pty.id)


def use_terminal(client: OpencodeClient) -> None:
    """GET /pty/{ptyID}/connect"""
    with client.terminal("sh") as terminal:  # creates it, and removes it at the end
        terminal.send("echo hello\n")
        print(terminal.read_until("hello", timeout=30))


def read_file(client: OpencodeClient) -> None:
    """GET /file/content"""
    print(client.file.read(path="notes.md").content)


def find_files(client: OpencodeClient) -> None:
    """GET /find/file"""
    print(client.find.files(query="notes", limit=100))


def models(client: OpencodeClient) -> None:
    """GET /config/providers"""
    for provider in client.config.providers().providers:
        for name in provider.models:
            print(f"{provider.id}/{name}")  # the model= of client.run


def agents(client: OpencodeClient) -> None:
    """GET /agent"""
    print([agent.name for agent in client.app.agents() if agent.mode != "subagent"])


def health(client: OpencodeClient) -> None:
    """GET /global/health"""
    print(client.global_.health().version)


EXAMPLES: dict[str, Callable[[OpencodeClient], None]] = {
    inspect.getdoc(function) or "": function
    for function in (
        create_session, list_sessions, session_status, rename_session, prompt, prompt_async, messages, fork, abort,
        permissions, questions, follow_events, follow_all_directories, create_terminal, use_terminal, read_file,
        find_files, models, agents, health,
    )
}  # fmt: skip
"""The examples by `METHOD path`."""


@cache
def example_of(operation: str) -> str:
    """Return the lines of an operation's example, or an empty text."""
    function = EXAMPLES.get(operation)
    if function is None:
        return ""
    lines = inspect.getsource(function).splitlines()[2:]  # without the line of `def` and the docstring
    return textwrap.dedent("\n".join(lines))
