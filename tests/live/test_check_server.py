"""`check_server` and the client's operations, compared with real servers."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from opencode_client.calls.server_info import ServerInfo
from opencode_client.server import OpencodeServer
from scripts.recordings import document
from tests.live.client_pairs import CLIENT_KINDS, client_of
from tests.live.servers import NEW, scripted_server

pytestmark = pytest.mark.live

_OPERATIONS = {"1.1.31": 95, NEW: 188}
_PASSWORD = "hunter2"


@pytest.fixture(scope="module", params=_OPERATIONS)
def server(request: pytest.FixtureRequest) -> Generator[OpencodeServer, None, None]:
    with scripted_server(request.param, password=_PASSWORD) as (running, _):
        yield running


@pytest.fixture(scope="module", params=CLIENT_KINDS)
def info(request: pytest.FixtureRequest, server: OpencodeServer) -> ServerInfo:
    with client_of(request.param, server.url, password=_PASSWORD) as client:
        return client.check_server()


def test_check_server_returns_the_servers_version(info: ServerInfo, server: OpencodeServer) -> None:
    assert info.version == server.version


def test_check_server_returns_the_operations_of_the_servers_document(info: ServerInfo) -> None:
    documented = {
        operation["operationId"]
        for item in document(info.version)["paths"].values()
        for operation in item.values()
    }
    assert info.operations == documented
    assert len(info.operations) == _OPERATIONS[info.version]


def test_check_server_reads_the_operations_from_the_document(info: ServerInfo) -> None:
    assert info.from_document is True


def test_missing_operations_are_the_ones_that_only_the_client_has(info: ServerInfo) -> None:
    assert len(info.missing) == _OPERATIONS[NEW] - _OPERATIONS[info.version]
    assert info.missing.isdisjoint(info.operations)
