"""Call every operation on real servers, and compare the outcomes with a table."""

from __future__ import annotations

import json
import logging
import re
import tomllib
from collections.abc import Callable, Generator
from typing import Any

import pytest
from attrs import frozen

from opencode_client import OpencodeClient
from opencode_client._spec import OPERATIONS
from opencode_client.errors import OpencodeError, ResponseDecodeError
from opencode_client.server import OpencodeServer
from scripts.generate import SPEC
from scripts.recordings import DATA, document
from tests.live.client_pairs import CLIENT_KINDS, client_of
from tests.live.recorded_calls import Outcome, Record, described, operation_of, recorded_exchanges
from tests.live.scripted_turns import CONFIG, script
from tests.live.servers import NEW, VERSIONS, scripted_server
from tests.live.walk_asking import walk_asking
from tests.live.walk_server import walk_endings, walk_server
from tests.live.walk_sessions import walk_sessions
from tests.live.walk_v2 import walk_v2
from tests.support.recorded_payloads import reader_of, readers

_TABLE: dict[str, Any] = tomllib.loads((DATA / "live_outcomes.toml").read_text(encoding="utf-8"))  # Any: TOML
_EXPECTED: dict[str, list[str]] = _TABLE["outcomes"]
_NOT_THERE = "-"
_QUESTIONS_ABOUT_THE_SERVER = {"/global/health", "/doc"}

pytestmark = pytest.mark.live


@frozen
class Walked:
    """The calls of all operations of one server: the outcomes, the warnings, the errors that stopped a part."""

    version: str
    outcomes: dict[str, Outcome]
    warnings: list[str]
    broken: list[Exception]

    def expected(self, case: str) -> str:
        """Return the outcome in the table."""
        return _EXPECTED[case][VERSIONS.index(self.version)]

    def answered(self) -> dict[str, tuple[str, bytes]]:
        """Return the outcome and the body of each case whose response has a success status."""
        last = {case: self.outcomes[case].exchanges[-1][1] for case, sent in self.sent().items() if sent}
        return {
            case: (self.outcomes[case].text, answer.content)
            for case, answer in last.items()
            if answer is not None and answer.is_success
        }

    def sent(self) -> dict[str, list[tuple[str, str]]]:
        """Return the method and path of each case's requests, without those for the server's version and document."""
        return {
            case: [
                (request.method, request.url.raw_path.decode().partition("?")[0])
                for request, _ in outcome.exchanges
                if case == "global.health" or request.url.path not in _QUESTIONS_ABOUT_THE_SERVER
            ]
            for case, outcome in self.outcomes.items()
        }


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Generator[OpencodeServer, None, None]:
    with scripted_server(request.param, script=script, **CONFIG) as (running, _):
        yield running


@pytest.fixture(scope="module", params=CLIENT_KINDS)
def walked(
    request: pytest.FixtureRequest, server: OpencodeServer, tmp_path_factory: pytest.TempPathFactory
) -> Walked:
    log = _Kept()
    with pytest.MonkeyPatch.context() as patch, recorded_exchanges() as exchanges:
        patch.setattr("opencode_client.decoding.shapes._warned", set[tuple[str, str]]())
        patch.setattr(logging.getLogger("opencode_client.decoding"), "handlers", [log])
        record = Record(exchanges)
        with client_of(request.param, server.url, directory=server.directory) as client:
            broken = _walk(record, client, tmp_path_factory)
    return Walked(server.version, record.outcomes, log.messages, broken)


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _walk(record: Record, client: OpencodeClient, folders: pytest.TempPathFactory) -> list[Exception]:
    """Keep the error that stopped a part. The other parts do not depend on it."""
    ways: list[Callable[[], None]] = [
        lambda: walk_server(record, client, folders.mktemp("nowhere")),
        lambda: walk_sessions(record, client),
        lambda: walk_asking(record, client),
        lambda: walk_v2(record, client, folders.mktemp("copies")),
        lambda: walk_endings(record, client),
    ]
    broken: list[Exception] = []
    for way in ways:
        try:
            way()
        except (OpencodeError, TimeoutError, LookupError, ValueError) as error:
            broken.append(error)
    return broken


@pytest.mark.parametrize("case", _EXPECTED)
def test_a_call_has_the_outcome_in_the_table(walked: Walked, case: str) -> None:
    expected = walked.expected(case)
    outcome = walked.outcomes[case].text
    assert outcome == ("UnsupportedOperationError" if expected == _NOT_THERE else expected)


def test_no_part_of_the_calls_stops_early(walked: Walked) -> None:
    assert walked.broken == []


def test_every_call_is_in_the_table(walked: Walked) -> None:
    assert walked.outcomes.keys() - _EXPECTED.keys() == set()


def test_a_missing_operation_sends_no_request(walked: Walked) -> None:
    absent = {case: sent for case, sent in walked.sent().items() if walked.expected(case) == _NOT_THERE}
    assert {case: sent for case, sent in absent.items() if sent} == {}


def test_every_other_call_sends_one_request_to_its_operations_path(walked: Walked) -> None:
    places = _places()
    wrong = {
        case: sent
        for case, sent in walked.sent().items()
        if walked.expected(case) != _NOT_THERE
        and not (len(sent) == 1 and _is_at(*sent[0], *places[operation_of(case)]))
    }
    assert wrong == {}


def test_reading_responses_logs_no_warning(walked: Walked) -> None:
    assert walked.warnings == []


def test_responses_read_strictly(walked: Walked) -> None:
    """Strict reading fails exactly for the operations that have ResponseDecodeError in the table."""
    assert {
        case: (read, text)
        for case, (text, body) in walked.answered().items()
        if operation_of(case) in readers() and (read := _read_strictly(case, body)) != text
    } == {}


def _read_strictly(case: str, body: bytes) -> str:
    if body in (b"", b"null"):
        return "EmptyResponseError"
    try:
        return described(reader_of(operation_of(case))(json.loads(body), strict=True))
    except ResponseDecodeError as error:
        return type(error).__name__


def test_every_operation_is_in_the_table_once() -> None:
    called = {operation_of(case) for case in _EXPECTED}
    listed = [*called, *_TABLE["not_called"], *_TABLE["streams"]]
    assert sorted(listed) == sorted(_places(NEW))
    assert sorted(OPERATIONS) == sorted(_places())


def test_the_table_has_188_operations_seven_of_which_are_not_called() -> None:
    called = {operation_of(case) for case in _EXPECTED}
    assert (len(called), len(_TABLE["not_called"]), len(_TABLE["streams"])) == (181, 1, 6)


def test_operations_missing_at_1_1_31_are_missing_in_its_document() -> None:
    absent = {operation_of(case) for case, (old, _) in _EXPECTED.items() if old == _NOT_THERE}
    assert (
        absent
        == _places(NEW).keys()
        - _places("1.1.31").keys()
        - _TABLE["not_called"].keys()
        - _TABLE["streams"].keys()
    )


def test_no_operation_is_missing_at_1_18_33() -> None:
    assert [case for case, (_, new) in _EXPECTED.items() if new == _NOT_THERE] == []


def _places(version: str = "") -> dict[str, tuple[str, str]]:
    """Return method and path of each operationId, in the document of a version or in openapi.json."""
    made_of = document(version) if version else json.loads(SPEC.read_text(encoding="utf-8"))
    return {
        operation["operationId"]: (method.upper(), path)
        for path, item in made_of["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and "operationId" in operation
    }


def _is_at(method: str, path: str, documented_method: str, template: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)).replace(r"\*", ".+")
    return method == documented_method and re.fullmatch(pattern, path) is not None
