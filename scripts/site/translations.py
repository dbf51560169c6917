"""Lets the language switch of each HTML page lead to the same page in the other language, where there is one."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.site.pages import language_folder

_SWITCH = re.compile(r'(?P<root>href="[^"]*)index\.html(?P<language>" hreflang="(?P<code>\w+)")')
"""A link to the first page of a language. `root` ends at the folder of that language."""


def link_translations(folder: Path) -> None:
    """Rewrite the links in all HTML files of the site."""
    for file in folder.rglob("*.html"):
        page = file.relative_to(folder).as_posix().removeprefix(language_folder("zh"))

        def link(found: re.Match[str], page: str = page) -> str:
            exists = (folder / language_folder(found["code"]) / page).is_file()
            return f"{found['root']}{page}{found['language']}" if exists else found[0]

        file.write_text(_SWITCH.sub(link, file.read_text(encoding="utf-8")), encoding="utf-8")
