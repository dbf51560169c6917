"""Requests without their body, on real servers: the servers refuse them if the reference calls the body required."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from opencode_client.model import is_array, is_object
from scripts.recordings import document
from scripts.reference.modules import Modules
from scripts.reference.words import ENGLISH
from tests.live.scripted_turns import CONFIG, script
from tests.live.servers import NEW, scripted_server
from tests.support.reference_pages import pages

pytestmark = pytest.mark.live
_HEAD = re.compile(rf"\*\*{ENGLISH.body}\*\* \(`.+?`, (.+?)\): ")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Generator[httpx.Client, None, None]:
    with (
        scripted_server(request.param, script=script, **CONFIG) as (running, _),
        httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client,
    ):
        yield client


def _bodies(version: str) -> dict[str, tuple[str, Any]]:
    """Return {METHOD path: (the reference's text about its body, the operation)} of each body in a document."""
    modules, made = Modules(), pages(version)
    return {
        name: (_words(made[f"en/{modules.of(path).file}"], name), operation)
        for path, item in document(version)["paths"].items()
        for method, operation in item.items()
        if is_object(operation) and "requestBody" in operation and (name := f"{method.upper()} {path}")
    }


def _words(page: str, name: str) -> str:
    found = _HEAD.search(page.split(f"## `{name}`\n")[1])
    assert found is not None
    return found[1]


def _url(client: httpx.Client, path: str, operation: Any) -> str:
    """The operation's path with a session that exists, and other ids that fit their patterns."""
    patterns = {p["name"]: p.get("schema", {}).get("pattern", "") for p in operation.get("parameters", [])}
    if "{sessionID}" in path:
        path = path.replace("{sessionID}", client.post("/session", json={}).json()["id"])
    return re.sub(r"\{(\w+)\}", lambda found: f"{patterns.get(found[1], '').strip('^')}_nope", path)


def _refuses(client: httpx.Client, name: str, operation: Any, **sent: Any) -> bool:
    """Return True if the server answers that the request's body is wrong."""
    method, path = name.split(" ")
    answer = client.request(method, _url(client, path, operation), **sent)
    if answer.status_code != 400:
        return False
    read = answer.json()
    issues = read.get("error")  # 1.3.2: a list of the mistakes in the body; a text is another error
    return is_array(issues) or read.get("kind") == "Payload" or read.get("name") == "BadRequest"


def _check(client: httpx.Client, cases: dict[str, tuple[str, Any]]) -> None:
    wrong: list[str] = []
    for name, (words, operation) in cases.items():
        bare = _refuses(client, name, operation)
        empty = _refuses(client, name, operation, json={})
        if words == ENGLISH.required and not (bare and empty):
            wrong.append(f"{name}: called required, but accepted")
        if words == ENGLISH.empty_object and empty:
            wrong.append(f"{name}: `{{}}` is refused")
        if words == ENGLISH.optional and bare:
            wrong.append(f"{name}: called optional, but refused")
    assert wrong == []


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("server", "version", "count"), [("1.3.2", "1.3.2", 36), (NEW, NEW, 60)], indirect=["server"]
)
def test_servers_refuse_requests_without_a_body_only_where_it_is_required(
    server: httpx.Client, version: str, count: int
) -> None:
    cases = _bodies(version)
    _check(server, cases)
    assert len(cases) == count


@pytest.mark.parametrize("server", [NEW], indirect=True)
def test_1_18_33_refuses_10_of_12_session_requests_without_a_body(server: httpx.Client) -> None:
    cases = {name: case for name, case in _bodies(NEW).items() if " /session" in name}
    _check(server, cases)
    refused = [words for name, (words, sent) in cases.items() if _refuses(server, name, sent)]
    assert sorted(refused) == sorted([ENGLISH.required] * 9 + [ENGLISH.empty_object])


@pytest.mark.matrix
@pytest.mark.parametrize("server", [NEW], indirect=True)
def test_1_18_33_refuses_a_request_without_body_where_an_empty_object_is_enough(server: httpx.Client) -> None:
    cases = {name: sent for name, (words, sent) in _bodies(NEW).items() if words == ENGLISH.empty_object}
    assert [name for name, operation in cases.items() if not _refuses(server, name, operation)] == []
    assert len(cases) == 13
