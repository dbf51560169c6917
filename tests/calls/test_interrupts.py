"""Ctrl-C at any step of a call: the client still works. `make test-stress` interrupts it thousands of times."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from opencode_client.calls.async_http_connection import AsyncHttpConnection
from opencode_client.calls.http_connection import HttpConnection
from scripts.rooms import ROOT
from tests.support.busy_server import BusyServer
from tests.support.concurrency import busy as busy  # a fixture
from tests.support.sizes import small_and_full


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer")
@small_and_full("interrupts", 100, 3000)
def test_a_client_works_after_many_interrupts(busy: BusyServer, interrupts: int) -> None:
    program = [sys.executable, "-X", "faulthandler", "-m", "tests.calls.interrupted_program"]
    done = subprocess.run(
        [*program, busy.url, str(interrupts)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) == interrupts
    busy.await_connections(0)


@pytest.mark.parametrize("kind", [HttpConnection, AsyncHttpConnection])
def test_a_connection_whose_creation_was_interrupted_is_freed(
    kind: type[HttpConnection] | type[AsyncHttpConnection],
) -> None:
    """Otherwise Python prints an error of `__del__`."""
    kind.__new__(kind).__del__()
