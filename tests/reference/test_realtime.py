"""The real-time page: every real-time operation of the document is on it, and no other."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scripts.recordings import document
from tests.support.documents import every_document
from tests.support.reference_pages import NEWEST, pages, pages_of, small_document

_OVERVIEW = re.compile(r"^\| \[`(\S+ \S+)`\]\(", re.M)


def _page(version: str = NEWEST) -> str:
    return pages(version)["en/21-realtime.md"]


def test_every_stream_terminal_and_long_answer_is_listed() -> None:
    assert {
        "GET /event", "GET /global/event", "GET /api/event", "GET /api/session/{sessionID}/event",
        "GET /pty/{ptyID}/connect", "GET /api/pty/{ptyID}/connect", "POST /session/{sessionID}/message",
        "GET /tui/control/next",
    } < set(_OVERVIEW.findall(_page()))  # fmt: skip


@every_document
def test_every_event_type_of_the_document_is_listed(version: str) -> None:
    schemas = document(version)["components"]["schemas"]
    names = [variant["$ref"].rsplit("/", 1)[-1] for variant in schemas["Event"]["anyOf"]]
    types = [schemas[name]["properties"]["type"] for name in names]
    assert len(types) >= 40
    for literal in types:
        assert f"| `{literal.get('const') or literal['enum'][0]}` |" in _page(version)


def test_operations_that_a_document_lacks_are_left_out() -> None:
    assert "## `/api/event`" in _page()
    assert "## `/api/event`" not in _page("1.1.31")
    assert _OVERVIEW.findall(pages_of(small_document(("get", "/session", {})), "en")["21-realtime.md"]) == []


def test_measurements_of_1_x_are_not_shown_for_another_operation_at_the_same_path() -> None:
    """Servers of 2.x have `GET /api/event` and others with other operationIds."""
    for name, is_shown in (("v2.event.subscribe", True), ("event.subscribe", False)):
        made = pages_of(small_document(("get", "/api/event", {"operationId": name})), "en")
        assert any("Measured" in text for text in made.values()) is is_shown
        assert ("## `/api/event`" in made["21-realtime.md"]) is is_shown


def test_a_websocket_of_the_document_is_listed() -> None:
    given = small_document(("get", "/api/pty", {"operationId": "pty.connect", "x-websocket": True}))
    assert _OVERVIEW.findall(pages_of(given, "en")["21-realtime.md"]) == ["GET /api/pty"]


@pytest.mark.parametrize(
    "call",
    [
        "with client.event.subscribe()",
        "async with client.global_.event()",
        "with client.v2.session.events(session_id)",
        "await client.session.prompt(session_id, parts=...)",
        "client.tui.control.next()",
    ],
)
def test_each_realtime_operation_shows_its_client_call(call: str) -> None:
    assert f"[`{call}`](../../../opencode_client/api/" in _page()


def test_both_languages_describe_the_same_operations() -> None:
    anchors = [
        re.findall('<a id="(.+?)">', pages(NEWEST)[f"{language}/21-realtime.md"]) for language in ("zh", "en")
    ]
    assert anchors[0] == anchors[1]
    assert len(anchors[0]) > 10


@pytest.mark.parametrize(
    "wrapped",
    [
        {"properties": {"directory": {"type": "string"}, "payload": {"$ref": "#/components/schemas/E"}}},
        {"properties": {"id": {}, "data": {"contentSchema": {"$ref": "#/components/schemas/E"}}}},
    ],
)
def test_events_are_found_inside_an_envelope(wrapped: dict[str, Any]) -> None:
    event = {"type": "object", "properties": {"type": {"const": "x.y"}, "data": {"type": "string"}}}
    content = {"text/event-stream": {"schema": wrapped}}
    given = small_document(("get", "/stream", {"responses": {"200": {"content": content}}}), E=event)
    pages = pages_of(given, "en")
    assert "| `x.y` | string |" in pages["21-realtime.md"]
    assert "## `E`" not in pages["models.md"]  # described with the stream


def test_a_stream_without_a_handwritten_text_is_listed_with_its_events() -> None:
    event = {"type": "object", "properties": {"type": {"const": "x.y"}, "properties": {"type": "object"}}}
    content = {"text/event-stream": {"schema": {"anyOf": [event]}}}
    given = small_document(("get", "/stream", {"responses": {"200": {"content": content}}}))
    page = pages_of(given, "en")["21-realtime.md"]
    assert _OVERVIEW.findall(page) == ["GET /stream"]
    assert "| `x.y` | object |" in page
