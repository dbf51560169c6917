"""`client.paginate`, `resync` and `send` with real servers: long lists, and a session with a JSON schema."""

from __future__ import annotations

from collections.abc import AsyncIterable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from opencode_client import BadRequestError, OpencodeClient, UnsupportedOperationError
from opencode_client.models import TextPartInput
from opencode_client.server import OpencodeServer
from tests.live.scripted_turns import script
from tests.live.servers import scripted_server
from tests.support.both_clients import ClientKind

pytestmark = pytest.mark.live

_TOTAL = 250
_SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}}}
_HEALING = ("1.1.31", "1.3.2")
"""Versions that can list the messages of a session with a JSON schema."""


_VERSIONS = [
    "1.1.31",
    *(pytest.param(version, marks=pytest.mark.matrix) for version in ("1.3.2", "1.14.48", "1.15.13")),
    "1.18.33",
]


@pytest.fixture(scope="module", params=_VERSIONS)
def server(request: pytest.FixtureRequest) -> Generator[OpencodeServer, None, None]:
    with scripted_server(request.param, script=script) as (running, _):
        yield running


@pytest.fixture(scope="module")
def sessions(server: OpencodeServer) -> list[str]:
    """The ids of 250 sessions."""
    with OpencodeClient(server.url, directory=server.directory) as client, ThreadPoolExecutor(8) as threads:
        made = [threads.submit(client.session.create, title=f"s{number}") for number in range(_TOTAL)]
        return [one.result().id for one in made]


@pytest.fixture(scope="module")
def long_session(server: OpencodeServer) -> str:
    """The id of a session with 250 messages, `0` to `249`."""
    with OpencodeClient(server.url, directory=server.directory) as client:
        session = client.session.create(title="long")
        for number in range(_TOTAL):
            client.session.prompt(session.id, parts=[TextPartInput(text=str(number))], no_reply=True)
    return session.id


async def _collected(items: AsyncIterable[Any]) -> list[Any]:
    return [item async for item in items]


def _all(client_kind: ClientKind, paginator: Any) -> list[Any]:  # Any: a paginator of either client
    return client_kind.call(_collected, paginator) if client_kind.is_async else list(paginator)


def _client(client_kind: ClientKind, server: OpencodeServer) -> Any:  # Any: either client
    return client_kind.client(server.url, directory=server.directory)


@pytest.mark.parametrize("limit", [7, 50, 250, None])
def test_250_messages_are_yielded_once_from_new_to_old(
    client_kind: ClientKind, server: OpencodeServer, long_session: str, limit: int | None
) -> None:
    client = _client(client_kind, server)
    found = _all(client_kind, client.paginate(client.session.messages, long_session, limit=limit))
    assert [message.parts[0].text for message in found] == [str(n) for n in reversed(range(_TOTAL))]


@pytest.mark.parametrize("limit", [50, None])
def test_250_sessions_are_yielded_once(
    client_kind: ClientKind, server: OpencodeServer, sessions: list[str], limit: int | None
) -> None:
    client = _client(client_kind, server)
    found = [one.id for one in _all(client_kind, client.paginate(client.session.list, limit=limit))]
    assert len(found) == len(set(found))
    assert set(found) >= set(sessions)


@pytest.mark.parametrize("search", [None, "s1"])
@pytest.mark.parametrize("path", ["experimental", "v2"])
def test_250_sessions_are_yielded_once_with_cursors(
    client_kind: ClientKind, server: OpencodeServer, sessions: list[str], path: str, search: str | None
) -> None:
    client = _client(client_kind, server)
    pages = client.paginate(getattr(client, path).session.list, limit=20, search=search)
    if (server.version, path) == ("1.14.48", "v2"):
        with pytest.raises(BadRequestError):  # it refuses its own cursors
            _all(client_kind, pages)
        return
    try:
        found = [one.id for one in _all(client_kind, pages)]
    except UnsupportedOperationError:
        assert server.version in _HEALING
        return
    wanted = {one for number, one in enumerate(sessions) if search is None or f"s{number}".startswith(search)}
    assert len(found) == len(set(found))
    assert set(found) == wanted if search else set(found) >= wanted


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_session_with_a_json_schema_is_read_without_its_first_message(
    client_kind: ClientKind,
    server: OpencodeServer,
    structured: dict[int, tuple[str, str]],
    before: int,
    limit: int,
) -> None:
    session, prompt = structured[before]
    client = _client(client_kind, server)
    pages = client.paginate(client.session.messages, session, limit=limit)
    found = {message.info.id for message in _all(client_kind, pages)}
    is_missing = before == 0 and server.version not in _HEALING
    assert pages.missing == ((prompt,) if is_missing else ())
    assert (prompt in found) is not is_missing
    assert len(found) >= 4 + 2 * before - is_missing


@pytest.mark.parametrize("before", [0, 1])
def test_resync_reads_a_session_with_a_json_schema(
    client_kind: ClientKind, server: OpencodeServer, structured: dict[int, tuple[str, str]], before: int
) -> None:
    session, prompt = structured[before]
    client = _client(client_kind, server)
    found = client_kind.call(client.resync, session)
    ids = [message.info.id for message in found.messages]
    assert ids == sorted(ids)
    assert (prompt in ids) is (prompt not in found.missing)
    assert found.turn({"mark": "structured"}) == "over"


def test_a_turn_after_one_with_a_json_schema_can_be_aborted(
    client_kind: ClientKind, server: OpencodeServer
) -> None:
    client = _client(client_kind, server)
    session = client_kind.call(client.session.create).id
    schema = {"type": "json_schema", "schema": _SCHEMA}
    parts = [TextPartInput(text="#structured")]
    client_kind.call(client.session.prompt, session, parts=parts, format=schema)
    client_kind.call(client.session.prompt_async, session, parts=[TextPartInput(text="#endless")])
    while session not in client_kind.call(client.session.status):
        pass
    assert client_kind.call(client.abort, session, timeout=30) is True


@pytest.fixture(scope="module")
def structured(server: OpencodeServer) -> dict[int, tuple[str, str]]:
    """Sessions with a prompt with a JSON schema after 0 and after 1 other prompts: session and prompt."""
    part = TextPartInput(text="#structured", metadata={"mark": "structured"})
    found: dict[int, tuple[str, str]] = {}
    with OpencodeClient(server.url, directory=server.directory) as client:
        for before in (0, 1):
            session = client.session.create().id
            for _ in range(before):
                client.session.prompt(session, parts=[TextPartInput(text="before")])
            schema = {"type": "json_schema", "schema": _SCHEMA}
            reply = client.session.prompt(session, parts=[part], format=schema)
            client.session.prompt(session, parts=[TextPartInput(text="after")])
            assert reply.info.role == "assistant"
            found[before] = session, reply.info.parent_id
    return found


def test_send_accepts_undocumented_routes_parameters_and_members(
    client_kind: ClientKind, server: OpencodeServer
) -> None:
    client = _client(client_kind, server)
    client_kind.call(client.wait_until_ready, timeout=30)
    session = client_kind.call(client.send, "POST", "/session", json={"title": "sent", "newMember": 1})
    assert session["directory"] == str(server.directory)
    path = f"/session/{session['id']}"
    prompt = {"parts": [{"type": "text", "text": "hi", "newMember": 1}], "newMember": 1}
    reply = client_kind.call(client.send, "POST", f"{path}/message", json=prompt)
    assert reply["info"]["sessionID"] == session["id"]
    listed = client_kind.call(client.send, "GET", f"{path}/message", query={"newParameter": "1"})
    assert [one["info"]["role"] for one in listed] == ["user", "assistant"]
    assert client_kind.call(client.send, "DELETE", path) is True
