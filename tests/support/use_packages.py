"""A program that uses several copies of the package in one process and prints, as JSON, the origin of each object.

    python -I use_packages.py <folder of the packages> <name>=<url of its server> ...

It imports nothing of the tests: they look for packages that it should not have imported.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_GENERATED = ("api", "models")


class _LoggerNames(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.names.add(record.name)


def _modules_of_classes(found: dict[str, object]) -> dict[str, str]:
    return {name: type(value).__module__ for name, value in found.items()}


def _use_sync(package: Any, url: str) -> dict[str, object]:  # Any: any copy of the package
    with package.OpencodeClient(url, max_retries=0) as client:
        [session] = client.session.list()
        error: Exception | None = None
        try:
            client.session.get("ses_unknown")
        except package.NotFoundError as caught:
            error = caught
        with client.event.subscribe(heartbeats=True) as events:
            event = next(iter(events))
        with client.pty.connect("pty_1") as terminal:
            text = "".join(terminal)
        found = {"session": session, "error": error, "event": event, "namespace": client.pty}
        return {"title": session.title, "text": text, **_modules_of_classes({**found, "terminal": terminal})}


async def _use_async(package: Any, url: str) -> dict[str, object]:  # Any: as above
    async with package.AsyncOpencodeClient(url, max_retries=0) as client:
        [session] = await client.session.list()
        error: Exception | None = None
        try:
            await client.session.get("ses_unknown")
        except package.NotFoundError as caught:
            error = caught
        async with client.event.subscribe(heartbeats=True) as events:
            event = await anext(aiter(events))
        async with client.pty.connect("pty_1") as terminal:
            text = "".join([part async for part in terminal])
        found = {"session": session, "error": error, "event": event, "namespace": client.pty}
        return {"title": session.title, "text": text, **_modules_of_classes({**found, "terminal": terminal})}


def _import_handwritten(name: str, folder: Path) -> None:
    """Import every handwritten module of a copy."""
    package = folder.joinpath(*name.split("."))
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        if parts[0] not in _GENERATED and parts[-1] not in ("__init__", "__main__"):
            import_module(".".join((name, *parts)))


def main() -> None:
    """Use each package with its server, sync and async; then import the rest of its handwritten modules."""
    folder, *pairs = sys.argv[1:]
    sys.path.insert(0, folder)
    handler, root = _LoggerNames(), logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    used: dict[str, object] = {}
    for name, _, url in (pair.partition("=") for pair in pairs):
        package = import_module(name)
        used[name] = {"sync": _use_sync(package, url), "async": asyncio.run(_use_async(package, url))}
    for name in used:
        _import_handwritten(name, Path(folder))
    report = {"used": used, "loggers": sorted(handler.names), "modules": sorted(sys.modules)}
    print(json.dumps(report))


main()
