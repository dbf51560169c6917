# The source of turn.py, which `make generate` writes.
"""The turn of `client.turn()` and `client.follow()`: updates, asks, the result, the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, Self

from ..errors import ArgumentError, TurnAbortedError
from ..signatures import explain_call
from ..streams.async_background import finish, here
from .async_asks import AsyncAnswering
from .async_calls import AsyncTurnCalls, prepare, prepare_following
from .async_hub import AsyncRun, start
from .growing_text import GrowingText
from .inputs import Stop
from .options import Prompt, check_options
from .result import T, TurnResult
from .state import STOPPING_S, TurnState
from .updates import TextDelta, TextReplaced, Update

if TYPE_CHECKING:
    from ..async_client import AsyncOpencodeClient


class AsyncTurn(AsyncAnswering[Update, TurnState], Generic[T]):
    """A prompt and all that the agent does for it. Yields updates; the last one is a `TurnFinished`.

    Opened by `async with`, which sends the prompt. Leaving `async with` before the turn is over aborts it on the
    server; a turn that `follow` joined goes on. Any task may call its methods; one task at a time reads updates.
    """

    def __init__(
        self, prepare_calls: Callable[[], Awaitable[AsyncTurnCalls]], *, is_quiet: bool = False
    ) -> None:
        self._prepare = prepare_calls
        self._is_quiet = is_quiet
        self._texts: dict[str, dict[str, GrowingText]] = {}

    async def __aenter__(self) -> Self:
        if self._run is not None:
            raise ArgumentError("a turn is sent once: call client.turn() again for another one")
        began_s = monotonic()
        calls = await self._prepare()
        state = TurnState(calls.plan, began_s)
        self._run = await start(AsyncRun(calls, state, is_quiet=self._is_quiet))
        return self

    @property
    def session_id(self) -> str:
        """The id of the turn's session."""
        return self._running().calls.plan.session_id

    @property
    def text(self) -> str:
        """The text of the last message, as far as its updates were read; at the end, the text of the result."""
        state = self._running().state
        if state.result is not None and not self._running().inbox:
            return state.result.text
        return "".join(map(str, list(self._texts.values())[-1].values())) if self._texts else ""

    async def take(self, timeout_s: float | None) -> list[Update]:
        """Return the next update; none at the end. Programs use `get`."""
        found = await self._running().take(timeout_s)
        for update in found:
            if isinstance(update, TextDelta | TextReplaced) and not getattr(update, "is_reasoning", False):
                parts = self._texts.setdefault(update.message_id, {})
                text = parts.setdefault(update.part_id, GrowingText())
                (text.add if isinstance(update, TextDelta) else text.set)(update.text)
        return found

    async def abort(self) -> None:
        """Abort the turn on the server, and wait until it is over. `result` raises TurnAbortedError then."""
        run = self._running()
        run.owner.enter(here())
        run.post(Stop(TurnAbortedError("the turn was aborted: by turn.abort()")))
        await run.ended(STOPPING_S + 1)

    def detach(self) -> None:
        """Leave the turn running on the server. Iterations end. This program does not answer its asks any more."""
        self._running().hub.leave(self._running())

    @explain_call
    async def result(self) -> TurnResult[T]:
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
        if run is None or run.state.result is not None or run.is_left or not run.owner.is_here(here()):
            return
        if run.state.plan.follows:
            self.detach()
        else:
            await finish(self.abort)


def turn(
    client: AsyncOpencodeClient, prompt: Prompt, options: Mapping[str, Any], *, runs: bool = False
) -> AsyncTurn[Any]:  # Any: `TurnOptions`, and `output`
    """Return a turn that is not sent yet. `runs`: for `run`, where nobody reads updates or answers asks."""
    check_options(prompt, options, may_ask=not runs)
    return AsyncTurn(partial(prepare, client, prompt, options, may_ask=not runs), is_quiet=runs)


def followed(
    client: AsyncOpencodeClient, session_id: str, options: Mapping[str, Any]
) -> AsyncTurn[Any]:  # Any: as above
    """Return a turn that runs already, not joined yet."""
    check_options("follow", options, may_ask=True)
    return AsyncTurn(partial(prepare_following, client, session_id, options))
