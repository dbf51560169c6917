"""The tasks at the top of the index: their code runs, and their links lead to the operations and pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opencode_client import OpencodeClient
from opencode_client.testing import FakeServer
from scripts.reference.tasks import Task, read_tasks
from scripts.rooms import ROOT
from tests.support.reference_pages import NEWEST, pages, pages_of, rows, small_document

PYTHON = [task for task in read_tasks() if not task.code.startswith("make ")]


@pytest.mark.parametrize("task", PYTHON, ids=[task.english for task in PYTHON])
def test_the_code_of_a_task_runs(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code = task.code.replace("print(event)", "print(event); break")  # events have no end
    code = code.replace("as events:\n", "as events:\n    client.session.create()\n")
    with FakeServer("Hello.") as fake, fake.client() as client:
        providers = client.config.providers().default
        code = code.replace("anthropic/claude-sonnet-4-5", "/".join(next(iter(providers.items()))))
        session = client.run("Hi").session_id
        names = {"client": client, "session": client.session.get(session)}
        exec(code, {**names, "OpencodeClient": OpencodeClient, "FakeServer": FakeServer})  # noqa: S102 # ours
    assert bool(capsys.readouterr().out) is ("print" in task.code)


def test_every_page_of_a_task_exists() -> None:
    assert [task.page for task in read_tasks() if not (ROOT / "docs" / task.page).exists()] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_index_begins_with_frequent_tasks(language: str) -> None:
    top = pages(NEWEST)[f"{language}/README.md"].split("\n## ")[0]
    first = [re.split(r" \| ", line)[0] for line in top.splitlines() if line.startswith("| ")]
    wanted = {
        "zh": ["跑一轮", "流式读取答案", "跟踪事件", "打开终端"],
        "en": ["Run a turn", "Stream an answer", "Follow events", "Open a terminal"],
    }[language]
    assert all(start in row for start, row in zip(wanted, first[1:], strict=False))


def test_a_task_without_its_operations_is_left_out() -> None:
    top = pages_of(small_document(("get", "/session", {})), "en")["README.md"].split("\n## ")[0]
    assert "Open a terminal" not in top
    assert "Test without a server" in top


def test_every_row_links_to_its_operation_and_has_the_clients_call() -> None:
    page = pages(NEWEST)["en/README.md"]
    assert "| [`GET /session`](08-session.md#get-session) |" in page
    assert "| [`client.session.list()`](" in page
    assert "| [`with client.event.subscribe()`](" in page
    assert len(
        re.findall(r"^\| .* \| \[`(?:with )?client\..*\) \|$", page.split("\n---\n")[-1], re.M)
    ) == len(rows(page))
