"""Run the examples of the reference with a real server."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from opencode_client.server import OpencodeServer
from opencode_client.testing import ScriptedModel
from scripts.reference.examples import EXAMPLES
from tests.live.servers import NEW, scripted_server
from tests.support.reference_examples import prepare_example

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def running() -> Generator[tuple[OpencodeServer, ScriptedModel], None, None]:
    with scripted_server(NEW, permission={"bash": "ask"}) as server:
        yield server


@pytest.mark.parametrize("operation", EXAMPLES)
def test_an_example_runs(
    operation: str, running: tuple[OpencodeServer, ScriptedModel], capsys: pytest.CaptureFixture[str]
) -> None:
    server, model = running
    with server.client() as client:
        prepare_example(operation, client, model, server.directory)
        EXAMPLES[operation](client)
    assert capsys.readouterr().out or operation == "GET /session/status"  # nothing is busy
