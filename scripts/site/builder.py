"""Writes the files that Zensical needs in build/site, and runs it once for each language."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

from scripts.rooms import ROOT
from scripts.site.navigation import Language, read_languages
from scripts.site.pages import Links, language_folder
from scripts.site.python_pages import python_pages

SITE = ROOT / "build" / "site"
HTML = SITE / "html"

_EXTENSIONS: list[object] = [
    "admonition",
    "attr_list",
    "tables",
    {"toc": {"permalink": True, "slugify": {"object": "pymdownx.slugs.slugify", "kwds": {"case": "lower"}}}},
    {"pymdownx.highlight": {"pygments_lang_class": True}},
    "pymdownx.inlinehilite",
    "pymdownx.superfences",
]
"""Markdown as GitHub shows it: Zensical's defaults would make other links and symbols of some texts."""

_FEATURES = [
    "navigation.tabs",
    "navigation.sections",
    "navigation.top",
    "content.code.copy",
    "search.highlight",
]

_STYLE = Path(__file__).with_name("site.css")

_PYTHON = {
    "heading_level": 2,
    "show_root_heading": True,
    "show_root_full_path": False,
    "show_source": False,
    "show_bases": False,
    "inherited_members": True,
    "members_order": "source",
    "merge_init_into_class": True,
    "separate_signature": True,
    "line_length": 80,
    "show_signature_annotations": True,
    "signature_crossrefs": True,
    "show_if_no_docstring": True,
    "docstring_style": "google",
    "filters": ["!^_"],
}


def repository_address() -> str:
    """Return the project's address, the same setting that the package's metadata has; "" if there is none."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    address: str = settings["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    return address.rstrip("/")


def site_links(languages: list[Language], repository: str) -> Links:
    """Return the links of all pages of the site."""
    pages = {path: page for language in languages for path, page in language.pages().items()}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = listed.splitlines()
    folders = {str(parent) for name in files for parent in Path(name).parents}
    return Links(pages, frozenset([*files, *folders]), repository)


def build(executable: str) -> None:
    """Build the site in `HTML`. `executable` is that of Zensical.

    Raises:
        LinkError: a page links to a file that does not exist.
        CalledProcessError: Zensical failed, or warned.
    """
    shutil.rmtree(SITE, ignore_errors=True)
    languages = read_languages()
    links = site_links(languages, repository_address())
    for language in languages:
        config = _write(language, links)
        subprocess.run([executable, "build", "--strict", "--clean", "--config-file", str(config)], check=True)


def _write(language: Language, links: Links) -> Path:
    folder = SITE / language.code
    for source, page in language.pages().items():
        text = (ROOT / source).read_text(encoding="utf-8")
        _save(folder / page.path, links.rewrite(source, text))
    python = python_pages() if "python" in language.titles else {}
    for path, text in python.items():
        _save(folder / path, text)
    shutil.copy(_STYLE, folder)
    config = SITE / f"{language.code}.yml"
    settings = _settings(language, list(python), links.repository)
    _save(config, json.dumps(settings, ensure_ascii=False, indent=1))  # JSON is YAML, too
    return config


def _save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _settings(language: Language, python: list[str], repository: str) -> dict[str, object]:
    home = "../" if language_folder(language.code) else ""
    settings: dict[str, object] = {
        "site_name": language.name,
        "docs_dir": language.code,
        "site_dir": str(HTML.relative_to(SITE) / language_folder(language.code)),
        "use_directory_urls": False,
        "nav": language.navigation(python),
        "theme": {
            "language": language.code,
            "font": False,
            "features": _FEATURES,
            "palette": [
                {"media": "(prefers-color-scheme: light)", "scheme": "default"},
                {"media": "(prefers-color-scheme: dark)", "scheme": "slate"},
            ],
        },
        "extra_css": [_STYLE.name],
        "extra": {
            "generator": False,
            "alternate": [
                {"name": "English", "link": f"{home}index.html", "lang": "en"},
                {"name": "中文", "link": "index.html" if home else "zh/index.html", "lang": "zh"},
            ],
        },
        "markdown_extensions": _EXTENSIONS,
        "plugins": [
            "search",
            {"mkdocstrings": {"handlers": {"python": {"paths": [str(ROOT)], "options": _PYTHON}}}},
        ],
    }
    return settings | ({"repo_url": repository} if repository else {})
