"""Files for prompts: reading them, and their media types."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from opencode_client import ArgumentError, FileAttachment
from opencode_client.attachments import file_part, media_type_of, read_files
from opencode_client.models import FilePartInput

_JPEG = b"\xff\xd8\xff\xe0"


def _content(part: dict[str, str]) -> bytes:
    return base64.b64decode(part["url"].partition("base64,")[2])


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("a.txt", b"x", "text/plain"),
        ("empty", b"", "text/plain"),
        ("a.json", b"{}", "text/plain"),
        ("a.ts", b"let a = 1", "text/plain"),
        ("a.svg", b"<svg/>", "text/plain"),
        ("Makefile", "grün".encode(), "text/plain"),
        ("latin.py", "grün".encode("latin-1"), "text/plain"),
        ("utf16.txt", "grün".encode("utf-16"), "text/plain"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0", "image/png"),
        ("wrong.png", _JPEG, "image/jpeg"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("a.gif", b"GIF89a\0", "image/gif"),
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a.wav", b"RIFF\0\0\0\0WAVE", "audio/x-wav"),
        ("a.tar.gz", b"\x1f\x8b\0", "application/octet-stream"),
        ("unknown", b"\0\1", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_from_name_and_content(name: str, data: bytes, media_type: str) -> None:
    found = media_type_of(FileAttachment(name, data))
    assert found.replace("audio/wav", "audio/x-wav") == media_type


def test_a_text_in_utf_16_is_sent_in_utf_8() -> None:
    part = file_part(FileAttachment("a.txt", "grün".encode("utf-16")))
    assert _content(part).decode() == "grün"


def test_paths_and_bytes_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one")
    path, text, given = read_files(
        [tmp_path / "a.txt", str(tmp_path / "a.txt"), FileAttachment("b", b"two")], 9
    )
    assert path == text
    assert [(one["filename"], _content(one)) for one in (path, given)] == [("a.txt", b"one"), ("b", b"two")]


@pytest.mark.parametrize(
    "problem", ["missing", "folder", "device", "number", "a text", "too large", "no bytes"]
)
def test_arguments_that_are_not_readable_files_are_refused(tmp_path: Path, problem: str) -> None:
    (tmp_path / "large").write_bytes(b"12345")
    files: Any = {
        "missing": [tmp_path / "missing"],
        "folder": [tmp_path],
        "device": ["/dev/zero"],
        "number": [3],
        "a text": str(tmp_path / "large"),
        "too large": [FileAttachment("a", b"1"), tmp_path / "large"],
    }
    no_bytes: Any = "text"
    with pytest.raises(ArgumentError):
        read_files(files[problem] if problem in files else [FileAttachment("a", no_bytes)], 5)


def test_contents_without_a_name_are_an_error_that_names_the_class() -> None:
    files: list[Any] = [b"secret"]  # Any: a wrong argument
    with pytest.raises(ArgumentError, match=r"not bytes.*FileAttachment") as caught:
        read_files(files, 9)
    assert "secret" not in str(caught.value)


def test_a_file_as_large_as_allowed_is_sent() -> None:
    assert read_files([FileAttachment("a", b"12"), FileAttachment("b", b"345")], 5)


def test_a_part_is_made_from_a_path(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# hi")
    part = FilePartInput.from_path(tmp_path / "a.md")
    assert (part.mime, part.filename, part.url) == ("text/plain", "a.md", "data:text/plain;base64,IyBoaQ==")
    with pytest.raises(ArgumentError, match="does not exist"):
        FilePartInput.from_path(tmp_path / "b.md")
    with pytest.raises(ArgumentError, match="more than 3 bytes; raise max_bytes"):
        FilePartInput.from_path(tmp_path / "a.md", max_bytes=3)
