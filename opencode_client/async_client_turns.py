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
        model: str | JsonMapping | None = None,
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
        """Send a prompt, wait until the agent rests, and return what it did. The prompt is sent once.

        `await client.run("Fix the failing test", permissions="once", timeout=900)`

        Reaching the timeout, cancelling or Ctrl-C aborts the turn on the server.

        Args:
            prompt: A text, a list of inputs of parts, or a `SlashCommand`.
            session_id: Session to go on with. None: a new one, with `title`. `fork`: run in a fork of it.
            directory: Project to work in. That of a given session is looked up.
            model: "provider/model". `agent`, `variant`, `system` and `tools` are those of `session.prompt`.
            files: Paths on this machine, or `FileAttachment`s: at most `max_file_bytes` in all.
            output: Shape of `result.structured`: the JSON schema of an object, which gives a dict, or a class with
                `model_json_schema` and `model_validate`, such as a pydantic model. On servers 1.14 to 1.18 it needs a
                session of its own: leave `session_id` out, or use `fork=True`. The server does not check a dict.
            permissions: "once", "always", "reject", `Reject("why")`, a mapping as in opencode's configuration, which is
                no sandbox, or a function that gets a `PermissionAsk`.
            questions: "reject", a mapping from header or question to answers, or a function that gets a `QuestionAsk`.
            timeout: Seconds for the whole turn. None: the client's `turn_timeout`.
            max_cost: USD, with the subagents'. Another step after that aborts the turn.
            max_steps: Responses of the model. Another step after that aborts the turn.

        Raises:
            ArgumentError: an argument is wrong; ModelNotFoundError and AgentNotFoundError, too. Nothing was sent.
            SessionBusyError: the prompt is a command, and the session is busy. Nothing was sent.
            UnsupportedOperationError: the server does not have structured output. Nothing was sent.
            TurnError: the turn failed; `partial` has its result so far.
        """
        options = dict(locals())  # the arguments
        from .turns.async_turn import turn

        async with turn(options.pop("self"), options.pop("prompt"), options, runs=True) as running:
            return await running.result()

    def turn(
        self,
        prompt: Prompt,
        *,
        session_id: str | None = None,
        title: str | None = None,
        directory: StrPath | None = None,
        model: str | JsonMapping | None = None,
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
    ) -> AsyncTurn:
        """Return a turn for `async with`, which sends the prompt. It yields what happens as updates.

        `async with client.turn("Explain this") as turn:` and then `async for update in turn:`

        The arguments are those of `run`. "ask", the default of `permissions` and `questions`, yields them.

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
    ) -> AsyncTurn:
        """Return a turn that runs already, for `async with`, which joins it. It first yields the text so far.

        Leaving it does not abort it. If the session is at rest, it yields its last turn. The arguments are those of
        `turn`, but None as `timeout` is no limit.
        """
        options = dict(locals())  # the arguments
        from .turns.async_turn import followed

        return followed(options.pop("self"), options.pop("session_id"), options)

    def run_many(self, specs: AsyncSpecs, *, concurrency: int = 8, progress: bool = False) -> AsyncManyTurns:
        """Run many turns, some of them at the same time. Yields an outcome for each one, as they end.

        `async with client.run_many(specs) as outcomes:` and then `async for outcome in outcomes:`

        A turn that fails does not stop the others: its error is in its outcome. Leaving `async with` early starts no
        more turns, and aborts those that run on the server.

        Args:
            specs: The turns. Also a generator: it is read as fast as turns start. An error that it raises aborts the
                turns that run, and is raised after the outcomes.
            concurrency: The number of turns that run at the same time. No turn starts while so many outcomes are
                unread.
            progress: Show the progress on stderr, if that is a terminal. Needs rich: the extra `cli`.

        Raises:
            ArgumentError: an argument is wrong, or an option of one of the turns in a list. Nothing was sent.
        """
        from .turns.async_many import AsyncManyTurns

        client: Any = self  # Any: a client, as this is its base class
        return AsyncManyTurns(client, specs, concurrency=concurrency, progress=progress)

    def asks(self, session_id: str | None = None, *, directory: StrPath | None = None) -> AsyncAsks:
        """Return the permissions and questions that wait for a person, for `async with`. They can be of any program.

        `async with client.asks() as asks:` and then `async for ask in asks:`

        It yields each ask once: a `PermissionAsk` or a `QuestionAsk`, those that wait already and those that come.
        Answer with `asks.reply(ask, "once")` or `asks.answer(ask, ["A"])`, or later and from another process with
        `client.permission.reply(ask.id, reply="once", directory=ask.directory)`. An `AskClosed` follows when an ask
        does not wait any more, whoever has answered it. If a policy of a turn answers, you get the ask and its
        `AskClosed`, or neither if it was answered before it was listed. After a `TurnGap` all asks are listed again.

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

    async def abort(self, session_id: str, *, wait_idle: bool = True, timeout: float = 10) -> bool:
        """Abort the turn that runs in a session, and wait until it rests. Return False if no turn runs.

        It looks just before it sends that the turn which it saw still runs, and does not send again once there is a
        newer prompt. A prompt that arrives between this look and the abort is aborted, too: no server prevents that.

        Args:
            session_id: The session.
            wait_idle: Wait until the turn is over.
            timeout: Seconds to wait.

        Raises:
            TurnTimeoutError: the session is still busy.
            NotFoundError: the session does not exist.
        """
        from .turns.async_calls import abort_session

        client: Any = self  # Any: as above
        return await abort_session(client, session_id, wait_idle=wait_idle, timeout_s=timeout)
