"""The progress of `run_many` on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

from opencode_client import (
    ArgumentError,
    TurnSpec,
)
from tests.support.both_clients import ClientKind
from tests.support.many_server import (
    ManyServer,
    many_server,
    open_many,
    outcomes_of,
)


@pytest.fixture
def server() -> Generator[ManyServer]:
    with many_server() as made:
        yield made


class _Terminal:
    """A stderr that is or is not a terminal."""

    encoding = "utf-8"

    def __init__(self, is_terminal: bool) -> None:
        self.is_terminal, self.text = is_terminal, ""

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_progress_is_shown_on_a_terminal(
    client_kind: ClientKind,
    server: ManyServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_terminal: bool,
) -> None:
    stderr = _Terminal(is_terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    many = open_many(client_kind, server, [TurnSpec("hi"), TurnSpec("refuse")], progress=True)
    assert len(outcomes_of(client_kind, many)) == 2
    print("for a file")
    client_kind.call(many.close)
    assert capsys.readouterr().out == "for a file\n"
    shown = "2/2" in stderr.text and "1 failed, 0.5000 USD" in stderr.text
    assert shown if is_terminal else stderr.text == ""


def test_progress_without_rich_raises_an_error_that_names_the_extra(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(ArgumentError, match=r"opencode-client\[cli\]"):
        client_kind.client().run_many([], progress=True)
