"""Scenarios that run on a fake server and on real ones, and what a client sees in each of them.

    python -m tests.testing.scenarios [--write] [version ...]

compares real servers with the fake. `--write` also records what the client saw of the real ones, for the offline suite.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import threading
from collections.abc import Callable, Sequence
from difflib import unified_diff
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from opencode_client import OpencodeClient, OpencodeError, QuestionAsk, Reject, TextDelta
from opencode_client.model import JsonObject
from opencode_client.models import TextPartInput
from opencode_client.testing import FakeServer, FakeTerminal, Reply, ToolCall
from scripts.rooms import ROOT
from tests.live.client_pairs import until
from tests.testing.witness import END, WITHOUT_EVENTS, Witness

VERSIONS = ("1.3.2", "1.18.33")
RECORDS = ROOT / "tests" / "data" / "scenarios"
CONFIG: JsonObject = {
    "permission": {"bash": "ask"},
    "agent": {"general": {"permission": {"task": "allow"}}},
    "command": {"hi": {"template": "say $ARGUMENTS", "description": "says something"}},
}

_OPTION = {"label": "A", "description": "a"}
_QUESTIONS = [{"question": f"{one}?", "header": one, "options": [_OPTION]} for one in ("H", "I")]
_TASK = {"content": "c", "status": "pending", "priority": "high"}
_BASH = ToolCall(name="bash", arguments={"command": "echo hi", "description": "says hi"})
_READ = ToolCall(name="read", arguments={"filePath": "a.txt"})
_REPLIES = {
    "#think": Reply(reasoning="let me think", text="Hello world", chunks=3, delay_s=0.03),
    "#second": Reply(text="second"),  # 1.3.2 changes what the model gets of a prompt that has waited
    "#slow": Reply(text="Hello world", chunks=3, delay_s=0.3),
    "#bash": Reply(text="Let me look.", tools=[_BASH]),
    "#fails": Reply(
        tools=[ToolCall(name="bash", arguments={"command": "echo no; exit 3", "description": "f"})]
    ),
    "#two": Reply(tools=[_BASH, _READ]),
    "#read": Reply(tools=[_READ]),
    "#unread": Reply(tools=[ToolCall(name="read", arguments={"filePath": "nosuch.txt"})]),
    "#write": Reply(tools=[ToolCall(name="write", arguments={"filePath": "new.txt", "content": "new\n"})]),
    "#nosuch": Reply(tools=[ToolCall(name="nosuch", arguments={"a": 1})]),
    "#badjson": Reply(tools=[ToolCall(name="bash", arguments="{bad")]),
    "#question": Reply(tools=[ToolCall(name="question", arguments={"questions": _QUESTIONS})]),
    "#todo": Reply(tools=[ToolCall(name="todowrite", arguments={"todos": [_TASK]})]),
    "#task": Reply(
        tools=[
            ToolCall(
                name="task", arguments={"description": "d", "prompt": "look", "subagent_type": "general"}
            )
        ]
    ),
    "#hang": Reply(text="a part", hang=True),
    "#401": Reply(status=401, error="bad key"),
    "#400": Reply(status=400, error="bad thing"),
    "#structured": Reply(tools=[ToolCall(name="StructuredOutput", arguments={"a": 1})]),
}


def script() -> Callable[[JsonObject], Reply | None]:
    """Return a script that sends the reply that the user's text names. After a tool, the model says "done"."""
    met: set[str] = set()

    def reply_to(request: JsonObject) -> Reply | None:
        last = request["messages"][-1]
        if last["role"] == "tool":
            return Reply(text=f"done: {len(request['messages'])} {str(last['content'])[-10:]}")
        text = json.dumps(last["content"])
        if "#429" in text and "#429" not in met:
            met.add("#429")
            return Reply(status=429, error="too fast", headers={"retry-after-ms": "300"})
        return next((reply for name, reply in reversed(_REPLIES.items()) if name in text), None)

    return reply_to


Scene = Callable[[Witness, OpencodeClient], object]
SCENES: dict[str, Scene] = {}


def scene(play: Scene) -> Scene:
    """Add a scene."""
    SCENES[play.__name__] = play
    return play


def _text(text: str) -> list[TextPartInput]:
    return [TextPartInput(text=text, metadata={"k": "v"})]


def _turn(witness: Witness, client: OpencodeClient, prompt: str, **options: Any) -> Any:
    """Run a turn, note its result or its error, and the messages that are listed."""
    session = client.session.create(title="t")
    try:
        result: Any = client.run(prompt, session_id=session.id, **options)
        fields = ("text", "reasoning", "tool_calls", "replies", "tokens", "cost", "finish", "structured")
        more = ("subagent_cost", "subagent_tokens", "messages")
        witness.note({name: getattr(result, name) for name in (*fields, *more)})
    except OpencodeError as error:
        witness.note(error)
        partial = getattr(error, "partial", None)
        witness.note({name: getattr(partial, name, None) for name in ("text", "tool_calls", "messages")})
    until(lambda: session.id not in client.session.status())
    witness.call(client.session.messages, session.id)
    return session


@scene
def server(witness: Witness, client: OpencodeClient) -> None:
    witness.call(client.global_.health)
    witness.call(client.config.providers)
    witness.call(client.provider.list)
    witness.call(client.project.current)
    witness.note([client.path.get().directory, client.path.get().worktree])
    witness.note(sorted(agent.name for agent in client.app.agents() if not agent.hidden))
    witness.note([one for one in client.command.list() if one.name == "hi"])
    for name in ("permission", "question", "pty"):
        witness.call(getattr(client, name).list)
    witness.call(client.session.status)
    witness.note(client.config.get().model)


@scene
def sessions(witness: Witness, client: OpencodeClient) -> None:
    call, session = witness.call, client.session
    made = call(session.create, title="made")
    call(session.create)
    child = call(session.create, parent_id=made.id)
    call(session.list)
    call(session.list, roots=True)
    call(session.list, limit=1)
    call(session.list, search="MADE")
    call(session.get, made.id)
    call(session.children, made.id)
    call(session.update, made.id, title="renamed")
    call(session.update, made.id, time={"archived": 123})
    call(session.todo, made.id)
    call(session.diff, made.id)
    call(session.messages, made.id)
    call(session.delete, child.id)
    call(session.children, made.id)
    call(session.get, child.id)


@scene
def unknown(witness: Witness, client: OpencodeClient) -> None:
    call, session, nope = witness.call, client.session, "ses_nope"
    for read in (session.get, session.messages, session.children, session.todo, session.diff, session.abort):
        call(read, nope)
    call(session.message, nope, "msg_nope")
    call(session.get, "bogus")
    call(session.update, nope, title="x")
    call(session.delete, nope)
    call(session.fork, nope)
    call(session.prompt, nope, parts=_text("x"))
    call(session.prompt_async, nope, parts=_text("x"))
    call(session.command, nope, command="hi", arguments="x")
    call(session.shell, nope, agent="build", command="echo sh")
    call(client.permission.reply, "per_nope", reply="once")
    call(client.question.reply, "que_nope", answers=[["A"]])
    call(client.question.reject, "que_nope")


@scene
def wrong(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    bad: Any = client.session
    witness.call(client.send, "POST", f"/session/{session.id}/message", json={})
    witness.call(client.send, "POST", "/session", json={"title": 5})
    witness.call(client.send, "POST", "/permission/per_nope/reply", json={"reply": "bogus"})
    witness.call(bad.message, session.id, "msg_nope")
    witness.call(bad.prompt, session.id, parts=_text("x"), agent="nope")


@scene
def text(witness: Witness, client: OpencodeClient) -> None:
    session = _turn(witness, client, "#think")
    witness.call(client.session.get, session.id)
    witness.call(client.session.messages, session.id, limit=1)


@scene
def title(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create()
    witness.call(client.session.prompt, session.id, parts=_text("hello"))
    until(lambda: client.session.get(session.id).title == "Scripted title")
    until(lambda: session.id not in client.session.status())
    witness.call(client.session.get, session.id)


@scene
def no_reply(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    witness.call(client.session.prompt, session.id, parts=_text("note"), no_reply=True, system="be brief")
    witness.call(client.session.prompt, session.id, parts=_text("hello"))
    witness.call(client.session.messages, session.id)


@scene
def prompt_async(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    sent = client.raw(client.session.prompt_async, session.id, parts=_text("hello"))
    witness.note([sent.status, sent.value])
    until(lambda: len(client.session.messages(session.id)) == 2)


@scene
def permission_once(witness: Witness, client: OpencodeClient) -> None:
    _turn(witness, client, "#bash", permissions="once")


@scene
def permission_rejected(witness: Witness, client: OpencodeClient) -> None:
    _turn(witness, client, "#bash", permissions="reject")


@scene
def permission_rejected_with_a_reason(witness: Witness, client: OpencodeClient) -> None:
    _turn(witness, client, "#bash", permissions=Reject("not now"))


@scene
def question(witness: Witness, client: OpencodeClient) -> None:
    def answer(_: QuestionAsk) -> list[str | list[str]]:
        return ["A", ["A", "other"]]

    _turn(witness, client, "#question", questions=answer)


@scene
def question_rejected(witness: Witness, client: OpencodeClient) -> None:
    _turn(witness, client, "#question", questions="reject")


@scene
def asks(witness: Witness, client: OpencodeClient) -> None:
    """Look at a session while it waits, call what a busy session refuses, then let it go on."""
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=_text("#bash"))
    [asked] = until(client.permission.list)
    witness.note([asked])
    until(lambda: any(part.type == "tool" for part in client.session.messages(session.id)[-1].parts))
    witness.call(client.session.status)
    witness.call(client.session.revert, session.id, message_id="msg_x")
    witness.call(client.permission.reply, asked.id, reply="once")
    witness.call(client.permission.list)
    until(lambda: session.id not in client.session.status())
    witness.call(client.session.messages, session.id)


@scene
def aborted_while_it_asks(witness: Witness, client: OpencodeClient) -> None:
    """Abort a session that waits. 1.3.2 goes on waiting then, if the tool has begun; the fake does not."""
    if client.global_.health().version == "1.3.2":
        return
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=_text("#bash"))
    until(lambda: any(part.type == "tool" for part in client.session.messages(session.id)[-1].parts))
    until(client.permission.list)
    witness.call(client.session.abort, session.id)
    until(lambda: getattr(client.session.messages(session.id)[-1].info, "error", None))
    witness.call(client.session.messages, session.id)


@scene
def tools(witness: Witness, client: OpencodeClient) -> None:
    for name in ("#read", "#unread", "#fails", "#two", "#todo", "#nosuch", "#badjson"):
        session = _turn(witness, client, name, permissions="once")
        witness.call(client.session.todo, session.id)


@scene
def write(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    result = client.run("#write", session_id=session.id)
    witness.note([[call.tool, call.state] for call in result.tool_calls])
    witness.call(client.file.read, path="new.txt")


@scene
def subagent(witness: Witness, client: OpencodeClient) -> None:
    session = _turn(witness, client, "#task", permissions="once")
    [child] = witness.call(client.session.children, session.id)
    witness.call(client.session.messages, child.id)


@scene
def aborted(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    with client.turn("#hang", session_id=session.id) as turn:
        while not isinstance(turn.get(timeout=20), TextDelta):
            pass
        witness.call(client.session.status)
        witness.call(client.session.messages, session.id)
        witness.call(client.session.abort, session.id)
        try:
            turn.result()
        except OpencodeError as error:
            witness.note(error)
    until(lambda: getattr(client.session.messages(session.id)[-1].info, "error", None))
    witness.call(client.session.messages, session.id)


@scene
def provider_errors(witness: Witness, client: OpencodeClient) -> None:
    _turn(witness, client, "#401")
    _turn(witness, client, "#400")


@scene
def retried(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=_text("#429"))
    until(lambda: getattr(client.session.status().get(session.id), "type", "") == "retry")
    witness.call(client.session.status)
    until(lambda: session.id not in client.session.status())
    witness.call(client.session.messages, session.id)


@scene
def structured(witness: Witness, client: OpencodeClient) -> None:
    for prompt in ("#structured", "no structure"):
        try:
            result = client.run(prompt, output={"type": "object"})
            witness.note([result.structured, result.finish, result.text])
            witness.call(client.session.messages, result.session_id)
            witness.call(client.session.fork, result.session_id)
        except OpencodeError as error:
            witness.note(error)


@scene
def unknown_model(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    model = {"providerID": "scripted", "modelID": "nope"}
    witness.call(client.session.prompt, session.id, parts=_text("x"), model=model)


@scene
def commands(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    witness.call(client.session.command, session.id, command="hi", arguments="x y")
    until(lambda: session.id not in client.session.status())
    witness.call(client.session.command, session.id, command="nosuch", arguments="")
    witness.call(client.session.shell, session.id, agent="build", command="echo sh")
    witness.call(client.session.messages, session.id)


@scene
def fork_and_edit(witness: Witness, client: OpencodeClient) -> None:
    call, session = witness.call, _turn(witness, client, "hello")
    [prompt, answer] = client.session.messages(session.id)
    made = call(client.session.fork, session.id)
    call(client.session.messages, made.id)
    call(client.session.fork, made.id, message_id=client.session.messages(made.id)[1].info.id)
    call(client.session.children, session.id)
    call(client.session.revert, session.id, message_id=prompt.info.id)
    call(client.session.unrevert, session.id)
    [part] = [one for one in answer.parts if one.type == "text"]
    part.text = "edited"
    call(client.part.update, session.id, answer.info.id, part.id, body=part)
    call(client.part.update, session.id, answer.info.id, "prt_x", body=part)
    call(client.part.delete, session.id, answer.info.id, part.id)
    call(client.session.delete_message, session.id, answer.info.id)
    call(client.session.messages, session.id)


@scene
def two_prompts(witness: Witness, client: OpencodeClient) -> None:
    """Both prompts get the answer to the second one."""
    session, answers = client.session.create(title="t"), list[Any]()

    def send(text: str) -> None:
        answers.append(client.session.prompt(session.id, parts=_text(text)))

    first = threading.Thread(target=send, args=("#slow one",))
    first.start()
    until(
        lambda: any(
            part.type == "text" for one in client.session.messages(session.id)[1:] for part in one.parts
        )
    )
    send("#second")
    first.join()
    witness.note(answers)
    until(
        lambda: all(
            one.info.role != "user" or one.info.summary for one in client.session.messages(session.id)
        )
    )
    witness.call(client.session.messages, session.id)


@scene
def files(witness: Witness, client: OpencodeClient) -> None:
    call, read = witness.call, client.file
    witness.note([one for one in read.list(path=".") if one.name not in (".git", ".opencode", "new.txt")])
    call(read.list, path="src")
    for path in ("../..", "nosuch"):
        call(read.list, path=path)
    for path in ("src/main.py", "nosuch.txt", "../../etc", "img.png"):
        call(read.read, path=path)
    call(client.find.text, pattern="hello")
    witness.note(client.find.files(query="main.py")[:1])
    call(client.find.files, query="main.py", type="file", limit=1)
    call(client.find.symbols, query="main")


@scene
def terminals(witness: Witness, client: OpencodeClient) -> None:
    call, pty = witness.call, client.pty
    made = call(pty.create, command="sh", args=["-c", "read line; echo $line; exit 7"], title="T")
    call(pty.list)
    call(pty.get, made.id)
    call(pty.update, made.id, size={"rows": 40, "cols": 100})
    call(pty.update, made.id, title="U")
    with pty.connect(made.id) as terminal:
        terminal.send("hello\n")
        witness.note("".join(terminal).split())
        witness.note(terminal.wait(10))
    for method in (pty.get, pty.remove):
        call(method, made.id)
    call(pty.update, "pty_nope", title="x")
    made = call(pty.create)
    call(pty.remove, made.id)


@scene
def global_events(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    opened: Any = client.global_.event()  # Any: gaps are not expected
    with opened as stream:
        client.session.status()
        client.session.prompt_async(session.id, parts=_text("hello"))
        kinds: list[Any] = []
        for one in stream:
            event = one.payload
            place = [one.directory, getattr(one, "project", None) is not None]
            if event.type in (
                "sync",
                "message.part.updated",
                "session.idle",
                "session.status",
                "message.part.delta",
            ):
                kinds.append([event.type, getattr(getattr(event, "sync_event", None), "type", None), *place])
            if event.type == "session.idle":
                break
    witness.note([one for one in kinds if one[1] != "session.updated.1" and one[1] != "message.updated.1"])


def terminal(program: FakeTerminal) -> int:
    """Play the program of the scene `terminals`."""
    line = program.read()
    program.write(line.replace("\n", "\r\n"))
    program.write(line.replace("\n", "\r\n"))
    return 7


def play_fake(version: str, names: Sequence[str] = ()) -> JsonObject:
    """Play the scenes on a fake server, in a directory that has the files of real ones."""
    with TemporaryDirectory(prefix="opencode-fake-") as folder:
        Path(folder, "src").mkdir()
        Path(folder, "src", "main.py").write_text("def main():\n    return 42\n", encoding="utf-8")
        Path(folder, "a.txt").write_text("hello\nchanged\n", encoding="utf-8")
        Path(folder, "img.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
        fake = FakeServer(
            script=script(), version=version, directory=folder, config=CONFIG, terminal=terminal
        )

        def settle(witness: Witness) -> None:
            fake.wait_for_turns()
            fake.send_event(END)
            witness.wait_for_end()

        with fake:
            return _play(fake.url, folder, settle, names)


def play_real(version: str, names: Sequence[str] = ()) -> JsonObject:
    """Play the scenes on a real server."""
    from tests.live.servers import scripted_server

    with scripted_server(version, script=script(), **CONFIG) as (real, _):
        return _play(real.url, str(real.directory), Witness.wait_until_quiet, names)


def _play(url: str, directory: str, settle: Callable[[Witness], None], names: Sequence[str]) -> JsonObject:
    found: JsonObject = {}
    with OpencodeClient(url, directory=directory) as client:
        client.run("begin")  # a new instance is slow, and publishes more
        with Witness(client, directory) as witness:
            settle(witness)
        for name in names or SCENES:
            with Witness(client, directory) as witness:
                SCENES[name](witness, client)
                settle(witness)
                found[name] = witness.take()
                if name in WITHOUT_EVENTS:
                    del found[name]["events"], found[name]["order"]
    return found


def differences(real: JsonObject, fake: JsonObject) -> list[str]:
    """Return the lines of both that differ, by scene."""
    lines: list[str] = []
    for name in real:
        first, second = (
            json.dumps(one.get(name), indent=1, sort_keys=True).splitlines() for one in (real, fake)
        )
        lines += unified_diff(first, second, f"{name}: real", f"{name}: fake", lineterm="", n=2)
    return lines


@cache
def recorded(version: str) -> JsonObject:
    """Return what the client saw of a real server."""
    with gzip.open(RECORDS / f"{version}.json.gz", "rt", encoding="utf-8") as file:
        found: JsonObject = json.load(file)
        return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 0 if the fake is like the real servers."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.testing.scenarios", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    parser.add_argument("--write", action="store_true", help="record what the client saw of the real servers")
    parser.add_argument(
        "--scene", action="append", default=[], choices=list(SCENES), help="one scene; may be repeated"
    )
    given = parser.parse_args(arguments)
    status = 0
    for version in given.versions:
        real = play_real(version, given.scene)
        if given.write:
            RECORDS.mkdir(exist_ok=True)
            kept = recorded(version) if given.scene else {}
            data = gzip.compress(json.dumps({**kept, **real}, indent=1, sort_keys=True).encode(), mtime=0)
            (RECORDS / f"{version}.json.gz").write_bytes(data)
        lines = differences(real, play_fake(version, given.scene))
        print(f"{version}: {len(real)} scenes, {len(lines)} lines differ", *lines, sep="\n")
        status = status or int(bool(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
