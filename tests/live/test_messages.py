"""Errors of real servers whose responses do not name the reason: the message has a hint."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from opencode_client import OpencodeClient, OpencodeError
from opencode_client.models import TextPartInput
from opencode_client.server import OpencodeServer
from tests.live.client_pairs import CLIENT_KINDS, client_of
from tests.live.servers import scripted_server

pytestmark = pytest.mark.live

_Call: TypeAlias = Callable[[OpencodeClient, str], Any]  # Any: any result
_PARTS = [TextPartInput(text="hi")]
_UNKNOWN = {"providerID": "scripted", "modelID": "nope"}


@pytest.fixture(scope="module", params=["1.1.31", "1.3.2", "1.15.13", "1.18.33"])
def server(request: pytest.FixtureRequest) -> Generator[OpencodeServer, None, None]:
    with scripted_server(request.param) as (running, _):
        yield running


@pytest.fixture(params=CLIENT_KINDS)
def client(request: pytest.FixtureRequest, server: OpencodeServer) -> Generator[OpencodeClient, None, None]:
    with client_of(request.param, server.url, directory=server.directory, max_retries=0) as made:
        yield made


_CALLS: dict[str, tuple[_Call, tuple[str, ...]]] = {
    "an unknown model": (
        lambda c, session: c.session.prompt(session, parts=_PARTS, model=_UNKNOWN),
        ("'scripted/nope'", "client.config.providers()", "the session keeps it"),
    ),
    "an unknown agent": (
        lambda c, session: c.session.prompt(session, parts=_PARTS, agent="nope"),
        ("agent 'nope'", "client.app.agents()"),
    ),
    "an unknown model of a command": (
        lambda c, session: c.session.command(session, command="init", arguments="", model="scripted/nope"),
        ("'scripted/nope'", "client.config.providers()", "the session keeps it"),
    ),
    "an unknown agent of a shell": (
        lambda c, session: c.session.shell(session, command="true", agent="nope"),
        ("nope", "gents"),
    ),
    "a malformed session": (lambda c, _: c.session.get("x"), ("ses",)),
    "an unknown program": (
        lambda c, _: c.pty.create(command="/no/such/program"),
        ("must exist on the server's machine",),
    ),
}


@pytest.mark.parametrize(("call", "texts"), _CALLS.values(), ids=list(_CALLS))
def test_the_error_for_a_mistake_has_a_hint(
    client: OpencodeClient, call: _Call, texts: tuple[str, ...]
) -> None:
    session = client.session.create()
    with pytest.raises(OpencodeError) as caught:
        call(client, session.id)
    for text in texts:
        assert text in str(caught.value)


def test_the_error_of_a_prompt_after_an_unknown_model_names_the_sessions_last_model(
    client: OpencodeClient,
) -> None:
    session = client.session.create()
    with pytest.raises(OpencodeError):
        client.session.prompt(session.id, parts=_PARTS, model=_UNKNOWN)
    with pytest.raises(OpencodeError) as caught:
        client.session.prompt(session.id, parts=_PARTS)
    assert "no model, so the session's last one was used" in str(caught.value)


_FILES = {
    "wrong members": (
        json.dumps(
            {
                "model": {"apiKey": "sk-1"},
                "agent": {"build": {"prompt": ["sk-2"]}},
                "permission": {"bash": "no"},
            }
        ),
        ("ConfigInvalidError", "at model", "at agent.build.prompt", "permission", "bash"),
    ),
    "no JSON": (
        '{"model": "a"\n "username": "sk-3"}',
        ("ConfigJsonError", "CommaExpected at line 2, column 2"),
    ),
}


@pytest.mark.parametrize(("content", "texts"), _FILES.values(), ids=list(_FILES))
def test_the_error_for_a_wrong_project_configuration_names_its_file(
    client: OpencodeClient, server: OpencodeServer, tmp_path: Path, content: str, texts: tuple[str, ...]
) -> None:
    (tmp_path / "opencode.json").write_text(content, encoding="utf-8")
    with pytest.raises(OpencodeError) as caught:
        client.session.create(directory=tmp_path)
    if server.version == "1.15.13":
        texts = ("it may be a mistake in opencode.json",)
    else:
        assert str(tmp_path / "opencode.json") in str(caught.value)
    for text in texts:
        assert text in str(caught.value)
    assert "sk-" not in str(caught.value)
