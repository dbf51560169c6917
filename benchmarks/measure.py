"""Times, counts and memory, and their ratios. Each round runs every contender once, so that all get the same noise."""

from __future__ import annotations

import gc
import mmap
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from attrs import field, frozen

BASE = "json.loads"
"""The default base: the contender by whose time others are divided."""

Steps = Callable[[], Iterable[Callable[[], object]]]
"""One run: an iterable of calls. Only the calls are timed; code between them prepares or cleans up."""


@frozen
class Contender:
    """Code to time, and the name of the contender by whose time it is divided."""

    name: str
    steps: Steps
    base: str = BASE


@frozen
class Ratio:
    """The least time over the base's least time, and the median, least and greatest of the ratios of each round."""

    best: float
    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{_figure(self.best)} / {_figure(self.median)}"

    @property
    def spread(self) -> str:
        """The least and the greatest ratio of a round."""
        return f"{_figure(self.least)}-{_figure(self.most)}"


@frozen
class Row:
    """A line of the table: the ratio of each contender, and notes."""

    title: str
    target: float
    ratios: Mapping[str, Ratio]
    notes: Sequence[str] = field(default=())


def interleave(
    contenders: Sequence[Contender], *, rounds: int, gc_paused: bool = False, warm: bool = False
) -> dict[str, Ratio]:
    """Return the ratio of each contender to its base, in CPU time of this process. Each runs once before.

    The garbage collector does not see older objects: the classes of one peer do not slow another.
    `warm`, for runs of milliseconds: a contender runs twice in its turn and the second run counts. The first fills the
    processor's caches, which the contender before it has overwritten.
    """
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        _time(contender.steps, gc_paused=gc_paused)
    gc.freeze()
    try:
        for _ in range(rounds):
            for contender in contenders:
                if warm:
                    _time(contender.steps, gc_paused=gc_paused)
                times[contender.name].append(_time(contender.steps, gc_paused=gc_paused))
    finally:
        gc.unfreeze()
    return {
        contender.name: ratio(times[contender.name], times[contender.base])
        for contender in contenders
        if contender.name != contender.base
    }


def _time(steps: Steps, *, gc_paused: bool) -> float:
    """Collect garbage, then return the CPU seconds of one run. Freeing the results of a step is not timed."""
    gc.collect()
    if gc_paused:
        gc.disable()
    seconds = 0.0
    try:
        for step in steps():
            start = time.process_time()
            kept = step()
            seconds += time.process_time() - start
            del kept
    finally:
        gc.enable()
    return seconds


def ratio(mine: Sequence[float], base: Sequence[float]) -> Ratio:
    """Return the ratio of two lists of times, one for each round."""
    rounds = [a / b for a, b in zip(mine, base, strict=True)]
    return Ratio(min(mine) / min(base), median(rounds), min(rounds), max(rounds))


def exact(value: float) -> Ratio:
    """Return a ratio or a count that does not vary from round to round."""
    return Ratio(value, value, value, value)


def _figure(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


class Memory:
    """Memory that is allocated from now until `stop`; read `most_mb` and `note` after it."""

    def __init__(self) -> None:
        self.most_mb = 0.0
        self.note = ""
        self._resident_mb = _resident_mb()
        tracemalloc.start()

    def stop(self) -> Memory:
        left, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        grown_mb = _resident_mb() - self._resident_mb
        self.most_mb = most / 1e6
        self.note = f"left at the end: {left / 1e6:.2f} MB; the process grew by {grown_mb:.1f} MB"
        return self


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * mmap.PAGESIZE / 1e6
