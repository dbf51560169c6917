"""The work of the soak test. Each function is one worker, written once for threads and for tasks."""

from __future__ import annotations

import asyncio
import re
import threading
import time
import traceback
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from inspect import isawaitable
from itertools import count
from random import Random
from typing import Any

from attrs import define, field

from opencode_client import (
    ArgumentError,
    AsyncOpencodeClient,
    AsyncTurn,
    ClientClosedError,
    EventLoopError,
    OpencodeError,
    PtyGapError,
    PtyTimeoutError,
    ResponseDecodeError,
    StreamGap,
    StreamTimeoutError,
    TextDelta,
    TextReplaced,
)
from opencode_client.models import EventTuiToastShow

_WRONG = (ArgumentError, ClientClosedError, EventLoopError, ResponseDecodeError)
"""Errors that no fault of a network or a server may cause."""
_CALL_S = 400.0
"""The limit of a call with `timeout=30`: three tries, each with 30 s for a free connection and 60 s for the rest."""
_AFTER_ERROR_S = (2.0, 15.0)
_END = "end"
_CALLS: list[Callable[[Any], Any]] = [
    lambda client: client.global_.health(),
    lambda client: client.config.get(),
    lambda client: client.path.get(),
    lambda client: client.project.current(),
    lambda client: client.session.status(),
    lambda client: client.session.list(limit=20),
    lambda client: client.session.create(title="a call"),
    lambda client: client.file.read(path="a.txt"),
    lambda client: client.pty.list(),
]
_COUNTER = """stty -echo; echo '#0'; i=0
while read x; do [ "$x" = exit ] && exit 3; i=$((i+1)); echo "#$i"; done"""
_NUMBER = re.compile(r"#(\d+)\r\n")


@define
class Soak:
    """The state that all workers share."""

    running: bool = True
    is_over: bool = False
    """True when all workers have ended."""
    done: Counter[str] = field(factory=Counter[str])
    """The number of operations, by their name; of those that failed, by name and error."""
    problems: Counter[str] = field(factory=Counter[str])
    published: set[int] = field(factory=set[int])
    """The numbers of the events that the server has confirmed."""
    pending: dict[int, tuple[str, float, threading.Thread | asyncio.Task[Any]]] = field(factory=dict)
    _ids: count[int] = field(factory=count)

    def problem(self, text: str) -> None:
        """Note a problem, and print it when it is new."""
        if text not in self.problems:
            print(text, flush=True)
        self.problems[text] += 1

    @contextmanager
    def operation(self, name: str, limit_s: float) -> Generator[None]:
        """Count an operation and the error that ends it. It hangs if it is not over in time."""
        key = next(self._ids)
        self.pending[key] = name, time.monotonic() + limit_s, _current()
        try:
            yield
        except (StreamTimeoutError, PtyGapError, PtyTimeoutError):
            self.done[f"{name}: timeout or gap"] += 1
            raise
        except OpencodeError as error:
            self.done[f"{name}: {type(error).__name__}"] += 1
            if isinstance(error, _WRONG):
                self.problem(f"{name}: {type(error).__name__}: {error}")
            raise
        else:
            self.done[name] += 1
        finally:
            del self.pending[key]


def _current() -> threading.Thread | asyncio.Task[Any]:
    try:
        return asyncio.current_task() or threading.current_thread()
    except RuntimeError:  # no event loop in this thread
        return threading.current_thread()


@define
class Worker:
    """A client and its random numbers. The methods are coroutines; with a sync client they never suspend."""

    soak: Soak
    client: Any  # Any: either client
    random: Random
    turn_directory: str

    async def repeat(self, work: Callable[[Worker], Coroutine[Any, Any, None]], every_s: float) -> None:
        """Call `work` until the end, with pauses. The errors of faults were counted and are left here."""
        await self.pause(self.random.uniform(0, every_s))
        while self.soak.running:
            try:
                await work(self)
            except OpencodeError:
                await self.pause(self.random.uniform(*_AFTER_ERROR_S))
            except Exception as error:  # noqa: BLE001 # no other error may leave the library
                self.soak.problem("".join(traceback.format_exception(error)))
            await self.pause(self.random.uniform(0.5, 1.5) * every_s)

    async def pause(self, pause_s: float) -> None:
        deadline = time.monotonic() + pause_s
        while self.soak.running and (left := deadline - time.monotonic()) > 0:
            if isinstance(_current(), asyncio.Task):
                await asyncio.sleep(min(left, 5))
            else:
                time.sleep(min(left, 5))

    @asynccontextmanager
    async def opened(self, manager: Any) -> AsyncGenerator[Any]:  # Any: a context manager of either client
        """Enter and leave a context manager."""
        if isinstance(self.client, AsyncOpencodeClient):
            async with manager as one:
                yield one
        else:
            with manager as one:
                yield one

    async def call(self) -> None:
        """Call one operation. One of twenty tasks is cancelled meanwhile."""
        with self.soak.operation("call", _CALL_S):
            value = self.random.choice(_CALLS)(self.client)
            if isawaitable(value) and self.random.random() < 0.05:
                try:
                    await asyncio.wait_for(value, 0.02)
                except TimeoutError:
                    self.soak.done["call: cancelled"] += 1
            else:
                await given(value)

    async def turn(self) -> None:
        """Run a turn, and compare its text, by `run` or from the updates."""
        number = self.random.randrange(10**9)
        prompt = f"turn {number}" + " with a tool" * (number % 5 == 0)
        options = {"permissions": "once", "timeout": 120, "directory": self.turn_directory}
        with self.soak.operation("turn", 2 * _CALL_S):
            if number % 2:
                result = await given(self.client.run(prompt, **options))
                text = result.text
            else:
                async with self.opened(self.client.turn(prompt, **options)) as turn:
                    text = await _text(turn)
                    result = await given(turn.result())
            if not text == result.text == f"echo: {prompt}":
                self.soak.problem(f"turn: {prompt!r} gave {text!r} and {result.text!r}")
        with self.soak.operation("delete", _CALL_S):
            await given(self.client.session.delete(result.session_id, directory=self.turn_directory))

    async def watch(self) -> None:
        """Read a stream for one to three minutes. No published event may be missing without a gap."""
        is_global, slow_s = self.random.random() < 0.05, 0.2 * (self.random.random() < 0.1)
        name, stream = "stream", self.client.event.subscribe(watchdog_s=25)
        if is_global:
            name, stream = "global stream", self.client.global_.event(watchdog_s=25)
        seen: list[int | None] = []
        until = time.monotonic() + self.random.uniform(60, 180)
        with self.soak.operation(f"{name} open", 180):
            opening = self.opened(stream)
            await opening.__aenter__()
        try:
            while time.monotonic() < until or not self.soak.running:
                try:
                    with self.soak.operation(f"{name} item", 120):
                        item = await given(stream.get(timeout=45))
                except StreamTimeoutError:
                    continue
                item = getattr(item, "payload", item)
                if isinstance(item, StreamGap):
                    seen.append(None)
                    self.soak.done[f"{name}: gap"] += 1
                elif isinstance(item, EventTuiToastShow):
                    if item.properties.message == _END:
                        return
                    seen.append(int(item.properties.message))
                if slow_s:
                    await self.pause(slow_s)
        finally:
            with self.soak.operation(f"{name} close", 60):
                await opening.__aexit__(None, None, None)
            self._check(seen)

    def _check(self, seen: list[int | None]) -> None:
        """Compare numbers and gaps (None) of a stream with the events whose publication is confirmed."""
        last: int | None = None
        for number in seen:
            if number is not None and number not in self.soak.published:
                continue  # the server may have published it later than the next one
            if number is not None and last is not None:
                missing = self.soak.published.intersection(range(last + 1, number))
                if number <= last or missing:
                    self.soak.problem(f"stream: {number} after {last}, without {sorted(missing)}")
            last = number

    async def type(self) -> None:
        """Use a terminal for a while. Its program counts the lines; no number may be missing without a gap."""
        rounds, seen = self.random.randrange(3, 15), [-1]
        terminal = self.client.terminal("sh", args=["-c", _COUNTER])
        with self.soak.operation("terminal", 1_200 + _CALL_S):
            async with self.opened(terminal) as connected:
                await self._talk(connected, rounds, seen)

    async def _talk(self, terminal: Any, rounds: int, seen: list[int]) -> None:  # Any: of either client
        with self.soak.operation("terminal open", 120):
            self._count(await given(terminal.read_until("#0\r\n", timeout=60)), seen)
        for number in range(rounds):
            await self.pause(self.random.uniform(5, 15))
            with self.soak.operation("terminal line", 180):
                await given(terminal.send("x\n"))
                if number == 1:
                    await given(terminal.resize(rows=30, cols=100))
            try:
                with self.soak.operation("terminal output", 120):
                    self._count(await given(terminal.read_until(_NUMBER, timeout=30)), seen)
            except PtyTimeoutError:
                continue
            except PtyGapError:
                seen.clear()
        with self.soak.operation("terminal exit", 180):
            await given(terminal.send("exit\n"))
            code = await given(terminal.wait(timeout=60))
        if code not in {3, None}:
            self.soak.problem(f"terminal: exit code {code}")

    def _count(self, text: str, seen: list[int]) -> None:
        for found in _NUMBER.finditer(text):
            number = int(found[1])
            if seen and number != seen[-1] + 1:
                self.soak.problem(f"terminal: {number} after {seen[-1]}")
            seen[:] = [number]


def publish(soak: Soak, client: Any, every_s: float) -> None:  # Any: a sync client
    """Publish numbered events until the end, then events that end the streams, until all workers have ended."""
    for number in count():
        if soak.is_over:
            return
        try:
            client.tui.show_toast(message=str(number) if soak.running else _END, variant="info")
            soak.published.add(number)
        except OpencodeError:
            pass  # it may have been published
        time.sleep(every_s)


async def given(value: Any) -> Any:  # Any: any result
    """Return the result of a call of either client."""
    return await value if isawaitable(value) else value


async def _text(turn: Any) -> str:  # Any: a turn of either client
    parts: dict[str, str] = {}

    def add(update: object) -> None:
        if isinstance(update, TextDelta):
            parts[update.part_id] = parts.get(update.part_id, "") + update.text
        elif isinstance(update, TextReplaced):
            parts[update.part_id] = update.text

    if isinstance(turn, AsyncTurn):
        async for update in turn:
            add(update)
    else:
        for update in turn:
            add(update)
    return "".join(parts.values())
