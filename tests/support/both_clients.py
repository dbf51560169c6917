"""Both clients through one body: what a test does with a client is done by the synchronous or the asynchronous one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from inspect import isawaitable
from typing import Any, TypeAlias

import httpx
import pytest
from attrs import field, frozen

from opencode_client import AsyncOpencodeClient, OpencodeClient, OpencodeError

Client: TypeAlias = OpencodeClient | AsyncOpencodeClient
Handler: TypeAlias = Callable[[httpx.Request], httpx.Response]
Action: TypeAlias = Callable[[Client], object]
"""What is done with a client, as if it were synchronous: `lambda client: client.session.list()`."""


@frozen
class ClientKind:
    """The synchronous or the asynchronous client."""

    is_async: bool
    _runner: asyncio.Runner = field(factory=asyncio.Runner, init=False)
    _made: list[Any] = field(factory=list[Any], init=False)

    def run(
        self, url: str, *actions: Action, **options: Any
    ) -> Any:  # Any: arguments and values of any operation
        """The value of the last action; all are done in order with one client, which is closed then."""
        return (
            asyncio.run(_awaited(url, actions, options)) if self.is_async else _called(url, actions, options)
        )

    def error(self, url: str, *actions: Action, **options: Any) -> OpencodeError:  # Any: as above
        """What the last action raises."""
        with pytest.raises(OpencodeError) as caught:
            self.run(url, *actions, **options)
        return caught.value

    def client(
        self, base_url: str | None = "http://127.0.0.1:1", **options: Any
    ) -> Any:  # Any: either client
        """A client, which `close` closes."""
        client = (AsyncOpencodeClient if self.is_async else OpencodeClient)(base_url, **options)
        self._made.append(client)
        return client

    def mocked(
        self, handler: Handler, base_url: str = "http://127.0.0.1:1", **options: Any
    ) -> Any:  # Any: as above
        """A client whose requests `handler` answers."""
        transport = httpx.MockTransport(handler)
        given = httpx.AsyncClient(transport=transport) if self.is_async else httpx.Client(transport=transport)
        return self.client(base_url, http_client=given, **options)

    def call(self, method: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:  # Any: what it gives
        """What a method of a client gives, awaited where that is needed; on one event loop until `close`."""
        value = method(*arguments, **named)
        return self._runner.run(_given(value)) if isawaitable(value) else value

    def meanwhile(
        self, use: Callable[[], Any], happened: Callable[[], object], *acts: Callable[[], Any]
    ) -> list[Any]:  # Any: as above
        """What a use gives, or the error that it raises, and what acts give that are done in order beside it.

        They are done as soon as something has happened, which is what a server waits for; by another thread than the
        use, or another task.
        """
        if self.is_async:
            found: list[Any] = self.call(_in_a_task, use, happened, acts)
            return found
        return _in_a_thread(use, happened, acts)

    def close(self) -> None:
        """Close every client that was made, and the loop."""
        for client in self._made:
            self.call(client.close)
        self._runner.close()


async def _given(value: Any) -> Any:  # Any: what a method gave
    return await value


def _in_a_thread(
    use: Callable[[], Any], happened: Callable[[], object], acts: Iterable[Callable[[], Any]]
) -> list[Any]:
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(use())
        except OpencodeError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    happened()
    given = [act() for act in acts]
    thread.join(5)
    return [outcome.pop(), *given]


async def _in_a_task(
    use: Callable[[], Any], happened: Callable[[], object], acts: Iterable[Callable[[], Any]]
) -> list[Any]:
    task: asyncio.Future[Any] = asyncio.ensure_future(use())
    await asyncio.to_thread(happened)
    given: list[Any] = []
    for act in acts:
        value = act()
        given.append(await value if isawaitable(value) else value)
    [outcome] = await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)
    return [outcome, *given]


def _called(url: str, actions: tuple[Action, ...], options: dict[str, Any]) -> object:
    value: object = None
    with OpencodeClient(url, **options) as client:
        for action in actions:
            value = action(client)
    return value


async def _awaited(url: str, actions: tuple[Action, ...], options: dict[str, Any]) -> object:
    value: object = None
    async with AsyncOpencodeClient(url, **options) as client:
        for action in actions:
            value = action(client)
            if isawaitable(value):
                value = await value
    return value


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def client_kind(request: pytest.FixtureRequest) -> Iterator[ClientKind]:
    """Run the test twice, with sync and with async clients, which are closed at the end."""
    one = ClientKind(request.param)
    yield one
    one.close()
