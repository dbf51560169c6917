"""Files for prompts: the media type, and the data URL with the content.

A media type depends on the content first: `.ts` is a video for most systems.

Source: servers 1.1.31 to 1.18.33 show the model a text only if its type is exactly `text/plain`. 1.1.31 puts 15
meaningless bytes before it.
"""

from __future__ import annotations

import os
from base64 import b64encode
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from mimetypes import guess_type
from pathlib import Path
from typing import TypeAlias

from attrs import field, frozen

from .errors import ArgumentError
from .signatures import explain_calls

MAX_BYTES = 10_000_000
_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": "application/pdf",
}


@explain_calls
@frozen
class FileAttachment:
    """A file for a prompt, in memory. The model reads `name` as its path."""

    name: str
    data: bytes = field(repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.data, bytes):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError(
                f"the data of FileAttachment({self.name!r}) must be bytes; for a text, pass text.encode()"
            )


Attachable: TypeAlias = str | os.PathLike[str] | FileAttachment


def read_files(
    files: Sequence[Attachable], max_bytes: int, limit: str = "max_file_bytes"
) -> list[dict[str, str]]:
    """Return the part of a prompt for each file. Reads the files, at most `max_bytes` in all.

    `limit` is the name of the user's argument with this number, for the error.

    Raises:
        ArgumentError: a file does not exist, is a directory or cannot be read, or they are too large.
    """
    if isinstance(files, str | bytes | os.PathLike | FileAttachment):
        raise ArgumentError(f"files takes a list of paths or FileAttachments, not {files!r}")
    parts: list[dict[str, str]] = []
    left = max_bytes
    for file in files:
        read = file if isinstance(file, FileAttachment) else _read(file, left)
        left -= len(read.data)
        if left < 0:
            raise ArgumentError(f"{read.name}: the files have more than {max_bytes} bytes; raise {limit}")
        parts.append(file_part(read))
    return parts


def file_part(file: FileAttachment) -> dict[str, str]:
    """Return the part of a prompt for a file, as JSON."""
    media_type, data = media_type_of(file), file.data
    if media_type == "text/plain" and data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode()
    url = f"data:{media_type};base64,{b64encode(data).decode()}"
    return {"type": "file", "mime": media_type, "filename": file.name, "url": url}


def media_type_of(file: FileAttachment) -> str:
    """Return the media type that a server needs: `text/plain` for every text."""
    for beginning, media_type in _BEGINNINGS.items():
        if file.data.startswith(beginning):
            return media_type
    if file.data.startswith(b"RIFF") and file.data[8:12] == b"WEBP":
        return "image/webp"
    guessed, encoding = guess_type(Path(file.name).name)
    if _is_text(file.data, is_named=guessed is None or guessed.startswith("text/")):
        return "text/plain"
    return guessed if guessed and not encoding else "application/octet-stream"


def _is_text(data: bytes, *, is_named: bool) -> bool:
    """Return True for UTF-8 without zero bytes.

    `is_named`: the file's name is that of a text. Then also for UTF-16, and for other encodings without zero bytes.
    """
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return is_named
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return is_named
    return True


def _read(path: str | os.PathLike[str], max_bytes: int) -> FileAttachment:
    """Read a file, but at most one byte more than `max_bytes`: the caller then sees that it is too large."""
    try:
        place = Path(path)
        if not place.exists():
            raise ArgumentError(f"this file does not exist: {os.fspath(place.absolute())!r}")
        if not place.is_file():
            raise ArgumentError(f"this is not a file: {os.fspath(path)!r}; a prompt takes single files")
        with place.open("rb") as file:
            return FileAttachment(place.name, file.read(max_bytes + 1))
    except TypeError as error:
        raise ArgumentError(
            f"files takes paths and FileAttachments, not {type(path).__name__};"
            ' for contents in memory, use FileAttachment("name.txt", data)'
        ) from error
    except OSError as error:
        raise ArgumentError(f"this file cannot be read: {path!r}: {error}") from error
