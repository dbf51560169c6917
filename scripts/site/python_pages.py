"""The pages of the Python names: mkdocstrings makes them from the docstrings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import opencode_client
from scripts.rooms import PACKAGE, ROOT

_GROUPS = {
    "clients": (
        "Clients",
        "OpencodeClient",
        ("client", "async_client", "calls", "attachments", "decoding", "model"),
    ),
    "turns": ("Turns", "Turn", ("turns",)),
    "streams": ("Event streams", "EventStream", ("streams",)),
    "terminals": ("Terminals", "PtyConnection", ("terminals",)),
    "servers": ("Servers and tests", "OpencodeServer", ("server", "testing")),
    "telemetry": ("Telemetry", "", ("telemetry",)),
    "errors": ("Errors", "OpencodeError", ("errors",)),
}
"""For each page its title, its first name, and the first parts of the modules whose public names it has."""

_WHOLE = ("testing", "telemetry")
"""Modules whose names are not in `opencode_client`: all their public names are on the page."""

_NAMESPACE = re.compile(r"^class (\w+Namespace)\(Namespace,", re.MULTILINE)


def python_pages() -> dict[str, str]:
    """Return the text of each page by its path. Each public name is on one; the last has all operations."""
    pages = {f"python/{name}.md": _page(*group) for name, group in _GROUPS.items()}
    return pages | {"python/operations.md": _text("Operations", _namespaces())}


def _page(title: str, first: str, modules: tuple[str, ...]) -> str:
    own = [name for name, home in _homes().items() if home.split(".")[0] in modules]
    own.sort(key=lambda name: (name != first, name.startswith("Async"), name))
    names = [f"{PACKAGE}.{name}" for name in own]
    names += [f"{PACKAGE}.{module}" for module in modules if module in _WHOLE]
    return _text(title, names)


def _homes() -> dict[str, str]:
    """Return the module of each public name."""
    listed: Mapping[str, tuple[str, ...]] = vars(opencode_client)["_MODULES"]
    homes = {name: home for home, names in listed.items() for name in names}
    return {name: homes.get(name, "errors") for name in opencode_client.__all__}


def _namespaces() -> Iterator[str]:
    for path in sorted((ROOT / PACKAGE / "api").glob("[!_]*.py")):
        for name in _NAMESPACE.findall(path.read_text(encoding="utf-8")):
            yield f"{PACKAGE}.api.{path.stem}.{name}"


def _text(title: str, names: Iterator[str] | list[str]) -> str:
    return f"# {title}\n\n" + "\n".join(f"::: {name}\n" for name in names)
