"""Everything that the pages of one language need: words, texts, links, and the client's methods."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import field, frozen

from scripts.normalise.arguments import argument_text, keys_of
from scripts.normalise.schema import Json, schemas_of
from scripts.reference.catalogue import Catalogue, Note
from scripts.reference.entries import Entry, entries, first_version
from scripts.reference.events import components
from scripts.reference.implemented import Implementation, Key, Method, implementations, key
from scripts.reference.markdown import code, escape, prose, slug
from scripts.reference.modules import REALTIME, Modules
from scripts.reference.shapes import Shapes, literal
from scripts.reference.untrusted import literals_of, text_at
from scripts.reference.words import WORDS, Words

MODELS_PAGE = "models.md"
REALTIME_PAGE = f"{REALTIME}-realtime.md"
INDEX_PAGE = "README.md"
_PACKAGE = Path(__file__).resolve().parent.parent.parent / "opencode_client"


@frozen(eq=False)
class View:
    """One document in one language; `folder` is the folder of its pages."""

    language: str
    folder: Path
    version: str
    document: Json
    words: Words
    catalogue: Catalogue
    modules: Modules
    entries: list[Entry]
    shapes: Shapes
    homes: dict[str, str]
    """The link to the description of each component."""
    methods: dict[Key, Implementation] = field(factory=implementations)
    undescribed: list[str] = field(factory=list[str])
    """Parameters and fields of opencode 1.x without a description: their keys in arguments.toml."""

    def implementation(self, entry: Entry) -> Implementation | None:
        """The client's methods for the operation."""
        return self.methods.get(key(entry.method, entry.path))

    def source(self, method: Method) -> str:
        """A link from a page to the code of a method."""
        return f"{self.relative(method.file)}#L{method.line}"

    def relative(self, file: Path) -> str:
        """A link from a page to a file of this package."""
        try:
            return Path(os.path.relpath(file, self.folder)).as_posix()
        except ValueError:  # Windows: the pages are on another drive
            return file.as_uri()

    @property
    def package(self) -> str:
        """A link from a page to the package."""
        return self.relative(_PACKAGE)

    def status(self, entry: Entry) -> str:
        """`implemented` with a link to the code, or `not implemented`."""
        found = self.implementation(entry)
        if found is None:
            return self.words.not_implemented
        return f"[{self.words.implemented}]({self.source(found.sync)})"

    def short_call(self, entry: Entry) -> str:
        """The shortest call of the sync client, linked to its code; empty without one."""
        found = self.implementation(entry)
        if found is None:
            return ""
        streams = found.twin is not None and not found.twin.awaited
        return f"[{code(('with ' if streams else '') + found.sync.call())}]({self.source(found.sync)})"

    def row(self, entry: Entry) -> str:
        """The operation's description in the index."""
        fallback = text_at(entry.operation, "summary") or code(entry.id or entry.name)
        text = self.catalogue.row(entry.name, entry.english, fallback)
        return text if text == fallback and not text_at(entry.operation, "summary") else escape(text)

    def described(self, entry: Entry, place: str, name: str, document: str, schema: Json) -> str:
        """The description of a parameter or a body's field, as Markdown; `document` is the document's text."""
        keys = keys_of(entry.id, place, name) if entry.is_measured else ()
        text = self.text(keys, document, schema)
        if keys and not text and self.language == "en":
            self.undescribed.append(keys[0])
        return text

    def text(self, keys: tuple[str, ...], document: str, schema: Json) -> str:
        """The text of a document with what arguments.toml adds, as Markdown; of a constant, its value."""
        text = argument_text(keys, self.catalogue.text(document), self.language)
        values = literals_of(schema)
        return (
            self.words.always.format(value=literal(values[0]))
            if len(values) == 1 and not text
            else prose(text)
        )

    def notes(self, entry: Entry) -> list[Note]:
        """The measured facts about an operation of opencode 1.x."""
        return self.catalogue.notes.get(entry.name, []) if entry.is_measured else []

    def measured(self, name: str) -> Entry | None:
        """The operation `METHOD path` of opencode 1.x, if the document has it."""
        return next((entry for entry in self.entries if entry.name == name and entry.is_measured), None)

    def title(self, entry: Entry) -> str:
        """The title of the operation's page."""
        return escape_title(entry.module.titles[self.language])

    def since(self, entry: Entry) -> str:
        """The first server version that has it, according to the compared documents."""
        absent, since, newest = first_version(entry)
        since = since or self.version or None
        if since is None:
            return self.words.since_unknown.format(newest=newest)
        if absent is None:
            return self.words.since_oldest
        return self.words.since_later.format(since=since, absent=absent)

    def nature(self, entry: Entry) -> list[str]:
        """Special properties of the operation: a stream, blocking, deprecated ..."""
        words = self.words
        found = self.implementation(entry)
        kinds = {"stream": words.stream, "websocket": words.websocket, "blocking": words.blocking}
        shown = [kinds[entry.kind]] if entry.kind in kinds else []
        shown += [words.consumes] if found and found.sync.operation.consumes else []
        return shown + ([words.deprecated] if entry.operation.get("deprecated") else [])


def escape_title(text: str) -> str:
    """A title of modules.toml as it is; any other text, such as a document's segment, escaped."""
    return text if text.replace(" & ", "").replace(" / ", "").replace(" ", "").isalnum() else escape(text)


def make_view(document: Json, language: str, folder: Path, version: str = "") -> View:
    """Make the view of `document`; `version` is its server's, which the document does not contain."""
    words, catalogue, modules = WORDS[language], Catalogue(language), Modules()
    listed = entries(document, modules, catalogue)
    homes = _homes(document, listed)

    def link(name: str) -> str:
        return f"[{escape(name)}]({homes[name]})" if name in homes else escape(name)

    shapes = Shapes(document, link, words.more)
    return View(
        language, folder.resolve(), version, document, words, catalogue, modules, listed, shapes, homes
    )


def _homes(document: Json, listed: list[Entry]) -> dict[str, str]:
    """Events are described on the real-time page, all other models on the page of models."""
    homes: dict[str, str] = {}
    plain = Shapes(document, str, "")
    for entry in sorted(listed, key=lambda entry: len(entry.path)):
        if entry.stream is not None:
            for name in components(entry.stream, plain):
                homes.setdefault(name, f"{REALTIME_PAGE}#events-{entry.anchor}")
    taken: set[str] = set()
    for name in schemas_of(document):
        anchor, count = slug(name), 2
        while anchor in taken:
            anchor, count = f"{slug(name)}-{count}", count + 1
        taken.add(anchor)
        homes.setdefault(name, f"{MODELS_PAGE}#{anchor}")
    return homes
