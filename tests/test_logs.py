"""The fields of log records, and `OPENCODE_LOG`."""

from __future__ import annotations

import ast
import logging
from collections.abc import Generator
from typing import Any

import pytest

from opencode_client import ArgumentError
from scripts.rooms import PACKAGE, ROOT
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, answer
from tests.support.retry_cases import EMPTY_LIST, busy
from tests.support.retry_cases import waits as waits  # a fixture

_LEVELS = {"debug", "info", "warning", "error"}


def test_records_of_a_call_have_its_operation_its_session_and_the_number_of_the_try(
    client_kind: ClientKind, caplog: pytest.LogCaptureFixture, waits: object
) -> None:
    caplog.set_level(logging.DEBUG, "opencode_client.calls")
    with FaultyServer([busy("0"), answer(EMPTY_LIST)]) as server:
        client_kind.run(server.url, lambda client: client.session.messages("ses_1"))
    records: list[Any] = [one for one in caplog.records if one.name == "opencode_client.calls"]
    fields = [(one.levelname, one.operation, one.session, one.attempt) for one in records]
    assert fields == [
        (level, "session.messages", "ses_1", attempt)
        for level, attempt in (("DEBUG", 1), ("INFO", 1), ("DEBUG", 2))
    ]


def test_every_record_has_fields() -> None:
    without: list[str] = []
    for file in (ROOT / PACKAGE).rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "logger." in text else ():
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"), attr=name)) if name in _LEVELS:
                    if "extra" not in [keyword.arg for keyword in node.keywords]:
                        without.append(f"{file.name}:{node.lineno}")
                case _:
                    pass
    assert without == []


@pytest.fixture
def logger() -> Generator[logging.Logger]:
    """The package's logger, which is as before after the test."""
    logger = logging.getLogger(PACKAGE)
    level, handlers = logger.level, list(logger.handlers)
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.mark.parametrize(("value", "levels"), [("info", ["INFO"]), ("DEBUG", ["DEBUG", "INFO", "DEBUG"])])
def test_opencode_log_writes_to_stderr_once(
    client_kind: ClientKind,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    logger: logging.Logger,
    waits: object,
    value: str,
    levels: list[str],
) -> None:
    monkeypatch.setenv("OPENCODE_LOG", value)
    client_kind.client("http://127.0.0.1:1").with_options(max_retries=0)
    with FaultyServer([busy("0"), answer(EMPTY_LIST)]) as server:
        client_kind.run(server.url, lambda client: client.session.list())
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[2] for line in lines] == levels


def test_another_value_is_an_error(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, logger: logging.Logger
) -> None:
    monkeypatch.setenv("OPENCODE_LOG", "loud")
    error = client_kind.error("http://127.0.0.1:1", lambda client: client.session.list())
    assert isinstance(error, ArgumentError)
    assert str(error) == "OPENCODE_LOG takes info or debug, not 'loud'"


def test_without_the_variable_nothing_is_written(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, logger: logging.Logger
) -> None:
    monkeypatch.delenv("OPENCODE_LOG", raising=False)
    with FaultyServer([answer(EMPTY_LIST)]) as server:
        client_kind.run(server.url, lambda client: client.session.list())
    assert [type(one).__name__ for one in logger.handlers if type(one).__module__.startswith(PACKAGE)] == []
