"""The outcomes of `make compat`: the table as JSON, and docs/compatibility.md, which shows where versions differ."""

from __future__ import annotations

import json
from collections.abc import Iterable

from opencode_client._spec import OPERATIONS
from tests.live.recorded_calls import operation_of

LACKS, MISSED = "UnsupportedOperationError", "not reached"

Column = dict[str, str]
"""The outcome of each call, by case."""


def written(columns: dict[str, Column]) -> str:
    """Return the table as JSON: the versions from old to new, and for each case the outcomes in that order."""
    versions = sorted(columns, key=version_numbers)
    rows = {case: [columns[version].get(case) for version in versions] for case in _cases(columns)}
    lines = [f"    {json.dumps(case)}: {json.dumps(row)}" for case, row in rows.items()]
    return "\n".join([
        "{", f'  "versions": {json.dumps(versions)},', '  "outcomes": {', ",\n".join(lines), "  }", "}", "",
    ])  # fmt: skip


def read(table: str) -> dict[str, Column]:
    """Return the columns of a table that `written` returned."""
    held = json.loads(table)
    return {
        version: {case: row[index] for case, row in held["outcomes"].items() if row[index] is not None}
        for index, version in enumerate(held["versions"])
    }


def page(columns: dict[str, Column]) -> str:
    """Return the text of docs/compatibility.md."""
    *older, newest = sorted(columns, key=version_numbers)
    lacking: dict[str, list[str]] = {}
    differing: list[str] = []
    for case in _cases(columns):
        runs = _runs({version: columns[version].get(case, MISSED) for version in [*older, newest]}, newest)
        for span in [span for span, text in runs if text == LACKS]:
            names = lacking.setdefault(span, [])
            names += [name for name in [f"`{operation_of(case)}`"] if name not in names]
        others = [f"{span}: {_cell(text)}" for span, text in runs if text != LACKS]
        if others:
            top = _cell(columns[newest].get(case, MISSED))
            differing.append(_row([f"`{case}`", top, "<br>".join(others)]))
    return _PAGE.format(
        newest=newest,
        operations=len({operation_of(case) for case in columns[newest]}),
        summary="\n".join(_summary(columns, [*older, newest])),
        lacking="\n".join(f"- **{span}**: {', '.join(lacking[span])}" for span in sorted(lacking, key=_last)),
        differing="\n".join(differing),
    )


def _runs(outcomes: dict[str, str], newest: str) -> list[tuple[str, str]]:
    """The outcomes that are not the newest version's, each with its versions: `1.1.31 to 1.3.2`."""
    runs: list[tuple[list[str], str]] = []
    for version, text in outcomes.items():
        if runs and runs[-1][1] == text:
            runs[-1][0].append(version)
        else:
            runs.append(([version], text))
    return [
        (" to ".join(dict.fromkeys([versions[0], versions[-1]])), text)
        for versions, text in runs
        if text != outcomes[newest]
    ]


def _last(span: str) -> list[int]:
    return version_numbers(span.split(" to ")[-1])


def _summary(columns: dict[str, Column], versions: list[str]) -> list[str]:
    rows = [_row(["version", "as newest", "the server lacks it", "differs"]), _row(["---"] * 4)]
    newest = columns[versions[-1]]
    for version in versions:
        column = columns[version]
        same = sum(column.get(case, MISSED) == text for case, text in newest.items())
        lacks = sum(column.get(case) == LACKS != text for case, text in newest.items())
        rows.append(_row([version, str(same), str(lacks), str(len(newest) - same - lacks)]))
    return rows


def version_numbers(version: str) -> list[int]:
    """Return the parts of a version, for sorting."""
    return [int(part) for part in version.split(".")]


def case_order(case: str) -> tuple[int, str]:
    """Return a key that sorts cases as the document sorts its operations."""
    known = list(OPERATIONS)
    name = operation_of(case)
    return (known.index(name) if name in known else len(known), case)


def _cases(columns: dict[str, Column]) -> list[str]:
    return sorted({case for column in columns.values() for case in column}, key=case_order)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


_PAGE = """<!-- Written by `make compat WRITE=1`; do not edit. -->
# One client, every server

The client generated from opencode {newest}, with real servers of other versions: {operations} operations, called with
things that exist and with things that do not. This page lists the differences only: what it does not list has the same
type at all these versions. The numbers are calls.

Servers 1.15.3 and 1.15.4 respond to `v2.model.list`, `v2.provider.list` and `v2.session.context` with a list, as
their documents say. Later ones respond with an object, whose `data` is the list. The client raises
`ResponseDecodeError` for the list; `client.send` reads both.

{summary}

## Operations that older servers lack

The client raises `UnsupportedOperationError` and sends nothing. The versions of each list lack these operations:

{lacking}

## Results that differ

Types of results, or errors. Lists and maps show the types of their items, so an empty one differs from a full one.
Brackets name calls with something special, such as an id that does not exist.

| operation | at {newest} | at other versions |
| --- | --- | --- |
{differing}
"""
