"""The committed tables of operations: kinds.toml and since.json."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import derive_since
from scripts.documents import operations
from scripts.normalise.kinds import SINCE, read_kinds, read_since, route
from scripts.recordings import DOCUMENTED, document


def _places(version: str) -> set[str]:
    return {route(method, path) for method, path in operations(document(version))}


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
def test_a_wrong_entry_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_kinds(_table(tmp_path, text))


def test_the_committed_versions_are_as_derived() -> None:
    assert SINCE.read_text(encoding="utf-8") == derive_since.text()


def test_an_operation_is_in_no_document_before_its_own() -> None:
    since = read_since()
    for name, absent, first in (
        ("session.get", None, "1.1.31"),
        ("v2.session.list", "1.3.2", "1.14.48"),
        ("v2.fs.read", "1.15.13", "1.17.19"),
    ):
        assert since.versions_of(name, _places("1.18.33")) == {"absent": absent, "since": first}


@pytest.mark.parametrize("version", DOCUMENTED)
def test_every_committed_document_is_recognised_as_opencodes(version: str) -> None:
    assert read_since().describes(_places(version))


def test_a_version_between_two_documents_is_recognised_as_opencodes() -> None:
    places = sorted(_places("1.17.19") - _places("1.15.13"))
    assert read_since().describes(_places("1.15.13") | set(places[:3]))


def test_a_newer_version_with_new_operations_is_recognised_as_opencodes() -> None:
    assert read_since().describes({*_places("1.18.33"), "GET /new"})


@pytest.mark.parametrize(
    "places",
    [
        _places("1.15.13") | {"GET /of/a/fork"},
        _places("1.18.33") - {"GET /session"},
        _places("1.18.33") - {"GET /api/session"},
        {"GET /other"},
        set[str](),
    ],
    ids=["own operation", "an old one is missing", "a later one is missing", "another program", "empty"],
)
def test_a_document_of_another_program_is_not_recognised_as_opencodes(places: set[str]) -> None:
    assert not read_since().describes(places)


def test_an_operation_of_another_program_has_no_versions() -> None:
    since = read_since()
    assert since.versions_of("session.get", {"GET /other"}) == {"absent": None, "since": ""}
    for path in ("/global/health", "/api/info"):  # its server has a version, so its document decides
        assert since.versions_of("session.get", {"GET /other", f"GET {path}"}) == {"absent": "", "since": ""}
