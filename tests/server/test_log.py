"""The log of a server, from bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from opencode_client.server.log import ServerLog, cleaner, secrets_of


def _log(*secrets: str, path: Path | None = None) -> ServerLog:
    return ServerLog(cleaner(secrets), path)


@pytest.mark.parametrize(
    "codes",
    ["\x1b[1;31m", "\x1b[?25l", "\x1b]0;title\x07", "\x1b]8;;http://a\x1b\\", "\x1b(B", "\x1b7", "\x9b2J"],
)
def test_codes_of_terminals_are_removed(codes: str) -> None:
    log = _log()
    log.feed(f"a{codes}b\n".encode())
    assert log.text == "ab\n"


def test_texts_and_secrets_may_be_split_anywhere() -> None:
    data = "é\x1b[31mhunter2\x1b[0m é\n".encode()
    for cut in range(1, len(data)):
        log = _log("hunter2")
        log.feed(data[:cut])
        log.feed(data[cut:])
        assert log.text == "é*** é\n"


def test_a_secret_in_a_line_without_an_end_is_hidden() -> None:
    for size in range(65_520, 65_545):
        log = _log("hunter2")
        log.feed(b"x" * size + b"hunt")
        log.feed(b"er2" + b"y" * 10)
        log.close()
        assert "hunt" not in log.text
        assert "x***y" in log.text


def test_a_secret_where_a_line_without_an_end_is_cut_is_hidden() -> None:
    for size in range(4_085, 4_100):
        log = _log("hunter2")
        log.feed(b"x" * 65_536 + b"hunter2" + b"y" * size)
        log.feed(b"z\n")
        assert "hunt" not in log.text
        assert "er2" not in log.text
        assert "x***y" in log.text


def test_feed_returns_complete_lines() -> None:
    log = _log()
    assert [log.feed(b"a\nb"), log.feed(b""), log.feed(b"c\n")] == ["a\n", "", "bc\n"]


def test_the_last_line_is_in_the_text_before_its_end_and_in_the_file_at_the_end(tmp_path: Path) -> None:
    log = _log(path=tmp_path / "log")
    log.feed(b"first\nlast")
    assert log.text == "first\nlast"
    assert (tmp_path / "log").read_text(encoding="utf-8") == "first\n"
    log.close()
    log.close()
    assert (tmp_path / "log").read_text(encoding="utf-8") == "first\nlast"


def test_a_full_disk_is_a_warning_and_the_log_continues(caplog: pytest.LogCaptureFixture) -> None:
    log = _log(path=Path("/dev/full"))
    log.feed(b"a\n")
    log.feed(b"b\n")
    assert log.text == "a\nb\n"
    assert [record.message.partition(": [")[0] for record in caplog.records] == [
        "/dev/full: the log of the server is not written any more"
    ]


def test_secrets_are_passwords_and_long_values_with_secret_names() -> None:
    env = {
        "PATH": "/usr/bin/path",
        "A_KEY": "long enough",
        "B_TOKEN": "short",
        "PEM_SECRET": "line one\nline two",
    }
    config = {"mcp": [{"headers": {"X-Any": "any header"}}], "apiKey": "key of it", "model": "a/long-model"}
    found = secrets_of(env, config, ("opencode", "pw"))
    assert found == {
        "long enough",
        "line one",
        "line two",
        "any header",
        "key of it",
        "pw",
        "b3BlbmNvZGU6cHc=",
    }


def test_credentials_of_urls_are_hidden() -> None:
    log = _log()
    log.feed(b"proxy http://ada:pass@host:8080/a@b http://host:80/c\n")
    assert log.text == "proxy http://***@host:8080/a@b http://host:80/c\n"
