"""The chunks of a streamed response: the same as from h11, for bytes in pieces of any size."""

from __future__ import annotations

from itertools import pairwise

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencode_client import OpencodeError
from opencode_client.streams.chunked_body import ChunkedBody
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, Peer
from tests.support.stream_cases import begin, idle_event, take

_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
_CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


def _body(chunks: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


def _read(content: bytes, *cuts: int) -> bytes:
    body = ChunkedBody()
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    content_read = b"".join(body.feed(content[start:end]) for start, end in pairwise(places))
    assert body.ended
    return content_read


def _read_by_h11(content: bytes) -> bytes:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(_HEAD + content)
    came = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        came += event.data if isinstance(event, h11.Data) else b""
    return came


@given(_CHUNKS, st.lists(st.integers(0, 10_000), max_size=12))
def test_the_body_is_the_same_for_every_split_of_its_bytes(chunks: list[bytes], cuts: list[int]) -> None:
    content = _body(chunks)
    assert _read(content, *cuts) == _read(content, *range(len(content))) == b"".join(chunks)


@pytest.mark.parametrize(
    "content",
    [
        _body([b"a" * 300, b"\r\n0\r\n\r\n"]),
        b"3;x=y\r\nabc\r\n0\r\n\r\n",
        b"3 \r\nabc\r\n0\r\nx: y\r\n\r\n",
        b"A\r\n0123456789\r\n0\r\n\r\n",
    ],
)
def test_a_body_is_the_same_as_from_h11(content: bytes) -> None:
    assert _read(content) == _read_by_h11(content)


def test_a_part_of_a_chunk_is_returned_before_the_rest_arrives() -> None:
    body = ChunkedBody()
    assert body.feed(b"ff\r\nabc") == b"abc"
    assert body.feed(b"d") == b"d"


@pytest.mark.parametrize("content", [b"", b"x\r\n", b"\r\n3\r\n", b"3\r\nabcd\r\n", b"1" * 5000])
def test_a_malformed_chunk_is_an_error(content: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ChunkedBody().feed(content)


def _no_size(peer: Peer) -> None:
    peer.send(b"no size\r\n")
    peer.end()


def test_a_stream_uses_this_chunk_reader(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("ses_1")), _no_size]) as server:
        stream = client_kind.client(server.url).event.subscribe(reconnect=False)
        with pytest.raises(OpencodeError, match="a chunk does not begin with its size"):
            take(client_kind, stream)


def _unchunked(peer: Peer) -> None:
    peer.receive()
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {}\n\n")
    peer.end()


def test_a_stream_without_chunks_is_read_to_its_end(client_kind: ClientKind) -> None:
    with FaultyServer([_unchunked]) as server:
        assert len(take(client_kind, client_kind.client(server.url).event.subscribe(reconnect=False))) == 1
