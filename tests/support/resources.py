"""Threads and descriptors of this process, for tests that check for leaks."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeAlias

import pytest

from tests.support.both_clients import ClientKind

Resources: TypeAlias = "tuple[int, int]"

_PATIENCE_S = 10.0

needs_ctrl_c = pytest.mark.skipif(
    sys.platform == "win32" or threading.current_thread() is not threading.main_thread(),
    reason="Ctrl-C reaches the main thread of this process, where tests have to run",
)


def resources() -> Resources:
    """Count the threads and, except on Windows, the descriptors of this process.

    The threads of an event loop's default executor are not counted: the loop keeps them, and makes more when it likes.
    """
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    return len(threads), 0 if sys.platform == "win32" else len(os.listdir("/dev/fd"))


def pause(client_kind: ClientKind, pause_s: float = 0.01) -> None:
    """Wait, while the event loop runs."""
    client_kind.call(asyncio.sleep if client_kind.is_async else sleep, pause_s)


def until(client_kind: ClientKind, happened: Callable[[], bool]) -> bool:
    """Wait until a condition is true, while the event loop runs. Return False after some seconds."""
    deadline = monotonic() + _PATIENCE_S
    while not (is_over := happened()) and monotonic() < deadline:
        pause(client_kind)
    return is_over


def assert_no_more_than(client_kind: ClientKind, before: Resources) -> None:
    """Wait until there are neither more threads nor more descriptors than `before`."""

    def is_reached() -> bool:
        return all(now <= then for now, then in zip(resources(), before, strict=True))

    assert until(client_kind, is_reached), (before, resources())


def press_ctrl_c(when: Callable[[], object], then: Callable[[], object]) -> threading.Thread:
    """Wait in another thread for `when`, then send SIGINT to the main thread, and call `then` soon after."""

    def press() -> None:
        when()
        sleep(0.05)  # until it waits; no event shows that
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        sleep(0.05)
        then()

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def assert_no_thread_of_terminals(client_kind: ClientKind) -> None:
    """Wait until no thread of a terminal, or of its exit watch, is left."""

    def names() -> list[str]:
        found = [thread.name for thread in threading.enumerate()]
        return [
            name for name in found if any(word in name for word in ("recv_events", "keepalive", "opencode"))
        ]

    until(client_kind, lambda: not names())
    assert names() == []
