"""Descriptions of parameters and body fields: arguments.toml is complete, and keeps the texts of older documents."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import griffe
import pytest

from scripts.normalise.arguments import argument_text, keys_of, read_arguments
from scripts.recordings import DOCUMENTED, document
from scripts.reference.implemented import implementations
from scripts.reference.untrusted import object_at, objects_at, text_at
from scripts.reference.view import make_view
from scripts.reference.writing import make_reference
from scripts.rooms import REFERENCE
from tests.support.reference_pages import NEWEST, pages, reference, small_document

_CHINESE = re.compile("[\u4e00-\u9fff]")
_NO_MORE_THAN_THE_NAME = re.compile(r"(Session|Message|Part|Provider) ID")
_WITHOUT_CATALOGUE = {
    "path path"
}  # `GET /api/fs/read/*` has no parameter in the document, but the method has one


@cache
def _documented(version: str) -> dict[tuple[str, str, str], str]:
    """Return {(operationId, place, name): the document's text} of every parameter and body field."""
    view = make_view(document(version), "en", REFERENCE, version)
    found: dict[tuple[str, str, str], str] = {}
    for entry in view.entries:
        for parameter in objects_at(entry.operation, "parameters"):
            text = text_at(parameter, "description") or view.shapes.description(
                object_at(parameter, "schema")
            )
            found[entry.id, text_at(parameter, "in"), text_at(parameter, "name")] = text
        for schema in _bodies(entry.operation):
            for field in view.shapes.fields(schema):
                found[entry.id, "body", field.name] = view.shapes.description(field.schema)
    return found


def _bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = object_at(object_at(operation, "requestBody"), "content")
    for media in content:
        yield object_at(object_at(content, media), "schema")


def test_every_parameter_and_field_of_the_newest_document_has_a_description() -> None:
    assert [note for note in reference(NEWEST).notes if "arguments.toml" in note] == []
    described = re.findall(r"^\| `(.+?)` \|.*\| (.*?) \|$", pages(NEWEST)["zh/08-session.md"], re.M)
    assert [name for name, text in described if not text] == []


def test_a_field_without_a_text_is_reported() -> None:
    operation = {
        "operationId": "session.list",
        "parameters": [{"name": "zebra", "in": "query", "schema": {"type": "string"}}],
    }
    made = make_reference(small_document(("get", "/session", operation)), REFERENCE, ("en",))
    assert "no text in scripts/normalise/arguments.toml: 'session.list query zebra'" in made.notes


def test_every_text_is_used() -> None:
    texts, used = read_arguments(), set[str]()
    for operation, place, name in _documented(NEWEST):
        used |= {key for key in keys_of(operation, place, name)[::-1] if key in texts}
    assert texts.keys() - used == _WITHOUT_CATALOGUE


@pytest.mark.parametrize("version", DOCUMENTED[:-1])
def test_the_texts_of_older_documents_are_kept(version: str) -> None:
    newest = _documented(NEWEST)
    lost = {
        place: text
        for place, text in _documented(version).items()
        if text and newest.get(place) == "" and not _NO_MORE_THAN_THE_NAME.fullmatch(text)
        if not argument_text(keys_of(*place), "").startswith(text.rstrip("."))
    }
    assert lost == {}


def test_every_text_is_a_sentence_in_both_languages() -> None:
    texts = read_arguments()
    assert {
        key for key, text in texts.items() if not text["en"].endswith(".") or _CHINESE.search(text["en"])
    } == set()
    assert {key for key, text in texts.items() if not text["zh"].endswith("。")} == set()


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Auth method index. The position in"), ("zh", "认证方式的序号。在 `GET /provider/auth`")],
)
def test_the_documents_text_wins_over_ours(language: str, text: str) -> None:
    assert f"| {text}" in pages(NEWEST)[f"{language}/06-provider.md"]


def test_an_operation_of_another_server_gets_no_text() -> None:
    operation = {
        "operationId": "session.list",
        "parameters": [{"name": "limit", "in": "query", "schema": {"type": "string"}}],
    }
    made = make_reference(small_document(("get", "/sessions", operation)), REFERENCE, ("en",))
    assert "| `limit` | query | string | no |  |  |  |" in made.pages["en/24-sessions.md"]
    assert [note for note in made.notes if "arguments.toml" in note] == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("parts[](FilePartInput).url", "FilePartInput.url"),
        ("parts[](FilePartInput).source(FileSource).path", "FileSource.path"),
        ("(OAuth).access", "OAuth.access"),
        ("model.id", "body model.id"),
    ],
)
def test_a_field_of_a_variant_has_the_key_of_its_model(name: str, key: str) -> None:
    assert key in keys_of("session.prompt", "body", name)


def test_a_documentation_site_reads_the_sections_of_every_docstring() -> None:
    """Griffe, the reader of mkdocstrings, leaves an unreadable section in the text."""
    left: list[str] = []
    described = 0
    for found in implementations().values():
        docstring = griffe.Docstring(inspect.getdoc(found.sync.function) or "")
        for section in docstring.parse("google", warnings=False):
            kind, value = section.kind, section.value
            if kind is griffe.DocstringSectionKind.text and re.search(
                r"^(Args|Returns|Raises):", value, re.M
            ):
                left.append(found.sync.name)
            if kind is griffe.DocstringSectionKind.parameters:
                described += len(value)
                left += [
                    p.name for p in value if p.name not in inspect.signature(found.sync.function).parameters
                ]
    assert left == []
    assert described > 200
