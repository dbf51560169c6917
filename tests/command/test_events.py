"""`opencode-client events`: lines of several sessions, which do not mix."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from opencode_client import NotFoundError, command
from opencode_client.command.events import Viewer
from opencode_client.command.screen import Screen
from opencode_client.testing import FakeServer

Json = Any  # an event


def _event(kind: str, **properties: Json) -> Json:
    return {"type": kind, "properties": properties}


def _session(name: str, parent: str | None = None) -> Json:
    return _event("session.created", info={"id": name, "title": f"title of {name}", "parentID": parent})


def _message(name: str, session: str, role: str, **more: Json) -> Json:
    return _event("message.updated", info={"id": name, "sessionID": session, "role": role, **more})


def _part(name: str, session: str, message: str, text: str, **more: Json) -> Json:
    part = {"id": name, "sessionID": session, "messageID": message, "type": "text", "text": text, **more}
    return _event("message.part.updated", part=part)


def _delta(name: str, session: str, delta: str) -> Json:
    return _event("message.part.delta", sessionID=session, partID=name, field="text", delta=delta)


def _found(_: str) -> Json:
    return SimpleNamespace(title="found", parent_id=None)


def _unknown(_: str) -> Json:
    raise NotFoundError(
        "no session", operation="session.get", method="GET", url="", status=404, headers={}, body=b""
    )


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Any:  # Any: a function
    """Show events, and return the lines without their time."""

    def show(*events: Json) -> list[str]:
        viewer = Viewer(Screen(), _found)
        for event in events:
            viewer.show(event)
        viewer.screen.end()
        return [" ".join(line[9:].split()) for line in capsys.readouterr().out.splitlines()]

    return show


def test_texts_of_two_sessions_are_printed_in_separate_lines(shown: Any) -> None:
    assert shown(
        *(_session("a"), _session("b"), _message("m1", "a", "assistant"), _message("m2", "b", "assistant")),
        *(_part("p1", "a", "m1", ""), _part("p2", "b", "m2", "")),
        *(_delta("p1", "a", "one "), _delta("p2", "b", "three\nfo"), _delta("p1", "a", "two\n")),
        *(_delta("p2", "b", "ur"), _part("p2", "b", "m2", "three\nfour", time={"end": 1})),
    ) == ["title of b | three", "title of a | one two", "title of b | four"]


def test_a_growing_text_of_1_1_is_printed_once(shown: Any) -> None:
    assert shown(
        *(_session("a"), _message("m", "a", "assistant")),
        *(_part("p", "a", "m", "Hel"), _part("p", "a", "m", "Hello\nyou")),
        _part("p", "a", "m", "Hello\nyou", time={"end": 2}),
    ) == ["title of a | Hello", "title of a | you"]


def test_prompts_are_marked_and_hidden_parts_are_not_shown(shown: Any) -> None:
    assert shown(
        *(_session("a"), _message("m", "a", "user")),
        *(_part("p1", "a", "m", "do\nit"), _part("p2", "a", "m", "hidden", synthetic=True)),
    ) == ["title of a | > do", "title of a | > it"]


def test_a_subagent_is_indented(shown: Any, capsys: pytest.CaptureFixture[str]) -> None:
    viewer = Viewer(Screen(), _unknown)
    for event in (_session("a"), _session("b", "a"), _session("c", "b")):
        viewer.show(event)
    for name in "abc":
        viewer.show(_event("session.status", sessionID=name, status={"type": "busy"}))
    heads = [line[9:].partition("title")[0] for line in capsys.readouterr().out.splitlines()]
    assert heads == ["", "  ", "    "]


def test_a_tool_is_shown_when_it_runs_and_when_it_ends(shown: Any) -> None:
    def tool(**state: Json) -> Json:
        return _part(
            "p", "a", "m", "", type="tool", tool="bash", state={"input": {"command": "ls\n-l"}, **state}
        )

    assert shown(
        *(_session("a"), tool(status="pending"), tool(status="running"), tool(status="running")),
        tool(status="completed", title="list", time={"start": 5, "end": 12}),
    ) == ["title of a | [bash] ls ...", "title of a | [bash] list: done in 7 ms"]


def test_an_error_of_session_and_message_is_shown_once_with_its_message(shown: Any) -> None:
    error = {"name": "APIError", "data": {"message": "no quota"}}
    assert shown(
        *(_session("a"), _event("session.error", sessionID="a", error=error)),
        _message("m", "a", "assistant", error=error),
    ) == ["title of a | APIError: no quota"]


def test_asks_todos_gaps_and_retries_are_shown(shown: Any) -> None:
    todos = [{"content": "x", "status": "completed"}, {"content": "y", "status": "pending"}]
    assert shown(
        _event("permission.asked", sessionID="a", permission="bash", patterns=["ls"]),
        _event("question.asked", sessionID="a", questions=[{"question": "Which?"}]),
        *[_event("todo.updated", sessionID="a", todos=todos)] * 2,
        *[_event("session.status", sessionID="a", status={"type": "retry", "message": "429"})] * 2,
        _event("gap", reason="lost"),
        _event("an.event.of.tomorrow"),
    ) == [
        *("found | asks for permission: bash ls", "found | asks: Which?", "found | [x] x", "found | [ ] y"),
        *("found | is retry: 429", "| events may be missing here: lost"),
    ]


def test_a_session_that_cannot_be_read_has_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    viewer = Viewer(Screen(), _unknown)
    viewer.show(_event("session.status", sessionID="ses_1", status={"type": "idle"}))
    assert "ses_1" in capsys.readouterr().out


def test_characters_that_move_the_cursor_are_not_printed(shown: Any) -> None:
    (line,) = shown(_session("a"), _message("m", "a", "assistant"), _part("p", "a", "m", "x\x1b[2Jy\r"))
    assert line == "title of a | x [2Jy"


def test_a_long_line_is_wrapped_between_words(monkeypatch: pytest.MonkeyPatch, shown: Any) -> None:
    monkeypatch.setattr("opencode_client.command.screen._LONGEST", 60)
    lines = shown(
        _session("a"), _message("m", "a", "assistant"), _part("p", "a", "m", "word " * 20 + "x" * 70)
    )
    assert " ".join(line.removeprefix("title of a | ") for line in lines).split()[:20] == ["word"] * 20
    assert "".join(lines).count("x") == 70
    assert max(map(len, lines)) <= 60


def test_without_a_server_one_line_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["events", "--url", "http://127.0.0.1:9"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("opencode-client: event.subscribe:")


def test_a_closed_output_is_not_an_error() -> None:
    code = "import sys; from opencode_client.command import main; sys.exit(main(sys.argv[1:]))"
    with FakeServer() as fake:
        arguments = [sys.executable, "-c", code, "events", "--json", "--all", "--url", fake.url]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            fake.wait_for_call("global.event")
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            while process.poll() is None:
                fake.send_event("todo.updated", sessionID="ses_1", todos=[])
                time.sleep(0.05)
            assert (process.returncode, process.stderr.read()) == (141, b"")


@pytest.mark.parametrize("form", ["lines", "json"])
def test_a_turn_is_followed_until_ctrl_c(form: str) -> None:
    with FakeServer("Hello.") as fake, fake.client() as client:
        arguments = [
            "events",
            "--url",
            fake.url,
            "--directory",
            fake.directory,
            *["--json"][form == "lines" :],
        ]
        code = "import sys; from opencode_client.command import main; sys.exit(main(sys.argv[1:]))"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process:
            fake.wait_for_call("event.subscribe")
            client.run("Hi.", title="test")
            lines: list[str] = []
            while "idle" not in (lines or [""])[-1]:
                lines.append(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
    texts = [json.loads(line)["type"] for line in lines] if form == "json" else lines
    assert any("Hello." in text or text == "message.part.updated" for text in texts)
