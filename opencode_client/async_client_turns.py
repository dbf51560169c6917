# The source of client_turns.py, which `make generate` writes.
"""The part of `AsyncOpencodeClient` with `run`, `turn`, `follow`, `run_many`, `asks` and `abort`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from .async_client_calls import AsyncClientCalls
from .signatures import explain_calls

if TYPE_CHECKING:
    from .attachments import Attachable
    from .calls.directories import StrPath
    from .calls.operation import JsonMapping
    from .models import SessionPromptModel
    from .turns.async_asks import AsyncAsks
    from .turns.async_many import AsyncManyTurns
    from .turns.async_turn import AsyncTurn
    from .turns.options import Prompt, TurnOptions
    from .turns.policies import PermissionPolicy, QuestionPolicy
    from .turns.result import TurnResult
    from .turns.specs import AsyncSpecs

T = TypeVar("T")


@explain_calls
class AsyncClientTurns(AsyncClientCalls):
    """Turns of agents. The base class of `AsyncOpencodeClient`."""

    @overload
    async def run(
        self, prompt: Prompt, *, output: type[T], **options: Unpack[TurnOptions]
    ) -> TurnResult[T]: ...

    @overload
    async def run(
        self, prompt: Prompt, *, output: JsonMapping | None = None, **options: Unpack[TurnOptions]
    ) -> TurnResult[Any]: ...  # Any: JSON

    async def run(
        self,
        prompt: Prompt,
        *,
        session_id: str | None = None,
        title: str | None = None,
        directory: StrPath | None = None,
        model: str | SessionPromptModel | JsonMapping | None = None,
        agent: str | None = None,
        variant: str | None = None,
        system: str | None = None,
        tools: Mapping[str, bool] | None = None,
        files: Sequence[Attachable] | None = (),
        output: Any = None,  # Any: see the overloads
        max_file_bytes: int = 10_000_000,
        permissions: PermissionPolicy = "reject",
        questions: QuestionPolicy = "reject",
        timeout: float | None = None,
        max_cost: float | None = None,
        max_steps: int | None = None,
        fork: bool = False,
    ) -> TurnResult[Any]:  # Any: as above
        """Send a prompt, wait until the turn is over, and return its result. The prompt is never sent twice.

        `await client.run("Fix the failing test", permissions="once", timeout=900)`

        A timeout, a cancellation or Ctrl-C aborts the turn on the server.

        Args:
            prompt: A text, a list of inputs of parts, or a `SlashCommand`.
            session_id: Session to continue. None: a new one, with `title`. `fork`: run in a fork of it.
            directory: Project to work in. Not needed with `session_id`: the session's directory is looked up.
            model: "provider/model". `agent`, `variant`, `system` and `tools` are those of `session.prompt`.
            files: Paths on this machine, or `FileAttachment`s: at most `max_file_bytes` in all.
            output: Shape of `result.structured`: the JSON schema of an object, which gives a dict, or a class with
                `model_json_schema` and `model_validate`, such as a pydantic model. On servers 1.14 to 1.18 it needs a
                session of its own: leave `session_id` out, or use `fork=True`. A dict is not validated.
            permissions: "once", "always", "reject", `Reject("why")`, a mapping as in opencode's configuration (not a
                sandbox), or a function that gets a `PermissionAsk`.
            questions: "reject", a mapping from header or question to answers, or a function that gets a `QuestionAsk`.
            timeout: Seconds for the whole turn. None: the client's `turn_timeout`.
            max_cost: USD, including subagents. If a step begins after the cost has passed this, the turn is aborted.
            max_steps: Number of responses of the model. If another one begins, the turn is aborted.

        Raises:
            ArgumentError: an argument is wrong, or the model or the agent does not exist. Nothing was sent.
            SessionBusyError: the prompt is a command, and the session is busy. Nothing was sent.
            UnsupportedOperationError: the server does not have structured output. Nothing was sent.
            NotFoundError: the session `session_id` does not exist. Nothing was sent.
            TurnError: the turn failed; `partial` has its result so far.
            OpencodeError: the server could not be reached, or refused the prompt.
        """
        options = dict(locals())  # the arguments
        from .turns.async_turn import turn

        async with turn(options.pop("self"), options.pop("prompt"), options, runs=True) as running:
            return await running.result()

    @overload
    def turn(self, prompt: Prompt, *, output: type[T], **options: Unpack[TurnOptions]) -> AsyncTurn[T]: ...

    @overload
    def turn(
        self, prompt: Prompt, *, output: JsonMapping | None = None, **options: Unpack[TurnOptions]
    ) -> AsyncTurn[Any]: ...  # Any: JSON

    def turn(
        self,
        prompt: Prompt,
        *,
        session_id: str | None = None,
        title: str | None = None,
        directory: StrPath | None = None,
        model: str | SessionPromptModel | JsonMapping | None = None,
        agent: str | None = None,
        variant: str | None = None,
        system: str | None = None,
        tools: Mapping[str, bool] | None = None,
        files: Sequence[Attachable] | None = (),
        output: Any = None,  # Any: as in `run`
        max_file_bytes: int = 10_000_000,
        permissions: PermissionPolicy = "ask",
        questions: QuestionPolicy = "ask",
        timeout: float | None = None,
        max_cost: float | None = None,
        max_steps: int | None = None,
        fork: bool = False,
    ) -> AsyncTurn[Any]:  # Any: as in `run`
        """Return a turn. `async with` sends its prompt; iterating over the turn yields updates.

        `async with client.turn("Explain this") as turn:` and then `async for update in turn:`

        The arguments are those of `run`. `permissions` and `questions` are "ask" by default: you get each one as an
        update, and answer it.

        Raises:
            ArgumentError: an argument is wrong.
        """
        options = dict(locals())  # the arguments
        from .turns.async_turn import turn

        return turn(options.pop("self"), options.pop("prompt"), options)

    def follow(
        self,
        session_id: str,
        *,
        directory: StrPath | None = None,
        permissions: PermissionPolicy = "ask",
        questions: QuestionPolicy = "ask",
        timeout: float | None = None,
        max_cost: float | None = None,
        max_steps: int | None = None,
    ) -> AsyncTurn[Any]:  # Any: JSON
        """Return a running turn. `async with` joins it; its first updates have the text so far.

        Leaving `async with` does not abort the turn. If the session is idle, you get its last turn. The arguments are
        those of `turn`, but `timeout=None` means no limit.
        """
        options = dict(locals())  # the arguments
        from .turns.async_turn import followed

        return followed(options.pop("self"), options.pop("session_id"), options)

    def run_many(self, specs: AsyncSpecs, *, concurrency: int = 8, progress: bool = False) -> AsyncManyTurns:
        """Run many turns, some of them at the same time. Yields an outcome for each one, as they end.

        `async with client.run_many(specs) as outcomes:` and then `async for outcome in outcomes:`

        A turn that fails does not stop the others: its error is in its outcome. If you leave `async with` early, no
        more turns start, and running turns are aborted on the server.

        Args:
            specs: The turns. A generator is read only as fast as turns start. If it raises an error, running turns are
                aborted, and the error is raised after the outcomes.
            concurrency: The number of turns that run at the same time. No turn starts while this many outcomes are
                unread.
            progress: Show the progress on stderr, if that is a terminal. Needs rich: the extra `cli`.

        Raises:
            ArgumentError: an argument is wrong, or `specs` is a list and one of its turns has a wrong option. Nothing
                was sent.
        """
        from .turns.async_many import AsyncManyTurns

        client: Any = self  # Any: a client, as this is its base class
        return AsyncManyTurns(client, specs, concurrency=concurrency, progress=progress)

    def asks(self, session_id: str | None = None, *, directory: StrPath | None = None) -> AsyncAsks:
        """Return a feed of the permissions and questions that wait for a person, no matter which program caused them.

        `async with client.asks() as asks:` and then `async for ask in asks:`

        It yields each ask once, as a `PermissionAsk` or a `QuestionAsk`: asks that already wait, then new ones.
        Answer with `asks.reply(ask, "once")` or `asks.answer(ask, ["A"])`, or later and from another process with
        `client.permission.reply(ask.id, reply="once", directory=ask.directory)`. When an ask no longer waits, an
        `AskClosed` follows, no matter who answered it. If a turn's policy answers an ask, you get the ask and its
        `AskClosed`; you get neither if it was answered before it was listed. After a `TurnGap` all asks are listed
        again.

        Args:
            session_id: Only the asks of this session and of its subagents, however deep. Its directory is looked up.
            directory: Only the asks in this directory. Default: those in all directories of the server that
                `project.list`, `experimental.session.list` or an event names. The server then opens each of them.

        Raises:
            ArgumentError: the directory is wrong.

        Source: `permission.list`, `question.list`, `event.subscribe`, `global.event`, opencode 1.1.31 to 1.18.33. The
            `/event` of 1.14.48 has no events: there, with `directory` or `session_id`, the lists are polled every 2
            seconds.
        """
        from .turns.async_asks import asks

        client: Any = self  # Any: as above
        return asks(client, session_id, directory)

    async def abort(self, session_id: str, *, wait_idle: bool = True, timeout: float | None = 10) -> bool:
        """Abort the running turn of a session, and wait until it is over. Return False if no turn runs.

        Just before each abort request, it checks that the session has no newer prompt. A prompt that arrives between
        this check and the request is aborted, too: no server prevents that.

        Args:
            session_id: The session.
            wait_idle: Wait until the turn is over.
            timeout: Seconds to wait. None: without a limit.

        Raises:
            ArgumentError: `timeout` is not a positive number.
            TurnTimeoutError: the session is still busy.
            NotFoundError: the session does not exist.
        """
        from .turns.async_calls import abort_session

        client: Any = self  # Any: as above
        return await abort_session(client, session_id, wait_idle=wait_idle, timeout_s=timeout)
