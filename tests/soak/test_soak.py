"""A small soak test with all kinds of work, two restarts of the server, and faults. `make soak` runs a large one."""

from __future__ import annotations

import pytest

from tests.soak.__main__ import Sizes, as_text, not_flat, soak_test

_SMALL = Sizes(
    minutes=0.6,
    threads=4,
    tasks=20,
    turns=6,
    streams=8,
    terminals=8,
    kill_s=20,
    sample_s=5,
    thread_call_s=1,
    task_call_s=3,
    turn_s=2,
)


@pytest.mark.live
def test_no_operation_hangs_and_nothing_is_lost_or_sent_twice() -> None:
    report = soak_test(_SMALL)
    assert report["restarts"] >= 1
    # on a busy machine, some kinds of work may only have met errors
    assert {"call", "turn", "stream", "terminal"} <= {
        name.split()[0].strip(":") for name in report["operations"]
    }
    assert report["problems"] == {}, as_text(report)


def test_a_leak_is_a_problem() -> None:
    samples = [{"memory_mb": 100.0, "threads": 20, "descriptors": 50 + 10 * number} for number in range(12)]
    assert not_flat(samples) == ["descriptors grew from 90 to 150"]
