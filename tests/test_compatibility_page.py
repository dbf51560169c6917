"""The table of compatibility: writing, reading and comparing it; docs/compatibility.md, which is made from it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from opencode_client._spec import OPERATIONS
from opencode_client.calls.server_info import has_operation
from tests.live.compat import PAGE, TABLE, VERSIONS, compared, wrong_in
from tests.live.compat_page import Column, page, read, written
from tests.live.recorded_calls import operation_of
from tests.live.servers import NEW

_CASES = st.sampled_from(sorted(OPERATIONS)).flatmap(
    lambda name: st.sampled_from([name, f"{name} [unknown]"])
)
_TEXTS = st.sampled_from(["True", "list[A | B]", "UnsupportedOperationError", "NotFoundError 404"])
_COLUMNS = st.dictionaries(_CASES, _TEXTS, min_size=1)


@settings(max_examples=25)
@given(st.fixed_dictionaries({"1.1.31": _COLUMNS, "1.18.33": _COLUMNS}))
def test_reading_a_written_table_returns_the_same_columns(columns: dict[str, Column]) -> None:
    assert read(written(columns)) == columns


def test_the_page_shows_only_differences() -> None:
    columns = {
        "1.1.31": {"session.get": "UnsupportedOperationError", "tool.ids": "list[]", "session.list": "A"},
        "1.3.2": {"session.get": "None", "tool.ids": "list[]", "session.list": "A"},
        "1.18.33": {"session.get": "None", "tool.ids": "list[A | B]", "session.list": "A"},
    }
    shown = page(columns)
    assert "\n- **1.1.31**: `session.get`\n" in shown
    assert "\n| `tool.ids` | list[A \\| B] | 1.1.31 to 1.3.2: list[] |\n" in shown
    assert "session.list" not in shown
    assert "\n| 1.1.31 | 1 | 1 | 1 |\n| 1.3.2 | 2 | 0 | 1 |\n| 1.18.33 | 3 | 0 | 0 |\n" in shown


def test_the_committed_table_has_all_versions_and_every_operation_except_the_upgrade() -> None:
    table = TABLE.read_text(encoding="utf-8")
    columns = read(table)
    assert written(columns) == table
    assert page(columns) == PAGE.read_text(encoding="utf-8")
    assert sorted(columns) == sorted(VERSIONS)
    there = {name for name in OPERATIONS if has_operation(name, NEW)}
    assert there - {operation_of(case) for case in columns[NEW]} == {"global.upgrade"}


def test_differences_from_the_page_are_reported() -> None:
    found, committed = {"a": "True", "b": "None"}, {"a": "False", "c": "None"}
    assert wrong_in("1.1.31", found, committed, {}) == [
        "1.1.31: a: True, not False",
        "1.1.31: b: None, not not reached",
        "1.1.31: c: not reached, not None",
    ]
    assert wrong_in("1.1.31", found, found, {}) == []


def test_a_version_not_on_the_page_is_compared_with_the_nearest_older_one() -> None:
    found = {"session.get": "None", "tool.ids": "list[]"}
    committed = {
        "1.2.27": {"session.get": "None", "tool.ids": "list[str]"},
        "1.18.33": {"session.get": "True"},
    }
    assert compared("1.14.2", found, committed) == [
        "1.14.2 is not in docs/compatibility.md (WRITE=1 adds it); 1 outcomes differ from those at 1.2.27",
        "  tool.ids: list[], at 1.2.27: list[str]",
    ]


def test_a_version_not_on_the_page_fails_only_by_unreadable_responses() -> None:
    unread = "ResponseDecodeError"
    found = {"session.get": unread, "session.list": "NotFoundError 404", "tool.ids": unread}
    assert wrong_in("1.9.0", found, None, {"tool.ids": unread}) == ["1.9.0: session.get: ResponseDecodeError"]
