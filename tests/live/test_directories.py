"""Directories with unusual names, given to a client or a call in each possible way."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeAlias

import pytest
from attrs import frozen

from opencode_client import OpencodeClient
from opencode_client.calls.directories import StrPath
from opencode_client.errors import ServerError
from opencode_client.server import OpencodeServer
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync, client_of
from tests.live.servers import NEW, VERSIONS, scripted_server

pytestmark = pytest.mark.live

Giving: TypeAlias = Callable[[Path], StrPath]
"""A function from a directory's path to the argument that is passed."""

_CASES: dict[str, tuple[str, Giving]] = {
    "plain": ("plain", str),
    "spaces": ("with two spaces", str),
    "CJK": ("日本語", str),
    "percent": ("a%41b", str),
    "percent that encodes nothing": ("100%", str),
    "backslash": ("back\\slash", str),
    "signs of a query": ("a+b&c=d#e?f", str),
    "PathLike": ("with two spaces", Path),
    "relative": ("with two spaces", lambda folder: folder.name),
}
"""The directory's name and the way it is passed, by a short description."""

only_new = pytest.mark.parametrize("server", [NEW], indirect=True, scope="module")
"""Only servers that have the v2 core."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all directories."""
    parent = tmp_path_factory.mktemp("folders")
    for name, _ in _CASES.values():
        (parent / name).mkdir(exist_ok=True)
    return parent


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Generator[OpencodeServer, None, None]:
    with scripted_server(request.param) as (running, _):
        yield running


@frozen
class Asked:
    """A client, the arguments of its calls, and the directory that the server should use."""

    client: OpencodeClient
    directory: StrPath | None
    expected: str


@pytest.fixture(params=_CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=("by the client", "by the call"))
def asked(
    request: pytest.FixtureRequest,
    server: OpencodeServer,
    folders: Path,
    case: str,
    client_kind: SyncOrAsync,
    monkeypatch: pytest.MonkeyPatch,
) -> Generator[Asked, None, None]:
    """Set the directory on the client, or on the call while the client has another one."""
    name, giving = _CASES[case]
    given = giving(folders / name)
    monkeypatch.chdir(folders)
    by_client = request.param == "by the client"
    with client_of(client_kind, server.url, directory=given if by_client else server.directory) as client:
        yield Asked(client, None if by_client else given, str(folders / name))


@pytest.fixture(params=CLIENT_KINDS)
def client_kind(request: pytest.FixtureRequest) -> SyncOrAsync:
    known: SyncOrAsync = request.param
    return known


def test_a_session_is_created_in_the_directory(asked: Asked) -> None:
    assert asked.client.session.create(directory=asked.directory).directory == asked.expected


def test_path_get_returns_the_directory(asked: Asked) -> None:
    assert asked.client.path.get(directory=asked.directory).directory == asked.expected


@pytest.mark.parametrize("case", [case for case in _CASES if case != "percent"])
def test_a_session_is_listed_in_its_directory(asked: Asked) -> None:
    session = asked.client.session.create(directory=asked.directory)
    assert session.id in [found.id for found in asked.client.session.list(directory=asked.directory)]


@only_new
@pytest.mark.parametrize("case", ["percent"])
def test_a_session_is_listed_when_the_directory_looks_percent_encoded(asked: Asked) -> None:
    """1.1.31 does not list it: it decodes the directory twice to find it, but once to filter."""
    session = asked.client.session.create(directory=asked.directory)
    assert session.id in [found.id for found in asked.client.session.list(directory=asked.directory)]


@only_new
def test_a_v2_session_is_created_in_the_directory(asked: Asked) -> None:
    session = asked.client.v2.session.create(directory=asked.directory)
    assert session.data.location.directory == asked.expected


@only_new
@pytest.mark.parametrize("case", [case for case in _CASES if case != "backslash"])
def test_v2_location_returns_the_directory(asked: Asked) -> None:
    assert asked.client.v2.location.get(directory=asked.directory).directory == asked.expected


@only_new
@pytest.mark.parametrize("case", ["backslash"])
def test_1_18_33_fails_to_locate_a_directory_with_a_backslash(asked: Asked) -> None:
    """It fails in the query and in the header, encoded once or twice."""
    with pytest.raises(ServerError):
        asked.client.v2.location.get(directory=asked.directory)


@only_new
def test_the_v2_list_ignores_the_clients_directory(
    server: OpencodeServer, folders: Path, client_kind: SyncOrAsync
) -> None:
    with client_of(client_kind, server.url, directory=folders / "plain") as client:
        here = client.v2.session.create().data.id
        there = client.v2.session.create(directory=folders / "日本語").data.id
        assert {here, there} <= {session.id for session in client.v2.session.list(limit=100).data or []}


@only_new
def test_the_v2_list_filters_by_the_calls_directory(
    server: OpencodeServer, folders: Path, client_kind: SyncOrAsync
) -> None:
    with client_of(client_kind, server.url, directory=folders / "plain") as client:
        client.v2.session.create()
        client.v2.session.create(directory=folders / "日本語")
        listed = client.v2.session.list(directory=str(folders / "日本語"), limit=100).data or []
    assert {session.location.directory for session in listed} == {str(folders / "日本語")}
