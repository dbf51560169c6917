"""The splitter of event streams: the grammar, the same events as from httpx-sse, and bytes split everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from httpx_sse._decoders import SSEDecoder, SSELineDecoder  # no public name for what `EventSource` reads with
from hypothesis import given
from hypothesis import strategies as st

from opencode_client.streams.sse import EventSplitter, TooLargeEvent

_VALUES = st.text(alphabet=st.sampled_from("a: {}\u2028\u0085é€\U0001f600\t\x0b"), max_size=6)
_NAMES = st.sampled_from(["data", "event", "id", "retry", "", "x", "datas", " data"])
_LINES = st.tuples(_NAMES, st.sampled_from([":", ": ", ""]), _VALUES).map("".join)
_TEXTS = st.lists(
    st.tuples(st.one_of(_LINES, st.just("")), st.sampled_from(["\n", "\r\n", "\r", "\n\n"])), max_size=30
).map(lambda lines: "".join(f"{line}{end}" for line, end in lines))


def _split(content: bytes, *cuts: int) -> list[bytes]:
    splitter = EventSplitter()
    places = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    return [event for start, end in pairwise(places) for event in _fed(splitter, content[start:end])]


def _fed(splitter: EventSplitter, chunk: bytes) -> list[bytes]:
    """Return the events of a chunk, none of which is too large."""
    events = splitter.feed(chunk)
    assert all(isinstance(event, bytes) for event in events)
    return [event for event in events if isinstance(event, bytes)]


def _fed_by_byte(splitter: EventSplitter, content: bytes) -> Iterator[bytes]:
    """Feed one byte at a time, and yield the events."""
    for index in range(len(content)):
        yield from _fed(splitter, content[index : index + 1])


@given(_TEXTS, st.lists(st.integers(0, 10_000), max_size=12))
def test_the_events_are_the_same_for_every_split_of_their_bytes(text: str, cuts: list[int]) -> None:
    content = text.encode()
    assert _split(content, *cuts) == _split(content) == _split(content, *range(len(content)))


@given(_TEXTS)
def test_events_are_the_same_as_from_httpx_sse(text: str) -> None:
    lines, decoder = SSELineDecoder(), SSEDecoder()
    theirs = [event for line in lines.decode(text) if (event := decoder.decode(line))] if text else []
    # httpx-sse yields events without data; the standard drops these
    expected = [(event.data, event.id) for event in theirs if event.data]
    splitter = EventSplitter()
    ours = [(event.decode(), splitter.last_id) for event in _fed_by_byte(splitter, text.encode()) if event]
    # httpx-sse waits for a line feed after a CR at the end of the text
    assert ours[: len(expected)] == expected
    assert len(ours) - len(expected) <= text.endswith("\r")


@pytest.mark.parametrize(
    ("content", "data"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\ndata:  b\n\n", [b"a", b" b"]),
        (b"data\n\n", [b""]),
        (b"data:\ndata:\n\n", [b"\n"]),
        (b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b": heartbeat\n\ndata: a\n: more\n\n", [b"a"]),
        ("data: a\u2028b\u0085c\n\n".encode(), ["a\u2028b\u0085c".encode()]),
        (b"data: a\n\ndata: cut off\n", [b"a"]),
        (b"event: x\n\n\n\ndata: a\n\n", [b"a"]),
        (b"", []),
    ],
)
def test_events_follow_the_grammar_of_the_standard(content: bytes, data: list[bytes]) -> None:
    assert _split(content) == data


@pytest.mark.parametrize(
    ("chunks", "data"),
    [
        ([b"data: a\n\n", b"data: b\n\n"], [b"a", b"b"]),
        ([b"data: a\nd", b"ata: b\n\n"], [b"a\nb"]),
        ([b"data: a\n", b"data: b\n\n"], [b"a\nb"]),
        ([b"data: a\nb\n", b"\n"], [b"a"]),
        ([b"data: a\rdata: b\n\n"], [b"a\nb"]),
        ([b":\r\r", b"data: a\n\n", b"\ndata: b\n\n"], [b"a", b"b"]),
        ([b"data: a", b"data: b\n\n", b"data: c\n\n"], [b"adata: b", b"c"]),
    ],
)
def test_a_chunk_that_looks_like_one_event_is_joined_with_the_other_chunks(
    chunks: list[bytes], data: list[bytes]
) -> None:
    splitter = EventSplitter()
    splitter.feed(b": the start\n\n")
    assert [event for chunk in chunks for event in _fed(splitter, chunk)] == data


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_byte_order_mark_may_be_split(cut: int) -> None:
    assert _split(b"\xef\xbb\xbfdata: a\n\n", cut) == [b"a"]


def test_a_line_feed_that_starts_a_chunk_ends_the_line_before() -> None:
    assert _split(b"data: a\ndata: b\r\r", len(b"data: a")) == [b"a\nb"]


def test_a_byte_order_mark_after_the_start_is_not_removed() -> None:
    splitter = EventSplitter()
    assert len(splitter.feed(b"data: a\n\n")) == 1
    assert splitter.feed(b"\xef\xbb\xbfdata: b\n\n") == []


def test_an_id_applies_to_all_later_events() -> None:
    splitter = EventSplitter()
    ids = [
        (event, splitter.last_id)
        for block in (b"id: 1\nevent: x\ndata: a", b"data: b", b"id: 2\x003\ndata: c", b"id\ndata: d")
        for event in _fed(splitter, block + b"\n\n")
    ]
    assert ids == [(b"a", "1"), (b"b", "1"), (b"c", "1"), (b"d", "")]


def test_invalid_utf_8_in_an_id_is_replaced() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"id: \xff1\nevent: x\xff\ndata: a\n\n") == [b"a"]
    assert splitter.last_id == "\ufffd1"


def test_retry_ms_is_none_without_a_retry_field() -> None:
    assert EventSplitter().retry_ms is None


def test_a_retry_with_thousands_of_digits_is_limited() -> None:
    splitter = EventSplitter()
    splitter.feed(b"retry: " + b"0" * 5000 + b"9" * 5000 + b"\n\n")
    assert splitter.retry_ms == 9_999_999_999


def test_a_retry_field_must_be_digits() -> None:
    splitter = EventSplitter()
    splitter.feed(b"retry: 1500\n\nretry: soon\n\n")
    assert splitter.retry_ms == 1500


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * 101],
        [b"data: ", b"x" * 60, b"x" * 60],
        [b"data: " + b"x" * 101 + b"\n\n"],
        [b":\n\n", b"data: " + b"x" * 101 + b"\n\n"],
    ],
)
@pytest.mark.parametrize("end", [[b"x\n\n"], [b"x\n", b"\n"], [b"\n\n"], [b"\r\n\r", b"\n"]])
def test_an_event_over_the_limit_is_reported_once_and_later_events_are_read(
    pieces: list[bytes], end: list[bytes]
) -> None:
    splitter = EventSplitter(max_bytes=100)
    if not pieces[-1].endswith(b"\n\n"):
        pieces = [*pieces, b"x" * 200, *end]
    events = [event for piece in [*pieces, b"data: a\n\n"] for event in splitter.feed(piece)]
    large, small = events
    assert isinstance(large, TooLargeEvent)
    assert large.head.startswith(b"data: x")
    assert small == b"a"


def test_events_before_and_after_one_over_the_limit_in_the_same_piece_are_read() -> None:
    large = b"data: " + b"x" * 101 + b"\n\n"
    events = EventSplitter(max_bytes=100).feed(
        b"data: a\n\n" + large + b"data: b\n\n" + large + b"data: c\n\n"
    )
    assert [event if isinstance(event, bytes) else event.head[:6] for event in events] == [
        b"a",
        b"data: ",
        b"b",
        b"data: ",
        b"c",
    ]


@pytest.mark.parametrize("pieces", [[b"data: " + b"x" * 94 + b"\n\n"], [b"data: ", b"x" * 94, b"\n\n"]])
def test_an_event_as_large_as_the_limit_is_read(pieces: list[bytes]) -> None:
    splitter = EventSplitter(max_bytes=100)
    assert [len(event) for piece in pieces for event in _fed(splitter, piece)] == [94]


def test_many_events_together_may_be_over_the_limit() -> None:
    assert len(EventSplitter(max_bytes=10).feed(b"data: x\n\n" * 50)) == 50


def test_a_large_event_in_small_pieces_is_joined_once() -> None:
    splitter = EventSplitter()
    assert not any(splitter.feed(piece) for piece in [b"data: ", *([b"x" * 65_536] * 100)])
    assert [len(event) for event in _fed(splitter, b"\n\n")] == [65_536 * 100]
