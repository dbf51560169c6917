"""The pages of the site, and the links between them. No I/O."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

_CODE_OR_LINK = re.compile(
    r"^ *```.*?^ *```|`[^`\n]+`|\[(?P<label>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)",
    re.DOTALL | re.MULTILINE,
)
_ADDRESS = re.compile(r"[a-z]+:|#")


class LinkError(Exception):
    """A page links to a file that does not exist."""


def language_folder(code: str) -> str:
    """Return the folder of a language in the site, such as `zh/`. English pages are at the root."""
    return "" if code == "en" else f"{code}/"


@dataclass(frozen=True)
class Page:
    """A page of the site: its language, and its path below the language's folder, such as `api/08-session.md`."""

    language: str
    path: str

    @property
    def html(self) -> str:
        """The page's path in the site."""
        return f"{language_folder(self.language)}{self.path.removesuffix('.md')}.html"


@dataclass(frozen=True)
class Links:
    """Rewrites the links of a file into links of the site.

    `pages` maps paths in the repository to pages. `files` has all files and folders of the repository. `repository` is
    the project's address; if it is empty, links to files that are no pages become plain text.
    """

    pages: Mapping[str, Page]
    files: frozenset[str]
    repository: str

    def rewrite(self, source: str, text: str) -> str:
        """Return the text of the file `source` with the links that its page needs.

        Raises:
            LinkError: a link leads to a file that does not exist.
        """

        def replaced(match: re.Match[str]) -> str:
            return self._link(source, match["label"], match["target"]) if match["target"] else match[0]

        return _CODE_OR_LINK.sub(replaced, text)

    def _link(self, source: str, label: str, target: str) -> str:
        if _ADDRESS.match(target):
            return f"[{label}]({target})"
        path, hash_, anchor = target.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if page := self.pages.get(there):
            return f"[{label}]({_between(self.pages[source], page)}{hash_}{anchor})"
        if there not in self.files:
            raise LinkError(f"{source} links to {target}, but {there} does not exist: correct the link")
        return f"[{label}]({self.repository}/blob/HEAD/{there}{hash_}{anchor})" if self.repository else label


def _between(here: Page, there: Page) -> str:
    if here.language == there.language:  # the builder checks links to Markdown files
        return posixpath.relpath(there.path, posixpath.dirname(here.path) or ".")
    return posixpath.relpath(there.html, posixpath.dirname(here.html) or ".")
