"""Things are where they were asked for, whatever the directory is called and however it is given."""

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
"""How a directory is given, made of its path."""

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
"""What the directory is called and how it is given, by what is special about it."""

only_new = pytest.mark.parametrize("server", [NEW], indirect=True, scope="module")
"""For what the v2 core alone has."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the directories are."""
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
    """A client, what its calls say of the directory, and where things are then to be."""

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
    """What the call says wins over what the client says: the directory that the server works in."""
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


def test_a_session_is_in_the_directory(asked: Asked) -> None:
    assert asked.client.session.create(directory=asked.directory).directory == asked.expected


def test_the_path_is_the_directorys(asked: Asked) -> None:
    assert asked.client.path.get(directory=asked.directory).directory == asked.expected


@pytest.mark.parametrize("case", [case for case in _CASES if case != "percent"])
def test_a_session_is_listed_in_its_directory(asked: Asked) -> None:
    session = asked.client.session.create(directory=asked.directory)
    assert session.id in [found.id for found in asked.client.session.list(directory=asked.directory)]


@only_new
@pytest.mark.parametrize("case", ["percent"])
def test_a_session_is_listed_where_the_directory_looks_encoded(asked: Asked) -> None:
    """Not so at 1.1.31: it decodes the directory twice to find it and once to filter by it."""
    session = asked.client.session.create(directory=asked.directory)
    assert session.id in [found.id for found in asked.client.session.list(directory=asked.directory)]


@only_new
def test_a_session_of_the_v2_core_is_in_the_directory(asked: Asked) -> None:
    session = asked.client.v2.session.create(directory=asked.directory)
    assert session.data.location.directory == asked.expected


@only_new
@pytest.mark.parametrize("case", [case for case in _CASES if case != "backslash"])
def test_the_location_is_the_directory(asked: Asked) -> None:
    assert asked.client.v2.location.get(directory=asked.directory).directory == asked.expected


@only_new
@pytest.mark.parametrize("case", ["backslash"])
def test_1_18_33_fails_to_locate_a_directory_with_a_backslash(asked: Asked) -> None:
    """In the query and in the header, encoded once or twice: no form of the request is better than another."""
    with pytest.raises(ServerError):
        asked.client.v2.location.get(directory=asked.directory)


@only_new
def test_the_v2_list_is_of_all_directories_whatever_the_client_says(
    server: OpencodeServer, folders: Path, client_kind: SyncOrAsync
) -> None:
    with client_of(client_kind, server.url, directory=folders / "plain") as client:
        here = client.v2.session.create().data.id
        there = client.v2.session.create(directory=folders / "日本語").data.id
        assert {here, there} <= {session.id for session in client.v2.session.list(limit=100).data or []}


@only_new
def test_the_v2_list_is_of_the_directory_that_the_call_says(
    server: OpencodeServer, folders: Path, client_kind: SyncOrAsync
) -> None:
    with client_of(client_kind, server.url, directory=folders / "plain") as client:
        client.v2.session.create()
        client.v2.session.create(directory=folders / "日本語")
        listed = client.v2.session.list(directory=str(folders / "日本語"), limit=100).data or []
    assert {session.location.directory for session in listed} == {str(folders / "日本語")}
