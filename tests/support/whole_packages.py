"""Whole packages that tests generate from small documents, import, and use without a server."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from jinja2.bccache import Bucket, BytecodeCache
from openapi_python_client import Project

from scripts import generate
from scripts.generate import build
from scripts.render import generator
from scripts.rooms import PACKAGE, ROOMS, ROOT

_numbers = itertools.count()

Handler = Callable[[httpx.Request], httpx.Response]


def load(folder: Path, content: dict[str, Any]) -> Any:  # Any: a package that only exists now
    """Generate the package for the document `content` in `folder`, and import it under a name of its own.

    The handwritten modules are links, so that Python finds their compiled code.
    """
    spec = folder / "document.json"
    spec.write_text(json.dumps(content), encoding="utf-8")
    name = f"generated_{next(_numbers)}"
    package = folder / name
    package.mkdir()
    for file in (ROOT / PACKAGE).iterdir():
        if file.name not in (*ROOMS, "__pycache__"):
            (package / file.name).symlink_to(file)
    with _quickly(), build(spec, strict=False) as built:
        for room in ROOMS:
            if (built.folder / room).exists():
                (built.folder / room).rename(package / room)
    sys.path.insert(0, str(folder))
    try:
        module: Any = importlib.import_module(name)  # Any: as above
    finally:
        sys.path.remove(str(folder))
    module.DOCUMENT = content
    return module


class _CompiledTemplates(BytecodeCache):
    """Keeps the compiled templates, which each run of the generator would compile again."""

    kept: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


class _Project(Project):
    def __init__(self, **settings: Any) -> None:  # Any: those of `Project`
        super().__init__(**settings)
        self.env.bytecode_cache = _CompiledTemplates()


def _nothing(*_: object) -> None:
    """Does not run a command."""


@contextmanager
def _quickly() -> Generator[None]:
    """Generate without ruff, which only formats, and with templates that are compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "_run", _nothing)
        patch.setattr(generator, "Project", _Project)
        yield


def client(package: Any, handler: Handler, **options: Any) -> Any:  # Any: of this package
    """Return a client whose requests `handler` answers, except those for the server's version and document."""
    facts: dict[str, Any] = {
        "/global/health": {"healthy": True, "version": "local"},
        "/doc": package.DOCUMENT,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        found = facts.get(request.url.path)
        return handler(request) if found is None else httpx.Response(200, json=found)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return package.OpencodeClient("http://test.invalid", http_client=http, **options)


def answering(status: int, value: object) -> Handler:
    """Return a handler that answers each request with this JSON."""
    return lambda _: httpx.Response(status, json=value)
