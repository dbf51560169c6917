"""Packages that tests generate from small documents and import beside the installed package."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import opencode_client
from scripts.generate import build, write_package

_HANDWRITTEN = (
    *("errors", "model", "calls", "calls.namespace", "calls.operation", "calls.unset"),
    *("decoding", "decoding.annotations", "decoding.shapes", "decoding.unions"),
)


def document(schemas: dict[str, Any], paths: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a document with these component schemas."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "small", "version": "1"},
        "paths": paths or {},
        "components": {"schemas": schemas},
    }


def write(folder: Path, content: dict[str, Any]) -> Path:
    """Generate the package for the document `content` in `folder`, and return its path."""
    spec = folder / "document.json"
    spec.write_text(json.dumps(content), encoding="utf-8")
    out = folder / "out"
    with build(spec, strict=False) as built:
        return write_package(built, out)


def load_models(package: Path, name: str) -> ModuleType:
    """Import a written package's models as `<name>.models`, with the installed package's handwritten modules."""
    host = ModuleType(name)
    host.__path__ = [str(package)]
    sys.modules[name] = host
    for part in _HANDWRITTEN:
        sys.modules[f"{name}.{part}"] = importlib.import_module(f"{opencode_client.__name__}.{part}")
    return importlib.import_module(f"{name}.models")
