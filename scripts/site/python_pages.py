"""The pages of the Python names: mkdocstrings makes them from the docstrings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import opencode_client
from scripts.rooms import PACKAGE, ROOT

_GROUPS = {
    "clients": ("Clients", ("client", "async_client", "calls", "attachments", "decoding", "model")),
    "turns": ("Turns", ("turns",)),
    "streams": ("Event streams", ("streams",)),
    "terminals": ("Terminals", ("terminals",)),
    "servers": ("Servers and tests", ("server", "testing")),
    "errors": ("Errors", ("errors",)),
}
"""The title of each page, and the first parts of the modules whose public names it has."""

_NAMESPACE = re.compile(r"^class (\w+Namespace)\(Namespace,", re.MULTILINE)


def python_pages() -> dict[str, str]:
    """Return the text of each page by its path. Each public name is on one; the last has all operations."""
    pages = {f"python/{name}.md": _page(*group) for name, group in _GROUPS.items()}
    return pages | {"python/operations.md": _text("Operations", _namespaces())}


def _page(title: str, modules: tuple[str, ...]) -> str:
    names = [f"{PACKAGE}.{name}" for name, home in _homes().items() if home.split(".")[0] in modules]
    if "testing" in modules:
        names.append(f"{PACKAGE}.testing")
    return _text(title, names)


def _homes() -> dict[str, str]:
    """Return the module of each public name."""
    listed: Mapping[str, tuple[str, ...]] = vars(opencode_client)["_HOMES"]
    homes = {name: home for home, names in listed.items() for name in names}
    return {name: homes.get(name, "errors") for name in opencode_client.__all__}


def _namespaces() -> Iterator[str]:
    for path in sorted((ROOT / PACKAGE / "api").glob("[!_]*.py")):
        for name in _NAMESPACE.findall(path.read_text(encoding="utf-8")):
            yield f"{PACKAGE}.api.{path.stem}.{name}"


def _text(title: str, names: Iterator[str] | list[str]) -> str:
    return f"# {title}\n\n" + "\n".join(f"::: {name}\n" for name in names)
