"""Run the soak test: `python -m tests.soak`. Its sizes are variables: MINUTES, TURNS, STREAMS and those in `Sizes`.

Writes build/soak/report.json and report.txt, and fails if an operation hung, a prompt was sent twice, something was
lost without a gap, or memory, threads or descriptors grew.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from attrs import asdict, frozen

from opencode_client import AsyncOpencodeClient, OpencodeClient
from tests.soak.place import Place, a_place
from tests.soak.workers import Soak, Worker, publish

_END_S = 240.0
_OPTIONS: dict[str, Any] = {"timeout": 30, "turn_timeout": 150}
_ALLOWED = {"memory_mb": (1.05, 20), "threads": (1.05, 10), "descriptors": (1.05, 30)}
"""The factor and the number by which the last third of the samples may exceed the first."""


@frozen(kw_only=True)
class Sizes:
    """The sizes of a run. The rates are such that two cores have enough time."""

    minutes: float = 3
    threads: int = 64
    tasks: int = 1_000
    turns: int = 50
    streams: int = 200
    terminals: int = 200
    sync_share: float = 0.1
    """Share of the turns, streams and terminals that use the sync client, each in a thread of its own."""
    kill_s: float = 60
    sample_s: float = 60
    thread_call_s: float = 6.4
    """Mean pause between two calls of a thread."""
    task_call_s: float = 100
    turn_s: float = 25
    """Time of the model for a turn."""
    publish_s: float = 1
    seed: int = 1

    @classmethod
    def from_environment(cls) -> Sizes:
        """Read the sizes from variables such as MINUTES and KILL_S."""
        kinds: dict[str, Any] = {
            name: type(value) for name, value in asdict(cls()).items()
        }  # Any: int or float
        found = {
            name: kind(os.environ[name.upper()]) for name, kind in kinds.items() if name.upper() in os.environ
        }
        return cls(**found)


class Watchdog(threading.Thread):
    """Samples this process, and reports operations that are not over in time, with their stacks."""

    def __init__(self, soak: Soak, sample_s: float) -> None:
        super().__init__(daemon=True)
        self.samples: list[dict[str, float]] = []
        self.over = threading.Event()
        self._soak = soak
        self._sample_s = sample_s

    def run(self) -> None:
        next_sample = time.monotonic() + self._sample_s
        while not self.over.wait(2):
            now = time.monotonic()
            if now >= next_sample and self._soak.running:
                next_sample = now + self._sample_s
                self.samples.append(sample())
                print(self.samples[-1], sum(self._soak.done.values()), flush=True)
            for key, (name, limit, where) in self._soak.pending.copy().items():  # one step of the interpreter
                if now > limit:
                    self._soak.pending[key] = name, now + 10_000, where
                    self._soak.problem(f"{name} hangs:\n{stack(where)}")


def sample() -> dict[str, float]:
    """Measure this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    memory = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    loop_threads = [one for one in threading.enumerate() if not one.name.startswith("asyncio_")]
    return {
        "memory_mb": round(memory, 1),
        "threads": len(loop_threads),
        "objects": len(gc.get_objects()),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "cpu_s": round(time.process_time(), 1),
    }


def stack(where: threading.Thread | asyncio.Task[Any]) -> str:
    """Return the stack of a worker."""
    if isinstance(where, threading.Thread):
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage] # documented, although its name is private
        return "".join(traceback.format_stack(frames.get(where.ident or 0)))
    lines: list[str] = []
    one: Any = where.get_coro()
    while one is not None and (frame := getattr(one, "cr_frame", None) or getattr(one, "ag_frame", None)):
        lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}")
        one = getattr(one, "cr_await", None) or getattr(one, "ag_await", None)
    return "\n".join([*lines, f"waits for {one!r}"])


def not_flat(samples: list[dict[str, float]]) -> list[str]:
    """Return what grew. The first quarter of the samples is the warm-up."""
    warm = samples[len(samples) // 4 :]
    third = len(warm) // 3
    problems: list[str] = []
    for name, (factor, more) in _ALLOWED.items() if third else ():
        first, last = (median(one[name] for one in part) for part in (warm[:third], warm[-third:]))
        if last > first * factor + more:
            problems.append(f"{name} grew from {first} to {last}")
    return problems


async def work(soak: Soak, sizes: Sizes, place: Place) -> dict[str, Any]:  # Any: JSON
    """Start all workers, let them work, and end them. Return what the other process counted."""
    random = Random(sizes.seed)  # noqa: S311 # not for secrets
    turn_directory = str(Path(place.directory, "src"))
    with OpencodeClient(place.proxy, directory=place.directory, **_OPTIONS) as client:
        async with AsyncOpencodeClient(place.proxy, directory=place.directory, **_OPTIONS) as async_client:

            def worker(one: OpencodeClient | AsyncOpencodeClient) -> Worker:
                return Worker(soak, one, Random(random.random()), turn_directory)  # noqa: S311 # as above

            works: list[tuple[int, int, Callable[[Worker], Coroutine[Any, Any, None]], float]] = [
                (sizes.threads, sizes.tasks, Worker.call, 0),
                *(
                    (int(number * sizes.sync_share), number - int(number * sizes.sync_share), one, pause_s)
                    for number, one, pause_s in (
                        (sizes.turns, Worker.turn, 0.5),
                        (sizes.streams, Worker.watch, 0.5),
                        (sizes.terminals, Worker.type, 0.5),
                    )
                ),
            ]
            threads: list[threading.Thread] = []
            tasks: list[asyncio.Task[None]] = []
            for in_threads, in_tasks, one, pause_s in works:
                for _ in range(in_threads):
                    body = worker(client).repeat(one, pause_s or sizes.thread_call_s)
                    threads.append(threading.Thread(target=drive, args=(body,)))
                for _ in range(in_tasks):
                    tasks.append(
                        asyncio.create_task(worker(async_client).repeat(one, pause_s or sizes.task_call_s))
                    )
            for thread in threads:
                thread.start()
            await asyncio.sleep(sizes.minutes * 60)
            soak.running = False
            found: dict[str, Any] = await asyncio.to_thread(place.finish)
            done, pending = await asyncio.wait(tasks, timeout=_END_S)
            await asyncio.to_thread(join, threads, 30.0)
            soak.problems.update([f"a task does not end:\n{stack(task)}" for task in pending])
            soak.problems.update(
                [f"a thread does not end:\n{stack(one)}" for one in threads if one.is_alive()]
            )
            soak.problems.update(
                [f"a task failed: {task.exception()!r}" for task in done if task.exception()]
            )
            soak.is_over = True
            return found


def drive(body: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never suspends."""
    try:
        body.send(None)
    except StopIteration:
        return
    raise AssertionError("a worker of the sync client suspends")


def join(threads: list[threading.Thread], patience_s: float) -> None:
    """Wait for all threads together."""
    deadline = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))


def soak_test(sizes: Sizes) -> dict[str, Any]:  # Any: JSON
    """Run the test and return its report."""
    soak = Soak()
    watchdog = Watchdog(soak, sizes.sample_s)
    with a_place(kill_s=sizes.kill_s, turn_s=sizes.turn_s, seed=sizes.seed) as place:
        before = sample()
        with OpencodeClient(place.server, directory=place.directory, timeout=10) as direct:
            publisher = threading.Thread(target=publish, args=(soak, direct, sizes.publish_s))
            publisher.start()
            watchdog.start()
            found = asyncio.run(work(soak, sizes, place))
            soak.is_over = True
            publisher.join()
        watchdog.over.set()
        watchdog.join()
    gc.collect()
    after = sample()
    soak.problems.update(not_flat(watchdog.samples))
    prompts = found.pop("prompts")
    soak.problems.update(
        [f"prompt {key} was sent {times} times" for key, times in prompts.items() if times > 1]
    )
    soak.problems.update(
        [
            f"{name} left: {after[name]} after {before[name]}"
            for name in ("threads", "descriptors")
            if after[name] > before[name]
        ]
    )
    return {
        "sizes": asdict(sizes),
        **found,
        "prompts": len(prompts),
        "published": len(soak.published),
        "operations": dict(sorted(soak.done.items())),
        "samples": [before, *watchdog.samples, after],
        "problems": dict(soak.problems),
    }


def as_text(report: dict[str, Any]) -> str:  # Any: JSON
    """Return the report for people."""
    lines = [f"Sizes: {report['sizes']}"]
    lines += [f"{name}: {report[name]}" for name in ("restarts", "faults", "prompts", "published")]
    lines += ["", *(f"{number:8d}  {name}" for name, number in report["operations"].items()), ""]
    lines += [" ".join(f"{value:>12}" for value in one) for one in [[*report["samples"][0]]]]
    lines += [" ".join(f"{value:>12}" for value in one.values()) for one in report["samples"]]
    return "\n".join(
        [*lines, "", f"{len(report['problems'])} problems", *map(str, report["problems"].items())]
    )


def main() -> int:
    """Run the test, write the report, and return the exit code."""
    logging.getLogger("opencode_client").setLevel(logging.ERROR)  # each fault is a warning
    report = soak_test(Sizes.from_environment())
    folder = Path("build", "soak")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    (folder / "report.txt").write_text(as_text(report) + "\n", encoding="utf-8")
    print(as_text(report))
    return bool(report["problems"])


if __name__ == "__main__":
    sys.exit(main())
