"""The operations of a fake server on the files of its directory.

Source: 1.3.2 and 1.18.33. The fake searches without an index, and does not know Git.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..model import JsonObject
from .handlers import Handlers
from .routing import Call, on

_MOST_FILES = 10
_HIDDEN = (".git", ".DS_Store")


class Files(Handlers):
    """Handles calls for files."""

    @on("file.list", "GET", "/file")
    def list(self, call: Call) -> Any:
        folder = self._path(call)
        if not folder.is_dir():
            if self.state.is_new:
                raise self.failed("")
            return []
        found = [
            self._node(one, call) for one in folder.iterdir() if self.state.is_new or one.name not in _HIDDEN
        ]
        return sorted(found, key=lambda one: (one["type"] != "directory", one["name"]))

    def _node(self, path: Path, call: Call) -> JsonObject:
        relative = path.relative_to(call.directory).as_posix()
        kind = "directory" if path.is_dir() else "file"
        end = "/" if kind == "directory" and self.state.is_new else ""
        return {
            "name": path.name,
            "path": f"{relative}{end}",
            "absolute": str(path),
            "type": kind,
            "ignored": False,
        }

    @on("file.read", "GET", "/file/content")
    def read(self, call: Call) -> Any:
        path = self._path(call)
        if path.is_dir() and self.state.is_new:
            raise self.failed("")
        data = path.read_bytes() if path.is_file() else b""
        kind = mimetypes.guess_type(path.name)[0] or ""
        try:
            return {"type": "text", "content": data.decode().removesuffix("\n")}
        except UnicodeDecodeError:
            coded = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
            return {"type": "binary" if self.state.is_new else "text", "mimeType": kind, **coded}

    @on("file.status", "GET", "/file/status")
    def status(self, _: Call) -> Any:
        return []

    @on("find.files", "GET", "/find/file")
    def find_files(self, call: Call) -> Any:
        query = call.request.query
        wanted, kind = query.get("query", "").lower(), query.get("type")
        if query.get("dirs") == "false":
            kind = "file"
        found = [
            f"{path.relative_to(call.directory).as_posix()}{'/' if path.is_dir() else ''}"
            for path in self._all(call)
            if kind in (None, "directory" if path.is_dir() else "file")
        ]
        return [one for one in found if wanted in one.lower()][: int(query.get("limit", _MOST_FILES))]

    @on("find.text", "GET", "/find")
    def find_text(self, call: Call) -> Any:
        try:
            pattern = re.compile(call.request.query.get("pattern", "").encode())
        except re.error:
            return []
        found: list[JsonObject] = []
        for path in (one for one in self._all(call) if one.is_file()):
            offset = 0
            for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
                if matches := list(pattern.finditer(line)):
                    relative = path.relative_to(call.directory).as_posix()
                    found.append(_match(relative, line, number, offset, matches))
                offset += len(line)
        return found[:_MOST_FILES]

    @on("find.symbols", "GET", "/find/symbol")
    def find_symbols(self, _: Call) -> Any:
        return []

    def _path(self, call: Call) -> Path:
        """Return the path of a call. Servers refuse one outside the directory."""
        root = Path(call.directory).resolve()
        path = (root / call.request.query.get("path", "")).resolve()
        if not path.is_relative_to(root):
            raise self.failed("Access denied: path escapes project directory")
        return path

    def _all(self, call: Call) -> Iterator[Path]:
        """Yield the files and folders below the directory of a call, without hidden ones."""
        for path in sorted(Path(call.directory).rglob("*")):
            if not any(part.startswith(".") for part in path.relative_to(call.directory).parts):
                yield path


def _match(path: str, line: bytes, number: int, offset: int, matches: list[re.Match[bytes]]) -> JsonObject:
    submatches = [
        {"match": {"text": one[0].decode(errors="replace")}, "start": one.start(), "end": one.end()}
        for one in matches
    ]
    text = {"path": {"text": path}, "lines": {"text": line.decode(errors="replace")}}
    return {**text, "line_number": number, "absolute_offset": offset, "submatches": submatches}
