"""Run turns on several machines with Dask: one opencode server for each worker. Needs `opencode-client[dask]`.

    with distributed.Client(address) as dask:
        dask.register_plugin(OpencodePlugin(config={"model": "anthropic/claude-sonnet-4-5"}))
        for outcome in run_turns(dask, specs, results="results.jsonl"):
            print(outcome.spec.key, outcome.cost)

Each prompt is sent at most once. Dask runs the task of a dead worker again on another one. So a task claims its turn at
the scheduler before it sends the prompt; a task that finds a claim reports an error, and sends nothing.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import evolve
from distributed import Client, SchedulerPlugin, WorkerPlugin, as_completed, get_worker
from distributed.utils import sync

from .errors import ArgumentError, OpencodeError
from .server import OpencodeServer
from .turns.progress import TurnProgress
from .turns.specs import TurnOutcome, TurnSpec, check_spec, options_of

if TYPE_CHECKING:
    from distributed import Worker

    from .calls.directories import StrPath

_CLAIM, _END = "opencode_claim", "opencode_end"
_SOURCE = re.compile(r"git\+(\w+://[^/\s]*/\S+)@([^@\s-][^@\s]*)")
_sync: Any = sync  # Any: it has no types


class FleetError(OpencodeError):
    """A turn of `run_turns` has no result: it was not sent, or its end is not known. The message says which."""


class OpencodePlugin(WorkerPlugin):
    """Run one isolated opencode server on each Dask worker. A server that has died is replaced.

    Args:
        options: Arguments of `OpencodeServer`, such as `executable=`, `config=`, `env=`. `isolated` is True by default.
    """

    name = "opencode"

    def __init__(self, **options: Any) -> None:  # Any: as OpencodeServer takes them
        self._options: dict[str, Any] = {"isolated": True, **options}  # Any: as above
        self._server: OpencodeServer | None = None

    def setup(self, worker: Worker) -> None:
        """Start the server of this worker. If it does not start, the worker does not start, either."""
        self._starting = Lock()  # not in `__init__`: plugins are pickled
        # all servers of a worker have one password: a new one may get the port of a dead one, and turns of the dead one
        # then get "no such session", not a 401
        self._options.setdefault("password", secrets.token_urlsafe(32))
        self.server()

    def teardown(self, worker: Worker) -> None:
        """End the server of this worker."""
        if self._server is not None:
            self._server.close()

    def server(self) -> OpencodeServer:
        """Return the server of this worker. If it does not respond, end it and start another one.

        Raises:
            ServerStartError: the new server does not start.
        """
        with self._starting:
            if self._server is not None and not _responds(self._server):
                self._server.close()
                self._server = None
            if self._server is None:
                self._server = OpencodeServer(**self._options).start()
            return self._server


class _Ledger(SchedulerPlugin):
    """Remembers claimed turns and ended jobs. Runs at the scheduler, which lives longer than the workers."""

    name = "opencode-ledger"
    idempotent = True  # the jobs of a scheduler share it

    def __init__(self) -> None:
        self._claimed: set[str] = set()
        self._over: dict[str, str] = {}
        self._scheduler: Any = None  # Any: a Scheduler, half of whose members have no types

    async def start(self, scheduler: Any) -> None:  # Any: half of its members have no types
        """Add the handlers that tasks and clients call."""
        self._scheduler = scheduler
        scheduler.handlers.update({_CLAIM: self._claim, _END: self._end})

    def _claim(self, task: str) -> str:
        """Claim a turn for the task that calls this. Return "" or the reason why it must not send its prompt."""
        job = task.partition("/")[0]
        if task in self._claimed:
            return "its worker died after it had claimed this turn: the prompt may have been sent"
        if job in self._over:
            return self._over[job]
        self._claimed.add(task)
        self._scheduler.log_event(job, task)
        return ""

    def _end(self, job: str, reason: str) -> None:
        """Refuse the claims of a job from now on."""
        self._over[job] = reason


class _Journal:
    """The results file, if there is one. Thread-safe: Dask reports claims in a thread of its own."""

    def __init__(self, file: Path | None) -> None:
        text = file.read_text(encoding="utf-8") if file and file.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # the last line may be cut off
        if file and whole != text:
            file.write_text(whole, encoding="utf-8")
        entries = [json.loads(line) for line in whole.splitlines()]
        self.done: set[str] = {entry["key"] for entry in entries if "outcome" in entry}
        self.claimed: set[str] = {entry["key"] for entry in entries} - self.done
        self._file = file
        self._lock = Lock()

    def claim(self, event: tuple[float, str]) -> None:
        """Write that the prompt of a turn is about to be sent. An event of Dask is a pair: time and task."""
        self._write({"key": event[1].partition("/")[2]})

    def add(self, outcome: TurnOutcome) -> None:
        """Write the outcome of a turn."""
        one = outcome.result or outcome.partial
        error = None if outcome.error is None else f"{type(outcome.error).__name__}: {outcome.error}"
        about = {} if one is None else {"session_id": one.session_id, "text": one.text}
        self._write({"key": outcome.spec.key, "outcome": {**about, "cost": outcome.cost, "error": error}})

    def _write(self, entry: dict[str, Any]) -> None:  # Any: JSON
        if self._file:
            with self._lock, self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")


def run_turns(
    dask: Client,
    specs: Iterable[TurnSpec],
    *,
    results: StrPath | None = None,
    max_cost: float | None = None,
    progress: bool = False,
) -> Iterator[TurnOutcome]:
    """Run turns on the workers of a Dask cluster. Yield an outcome for each one, in the order in which they end.

    A worker runs as many turns at a time as it has threads. If you stop iterating, no more turns start; running turns
    continue to their end.

    Args:
        dask: Client of a cluster whose workers have an `OpencodePlugin`.
        specs: The turns. `directory` is a path on the worker's machine, or `git+URL@REVISION`: then each turn gets its
            own clone, which is removed after the turn. Each turn needs its own `key`, a text.
        results: File of JSON lines, to which claims and outcomes are added. Turns with an outcome in it are skipped.
            Turns that were claimed and have no outcome are errors, because their prompts may have been sent.
        max_cost: USD for all turns together. Above it, no more turns begin; their outcomes are errors.
        progress: Show a line on the terminal. Needs rich.

    An outcome has a `FleetError` as its `error` if its turn was not sent, or if its end is not known.

    Raises:
        ArgumentError: a spec is wrong, or two have the same key.
    """
    todo = _checked(specs)
    journal = _Journal(None if results is None else Path(results))
    line = TurnProgress(len(todo)) if progress else None
    dask.register_plugin(_Ledger(), name=_Ledger.name)
    return _reported(_outcomes(dask, todo, journal, max_cost), journal, line)


def _checked(specs: Iterable[TurnSpec]) -> list[TurnSpec]:
    todo, keys = list(specs), set[object]()
    for at, spec in enumerate(todo):
        check_spec(spec, at)
        if not isinstance(spec.key, str) or spec.key in keys:
            raise ArgumentError(f"specs[{at}]: key takes a text of its own, not {spec.key!r}")
        keys.add(spec.key)
        if str(spec.directory).startswith("git+") and not _SOURCE.fullmatch(str(spec.directory)):
            raise ArgumentError(f"specs[{at}]: directory takes a path or git+https://host/path@REVISION")
    return todo


def _reported(
    outcomes: Generator[TurnOutcome], journal: _Journal, line: TurnProgress | None
) -> Iterator[TurnOutcome]:
    """Yield the outcomes, after writing each one to the results file and the terminal."""
    with closing(outcomes), ExitStack() as ended:
        if line is not None:
            line.start()
            ended.callback(line.stop)
        for outcome in outcomes:
            journal.add(outcome)
            if line is not None:
                line.add(outcome)
            yield outcome


def _outcomes(
    dask: Any, todo: list[TurnSpec], journal: _Journal, max_cost: float | None
) -> Generator[TurnOutcome]:  # Any: half of the methods of a Client have no types
    job, spent, limit = f"opencode-{uuid4().hex[:12]}", 0.0, ""
    dask.subscribe_topic(job, journal.claim)
    unknown = "an earlier run claimed this turn and did not see its end: its prompt may have been sent"
    yield from [_failed(spec, unknown) for spec in todo if spec.key in journal.claimed]
    waiting = deque(spec for spec in todo if spec.key not in journal.done | journal.claimed)
    running: dict[str, TurnSpec] = {}
    ended: Any = as_completed()  # type: ignore[no-untyped-call] # Any: as above
    try:
        while waiting or running:
            room = 2 * sum(dask.nthreads().values()) or 1
            while waiting and not limit and len(running) < room:
                spec = waiting.popleft()
                task = f"{job}/{spec.key}"
                running[task] = spec
                ended.add(dask.submit(_run, task, spec, key=task, pure=False))
            if limit and waiting:
                yield _failed(waiting.popleft(), limit)
                continue
            future = next(ended)
            spec, error = running.pop(future.key), future.exception()  # such as: its workers died too often
            outcome = _failed(spec, f"no outcome: {error}", error) if error else future.result()
            spent += outcome.cost
            if not limit and max_cost is not None and spent >= max_cost:
                limit = f"not sent: the turns before it cost {spent:.4f} USD, and max_cost is {max_cost}"
                dask.sync(getattr(dask.scheduler, _END), job=job, reason=limit)
            yield outcome
    finally:
        dask.sync(getattr(dask.scheduler, _END), job=job, reason="not sent: the iteration was left")
        dask.unsubscribe_topic(job)


def _failed(spec: TurnSpec, reason: str, cause: BaseException | None = None) -> TurnOutcome:
    error = FleetError(reason)
    error.__cause__ = cause
    return TurnOutcome(spec, error=error)


def _run(task: str, spec: TurnSpec) -> TurnOutcome:
    """Run a turn on this worker, unless it is claimed already."""
    worker: Any = get_worker()  # Any: half of its members have no types
    plugin = worker.plugins.get(OpencodePlugin.name)
    if not isinstance(plugin, OpencodePlugin):
        return _failed(spec, "not sent: register an OpencodePlugin at the Dask client first")
    try:
        with _place(spec.directory) as directory, plugin.server().client(directory=directory) as client:
            refused = _sync(worker.loop, getattr(worker.scheduler, _CLAIM), task=task)
            if refused:
                return _failed(spec, refused)
            try:
                return TurnOutcome(spec, client.run(spec.prompt, **options_of(evolve(spec, directory=None))))
            finally:
                if directory != spec.directory:
                    with suppress(OpencodeError):  # the outcome counts; the server is restarted if it is gone
                        client.instance.dispose()
    except OpencodeError as error:
        return TurnOutcome(spec, error=error)


@contextmanager
def _place(directory: StrPath | None) -> Generator[StrPath | None]:
    """Yield the directory of a turn. For `git+URL@REVISION` it is a new clone, which is removed after the turn."""
    source = _SOURCE.fullmatch(str(directory))
    if source is None:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="opencode-clone-", ignore_cleanup_errors=True) as folder:
        _git("clone", "--quiet", "--", source[1], folder)
        _git("-C", folder, "checkout", "--quiet", "--detach", source[2])
        yield folder


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607 # the caller's URL
    if done.returncode:
        shown = re.sub(r"//[^/\s@]*@", "//***@", done.stderr.strip())
        raise FleetError(f"not sent: git {arguments[0]} failed: {shown}")


def _responds(server: OpencodeServer) -> bool:
    """Return True if the server responds within a minute. On a busy machine it may need some seconds."""
    try:
        with server.client(timeout=60) as client:
            client.global_.health()
    except OpencodeError:
        return False
    return True
