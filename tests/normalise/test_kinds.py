"""The committed tables of operations: kinds.toml and since.json."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import derive_since
from scripts.normalise.kinds import SINCE, read_kinds, read_since
from scripts.recordings import document


def _table(folder: Path, text: str) -> Path:
    path = folder / "kinds.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_entry_is_of_an_operation_that_the_document_has() -> None:
    known = {o["operationId"] for item in document("1.18.33")["paths"].values() for o in item.values()}
    assert set(read_kinds()) <= known


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[operation]]\nid = "a"\n', "reason"),
        ('[[operation]]\nid = "a"\nreason = "r"\nkind = "slow"\n', "no kind 'slow'"),
        ('[[operation]]\nid = "a"\nreason = "r"\nblocks = true\n', "blocks"),
        ('[[operation]]\nid = "a"\nreason = "r"\n[[operation]]\nid = "a"\nreason = "r"\n', "has two entries"),
    ],
)
def test_an_entry_that_nothing_reads_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_kinds(_table(tmp_path, text))


def test_the_committed_versions_are_as_derived() -> None:
    assert SINCE.read_text(encoding="utf-8") == derive_since.text()


def test_an_operation_is_in_no_document_before_its_own() -> None:
    _, since = read_since()
    assert since["session.get"] == {"absent": None, "since": "1.1.31"}
    assert since["v2.session.list"] == {"absent": "1.3.2", "since": "1.14.48"}
    assert since["v2.fs.read"] == {"absent": "1.15.13", "since": "1.17.19"}
