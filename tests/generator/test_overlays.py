"""Packages from documents of other servers have only the handwritten parts that work there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from scripts.overlays import OVERLAYS, missing_overlays
from scripts.recordings import DOCUMENTED
from scripts.recordings import document as recorded
from tests.support.faulty_server import http
from tests.support.generated_packages import document, write
from tests.support.terminal_server import PtyServer, cursor, cut, end, hear, say

_PROGRAM = """
import asyncio, inspect, sys
import opencode_client as package
from opencode_client import AsyncOpencodeClient, OpencodeClient, UnsupportedServerError

for name in package.__all__:
    getattr(package, name)
parts = ("run", "turn", "follow", "run_many", "asks", "abort", "resync", "terminal")
print([hasattr(one, name) for one in (OpencodeClient, AsyncOpencodeClient) for name in parts])
for kind in (package.EventStream, package.AsyncEventStream):
    print(list(inspect.signature(kind.filter).parameters), "children" in kind.filter.__doc__)
with OpencodeClient(sys.argv[1], password="p") as client:
    print(client.check_server().version, client.session.list(), client.server.info()["pid"])
    with client.event.subscribe() as events:
        print(next(iter(events)))

async def main():
    async with AsyncOpencodeClient(sys.argv[1], password="p") as client:
        print(await client.session.list())

asyncio.run(main())
try:
    OpencodeClient(sys.argv[2]).session.list()
except UnsupportedServerError as error:
    print(error)
"""


def _get(
    name: str, schema: dict[str, Any], media: str = "application/json", **members: object
) -> dict[str, Any]:
    answer = {"200": {"description": "ok", "content": {media: {"schema": schema}}}}
    return {"get": {"operationId": name, "responses": answer, **members}}


def _data(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"data": schema}, "required": ["data"]}


_ID = [{"name": "ptyID", "in": "path", "required": True, "schema": {"type": "string"}}]
_CONNECT = [
    *_ID,
    *({"name": name, "in": "query", "schema": {"type": "string"}} for name in ("cursor", "ticket", "role")),
]
_PTY = {"type": "object", "properties": {"status": {"type": "string"}}}
_TICKET = {"type": "object", "properties": {"ticket": {"type": "string"}}, "required": ["ticket"]}
_SECOND = document(
    {},
    {
        "/api/pty/{ptyID}": _get("pty.get", _data(_PTY), parameters=_ID),
        "/api/pty/{ptyID}/connect-token": {
            "post": _get("pty.connect.token", _data(_TICKET), parameters=_ID)["get"]
        },
        "/api/pty/{ptyID}/connect": {
            "get": {
                **_get("pty.connect", {"type": "boolean"}, parameters=_CONNECT)["get"],
                "x-websocket": True,
            }
        },
        "/api/info": _get("server.info", {"type": "object", "additionalProperties": {}}),
        "/api/session": _get("session.list", {"type": "array", "items": {"type": "string"}}),
        "/api/event": _get("event.subscribe", {"type": "object"}, "text/event-stream"),
    },
)
"""The known routes of OpenCode 2.x: other routes with operationIds of 1.x."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the package of this document."""
    return write(tmp_path_factory.mktemp("second"), _SECOND).parent


def _run(folder: Path, program: str, *arguments: str) -> list[str]:
    """Run a program with the package; return the lines that it prints."""
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def second(httpserver: HTTPServer) -> HTTPServer:
    """A server with these operations, a password, and web pages elsewhere. It serves no document."""
    page = Response("<!doctype html>", mimetype="text/html")

    def answer(request: Any) -> Response:  # Any: untyped
        if request.authorization is None:
            return Response('{"_tag": "UnauthorizedError"}', status=401, mimetype="application/json")
        answers = {
            "/api/info": Response('{"version": "2.1.3", "pid": 7}', mimetype="application/json"),
            "/api/session": Response('["a"]', mimetype="application/json"),
            "/api/event": Response('data: {"n": 1}\n\n', mimetype="text/event-stream"),
        }
        return answers.get(request.path, page)

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    return httpserver


@pytest.fixture
def first() -> Generator[str]:
    """The URL of a server that shows version 1.18.33 at the path of 2.x."""
    with HTTPServer("127.0.0.1", 0) as server:
        server.expect_request("/api/info").respond_with_json({"version": "1.18.33"})
        server.expect_request("/doc").respond_with_data("", status=404)
        yield server.url_for("")


@pytest.mark.parametrize("version", DOCUMENTED)
def test_all_handwritten_parts_work_with_opencodes_documents(version: str) -> None:
    assert missing_overlays(recorded(version)) == []


def test_a_handwritten_part_is_left_out_if_one_operation_has_another_route() -> None:
    other = recorded("1.18.33")
    paths = {("/other" if path == "/session/status" else path): item for path, item in other["paths"].items()}
    missing = missing_overlays({**other, "paths": paths})
    assert [one.names[-1] for one in missing] == ["client.abort", "client.resync"]


def test_the_children_flag_is_left_out_without_the_list_of_children() -> None:
    other = recorded("1.18.33")
    paths = {path: item for path, item in other["paths"].items() if path != "/session/{sessionID}/children"}
    assert "filter(children=)" in [
        name for one in missing_overlays({**other, "paths": paths}) for name in one.names
    ]


def test_the_listed_modules_methods_and_flags_exist() -> None:
    """A module or a method that is renamed needs its new name in the list."""
    package = Path(sys.modules["opencode_client"].__file__ or "").parent
    for overlay in OVERLAYS:
        assert all((package / module).exists() for module in overlay.modules)
        clients = [(package / name).read_text(encoding="utf-8") for name in ("client.py", "client_turns.py")]
        assert all(f"    def {method}(" in "".join(clients) for method in overlay.methods)
        stream = (package / "streams" / "stream.py").read_text(encoding="utf-8")
        assert all(f"{flag}: bool = False" in stream for flag in overlay.flags)


def test_a_package_of_2_x_works_with_its_server(folder: Path, second: HTTPServer, first: str) -> None:
    parts, *filters, values, event, sessions, error = _run(folder, _PROGRAM, second.url_for(""), first)
    assert filters == ["['self', 'types', 'session_id'] False"] * 2
    assert json.loads(parts.lower()) == [False] * 16
    assert (values, event, sessions) == ("2.1.3 ['a'] 7", "{'n': 1}", "['a']")
    assert re.fullmatch(r"http://\S+ is OpenCode 1\.18\.33 .*; this client speaks 2\.x: .*", error)


_TERMINAL = """
import asyncio, sys
from opencode_client import ArgumentError, AsyncOpencodeClient, NotFoundError, OpencodeClient

with OpencodeClient(sys.argv[1], password="p", directory="/r") as client:
    with client.pty.connect("pty_1", role="viewer", auth="ticket") as terminal:
        print([*terminal], terminal.cursor)
        try:
            terminal.wait()
        except ArgumentError as error:
            print(error)
    try:
        client.pty.connect("pty_2").__enter__()
    except NotFoundError as error:
        print(error.status)

async def main():
    async with AsyncOpencodeClient(sys.argv[1], password="p") as client:
        async with client.pty.connect("pty_1", cursor=3) as terminal:
            print(await terminal.read_until("d"))
            await terminal.send("x")
            print([text async for text in terminal])

asyncio.run(main())
"""


def test_terminals_of_2_x_send_and_read_the_documented_frames(folder: Path) -> None:
    """The frames are those of 1.x: the document of 2.1 describes none, and has the same parameters."""
    answers = {
        "/api/info": http(b'{"version": "2.1.3"}'),
        "/api/pty/pty_1": http(b'{"data": {"status": "running"}}'),
        "/api/pty/pty_1/connect-token": http(b'{"data": {"ticket": "t1"}}'),
    }
    scripts = [
        *([cursor(0), say("abc"), cursor(3), cut], [cursor(3), say("def"), end]),
        *([cursor(3), say("d"), hear, say("ef"), end],),
    ]
    with PtyServer(*scripts, answers=answers) as server:
        output, refused, unknown, *asynchronous = _run(folder, _TERMINAL, server.url)
    assert (output, unknown, asynchronous) == ("['abc', 'def'] 6", "404", ["d", "['ef']"])
    assert refused == "terminal pty_1: wait() needs a server of opencode 1.x"
    assert [dial.target for dial in server.dials] == [
        "/api/pty/pty_1/connect?role=viewer&ticket=t1",
        "/api/pty/pty_1/connect?role=viewer&cursor=3&ticket=t1",
        "/api/pty/pty_1/connect?cursor=3",
    ]
    assert ["authorization" in dial.headers for dial in server.dials] == [False, False, True]
    assert server.heard == ["x"]
    assert server.streams == []
