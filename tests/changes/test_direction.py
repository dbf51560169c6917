"""Breaking changes name what they break: what programs send, what they receive, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.changes.document import compare_documents
from scripts.changes.python import compare_packages
from scripts.changes.report import Report
from tests.changes.package_copies import edit, report_lines, write_package
from tests.changes.small_documents import (
    STRING,
    accepting,
    an_object,
    document,
    operation,
    parameter,
    ref,
    returning,
)

_NUMBER = {"type": "number"}


def _both(model: dict[str, Any]) -> dict[str, Any]:
    accepts, returns = accepting(ref("Note"), Note=model), returning(ref("Note"), Note=model)
    paths = {**accepts["paths"], **{f"{path}/other": item for path, item in returns["paths"].items()}}
    return {**accepts, "paths": paths}


_DOCUMENTS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "a body": (accepting(STRING), accepting(_NUMBER), ["sent"]),
    "a response": (returning(STRING), returning(_NUMBER), ["received"]),
    "an argument": (
        document(operation(parameter("limit"))),
        document(operation()),
        ["sent"],
    ),
    "a model that is sent": (
        accepting(ref("Note"), Note=an_object(a=STRING)),
        accepting(ref("Note"), Note=an_object("a", a=STRING)),
        ["sent"],
    ),
    "a model that is received": (
        returning(ref("Note"), Note=an_object("a", a=STRING)),
        returning(ref("Note"), Note=an_object(a=STRING)),
        ["received"],
    ),
    "a model that is sent and received": (
        _both(an_object(a=STRING, b=STRING)),
        _both(an_object(a=STRING)),
        ["sent and received"],
    ),
    "an operation": (document(operation()), document(), [""]),
    "not breaking": (accepting(_NUMBER), accepting({"type": ["number", "string"]}), [""]),
}


@pytest.mark.parametrize(("old", "new", "directions"), _DOCUMENTS.values(), ids=list(_DOCUMENTS))
def test_a_change_of_a_document_has_its_direction(
    old: dict[str, Any], new: dict[str, Any], directions: list[str]
) -> None:
    assert [change.direction for change in compare_documents(old, new)] == directions


def test_the_report_shows_the_direction() -> None:
    changes = compare_documents(accepting(STRING), accepting(_NUMBER))
    report = Report(("a", "b"), ("1", "2"), changes)
    assert report.text().endswith("string -> number [sent]\n")
    assert [change["direction"] for change in report.to_dict()["changes"]] == ["sent"]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("before"))


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "direction"),
    [
        ("api/session.py", "search: str | None = None,", "", "client.session.list(search)", "sent"),
        ("models/session.py", "    slug: str", "    slug: int", "models.Session.slug", "received"),
    ],
)
def test_a_change_of_python_has_its_direction(
    before: Path, tmp_path: Path, file: str, old: str, new: str, where: str, direction: str
) -> None:
    after = write_package(tmp_path)
    edit(after, file, old=old, new=new)
    found = {change.where: change.direction for change in compare_packages(before, after)}
    assert found[where] == direction


def test_a_class_that_moved_is_not_removed(before: Path, tmp_path: Path) -> None:
    after = write_package(tmp_path)
    errors = after / "opencode_client" / "errors" / "__init__.py"
    text = errors.read_text(encoding="utf-8")
    start = text.index("class StreamClosedError(")
    end = text.index("\nclass ", start + 1)
    for name in ("__init__.py", "errors/__init__.py"):
        file = after / "opencode_client" / name
        file.write_text(file.read_text(encoding="utf-8").replace(text[start:end], ""), encoding="utf-8")
    models = after / "opencode_client" / "models"
    (models / "moved.py").write_text(
        f"from ..errors import OpencodeError\n\n{text[start:end]}", encoding="utf-8"
    )
    edit(after, "__init__.py", old="        StreamClosedError,\n", new="")
    edit(after, "__init__.py", old='"StreamClosedError", ', new="")
    edit(
        after,
        "models/__init__.py",
        old="if TYPE_CHECKING:\n",
        new="if TYPE_CHECKING:\n    from .moved import StreamClosedError\n",
    )
    assert "! StreamClosedError: class moved to models.StreamClosedError" in report_lines(before, after)
