"""Interleaved timing: every round runs all contenders once, so that noise falls on all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from attrs import field, frozen

BASE = "json.loads"
"""The contender that others are divided by, where they name no other."""


Steps = Callable[[], Iterable[Callable[[], object]]]
"""One run: only the calls of what it gives are timed, so that it can prepare what they need in between."""


@frozen
class Contender:
    """Something to time, and the name of the contender that its time is divided by."""

    name: str
    steps: Steps
    base: str = BASE


@frozen
class Ratio:
    """Minimum over minimum, and of the ratios round by round the median, the least and the most."""

    best: float
    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{_figure(self.best)} / {_figure(self.median)}"

    @property
    def spread(self) -> str:
        """The rounds' least and most."""
        return f"{_figure(self.least)}-{_figure(self.most)}"


@frozen
class Row:
    """A line of the table: a ratio by contender, and what must be said about them."""

    title: str
    target: float
    ratios: Mapping[str, Ratio]
    notes: Sequence[str] = field(default=())


def interleave(
    contenders: Sequence[Contender], *, rounds: int, gc_paused: bool = False, warm: bool = False
) -> dict[str, Ratio]:
    """The ratio of each contender to its base. Times are CPU seconds of this process; each is run once before.

    What was there before is hidden from the garbage collector: the classes of one peer are no burden on another.
    With `warm`, for runs of milliseconds, a contender runs twice in its turn and the second run counts: else it would
    pay for the caches that the one before it has emptied.
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
    """CPU seconds of one run, from a collected heap; what a step returns is released outside the measured time."""
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
    """The ratio of two equally long lists of times, taken in the same rounds."""
    rounds = [a / b for a, b in zip(mine, base, strict=True)]
    return Ratio(min(mine) / min(base), median(rounds), min(rounds), max(rounds))


def exact(value: float) -> Ratio:
    """The ratio of two counts, which do not vary."""
    return Ratio(value, value, value, value)


def _figure(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
