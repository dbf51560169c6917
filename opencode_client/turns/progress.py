"""The progress of `run_many` on a terminal, shown by rich."""

from __future__ import annotations

import sys
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    from .specs import TurnOutcome


class TurnProgress:
    """A line on stderr: how many turns are over, how many of these failed, and their cost. Thread-safe.

    It shows nothing if stderr is no terminal. `total` is the number of turns, None if it is not known.

    Raises:
        ArgumentError: rich is not installed.
    """

    def __init__(self, total: int | None) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
        except ImportError as error:
            raise ArgumentError("progress=True needs rich: pip install 'opencode-client[cli]'") from error
        sums = "{task.fields[failed]} failed, {task.fields[cost]:.4f} USD"
        is_terminal = sys.stderr is not None and sys.stderr.isatty()  # pyright: ignore[reportUnnecessaryComparison] # None under pythonw
        console = Console(stderr=True, quiet=not is_terminal)
        columns = ("turns", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), sums)
        self._line = Progress(
            *columns,
            console=console,
            disable=not is_terminal,
            redirect_stdout=is_terminal and sys.stdout.isatty(),  # else a file for stdout would stay empty
        )
        self._task = self._line.add_task("", total=total, failed=0, cost=0.0)
        self._failed, self._cost = 0, 0.0
        self._lock = Lock()

    def start(self) -> None:
        """Show the line."""
        self._line.start()

    def add(self, outcome: TurnOutcome) -> None:
        """Count a turn that is over."""
        with self._lock:
            self._failed += outcome.error is not None
            self._cost += outcome.cost
            self._line.update(self._task, advance=1, failed=self._failed, cost=self._cost)

    def stop(self) -> None:
        """Stop updating the line."""
        self._line.stop()
