"""Scenes of the server itself: its lists, files, terminals and event streams."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from opencode_client import OpencodeClient, OpencodeError, PtyConnection, PtyTimeoutError, StreamTimeoutError
from opencode_client.testing import FakeTerminal
from tests.live.client_pairs import until
from tests.testing.stage import parts, scene
from tests.testing.witness import Witness

_PROGRAM = "read line; echo $line; read line; echo $line; exit 7"
_COMPARED = ("sync", "message.part.updated", "session.idle", "session.status", "message.part.delta")
_RACING = ("session.updated.1", "message.updated.1")


@scene
def server(witness: Witness, client: OpencodeClient) -> None:
    witness.call(client.global_.health)
    witness.call(client.config.providers)
    witness.call(client.provider.list)
    witness.call(client.project.current)
    witness.note([client.path.get().directory, client.path.get().worktree])
    shown = sorted((one for one in client.app.agents() if not one.hidden), key=lambda one: one.name)
    witness.note([[one.name, one.mode, one.native] for one in shown])
    witness.note([one for one in client.command.list() if one.name == "hi"])
    for name in ("permission", "question", "pty"):
        witness.call(getattr(client, name).list)
    witness.call(client.session.status)
    witness.note(client.config.get().model)


@scene
def files(witness: Witness, client: OpencodeClient) -> None:
    call, read = witness.call, client.file
    witness.note([one for one in read.list(path=".") if one.name not in (".git", ".opencode", "new.txt")])
    call(read.list, path="src")
    for path in ("../..", "nosuch"):
        call(read.list, path=path)
    for path in ("src/main.py", "nosuch.txt", "../../etc", "img.png"):
        call(read.read, path=path)
    call(read.read, path="src")
    for pattern in ("hello", "chang", "nothing like it", "("):
        call(client.find.text, pattern=pattern)
    witness.note(client.find.files(query="main.py")[:1])
    call(client.find.files, query="main.py", type="file", limit=1)
    call(client.find.symbols, query="main")


@scene
def terminals(witness: Witness, client: OpencodeClient) -> None:
    call, pty = witness.call, client.pty
    made = call(pty.create, command="sh", args=["-c", _PROGRAM], title="T")
    call(pty.list)
    call(pty.get, made.id)
    call(pty.update, made.id, size={"rows": 40, "cols": 100})
    call(pty.update, made.id, title="U")
    with pty.connect(made.id) as terminal:
        terminal.send("one\n")
        witness.note(terminal.read_until("one\r\none\r\n", 20))
        with pty.connect(made.id) as second, pty.connect(made.id, cursor=-1) as third:
            witness.note(second.read_until("one\r\none\r\n", 20))
            until(lambda: _has_joined(third))
            terminal.send("two\n")
            witness.note(["".join(one).split() for one in (terminal, second, third)])
        witness.note(terminal.wait(10))
    for method in (pty.get, pty.remove):
        call(method, made.id)
    call(pty.update, "pty_nope", title="x")
    made = call(pty.create)
    call(pty.remove, made.id)


def _has_joined(terminal: PtyConnection) -> bool:
    """Return True when the server has sent the place of new output, as it does for each client."""
    with suppress(PtyTimeoutError):
        terminal.read_until("never", 0.05)
    return terminal.cursor is not None


@scene
def tickets(witness: Witness, client: OpencodeClient) -> None:
    """Use one ticket for two connections, and one that does not exist."""
    made = client.pty.create(command="sh", args=["-c", _PROGRAM])
    try:
        ticket = client.pty.connect_token(made.id).ticket
    except OpencodeError as error:
        witness.note(error)
        return
    url, directory = client.options.base_url.replace("http", "ws", 1), client.options.directory
    place = f"{url}/pty/{made.id}/connect?directory={directory}"
    for one in (ticket, ticket, "nope"):
        try:
            with connect(f"{place}&ticket={one}") as opened:
                witness.note(opened.recv(timeout=20))
        except InvalidStatus as error:
            witness.note(error.response.status_code)
    client.pty.remove(made.id)


@scene
def disposed(witness: Witness, client: OpencodeClient) -> None:
    """Dispose of another directory's instance. Its event stream ends."""
    place = f"{client.path.get().directory}/src"
    opened: Any = client.event.subscribe(directory=place, reconnect=False)  # Any: gaps are not expected
    kinds: list[str] = []
    with opened as stream:
        while not kinds:  # the server subscribes a moment after it has sent the headers
            client.session.create(directory=place)
            with suppress(StreamTimeoutError):
                kinds.append(stream.get(timeout=1).type)
        witness.call(client.instance.dispose, directory=place)
        try:
            while True:
                kinds.append(stream.get(timeout=20).type)
        except OpencodeError as error:
            kinds.append(type(error).__name__)
    witness.note([one for one in kinds if "." not in one or one.startswith("server.")])


@scene
def global_events(witness: Witness, client: OpencodeClient) -> None:
    opened: Any = client.global_.event()  # Any: gaps are not expected
    with opened as stream:
        client.session.status()
        session = client.session.create(title="t")
        client.session.prompt_async(session.id, parts=parts("hello"))
        kinds: list[Any] = []
        numbers: list[int] = []
        for one in stream:
            event, sync = one.payload, getattr(one.payload, "sync_event", None)
            place = [one.directory, getattr(one, "project", None) is not None]
            if sync is not None:
                numbers.append(sync.seq)
            if event.type in _COMPARED and getattr(sync, "type", "") not in _RACING:
                kinds.append([event.type, getattr(sync, "type", None), *place])
            if event.type == "session.idle":
                break
    witness.note(kinds)
    witness.note(numbers == list(range(len(numbers))))


def terminal(program: FakeTerminal) -> int:
    """Play the program of the scene `terminals`."""
    for _ in range(2):
        line = program.read().replace("\n", "\r\n")
        program.write(line)
        program.write(line)
    return 7
