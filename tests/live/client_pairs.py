"""One test body for both clients: the async client is wrapped, so that it is called like the sync one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import Any, Literal, TypeAlias, TypeVar, cast

from attrs import frozen

from opencode_client import AsyncOpencodeClient, OpencodeClient
from opencode_client.calls.namespace import AsyncNamespace

T = TypeVar("T")
SyncOrAsync: TypeAlias = Literal["sync", "async"]
CLIENT_KINDS: tuple[SyncOrAsync, ...] = ("sync", "async")


@contextmanager
def client_of(
    client_kind: SyncOrAsync,
    base_url: str | None = None,
    **options: Any,  # Any: the arguments of a client
) -> Generator[OpencodeClient, None, None]:
    """A sync or async client, called like a sync one."""
    if client_kind == "sync":
        with OpencodeClient(base_url, **options) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        driven = AsyncOpencodeClient(base_url, **options)
        try:
            # cast: both have the same names and parameters; _Driven awaits the results
            yield cast("OpencodeClient", _Driven(driven, runner.run))
        finally:
            runner.run(driven.close())
            runner.run(assert_no_tasks())


async def assert_no_tasks() -> None:
    """Fail if another task is left on this event loop. One that was cancelled may need a moment."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=1)
    assert not left, left


@frozen
class _Driven:
    """An async client or namespace. Its coroutines run to their end before the call returns."""

    _driven: object
    _run: Callable[[Coroutine[Any, Any, Any]], Any]  # Any: the result of any operation

    def __getattr__(self, name: str) -> Any:  # Any: any attribute of a client
        found = getattr(self._driven, name)
        if isinstance(found, AsyncNamespace | AsyncOpencodeClient):
            return _Driven(found, self._run)
        return self._driving(found) if callable(found) else found

    def _driving(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:  # Any: of any operation
            made = method(*args, **kwargs)
            return self._run(made) if iscoroutine(made) else _Driven(made, self._run)

        return call


def until(look: Callable[[], T], deadline_s: float = 20.0) -> T:
    """Call `look` until its result is true, and return that result.

    Raises:
        TimeoutError: the result was still false after `deadline_s`.
    """
    end = time.monotonic() + deadline_s
    while not (seen := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"still {seen!r} after {deadline_s:g} s")
        time.sleep(0.02)
    return seen
