"""The real-time page: the text of realtime.<language>.md, with tables from the document and calls of the client.

A section of that file begins with `<!-- of METHOD path, ... -->` (these operations link to it) or `<!-- about ... -->`.
It is left out if the document has none of these operations of opencode 1.x.
"""

from __future__ import annotations

import re
from pathlib import Path

from scripts.reference.entries import Entry
from scripts.reference.events import EventType, event_types
from scripts.reference.markdown import anchor, code, table, with_contents
from scripts.reference.view import INDEX_PAGE, View

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_KINDS = ("stream", "websocket", "blocking")
_OF = re.compile(r"<!-- (of|about) (.+) -->\n")
_OF_SECTION = re.compile(r"\n(?=<!-- (?:of|about) )")
_FILE = re.compile(r"\{\{(.+?)\}\}")


def realtime_page(view: View) -> list[str]:
    """The page's lines, without the first line, which names the generator."""
    words = view.words
    written = (_HERE / f"realtime.{view.language}.md").read_text(encoding="utf-8")
    written = _FILE.sub(lambda found: view.relative(_ROOT / found[1]), written)
    introduction, *sections = _OF_SECTION.split(written)
    realtime = [_row(view, entry) for kind in _KINDS for entry in view.entries if entry.kind == kind]
    lines = [f"# {words.realtime}", "", f"[← {words.back}]({INDEX_PAGE})", "", introduction.strip(), ""]
    overview = [f"## {words.overview}", "", *table(words.overview_heads, realtime)]
    described: list[Entry] = []
    text = [line for section in sections for line in _section(view, section, described)]
    body = [*overview, *text, "", *_events(view, described)]
    return [*lines, *with_contents(body, words.on_this_page)]


def _section(view: View, section: str, described: list[Entry]) -> list[str]:
    """A section, with an anchor and the client's calls for each of its operations."""
    marked = _OF.match(section)
    names = marked[2].split(", ") if marked else []
    found = [entry for name in names if (entry := view.measured(name))]
    if not marked or not found:
        return []
    described += found
    text = ["", *section[marked.end() :].strip().splitlines()]
    if marked[1] == "about":
        return text
    anchors = [anchor(entry.anchor) for entry in found]
    return ["", *anchors, *text, *(line for entry in found for line in ("", _client_line(view, entry)))]


def _client_line(view: View, entry: Entry) -> str:
    words = view.words
    return f"**{words.client_call}**{words.aside.format(code(entry.name))}{words.colon}{_calls(view, entry)}"


def _row(view: View, entry: Entry) -> list[str]:
    return [f"[{code(entry.name)}]({entry.link})", _nature(view, entry), view.row(entry), _calls(view, entry)]


def _nature(view: View, entry: Entry) -> str:
    words = view.words
    return {"stream": words.stream, "websocket": words.websocket, "blocking": words.blocking_short}[
        entry.kind
    ]


def _calls(view: View, entry: Entry) -> str:
    """The client's calls, sync and async, each linked to its code."""
    found = view.implementation(entry)
    if found is None:
        return view.words.not_implemented
    calls = [view.short_call(entry)]
    if found.twin is not None:
        prefix = "await" if found.twin.awaited else "async with"
        calls.append(f"[{code(f'{prefix} {found.twin.call()}')}]({view.source(found.twin)})")
    return " / ".join(calls)


def _events(view: View, described: list[Entry]) -> list[str]:
    """The tables of event types, in the order of the sections above."""
    words = view.words
    listed = [entry for entry in dict.fromkeys([*described, *view.entries]) if entry.stream is not None]
    lines = [f"## {words.event_types}", "", words.event_types_about]
    above: set[tuple[str, str]] = set()
    for entry in listed:
        lines += ["", anchor(f"events-{entry.anchor}"), "", f"### {code(entry.name)}", ""]
        lines += _tables(view, event_types(entry.stream, view.shapes), above)
    return lines


def _tables(view: View, events: list[EventType], above: set[tuple[str, str]]) -> list[str]:
    words = view.words
    lines: list[str] = []
    known = {(event.type, event.payload) for event in events} & above
    for envelope in dict.fromkeys(event.envelope for event in events):
        fresh = [e for e in events if e.envelope == envelope and (e.type, e.payload) not in above]
        again = [e for e in events if e.envelope == envelope and (e.type, e.payload) in known]
        lines += [f"{words.envelope}{words.colon}{code(envelope)}", ""]
        if again:
            names = ", ".join(code(event.type) for event in again)
            lines += [f"{words.repeated.format(count=len(again))}{words.colon}{names}", ""]
        if fresh:
            lines += [*table(words.event_heads, [[code(e.type), e.payload] for e in fresh]), ""]
        above |= {(event.type, event.payload) for event in fresh}
    return lines[:-1]
