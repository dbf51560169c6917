"""Ctrl-C at any step of a call: the client goes on."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from scripts.rooms import ROOT
from tests.support.busy_server import BusyServer
from tests.support.concurrency import busy as busy  # a fixture

_INTERRUPTS = 3000


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer")
def test_a_client_goes_on_after_thousands_of_interrupts(busy: BusyServer) -> None:
    program = [sys.executable, "-X", "faulthandler", "-m", "tests.calls.interrupted_program"]
    done = subprocess.run(
        [*program, busy.url, str(_INTERRUPTS)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) == _INTERRUPTS
    busy.await_connections(0)
