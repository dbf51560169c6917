# The source of turn.py, which `make generate` writes.
"""A turn as its users see it: updates, asks, the result, the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from ..errors import ArgumentError, NotFoundError, TurnAbortedError
from ..streams.async_background import finish
from ..streams.async_items import AsyncItems
from .async_calls import AsyncTurnCalls, prepare, prepare_following
from .async_hub import AsyncRun, start
from .growing_text import GrowingText
from .inputs import Done, ReplyTo, Stop
from .options import Prompt, check_options
from .policies import Answers, Decision, answered, answers_of
from .result import TurnResult
from .state import STOPPING_S
from .updates import PermissionAsk, QuestionAsk, TextDelta, TextReplaced, Update

if TYPE_CHECKING:
    from ..async_client import AsyncOpencodeClient


class AsyncTurn(AsyncItems[Update]):
    """A prompt and all that the agent does about it. Yields updates; see `TurnFinished` for the last one.

    Opened by `async with`, which sends the prompt. Leaving `async with` before the turn is over aborts it on the
    server; a turn that `follow` joined goes on. Any task may call its methods; one task at a time reads updates.
    """

    def __init__(
        self, prepare_calls: Callable[[], Awaitable[AsyncTurnCalls]], *, is_quiet: bool = False
    ) -> None:
        self._prepare = prepare_calls
        self._is_quiet = is_quiet
        self._run: AsyncRun | None = None
        self._texts: dict[str, dict[str, GrowingText]] = {}

    async def __aenter__(self) -> Self:
        if self._run is not None:
            raise ArgumentError("a turn is sent once: call client.turn() again for another one")
        self._run = await start(await self._prepare(), is_quiet=self._is_quiet)
        return self

    @property
    def session_id(self) -> str:
        """The turn's session."""
        return self._running().calls.plan.session_id

    @property
    def text(self) -> str:
        """The text of the last message, as far as its updates were read; at the end, that of the result."""
        state = self._running().state
        if state.result is not None and not self._running().inbox:
            return state.result.text
        return "".join(map(str, list(self._texts.values())[-1].values())) if self._texts else ""

    async def take(self, timeout_s: float | None) -> list[Update]:
        """Return the next update; none at the end. `get` is for programs."""
        found = await self._running().take(timeout_s)
        for update in found:
            if isinstance(update, TextDelta | TextReplaced) and not getattr(update, "is_reasoning", False):
                parts = self._texts.setdefault(update.message_id, {})
                text = parts.setdefault(update.part_id, GrowingText())
                (text.add if isinstance(update, TextDelta) else text.set)(update.text)
        return found

    async def reply(self, ask: PermissionAsk, decision: Decision) -> None:
        """Answer a permission: "once", "always", "reject", or `Reject("why")`, after which the model goes on.

        An ask that somebody else has answered is no error: the turn yields an `AskClosed` for it.

        Raises:
            ArgumentError: it is no decision.
        """
        if not isinstance(ask, PermissionAsk):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError("reply takes a PermissionAsk; answer a QuestionAsk with turn.answer()")
        await self._send(ReplyTo(ask, answered(ask, decision, may_ask=False)))

    async def answer(self, ask: QuestionAsk, answers: Answers | None) -> None:
        """Answer questions: a text or a list of texts for each one. None rejects them.

        Raises:
            ArgumentError: the number of answers differs from that of the questions.
        """
        await self._send(ReplyTo(ask, "reject" if answers is None else answers_of(ask, answers)))

    async def abort(self) -> None:
        """Abort the turn on the server, and wait until it is over. `result` raises TurnAbortedError then."""
        run = self._running()
        run.post(Stop(TurnAbortedError("the turn was aborted: by turn.abort()")))
        await run.ended(STOPPING_S + 1)

    def detach(self) -> None:
        """Leave the turn running on the server. Iterations end. Nobody answers its asks any more."""
        self._running().hub.leave(self._running())

    async def result(self) -> TurnResult[Any]:  # Any: the structured output
        """Wait until the turn is over, and return its result.

        Raises:
            TurnError: the turn failed; see `errors`.
            ArgumentError: the turn was detached.
            Exception: an error of a function that is a policy.
        """
        run = self._running()
        await run.ended(None)
        if run.state.result is None:
            raise ArgumentError("this turn was detached; join it again with client.follow()")
        if run.state.error is not None:
            raise run.state.error
        return run.state.result

    async def close(self) -> None:
        """Leave the turn: abort it on the server unless it is over, or was joined by `follow`, or is detached."""
        run = self._run
        if run is None or run.state.result is not None or run.is_left:
            return
        if run.state.plan.follows:
            self.detach()
        else:
            await finish(self.abort)

    async def _send(self, reply: ReplyTo) -> None:
        run = self._running()
        try:
            await run.calls.reply(reply)
        except NotFoundError as error:
            run.post(Done(reply, error=error))
        else:
            run.post(Done(reply))

    def _running(self) -> AsyncRun:
        if self._run is None:
            raise ArgumentError("open the turn first: `async with client.turn(...) as turn`")
        return self._run


def turn(
    client: AsyncOpencodeClient, prompt: Prompt, options: Mapping[str, Any], *, runs: bool = False
) -> AsyncTurn:  # Any: `TurnOptions`, and `output`
    """Return a turn that is not sent yet. `runs`: nobody reads its updates, and nobody can answer its asks."""
    check_options(prompt, options, may_ask=not runs)
    return AsyncTurn(partial(prepare, client, prompt, options, may_ask=not runs), is_quiet=runs)


def followed(
    client: AsyncOpencodeClient, session_id: str, options: Mapping[str, Any]
) -> AsyncTurn:  # Any: as above
    """Return a turn that runs already, not joined yet."""
    check_options("follow", options, may_ask=True)
    return AsyncTurn(partial(prepare_following, client, session_id, options))
