"""The table of tasks at the top of the index: tasks.toml, with links."""

from __future__ import annotations

import tomllib
from pathlib import Path

from attrs import field, frozen

from scripts.reference.markdown import code, escape, table
from scripts.reference.view import View

TASKS = Path(__file__).with_name("tasks.toml")
_DOCS = TASKS.parent.parent.parent / "docs"


@frozen
class Task:
    """A task, the client's code for it, and where to read more."""

    english: str
    chinese: str
    code: str
    operations: tuple[str, ...] = field(converter=tuple)
    page: str


def read_tasks(path: Path = TASKS) -> list[Task]:
    """Return the tasks in their order."""
    return [Task(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["task"]]


def tasks(view: View) -> list[str]:
    """The lines of the table; tasks whose operations the document lacks are left out."""
    rows: list[list[str]] = []
    for task in read_tasks():
        found = [entry for name in task.operations if (entry := view.measured(name))]
        if task.operations and not found:
            continue
        links = [f"[{code(entry.name)}]({entry.link})" for entry in found]
        file = _page(view.language, task.page)
        page = f"[{escape(_title(file))}]({view.relative(file)})"
        title = task.chinese if view.language == "zh" else task.english
        rows.append([escape(title), _lines(task.code), ", ".join([page, *links])])
    return [*table(view.words.task_heads, rows), ""]


def _lines(text: str) -> str:
    """Lines of code in one cell of a table."""
    lines = text.strip().splitlines()
    return "<br>".join("&emsp;" * line.startswith(" ") + code(line.strip()) for line in lines)


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").split("# ", 1)[1].splitlines()[0]


def _page(language: str, name: str) -> Path:
    """The page in this language, or the English one."""
    translated = _DOCS / language / name
    return translated if translated.exists() else _DOCS / name
