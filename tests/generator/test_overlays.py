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
from tests.support.generated_packages import document, write

_PROGRAM = """
import asyncio, sys
import opencode_client as package
from opencode_client import AsyncOpencodeClient, OpencodeClient, UnsupportedServerError

for name in package.__all__:
    getattr(package, name)
parts = ("run", "turn", "follow", "run_many", "asks", "abort", "resync", "terminal")
print([hasattr(one, name) for one in (OpencodeClient, AsyncOpencodeClient) for name in parts])
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


def _get(name: str, schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    answer = {"200": {"description": "ok", "content": {media: {"schema": schema}}}}
    return {"get": {"operationId": name, "responses": answer}}


_SECOND = document(
    {},
    {
        "/api/info": _get("server.info", {"type": "object", "additionalProperties": {}}),
        "/api/session": _get("session.list", {"type": "array", "items": {"type": "string"}}),
        "/api/event": _get("event.subscribe", {"type": "object"}, "text/event-stream"),
    },
)
"""A server of OpenCode 2.x, as far as is known: other routes, and operationIds of 1.x."""


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
def test_all_parts_work_with_opencodes_documents(version: str) -> None:
    assert missing_overlays(recorded(version)) == []


def test_a_part_is_missing_if_one_operation_has_another_route() -> None:
    other = recorded("1.18.33")
    paths = {("/other" if path == "/session/status" else path): item for path, item in other["paths"].items()}
    missing = missing_overlays({**other, "paths": paths})
    assert [one.methods[-1] for one in missing] == ["abort", "resync"]


def test_the_parts_are_there() -> None:
    """A module or a method that is renamed needs its new name in the list."""
    package = Path(sys.modules["opencode_client"].__file__ or "").parent
    for overlay in OVERLAYS:
        assert all((package / module).exists() for module in overlay.modules)
        clients = [(package / name).read_text(encoding="utf-8") for name in ("client.py", "client_turns.py")]
        assert all(f"    def {method}(" in "".join(clients) for method in overlay.methods)


def test_a_package_of_2_x_is_whole_and_speaks_to_its_server(
    tmp_path: Path, second: HTTPServer, first: str
) -> None:
    package = write(tmp_path, _SECOND)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM, second.url_for(""), first],
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    parts, values, event, sessions, error = done.stdout.splitlines()
    assert json.loads(parts.lower()) == [False] * 16
    assert (values, event, sessions) == ("2.1.3 ['a'] 7", "{'n': 1}", "['a']")
    assert re.fullmatch(r"http://\S+ is OpenCode 1\.18\.33 .*; this client speaks 2\.x: .*", error)
