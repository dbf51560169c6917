"""One test body for both clients: the fixture `client_kind` runs it with the sync and with the async client."""

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
"""A function that uses a client, written as for the sync one: `lambda client: client.session.list()`."""


@frozen
class ClientKind:
    """The sync or the async client, and the calls to create and use it."""

    is_async: bool
    _runner: asyncio.Runner = field(factory=asyncio.Runner, init=False)
    _made: list[Any] = field(factory=list[Any], init=False)

    def run(
        self, url: str, *actions: Action, **options: Any
    ) -> Any:  # Any: arguments and results of any operation
        """Run the actions in order with a new client, close it, and return the result of the last action."""
        return (
            asyncio.run(_awaited(url, actions, options)) if self.is_async else _called(url, actions, options)
        )

    def error(self, url: str, *actions: Action, **options: Any) -> OpencodeError:  # Any: as above
        """Run the actions, and return the error that the last one raises."""
        with pytest.raises(OpencodeError) as caught:
            self.run(url, *actions, **options)
        return caught.value

    def client(
        self, base_url: str | None = "http://127.0.0.1:1", **options: Any
    ) -> Any:  # Any: either client
        """Create a client. `close` closes it."""
        client = (AsyncOpencodeClient if self.is_async else OpencodeClient)(base_url, **options)
        self._made.append(client)
        return client

    def mocked(
        self, handler: Handler, base_url: str = "http://127.0.0.1:1", **options: Any
    ) -> Any:  # Any: as above
        """Create a client without a network: `handler` returns the responses."""
        transport = httpx.MockTransport(handler)
        given = httpx.AsyncClient(transport=transport) if self.is_async else httpx.Client(transport=transport)
        return self.client(base_url, http_client=given, **options)

    def call(self, method: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:  # Any: any result
        """Call a method of a client and return its result, awaited if needed. All calls share one event loop."""
        value = method(*arguments, **named)
        return self._runner.run(_given(value)) if isawaitable(value) else value

    def meanwhile(
        self, use: Callable[[], Any], happened: Callable[[], object], *acts: Callable[[], Any]
    ) -> list[Any]:  # Any: as above
        """Run `use` in its own thread or task, wait for `happened`, then run the other acts in order.

        Return the result of `use`, or its error, and the results of the acts. `happened` usually waits for a server.
        """
        if self.is_async:
            found: list[Any] = self.call(_in_a_task, use, happened, acts)
            return found
        return _in_a_thread(use, happened, acts)

    def close_clients(self) -> None:
        """Close all clients."""
        for client in self._made:
            self.call(client.close)

    def close(self) -> None:
        """Close all clients and the event loop."""
        self.close_clients()
        self._runner.close()


async def _given(value: Any) -> Any:  # Any: any result
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
