"""Frames of a terminal: their text, the cursor, and resuming without lost or repeated output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencode_client import PtyGapError
from opencode_client.terminals import frames as pty_frames
from opencode_client.terminals.frames import PtyControl, PtyOutput, read_control
from tests.support.terminal_replays import control, replay

_CLEF = "\N{MUSICAL SYMBOL G CLEF}"
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_FRAME = 4
"""Units in a frame of a replay, for these tests."""


@pytest.fixture(autouse=True, scope="module")
def _short_frames() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pty_frames, "REPLAY_UNITS", _FRAME)
        yield


class Reader:
    """The output of a terminal that is read frame by frame."""

    def __init__(self, asked: int | None = None) -> None:
        self.output = PtyOutput(asked)
        self.text = ""
        self.lost: list[int | None] = []

    def connect(self, *frames: str | bytes) -> Reader:
        self.output.connected()
        return self.see(*frames)

    def see(self, *frames: str | bytes) -> Reader:
        for frame in frames:
            for item in (
                [self.output.add_text(frame)] if isinstance(frame, str) else self.output.add_binary(frame)
            ):
                if isinstance(item, PtyGapError):
                    self.lost.append(item.lost)
                else:
                    self.text += item
            if self.output.must_reconnect:
                break
        return self

    def connect_to(self, output: str, keeps: int = 1_000) -> Reader:
        """Connect to a terminal with this output, and reconnect as long as the reader requests it."""
        for _ in range(len(output) + 2):
            self.connect(*replay(output, self.output.next_start, keeps))
            if not self.output.must_reconnect:
                return self
        raise AssertionError("connects for ever")


def test_a_control_frame_has_a_cursor() -> None:
    assert read_control(b'\0{"cursor":18}') == PtyControl(18, {"cursor": 18})


def test_unknown_members_of_a_control_frame_are_kept() -> None:
    read = read_control(control(18, exit={"code": 3}))
    assert read == PtyControl(18, {"cursor": 18, "exit": {"code": 3}})


def test_a_control_frame_may_have_no_cursor() -> None:
    assert read_control(b'\0{"exit":3}') == PtyControl(None, {"exit": 3})


@pytest.mark.parametrize("cursor", ["18", 1.5, None, [1]])
def test_a_cursor_that_is_not_an_integer_is_read_as_none(cursor: object) -> None:
    assert read_control(control(cursor)) == PtyControl(None, {"cursor": cursor})


@pytest.mark.parametrize(
    "frame", [b"", b"\0", b"\0[1]", b"\0{", b"\1{}", b'{"cursor":1}', b"\0\xff", b"text"]
)
def test_a_malformed_binary_frame_is_ignored(frame: bytes) -> None:
    assert read_control(frame) is None
    assert Reader().connect("ab", frame).output.control is None


def test_the_last_control_frame_is_kept() -> None:
    output = Reader().connect(control(0), control(None, bell=1)).output
    assert output.control == PtyControl(None, {"cursor": None, "bell": 1})
    assert output.cursor == 0


def test_text_is_returned_when_it_arrives() -> None:
    reader = Reader().connect(control(0), "a")
    assert reader.text == "a"
    assert reader.see("b", "c").text == "abc"


def test_a_server_without_cursors_sends_only_text() -> None:
    reader = Reader()
    reader.output.has_cursor = False
    reader.connect("one", "two", "€uro")
    assert reader.text == "onetwo€uro"
    assert (reader.output.cursor, reader.output.next_start) == (None, None)


@pytest.mark.parametrize(
    ("text", "units"),
    [("ab", 2), ("é\r\n", 3), (_CLEF, 2), ("€", 1), (f"a{_CLEF}b", 4), (f"{_CLEF}{'a' * 200}", 202)],
)
def test_the_cursor_counts_utf_16_code_units(text: str, units: int) -> None:
    reader = Reader().connect(control(10), text, text)
    assert reader.output.cursor == 10 + 2 * units


def test_a_cursor_from_the_server_replaces_the_counted_one() -> None:
    assert Reader().connect(control(0), "abc", control(7), "d").output.cursor == 8


def test_the_next_connection_starts_after_the_text_that_was_read() -> None:
    reader = Reader().connect(control(0), "abc")
    assert reader.output.next_start == 3


def test_a_cursor_of_minus_1_is_kept_until_the_server_sends_a_cursor() -> None:
    reader = Reader(-1).connect()
    assert reader.output.next_start == -1
    assert reader.see(control(5), "x").output.next_start == 6


def test_a_replay_is_held_back_until_its_cursor_arrives() -> None:
    for asked in (None, 1):
        reader = Reader(asked).connect("bc")
        assert reader.text == ""
        assert reader.see(control(3)).text == "bc"


def test_a_replay_that_begins_after_the_requested_cursor_follows_a_gap() -> None:
    output = Reader(2)
    output.output.connected()
    output.output.add_text("fg")
    gap, text = output.output.add_binary(control(7))
    assert isinstance(gap, PtyGapError)
    assert (gap.lost, text) == (3, "fg")
    assert "3 UTF-16 code units" in str(gap)


def test_an_empty_replay_after_lost_output_is_a_gap() -> None:
    assert Reader(2).connect(control(7)).lost == [5]


def test_a_connection_without_a_cursor_has_no_gap() -> None:
    assert Reader().connect("fg", control(7)).lost == []


def test_a_replay_without_text_returns_no_output() -> None:
    output = PtyOutput()
    output.connected()
    assert output.add_binary(control(0)) == []


def test_a_replay_that_breaks_off_is_dropped() -> None:
    reader = Reader().connect("a").connect("ab", control(2)).connect("cd", "ef")
    assert reader.text == "ab"
    assert reader.connect("cd", "ef", control(6)).text == "abcdef"


def test_a_character_split_between_two_frames_is_requested_again() -> None:
    output = f"abc{_CLEF}de"
    reader = Reader().connect(*replay(output))
    assert (reader.text, reader.output.must_reconnect, reader.output.next_start) == ("abc", True, 3)
    assert reader.connect_to(output).text == output


@pytest.mark.parametrize(
    "frames",
    [["abcd", "ef"], [f"abc{_UNKNOWN}", "ef"], ["abcd", f"{_UNKNOWN}f"], [f"ab{_UNKNOWN}", f"{_UNKNOWN}c"]],
)
def test_frames_without_a_split_character_are_not_requested_again(frames: list[str]) -> None:
    reader = Reader().connect(*frames, control(len("".join(frames))))
    assert (reader.text, reader.output.must_reconnect) == ("".join(frames), False)


def test_a_replacement_character_of_the_program_is_kept() -> None:
    output = f"abc{_UNKNOWN}{_UNKNOWN}x"
    assert Reader().connect_to(output).text == output


def test_a_replacement_character_at_the_end_of_a_replay_is_kept() -> None:
    assert Reader().connect_to(f"abc{_UNKNOWN}").text == f"abc{_UNKNOWN}"


_TEXTS = st.text(st.sampled_from(f"ab\n€{_CLEF}"), max_size=24)
_BROKEN_TEXTS = st.text(st.sampled_from(f"a{_CLEF}{_UNKNOWN}"), max_size=24)


@given(_TEXTS | _BROKEN_TEXTS)
def test_any_replay_returns_the_whole_text_once(output: str) -> None:
    reader = Reader().connect_to(output)
    assert (reader.text, reader.lost) == (output, [])
    assert reader.output.cursor == pty_frames.count_units(output)


@given(_TEXTS | _BROKEN_TEXTS, st.lists(st.integers(0, 24), max_size=4))
def test_any_number_of_reconnects_returns_the_whole_text_once(output: str, breaks: list[int]) -> None:
    reader = Reader().connect(control(0))
    for at in sorted(breaks):
        seen = len(reader.text)
        reader.connect_to(output[: max(at, seen)])
        reader.see(*output[max(at, seen) : at + 2])  # and some of it live
    reader.connect_to(output)
    assert (reader.text, reader.lost) == (output, [])


@given(_TEXTS, st.integers(0, 24), st.integers(0, 12))
def test_a_reconnect_returns_the_buffered_output_and_counts_the_lost_units(
    output: str, at: int, keeps: int
) -> None:
    reader = Reader().connect(control(0)).see(*output[:at])
    before, had = reader.text, reader.output.cursor or 0
    reader.connect_to(output, keeps)
    lost = max(0, pty_frames.count_units(output) - keeps - had)
    assert sum(one or 0 for one in reader.lost) == lost
    rest = reader.text[len(before) :].lstrip(_UNKNOWN)  # half a character, if the output is cut inside one
    assert output.endswith(rest)
    assert pty_frames.count_units(reader.text) == pty_frames.count_units(output) - lost
