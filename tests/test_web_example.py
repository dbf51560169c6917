"""The program of examples/web without a browser: its lines, permissions, security and end."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from opencode_client import OpencodeClient
from opencode_client.testing import FakeServer
from tests.live.client_pairs import until
from tests.live.doc_prompts import CONFIG, script
from tests.support.web_example import web_example

Line = dict[str, Any]  # Any: JSON


@pytest.fixture
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeServer]:
    """A new server for each test, because "always" applies to all sessions of a server."""
    with FakeServer(script=script, directory=tmp_path_factory.mktemp("web"), config=CONFIG) as server:
        yield server


@pytest.fixture
def browser(fake: FakeServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client that sends what a browser sends from the page."""
    with (
        web_example(fake.url, tmp_path_factory.mktemp("project")) as url,
        httpx.Client(base_url=url, headers={"origin": url}, timeout=60, trust_env=False) as client,
    ):
        yield client


def _lines(response: httpx.Response) -> Iterator[Line]:
    return map(json.loads, response.iter_lines())


def test_the_page_runs_its_own_script_only(browser: httpx.Client) -> None:
    page = browser.get("/")
    script_text = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    (digest,) = [b64encode(sha256(text.encode()).digest()).decode() for text in script_text]
    policy = page.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}'; ")
    assert "frame-ancestors 'none'" in policy
    assert "innerHTML" not in page.text


def test_an_answer_is_streamed(browser: httpx.Client) -> None:
    with browser.stream("POST", "/turn", json={"prompt": "And in one word?"}) as response:
        first, *others = _lines(response)
    assert (first["type"], first["session"][:4]) == ("begin", "ses_")
    assert [line["type"] for line in others] == ["text", "end"]
    assert others[0]["text"] == "Answers."


def test_a_turn_continues_in_the_same_session(browser: httpx.Client, fake: FakeServer) -> None:
    with browser.stream("POST", "/turn", json={"prompt": "And in one word?"}) as response:
        session = next(_lines(response))["session"]
    with browser.stream("POST", "/turn", json={"prompt": "Compare the two.", "session": session}) as response:
        assert next(_lines(response))["session"] == session


@pytest.mark.parametrize(
    ("decision", "status"), [("once", "completed"), ("always", "completed"), ("reject", "error")]
)
def test_a_permission_is_decided_by_a_button(browser: httpx.Client, decision: str, status: str) -> None:
    with browser.stream("POST", "/turn", json={"prompt": "Think, then run the tests."}) as response:
        lines = _lines(response)
        turn = next(lines)["turn"]
        ask = next(line for line in lines if line["type"] == "permission")
        assert (ask["permission"], ask["patterns"]) == ("bash", ["echo 2 passed"])
        body = {"turn": turn, "ask": ask["id"], "decision": decision}
        assert browser.post("/reply", json={**body, "decision": "yes"}).status_code == 400
        assert browser.post("/reply", json={**body, "turn": "another"}).status_code == 404
        assert browser.post("/reply", json=body).json() == {"ok": True}
        rest = list(lines)
    assert [line["status"] for line in rest if line["type"] == "tool"][-1] == status
    assert any(line["type"] == "closed" and line["id"] == ask["id"] for line in rest)
    assert browser.post("/reply", json=body).status_code == 404


def test_a_failure_is_the_last_line(browser: httpx.Client) -> None:
    with browser.stream("POST", "/turn", json={"prompt": "Use the wrong key."}) as response:
        *_, last = _lines(response)
    assert (last["type"], "bad key" in last["text"]) == ("error", True)


@pytest.mark.parametrize("prompt", ["Count to a million.", "Think, then run the tests."])
def test_a_closed_page_aborts_the_turn(browser: httpx.Client, fake: FakeServer, prompt: str) -> None:
    with browser.stream("POST", "/turn", json={"prompt": prompt}) as response:
        lines = _lines(response)
        session = next(lines)["session"]
        next(line for line in lines if line["type"] in ("text", "permission"))
    with OpencodeClient(fake.url) as client:
        directory = client.session.get(session).directory
        until(lambda: session not in client.session.status(directory=directory))
        assert client.session.messages(session)[-1].info.error is not None  # type: ignore[union-attr] # of the assistant


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"host": "evil.example", "origin": "http://evil.example"}, "/turn"),
        ({"origin": "http://evil.example"}, "/turn"),
        ({"origin": "null"}, "/reply"),
        ({"origin": ""}, "/turn"),
    ],
)
def test_requests_of_other_pages_are_refused(
    browser: httpx.Client, fake: FakeServer, headers: dict[str, str], path: str
) -> None:
    before = len(fake.calls("session.create"))
    assert browser.post(path, json={"prompt": "Hi."}, headers=headers).status_code == 403
    assert len(fake.calls("session.create")) == before


def test_the_page_is_refused_under_another_host_name(browser: httpx.Client) -> None:
    assert browser.get("/", headers={"host": "evil.example"}).status_code == 403
