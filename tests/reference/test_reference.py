"""The API reference: its index is compared with the earlier one, its pages with the document."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from opencode_client._spec import OPENCODE_VERSION
from scripts.documents import operations
from scripts.recordings import document
from scripts.reference.writing import differences, make_reference
from scripts.rooms import REFERENCE, ROOT
from tests.support.documents import every_document
from tests.support.reference_pages import NEWEST, SEED, body, pages, pages_of, rows, small_document


def _section(page: str, operation: str) -> str:
    """Return the section of a page about one operation."""
    return page.split(f"## `{operation}`\n")[1].split("\n---\n")[0]


def test_the_rows_of_the_index_of_1_1_31_are_unchanged() -> None:
    seed = rows(SEED.read_text(encoding="utf-8"))
    made = rows(pages("1.1.31")["zh/README.md"])
    assert len(seed) == 95
    assert [(r.title, r.file, r.operation, r.description) for r in made] == [
        (r.title, r.file, r.operation, r.description) for r in seed
    ]


def test_the_headings_of_the_index_are_unchanged() -> None:
    seed, made = SEED.read_text(encoding="utf-8"), pages(NEWEST)["zh/README.md"]
    assert re.findall("^#+ .+", made, re.M) == re.findall("^#+ .+", seed, re.M)
    for line in seed.split("## 目录")[0].splitlines():
        assert line.rstrip("。") in made


@every_document
def test_every_operation_has_its_row_and_its_section(version: str) -> None:
    made = pages(version)
    listed = rows(made["en/README.md"])
    assert {row.operation for row in listed} == {f"{m} {path}" for m, path in operations(document(version))}
    assert len(listed) == len(operations(document(version)))
    assert all(f"\n## `{row.operation}`\n" in made[f"en/{row.file}"] for row in listed)


def test_newer_rows_are_with_their_module_after_its_pinned_ones() -> None:
    made = rows(pages(NEWEST)["zh/README.md"])
    seed = [row.operation for row in rows(SEED.read_text(encoding="utf-8"))]
    assert [row.operation for row in made if row.operation in seed] == seed
    assert [row.file for row in made] == sorted(row.file for row in made)
    assert [row.operation for row in made[3:6]] == [
        "GET /global/config", "PATCH /global/config", "POST /global/upgrade",
    ]  # fmt: skip


def test_the_client_has_every_operation_of_the_document() -> None:
    lacking = {row.operation for row in rows(pages(NEWEST)["en/README.md"]) if row.status != "implemented"}
    assert lacking == set()


def test_the_committed_pages_belong_to_the_committed_document() -> None:
    committed = json.loads((ROOT / "openapi.json").read_bytes())
    made = make_reference(committed, REFERENCE, ("zh", "en"), OPENCODE_VERSION)
    assert differences(made, REFERENCE) == []


def test_an_unknown_segment_gets_the_next_free_number_and_a_warning() -> None:
    given = small_document(("get", "/session", {}), ("get", "/zebra/x", {}), ("get", "/ant", {}))
    made = make_reference(given, REFERENCE, ("en",))
    assert {"en/08-session.md", "en/24-zebra.md", "en/25-ant.md"} < made.pages.keys()
    assert made.notes == [
        "warning: scripts/reference/modules.toml has no page for paths under /zebra: 24-zebra.md",
        "warning: scripts/reference/modules.toml has no page for paths under /ant: 25-ant.md",
    ]


def test_fields_have_dotted_names_type_required_default_and_values() -> None:
    inner = {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer", "default": 3}}}
    many = {"type": "array", "items": {"type": "object", "properties": {"c": {"enum": ["x", "y"]}}}}
    given = small_document(
        ("post", "/session", body({"type": "object", "properties": {"a": inner, "m": many}}))
    )
    section = _section(pages_of(given, "en")["08-session.md"], "POST /session")
    assert "| `a.b` | integer | yes | `3` |  |  |" in section
    assert '| `m[].c` | string | no |  | `"x"`, `"y"` |  |' in section


def test_a_model_that_contains_itself_is_unfolded_once_and_linked() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    given = small_document(
        ("post", "/session", body({"$ref": "#/components/schemas/Node"})), Node=node, Other=node
    )
    section = _section(pages_of(given)["08-session.md"], "POST /session")
    assert re.findall(r"^\| `(next[^`]*)` \| (\S+)", section, re.M) == [("next", "[Node](models.md#node)")]


def test_a_model_has_its_own_fields_unfolded_and_other_models_linked() -> None:
    leaf = {"type": "object", "properties": {"x": {"type": "string"}}}
    both = {"own": leaf, "other": {"$ref": "#/components/schemas/Leaf"}}
    given = small_document(("get", "/session", {}), Node={"type": "object", "properties": both}, Leaf=leaf)
    section = pages_of(given, "en")["models.md"].split("## `Node`")[1]
    assert re.findall(r"^\| `(.+?)` \| (\S+)", section, re.M) == [
        ("own", "object"),
        ("own.x", "string"),
        ("other", "[Leaf](models.md#leaf)"),
    ]


def test_variants_of_a_union_have_labels() -> None:
    section = _section(pages(NEWEST)["en/08-session.md"], "POST /session/{sessionID}/message")
    assert "| `parts[](TextPartInput).text` | string | yes |" in section
    assert "| `parts[](FilePartInput).url` | string | yes |" in section


def test_a_response_has_status_media_type_and_shape() -> None:
    section = _section(pages(NEWEST)["en/08-session.md"], "POST /session/{sessionID}/message")
    shape = r"{ info: [AssistantMessage](models.md#assistantmessage), parts: [Part](models.md#part)\[\] }"
    assert f"| `200` | `application/json` | {shape} | Created message |" in section
    assert "| `404` | `application/json` | [NotFoundError](models.md#notfounderror) |" in section


@pytest.mark.parametrize(
    ("file", "operation", "since"),
    [
        ("08-session.md", "GET /session", "1.1.31 or earlier"),
        ("01-global.md", "POST /global/upgrade", "1.3.2 (1.2.27 does not have it)"),
        ("23-api.md", "GET /api/event", "1.17.19 (1.15.13 does not have it)"),
    ],
)
def test_a_section_names_the_first_version(file: str, operation: str, since: str) -> None:
    assert f"- **Since**: {since}\n" in _section(pages(NEWEST)[f"en/{file}"], operation)


def test_an_operation_in_no_compared_document_has_the_version_of_its_server() -> None:
    given = small_document(("get", "/session/new", {"operationId": "session.new"}))
    assert "- **Since**: unknown" in pages_of(given, "en")["08-session.md"]
    known = make_reference(given, REFERENCE, ("en",), "1.99.0").pages["en/08-session.md"]
    assert "- **Since**: 1.99.0 (1.18.33 does not have it)\n" in known


@pytest.mark.parametrize(
    ("operation", "file", "note"),
    [
        ("POST /session/{sessionID}/message", "08-session.md", "回答完成后返回一个 JSON 文档"),
        ("GET /session/status", "08-session.md", "`busy`、`idle`、`retry`"),
    ],
)
def test_a_page_corrects_its_pinned_row_with_a_measured_note(operation: str, file: str, note: str) -> None:
    section = _section(pages(NEWEST)[f"zh/{file}"], operation)
    assert note in next(
        line for line in section.splitlines() if line.startswith("> **实测（1.1.31、1.18.33）**")
    )


def test_shared_parameters_of_a_path_are_listed() -> None:
    given: dict[str, Any] = small_document(("get", "/session/{id}", {}))
    given["paths"]["/session/{id}"]["parameters"] = [{"$ref": "#/components/parameters/Id"}]
    given["components"]["parameters"] = {"Id": {"name": "id", "in": "path", "required": True, "schema": {}}}
    assert "| `id` | path | any | yes |" in pages_of(given, "en")["08-session.md"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "required": ["a"], "properties": {"a": {}}}, "required"),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "required"),
        ({"anyOf": [{"required": ["a"]}, {"type": "object"}]}, "no field is required; send at least `{}`"),
        ({"allOf": [{"type": "object"}, {"required": ["a"]}]}, "required"),
        ({"type": "string"}, "required"),
        ({"type": "object", "properties": {"a": {}}}, "no field is required; send at least `{}`"),
        ({"$ref": "#/components/schemas/Loop"}, "no field is required; send at least `{}`"),
    ],
)
def test_a_body_with_required_members_is_required(schema: dict[str, Any], words: str) -> None:
    loop = {"anyOf": [{"$ref": "#/components/schemas/Loop"}]}
    given = small_document(("post", "/session/x", body(schema)), Loop=loop)
    assert f"**Body** (`application/json`, {words}): " in pages_of(given, "en")["08-session.md"]


def test_a_body_is_optional_only_where_the_document_or_a_measurement_shows_it() -> None:
    needs = {"required": False, **body({"type": "object", "required": ["a"]})["requestBody"]}
    given = small_document(("post", "/session/x", {"requestBody": needs}))
    assert "**Body** (`application/json`, optional): " in pages_of(given, "en")["08-session.md"]
    assert "**Body** (`application/json`, optional): " in _section(
        pages(NEWEST)["en/08-session.md"], "POST /session"
    )


@pytest.mark.parametrize(
    ("file", "operation", "trap"),
    [
        ("08-session.md", "POST /session/{sessionID}/message", "A wrong model sticks"),
        ("08-session.md", "POST /session/{sessionID}/message", "is a 400 for this session for good"),
        (
            "08-session.md",
            "POST /session/{sessionID}/prompt_async",
            "destroys the session's list of messages",
        ),
        ("08-session.md", "POST /session/{sessionID}/fork", "does not have the message `messageID`"),
        ("08-session.md", "GET /session", "stops at 100 sessions"),
        ("08-session.md", "GET /session/status", "leaves idle sessions out"),
        ("08-session.md", "DELETE /session/{sessionID}/message/{messageID}", "An unknown message is a 200"),
        ("12-file.md", "GET /file/content", "A missing file is a 200 with an empty `content`"),
    ],
)
def test_warnings_are_in_the_section_of_their_operation(file: str, operation: str, trap: str) -> None:
    assert trap in _section(pages(NEWEST)[f"en/{file}"], operation)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_begins_with_corrections_of_its_rows(language: str) -> None:
    top = pages(NEWEST)[f"{language}/08-session.md"].split("\n| [")[0]
    assert re.findall(r"^> - \[`(.+?)`\]\(#.+?\)", top, re.M) == [
        "GET /session/status",
        "GET /session/{sessionID}/children",
        "POST /session/{sessionID}/message",
    ]


def test_a_page_without_wrong_rows_begins_with_its_table() -> None:
    assert "> " not in pages(NEWEST)["en/13-find.md"].split("\n| [")[0]


def test_facts_of_opencode_1_are_not_shown_for_another_servers_operation() -> None:
    given = small_document(("get", "/session/status", {"operationId": "other.status"}))
    assert "Measured" not in pages_of(given, "en")["08-session.md"]
    assert "Real servers" not in pages_of(given, "en")["08-session.md"]
