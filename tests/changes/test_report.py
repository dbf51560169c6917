"""The report as text and as JSON."""

from __future__ import annotations

import pytest

from scripts.changes.change import Change
from scripts.changes.report import EXIT_CODES, Report, Status

_BREAKING = Change("document", "operation note.add / query limit", "removed", True, "removed (string)")
_ADDED = Change("python", "client.note.list", "added", False, "method added")


def _report(*changes: Change, versions: tuple[str, str] = ("1.3.2", "1.18.33")) -> Report:
    return Report(("HEAD (123456789)", "the work tree"), versions, list(changes))


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [((), "unchanged", 0), ((_ADDED,), "changed", 10), ((_ADDED, _BREAKING), "breaking", 20)],
)
def test_the_worst_change_decides_the_status(changes: tuple[Change, ...], status: Status, code: int) -> None:
    report = _report(*changes)
    assert (report.status, EXIT_CODES[report.status]) == (status, code)


def test_the_json_contains_every_change() -> None:
    assert _report(_BREAKING, _ADDED).to_dict() == {
        "format": 1,
        "status": "breaking",
        "exit_code": 20,
        "old": {"name": "HEAD (123456789)", "opencode_version": "1.3.2"},
        "new": {"name": "the work tree", "opencode_version": "1.18.33"},
        "breaking": 1,
        "changes": [
            {
                "part": "document",
                "where": "operation note.add / query limit",
                "kind": "removed",
                "breaking": True,
                "text": "removed (string)",
                "direction": "",
            },
            {
                "part": "python",
                "where": "client.note.list",
                "kind": "added",
                "breaking": False,
                "text": "method added",
                "direction": "",
            },
        ],
    }


def test_the_text_begins_with_breaking_changes() -> None:
    assert _report(_ADDED, _BREAKING).text().splitlines() == [
        "From HEAD (123456789) to the work tree, opencode 1.3.2 -> 1.18.33: breaking, 1 of 2 changes are breaking",
        "",
        "Breaking, the server's document (1)",
        "  operation note.add / query limit: removed (string)",
        "",
        "Added, Python (1)",
        "  client.note.list: method added",
    ]


def test_a_report_without_changes_is_one_line() -> None:
    text = _report(versions=("1.18.33", "1.18.33")).text()
    assert text == "From HEAD (123456789) to the work tree, opencode 1.18.33: unchanged\n"


def test_the_same_change_of_many_operations_is_one_line() -> None:
    same = [Change("document", f"operation {n} / error 400", "retyped", True, "A -> B") for n in "abc"]
    assert "  3 operations / error 400: A -> B (a, b, c)\n" in _report(*same).text()
    assert "  operation a / error 400: A -> B\n" in _report(*same[:2]).text()


def test_a_long_group_is_cut_and_names_the_file_with_the_rest() -> None:
    many = [Change("python", f"models.Note{n}", "added", False, f"class {n} added") for n in range(9)]
    lines = _report(*many).text(limit=4).splitlines()
    assert lines[2] == "Added, Python (9)"
    assert len(lines) == 8
    assert lines[-1] == "  ... and 5 more lines in build/report.txt"
