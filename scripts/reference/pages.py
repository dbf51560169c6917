"""The page of a module: every operation with its parameters, body, responses and client call."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.reference.bodies import body_words
from scripts.reference.catalogue import Note
from scripts.reference.entries import Entry
from scripts.reference.examples import example_of
from scripts.reference.implemented import Implementation
from scripts.reference.markdown import anchor, code, escape, fenced, prose, table
from scripts.reference.modules import Module
from scripts.reference.shapes import Field, default_of, values_of
from scripts.reference.untrusted import object_at, objects_at, text_at
from scripts.reference.view import INDEX_PAGE, REALTIME_PAGE, View


def module_page(view: View, module: Module) -> list[str]:
    """The page's lines, without the first line, which names the generator."""
    words = view.words
    listed = [entry for entry in view.entries if entry.module == module]
    rows = [
        [f"[{code(entry.name)}](#{entry.anchor})", view.row(entry), view.status(entry)] for entry in listed
    ]
    lines = [f"# {view.title(listed[0])}", "", f"[← {words.back}]({INDEX_PAGE})", ""]
    lines += _corrections(view, listed)
    lines += table(words.contents_heads[1:4], rows)
    for entry in listed:
        lines += ["", "---", "", *_operation(view, entry)]
    return lines


def _corrections(view: View, listed: list[Entry]) -> list[str]:
    """The measured facts that rows of the table below contradict."""
    found = [(e, note) for e in listed for note in view.notes(e) if note.corrects]
    if not found:
        return []
    lines = [
        f"> - [{code(e.name)}](#{e.anchor}){view.words.colon}{view.catalogue.note(note)}" for e, note in found
    ]
    return [f"> {view.words.corrections}", ">", *lines, ""]


def _operation(view: View, entry: Entry) -> Iterator[str]:
    words = view.words
    row, facts = view.row(entry), [(head, text) for head, text in _facts(view, entry) if text]
    yield from (anchor(entry.anchor), "", f"## {code(entry.name)}", "")
    if not any(text.startswith(row) for _, text in facts):
        yield from (row, "")
    yield from (f"- **{head}**{words.colon}{text}" for head, text in facts)
    yield ""
    for note in view.notes(entry):
        yield from (_note(view, note), "")
    yield from (f"**{words.parameters}**", "", *(_parameters(view, entry) or [words.none]), "")
    yield from _body(view, entry)
    yield from (f"**{words.responses}**", "", *_responses(view, entry), "")
    yield from (f"**{words.client_call}**", "", *call_lines(view, entry))
    if entry.is_measured and (example := example_of(entry.name)):
        yield from ("", f"**{words.example}**", "", *fenced(example, "python"))


def _facts(view: View, entry: Entry) -> Iterator[tuple[str, str]]:
    operation, words = entry.operation, view.words
    yield "OperationId", code(entry.id) if entry.id else ""
    yield words.summary, prose(view.catalogue.text(text_at(operation, "summary")))
    yield words.description, prose(view.catalogue.text(text_at(operation, "description")))
    yield words.since, view.since(entry)
    yield words.status, view.status(entry)
    yield words.nature, words.semicolon.join(view.nature(entry))


def _note(view: View, note: Note) -> str:
    """A measured behaviour, with the versions that it was measured with."""
    words = view.words
    head = f"> **{words.measured}{words.aside.format(words.enumeration.join(note.versions.split(', ')))}**"
    section = view.measured(note.realtime)
    more = words.see_realtime.format(link=f"{REALTIME_PAGE}#{section.anchor}") if section else ""
    return f"{head}{words.colon}{view.catalogue.note(note)}{more}"


def _parameters(view: View, entry: Entry) -> list[str]:
    rows: list[list[str]] = []
    for parameter in objects_at(entry.operation, "parameters"):
        schema = object_at(parameter, "schema")
        description = text_at(parameter, "description") or view.shapes.description(schema)
        rows.append([
            code(text_at(parameter, "name")),
            escape(text_at(parameter, "in")),
            view.shapes.plain_type(schema),
            _yes(view, bool(parameter.get("required"))),
            default_of(schema),
            values_of(schema),
            view.described(entry, text_at(parameter, "in"), text_at(parameter, "name"), description, schema),
        ])  # fmt: skip
    return table(view.words.parameter_heads, rows) if rows else []


def _body(view: View, entry: Entry) -> Iterator[str]:
    words, body = view.words, object_at(entry.operation, "requestBody")
    for media in (content := object_at(body, "content")):
        schema = object_at(object_at(content, media), "schema")
        required = body_words(entry, view.shapes, words)
        head = words.aside.format(f"{code(media)}{words.comma}{required}")
        yield from (f"**{words.body}**{head}{words.colon}{view.shapes.type(schema, 0)}", "")
        fields = view.shapes.fields(schema)
        if fields:
            texts = [
                view.described(entry, "body", f.name, view.shapes.description(f.schema), f.schema)
                for f in fields
            ]
            yield from (*field_table(view, fields, texts), "")


def field_table(view: View, fields: list[Field], texts: list[str]) -> list[str]:
    """A table of the fields of a body or a model, and their descriptions."""
    rows = [
        [
            code(field.name),
            field.type,
            _yes(view, field.required),
            default_of(field.schema),
            values_of(field.schema),
            text,
        ]
        for field, text in zip(fields, texts, strict=True)
    ]
    return table(view.words.body_heads, rows)


def _yes(view: View, value: bool) -> str:
    return view.words.yes if value else view.words.no


def _responses(view: View, entry: Entry) -> list[str]:
    responses = object_at(entry.operation, "responses")
    rows: list[list[str]] = []
    for status, media, schema in entry.contents:
        description = text_at(object_at(responses, status), "description")
        shape = view.shapes.type(schema) if schema is not None else view.words.empty
        if media == "text/event-stream":
            shape = f"{shape} ([{view.words.realtime}]({REALTIME_PAGE}#events-{entry.anchor}))"
        rows.append(
            [code(status), code(media) if media else "", shape, prose(view.catalogue.text(description))]
        )
    return table(view.words.response_heads, rows) if rows else [view.words.none]


def call_lines(view: View, entry: Entry) -> list[str]:
    """The client's methods: the signature of the sync one, the shortest call of the async one."""
    found = view.implementation(entry)
    if found is None:
        return [view.words.not_implemented]
    return [*fenced(_signature(found), "python"), "", async_line(view, found)]


def _signature(found: Implementation) -> str:
    if found.twin is None or found.twin.awaited:
        return found.sync.signature()
    return f"# with {found.sync.call()} as ...\n{found.sync.signature()}"


def async_line(view: View, found: Implementation) -> str:
    """The async call, linked to its code."""
    if found.twin is None:
        return f"{view.words.asynchronous}{view.words.colon}{view.words.not_implemented}"
    call = found.twin.call()
    shown = f"await {call}" if found.twin.awaited else f"async with {call} as ..."
    return f"{view.words.asynchronous}{view.words.colon}[{code(shown)}]({view.source(found.twin)})"
