"""The page of everything real-time: what stands in realtime.<language>.md, and what the document and the client have.

A section of that file begins with `<!-- of METHOD path, ... -->` (it is these operations' own) or `<!-- about ... -->`,
and is left out where the document has none of them.
"""

from __future__ import annotations

import re
from pathlib import Path

from scripts.reference.entries import Entry
from scripts.reference.events import EventType, described
from scripts.reference.markdown import anchor, code, table
from scripts.reference.view import INDEX_PAGE, View

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_KINDS = ("stream", "websocket", "blocking")
_OF = re.compile(r"<!-- (of|about) (.+) -->\n")
_OF_SECTION = re.compile(r"\n(?=<!-- (?:of|about) )")
_FILE = re.compile(r"\{\{(.+?)\}\}")


def realtime_page(view: View) -> list[str]:
    """The page's lines, without the line that says what wrote it."""
    words = view.words
    text = (_HERE / f"realtime.{view.language}.md").read_text(encoding="utf-8")
    text = _FILE.sub(lambda found: view.relative(_ROOT / found[1]), text)
    introduction, *sections = _OF_SECTION.split(text)
    realtime = [_row(view, entry) for kind in _KINDS for entry in view.entries if entry.kind == kind]
    lines = [f"# {words.realtime}", "", f"[← {words.back}]({INDEX_PAGE})", "", introduction.strip(), ""]
    lines += [f"## {words.overview}", "", *table(words.overview_heads, realtime)]
    told: list[Entry] = []
    for section in sections:
        lines += _section(view, section, told)
    return [*lines, "", *_events(view, told)]


def _section(view: View, section: str, told: list[Entry]) -> list[str]:
    """A section, with an anchor and the client's calls for each operation that it is of."""
    marked = _OF.match(section)
    names = marked[2].split(", ") if marked else []
    of = [entry for name in names if (entry := view.named(name))]
    if not marked or not of:
        return []
    told += of
    text = ["", *section[marked.end() :].strip().splitlines()]
    if marked[1] == "about":
        return text
    places = [anchor(entry.anchor) for entry in of]
    return ["", *places, *text, *(line for entry in of for line in ("", _client_line(view, entry)))]


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
    """Return the sync and the async call for an entry, each linked to its source."""
    found = view.implementation(entry)
    if found is None:
        return view.words.not_implemented
    streams = found.twin is not None and not found.twin.awaited
    calls = [f"[{code(('with ' if streams else '') + found.sync.call())}]({view.source(found.sync)})"]
    if found.twin is not None:
        prefix = "async with" if streams else "await"
        calls.append(f"[{code(f'{prefix} {found.twin.call()}')}]({view.source(found.twin)})")
    return " / ".join(calls)


def _events(view: View, told: list[Entry]) -> list[str]:
    """The tables of event types, in the order in which the streams were told of."""
    words = view.words
    listed = [entry for entry in dict.fromkeys([*told, *view.entries]) if entry.stream is not None]
    lines = [f"## {words.event_types}", "", words.event_types_about]
    above: set[tuple[str, str]] = set()
    for entry in listed:
        lines += ["", anchor(f"events-{entry.anchor}"), "", f"### {code(entry.name)}", ""]
        lines += _tables(view, described(entry.stream, view.shapes), above)
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
