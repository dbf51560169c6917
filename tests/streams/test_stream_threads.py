"""Event streams that several threads use at once. Each test says which lock, event or flag it fails without."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Self

import pytest

from opencode_client import OpencodeClient, SharedStream, StreamClosedError, StreamOverflow
from opencode_client.streams.aborter import ConnectionAborter
from opencode_client.streams.receiver import EventReceiver
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer
from tests.support.sizes import small_and_full
from tests.support.stream_cases import begin, cut, hang, idle_event, ids
from tests.support.terminal_switches import Switch, run_with_switch

each_size = small_and_full("racing_s", 0.15, 1.0)
"""The seconds for which each race is repeated."""


@pytest.fixture(autouse=True)
def _frequent_switches() -> Iterator[None]:
    """Let Python switch threads after nearly every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def _in_threads(*works: Callable[[], object]) -> None:
    """Run all functions at the same time, and raise the first error."""
    barrier = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait(5)
            work()
        except BaseException as error:  # noqa: BLE001 # raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not errors, errors
    assert not any(thread.is_alive() for thread in threads)


def _repeat(work: Callable[[], object], racing_s: float) -> None:
    end_s = time.monotonic() + racing_s
    while time.monotonic() < end_s:
        work()


class _Numbers:
    """Yields 1, 2, 3 and so on, in place of an `EventStream`; ends when it is closed."""

    def __init__(self, most: int = sys.maxsize) -> None:
        self.opened = 0
        self.sent = 0
        self._most = most
        self._closed = False

    def __enter__(self) -> Self:
        time.sleep(0.0001)  # other subscribers arrive while it connects
        self.opened += 1
        return self

    def __iter__(self) -> Iterator[int]:
        while not self._closed and self.sent < self._most:
            self.sent += 1
            yield self.sent

    def close(self) -> None:
        self._closed = True


def _shared(numbers: _Numbers, max_queue: int) -> SharedStream[int]:
    stream: Any = numbers
    return SharedStream(stream, max_queue)


@each_size
def test_subscribers_that_arrive_together_open_one_stream(racing_s: float) -> None:
    """Fails without the lock of `FanOut.join`."""

    def round_() -> None:
        numbers = _Numbers(most=0)
        shared = _shared(numbers, 10)

        def subscribe() -> None:
            # it may subscribe after the others have left
            with suppress(StreamClosedError), shared.subscribe() as items:
                assert list(items) == []

        _in_threads(*[subscribe] * 4)
        assert numbers.opened == 1

    _repeat(round_, racing_s)


@each_size
def test_the_first_subscriber_gets_the_first_item(racing_s: float) -> None:
    """Fails where `FanOut.join` starts the thread that reads before it adds the queue."""

    def round_() -> None:
        with _shared(_Numbers(most=3), 10).subscribe() as items:
            assert list(items) == [1, 2, 3]

    _repeat(round_, racing_s)


@small_and_full("racing_s", 0.5, 5.0)
def test_a_subscriber_gets_or_counts_every_item_while_others_join_and_leave(racing_s: float) -> None:
    """Fails where `_read` or `next_items` uses the queues without the lock: a lost item is not counted then."""
    shared = _shared(_Numbers(), max_queue=1)

    def follow_for_a_while() -> None:
        last, received = 0, 0
        with shared.subscribe() as items:
            for item in items:
                if isinstance(item, StreamOverflow):
                    last += item.lost
                elif isinstance(item, int):
                    assert item == last + 1 or not last
                    last = item
                received += 1
                if received == 10:
                    break

    with shared.subscribe():  # the stream stays open
        _in_threads(*[lambda: _repeat(follow_for_a_while, racing_s)] * 4)


def test_an_item_and_the_end_wake_a_waiting_subscriber() -> None:
    """Fails without one of the `wake` in `FanOut._read`."""
    sending = threading.Semaphore(0)

    class Slow(_Numbers):
        def __iter__(self) -> Iterator[int]:
            assert sending.acquire(timeout=5)
            yield 1
            assert sending.acquire(timeout=5)

    with _shared(Slow(), 10).subscribe() as items:
        found: list[Any] = []

        def send() -> None:
            for count in range(2):
                while len(found) < count:
                    time.sleep(0.001)
                time.sleep(0.01)  # until the subscriber waits
                sending.release()

        _in_threads(lambda: found.extend(items), send)
    assert found == [1]


@pytest.mark.parametrize("use", ["__enter__", "get"])
def test_a_thread_waits_while_another_one_reads(use: str) -> None:
    """Fails without the lock of `EventReceiver.open` or of `EventReceiver._wait`."""
    with (
        FaultyServer([begin(idle_event("a"), idle_event("b")), hang]) as server,
        OpencodeClient(server.url) as client,
        client.event.subscribe() as stream,
    ):
        if use == "__enter__":
            stream = client.event.subscribe()
        act = getattr(stream, use)
        receiver: Any = EventReceiver  # Any: its private method
        switch = Switch(receiver._advance, 3, act)
        run_with_switch(switch, act)
        assert switch.happened
        stream.close()


class _NetworkStream:
    """httpcore's stream of a connection, and its socket, which `shutdown` ends."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def get_extra_info(self, _: str) -> Self:
        return self

    def shutdown(self, _: int) -> None:
        self.ended.set()

    def close(self) -> None:
        self.ended.set()


@pytest.mark.parametrize("paused", ["add", "abort"])
def test_a_connection_that_is_made_while_its_stream_is_aborted_ends(paused: str) -> None:
    """Fails where `ConnectionAborter.add` reads `aborted` before its append, or not at all, or `abort` sets it last."""
    line, happened = 0, True
    while happened:
        aborter, network_stream = ConnectionAborter(), _NetworkStream()
        add, abort = partial(aborter.add, network_stream), aborter.abort
        first, other = (add, abort) if paused == "add" else (abort, add)
        switch = Switch(getattr(ConnectionAborter, paused), line, other)
        run_with_switch(switch, first)
        happened = switch.happened
        assert network_stream.ended.is_set() or not happened, f"after a switch at line {line}"
        line += 1
    assert line > 2


def test_closing_ends_the_wait_for_the_next_connection(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails where `close` does not set `closed`, or the receiver sleeps without it."""
    monkeypatch.setattr("opencode_client.streams.reconnect.FIRST_DELAY_S", 60.0)
    with FaultyServer([begin(idle_event("a")), cut]) as server:
        stream = client_kind.client(server.url).event.subscribe()
        waits = threading.Event()

        def draw() -> float:
            waits.set()
            return 0.0

        monkeypatch.setattr("opencode_client.streams.reconnect.random.random", draw)
        use = (lambda: _taken(stream)) if client_kind.is_async else (lambda: list(stream))
        found, *_ = client_kind.meanwhile(use, lambda: waits.wait(5), stream.close)
    assert ids(found) == ["a"]


async def _taken(stream: Any) -> list[Any]:  # Any: of either client
    return [item async for item in stream]
