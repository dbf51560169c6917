"""An operation is implemented if the client's code has a method for it."""

from __future__ import annotations

import inspect
import linecache
from pathlib import Path

import pytest

from opencode_client import OpencodeClient
from opencode_client.api.session import AsyncSessionNamespace, SessionNamespace
from opencode_client.calls.operation import Operation
from scripts.reference.implemented import implementations
from scripts.rooms import REFERENCE
from tests.support.reference_pages import Row, pages_of, rows, small_document

_ABORT = ("post", "/session/{sessionID}/abort", {"operationId": "session.abort"})


def _only(language: str = "en", *, path: str = _ABORT[1], method: str = "post") -> Row:
    given = small_document((method, path, {"operationId": "session.abort"}))
    return rows(pages_of(given, language)["README.md"])[0]


def test_a_method_with_that_path_is_an_implementation_and_is_linked() -> None:
    row = _only()
    file, _, line = row.target.partition("#L")
    source = (REFERENCE / "en" / file).resolve()
    assert row.status == "implemented"
    assert source == Path(inspect.getfile(SessionNamespace))
    assert linecache.getline(str(source), int(line)) == "    def abort(\n"


@pytest.mark.parametrize(("language", "status"), [("zh", "未实现"), ("en", "not implemented")])
def test_an_invented_path_is_not_implemented_with_any_operation_id(language: str, status: str) -> None:
    row = _only(language, path="/session/{sessionID}/invented")
    assert (row.status, row.target) == (status, "")


def test_another_method_of_a_known_path_is_not_implemented() -> None:
    assert _only(method="put").status == "not implemented"


def test_the_name_of_a_path_parameter_does_not_matter() -> None:
    assert _only(path="/session/{id}/abort").status == "implemented"


_INVENTED: Operation[None] = Operation("session.invented", "POST", "/session/{sessionID}/invented")


def _invented(self: SessionNamespace, session_id: str) -> None:
    self.abort(f"{_INVENTED.id}/{session_id}")


def test_a_method_that_was_added_is_implemented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionNamespace, "invented", _invented, raising=False)
    assert _only(path="/session/{sessionID}/invented").status == "implemented"


def test_a_method_that_was_removed_is_not_implemented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(SessionNamespace, "abort")
    assert _only().status == "not implemented"


def test_a_namespace_that_the_client_does_not_have_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = next(c for c in OpencodeClient.__mro__ if "session" in vars(c))
    monkeypatch.delattr(holder, "session")
    assert _only().status == "not implemented"


def test_the_page_shows_the_signature_and_the_awaited_call() -> None:
    page = pages_of(small_document(_ABORT), "en")["08-session.md"]
    shown = page.split("```python\n")[1].split("\n```")[0]
    names = list(inspect.signature(SessionNamespace.abort).parameters)[1:]
    assert shown.startswith("client.session.abort(\n    session_id: str,\n    *,\n")
    assert [line.split(":")[0].strip() for line in shown.splitlines()[1:-1] if ":" in line] == names
    assert "[`await client.session.abort(session_id)`](" in page


def test_the_page_notes_a_missing_async_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(AsyncSessionNamespace, "abort")
    page = pages_of(small_document(_ABORT), "en")["08-session.md"]
    assert "Asynchronous (`AsyncOpencodeClient`): not implemented\n" in page


def test_every_method_of_an_operation_is_found_with_its_twin() -> None:
    found = implementations()
    lonely = [method.sync.name for method in found.values() if method.twin is None]
    renamed = [m.sync.name for m in found.values() if m.twin and m.twin.name != m.sync.name]
    assert (lonely, renamed) == ([], [])
    assert len(found) >= 186
