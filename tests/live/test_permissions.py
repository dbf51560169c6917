"""A permission that is denied stays denied when a model has read and written the configuration: a real bash call."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from opencode_client import OpencodeClient
from opencode_client.model import JsonObject
from opencode_client.models import Config, TextPartInput
from opencode_client.testing import Reply, ToolCall
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync, client_of
from tests.live.servers import NEW, scripted_server

pytestmark = pytest.mark.live

_TOUCH = ToolCall(name="bash", arguments={"command": "touch ran", "description": "makes a file"})
_DENIED: dict[str, JsonObject] = {
    "at the top": {"permission": {"*": "allow", "bash": "deny"}},
    "of a command": {"permission": {"*": "allow", "bash": {"*": "allow", "touch *": "deny"}}},
    "of an agent": {"agent": {"build": {"permission": {"*": "allow", "bash": "deny"}}}},
}
_ALLOWED: JsonObject = {"permission": {"bash": "deny", "*": "allow"}}


def _script(request: JsonObject) -> Reply:
    return Reply(text="done") if request["messages"][-1]["role"] == "tool" else Reply(tools=[_TOUCH])


def _as_read_and_written(wire: JsonObject) -> JsonObject:
    return Config.from_dict(json.loads(json.dumps(wire))).to_dict()


@contextmanager
def _by_http(client_kind: SyncOrAsync, wire: JsonObject) -> Generator[tuple[OpencodeClient, Path]]:
    """1.3.2 keeps the order of an HTTP body; 1.18.33 uses its own order.

    The file that 1.3.2 writes for `config.update` is not read by it, so this is the global configuration.
    """
    with (
        scripted_server("1.3.2", script=_script) as (server, _),
        client_of(client_kind, server.url, directory=server.directory) as client,
    ):
        config = Config.from_dict(json.loads(json.dumps(wire)))
        members: dict[str, Any] = {name: getattr(config, name) for name in wire}
        client.global_.config.update(**members)
        yield client, server.directory


@contextmanager
def _by_environment(client_kind: SyncOrAsync, wire: JsonObject) -> Generator[tuple[OpencodeClient, Path]]:
    content = json.dumps(_as_read_and_written(wire))
    with (
        scripted_server(NEW, script=_script, env={"OPENCODE_CONFIG_CONTENT": content}) as (server, _),
        client_of(client_kind, server.url, directory=server.directory) as client,
    ):
        yield client, server.directory


def _runs(client: OpencodeClient, directory: Path) -> bool:
    session = client.session.create()
    client.session.prompt(session.id, parts=[TextPartInput(text="go")])
    return (directory / "ran").exists()


@pytest.mark.parametrize("configure", [_by_http, _by_environment], ids=["1.3.2 HTTP", "1.18.33 environment"])
@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
@pytest.mark.parametrize("wire", _DENIED.values(), ids=list(_DENIED))
def test_a_denied_tool_does_not_run(configure: Any, client_kind: SyncOrAsync, wire: JsonObject) -> None:
    with configure(client_kind, wire) as (client, directory):
        assert not _runs(client, directory)


@pytest.mark.parametrize("configure", [_by_http, _by_environment], ids=["1.3.2 HTTP", "1.18.33 environment"])
def test_a_denied_tool_runs_if_the_rules_are_reordered(configure: Any) -> None:
    with configure("sync", _ALLOWED) as (client, directory):
        assert _runs(client, directory)
