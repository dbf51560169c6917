"""A child process made by `fork` cannot read or close its parent's streams."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest

from opencode_client import StreamClosedError
from tests.streams.test_waiting import READERS, Reader, sends_when
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer
from tests.support.stream_cases import hang, idle_event, ids

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def in_child(work: Callable[[], object]) -> object:
    """Return the result of `work`, called in a child of this process."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_send_result, args=(theirs, work))
    child.start()
    assert ours.poll(10), "the child does not end"
    result = ours.recv()
    child.join(10)
    return result


def _send_result(theirs: Connection, work: Callable[[], object]) -> None:
    try:
        theirs.send(work())
    except Exception as error:  # noqa: BLE001 # the parent looks at it
        theirs.send(error)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_child_process_cannot_read_or_close_the_stream_of_its_parent(
    client_kind: ClientKind, reader: Reader
) -> None:
    more = threading.Event()
    with FaultyServer([sends_when(more, "in chunks", idle_event("a"), idle_event("b")), hang]) as server:
        client = client_kind.client(server.url)
        items: Any = reader(client.event.subscribe())
        client_kind.call(items.__aenter__ if client_kind.is_async else items.__enter__)

        def read_and_close() -> str:
            kind = ClientKind(client_kind.is_async)  # its own event loop
            for use in (items.get, items.__anext__ if kind.is_async else items.__next__):
                with pytest.raises(StreamClosedError, match="another process or event loop"):
                    kind.call(use)
            with pytest.raises(StreamClosedError, match="another process or event loop"):
                kind.call(items.__aenter__ if kind.is_async else items.__enter__)
            kind.call(items.close)
            return "read and closed"

        assert in_child(read_and_close) == "read and closed"
        more.set()
        found = [client_kind.call(items.get, timeout=5) for _ in range(2)]
        assert ids(found) == ["a", "b"]
        assert len(server.requests) == 1
        client_kind.call(items.close)


def test_a_child_process_can_open_a_stream_that_its_parent_has_not_opened(client_kind: ClientKind) -> None:
    more = threading.Event()
    more.set()
    with FaultyServer([sends_when(more, "in chunks", idle_event("a")), hang]) as server:
        stream = client_kind.client(server.url).event.subscribe()

        def read() -> list[str]:
            kind = ClientKind(client_kind.is_async)
            found = ids([kind.call(stream.get)])
            kind.call(stream.close)
            return found

        assert in_child(read) == ["a"]
