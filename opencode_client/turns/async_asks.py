# The source of asks.py, which `make generate` writes.
"""Answer the asks of a turn, or those of `client.asks()`: a feed of all waiting asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..errors import ArgumentError, NotFoundError
from ..signatures import explain_call
from ..streams.async_background import finish, here
from ..streams.async_items import AsyncItems
from .asks_state import AsksState
from .async_calls import AsyncTurnCalls, prepare_asks
from .async_hub import AsyncRun, start
from .dispatch import S
from .inputs import Done, ReplyTo
from .policies import Answers, Decision, answers_of, decision_of
from .updates import AskUpdate, PermissionAsk, QuestionAsk

if TYPE_CHECKING:
    from ..async_client import AsyncOpencodeClient
    from ..calls.directories import StrPath

T = TypeVar("T")


class AsyncAnswering(AsyncItems[T], Generic[T, S]):
    """The part of turns and feeds that answers asks."""

    _run: AsyncRun[S] | None = None

    @explain_call
    async def reply(self, ask: PermissionAsk, decision: Decision) -> None:
        """Answer a permission: "once", "always", "reject", or `Reject("why")`, after which the model goes on.

        If somebody else has already answered the ask, no error is raised; an `AskClosed` follows for it.

        Raises:
            ArgumentError: `decision` is no decision, or `ask` is no PermissionAsk.
        """
        if not isinstance(ask, PermissionAsk):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError(
                f"reply takes the PermissionAsk that you got, not {ask!r:.60}; answer a QuestionAsk with answer()"
            )
        await self._send(ReplyTo(ask, decision_of(decision)))

    @explain_call
    async def answer(self, ask: QuestionAsk, answers: Answers | None) -> None:
        """Answer questions: a text or a list of texts for each one. None rejects them.

        Raises:
            ArgumentError: the number of answers differs from the number of questions.
        """
        await self._send(ReplyTo(ask, "reject" if answers is None else answers_of(ask, answers)))

    async def _send(self, reply: ReplyTo) -> None:
        run = self._running()
        run.owner.enter(here())
        try:
            await run.calls.reply(reply)
        except NotFoundError as error:
            run.post(Done(reply, error=error))
        else:
            run.post(Done(reply))

    def _running(self) -> AsyncRun[S]:
        if self._run is None:
            raise ArgumentError("open it first: `async with client.turn(...) as turn`, or `client.asks()`")
        return self._run


class AsyncAsks(AsyncAnswering[AskUpdate, AsksState]):
    """The permissions and questions that wait for a person: those that already wait, then new ones, each once.

    Yields a `PermissionAsk` or `QuestionAsk`, an `AskClosed` when a yielded ask does not wait any more, and a `TurnGap`
    when the event stream was interrupted. Opened by `async with`, closed by its end or by `close`; not reusable.
    Any task may call its methods; one task at a time reads.
    """

    def __init__(self, prepare_calls: Callable[[], Awaitable[AsyncTurnCalls]]) -> None:
        self._prepare = prepare_calls

    async def __aenter__(self) -> Self:
        if self._run is not None:
            raise ArgumentError("this was opened before: call client.asks() again")
        calls = await self._prepare()
        self._run = await start(AsyncRun(calls, AsksState(calls.plan, monotonic())))
        return self

    async def take(self, timeout_s: float | None) -> list[AskUpdate]:
        """Return the next ask, gap or end of an ask; none at the end. Programs use `get`."""
        run = self._running()
        found: list[Any] = list(await run.take(timeout_s))  # Any: its state returns nothing else
        if not found and run.state.error is not None:
            raise run.state.error
        return found

    async def close(self) -> None:
        """Close the feed. Iterations end. The asks still wait on the server."""
        if self._run is not None and self._run.owner.is_here(here()):
            await finish(partial(self._run.hub.end, self._run))


def asks(client: AsyncOpencodeClient, session_id: str | None, directory: StrPath | None) -> AsyncAsks:
    """Return a feed that is not open yet."""
    if directory is not None:
        client.with_options(directory=directory)  # checks it
    return AsyncAsks(partial(prepare_asks, client, session_id, directory))
