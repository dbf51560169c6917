# The source of calls.py, which `make generate` writes.
"""The requests of a turn: what has to be known before it, and its actions. `v1.py` says what the responses mean."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..errors import BadRequestError, NotFoundError, SessionBusyError, TurnTimeoutError
from .inputs import Abort, Action, Decide, Look, ReplyTo, Send, SessionSeen, Snapshot, StatusSeen, TurnSpec
from .options import (
    FollowOptions,
    Prompt,
    TurnOptions,
    body_of,
    check_directory,
    check_options,
    model_of,
    not_found,
)
from .result import Reject, SlashCommand
from .updates import PermissionAsk
from .v1 import asks_of, message_seen, part_seen, status_seen

if TYPE_CHECKING:
    from ..async_client import AsyncOpencodeClient
    from ..model import OpencodeModel

_LOOK_S = 10.0
"""The timeout of requests that read a session, and of aborts."""


class AsyncTurnCalls:
    """The requests of one turn. `view` is a client for the session's directory."""

    def __init__(self, view: AsyncOpencodeClient, spec: TurnSpec) -> None:
        self.view = view
        self.spec = spec
        self._quick = view.with_options(timeout=_LOOK_S, max_retries=0)

    async def perform(self, action: Action) -> Any:  # Any: see the actions
        """Return the value of an action.

        Raises:
            OpencodeError: it failed.
        """
        match action:
            case Send():
                return await self._send()
            case Look():
                return await self._look(action)
            case Abort():
                return await self._abort(action)
            case ReplyTo():
                return await self.reply(action)
            case Decide():
                return action.function(action.ask)

    async def reply(self, action: ReplyTo) -> None:
        """Answer an ask. Raises NotFoundError if somebody else has answered it."""
        view = self.view.with_options(directory=action.ask.directory)
        decision = action.decision
        if isinstance(decision, list):
            await view.question.reply(action.ask.id, answers=decision)
        elif not isinstance(action.ask, PermissionAsk):
            await view.question.reject(action.ask.id)
        elif isinstance(decision, Reject):
            await view.permission.reply(action.ask.id, reply="reject", message=decision.message)
        elif decision != "ask":
            await view.permission.reply(action.ask.id, reply=decision)

    async def _send(self) -> Any:  # Any: a message and its parts, as inputs
        session, body = self.view.session, dict(self.spec.body)
        call = session.command if "command" in body else session.prompt
        return _seen(await call(self.spec.session_id, **body, timeout=None))

    async def _look(self, look: Look) -> Snapshot:
        session_id, view = self.spec.session_id, self._quick
        children = list(look.children)
        if not look.is_full:
            messages = await self._messages(session_id, look.limit)
            return Snapshot(messages, child_messages=await self._messages_of(children))
        found = await view.resync(session_id, children=True, since_message_id=None)
        status = StatusSeen(session_id, "idle")
        if found.status is not None:
            status = status_seen(session_id, found.status.to_dict())
        seen = [SessionSeen(one.id, one.parent_id or "", one.title) for one in found.children]
        asks = asks_of(found.permissions, found.questions, self.spec.directory)
        new = {one.session_id for one in seen} | set(children)
        return Snapshot(
            [_seen(one) for one in found.messages], status, seen, asks, await self._messages_of(new)
        )

    async def _messages(self, session_id: str, limit: int | None) -> Any:  # Any: as _send
        try:
            return [_seen(one) for one in await self._quick.session.messages(session_id, limit=limit)]
        except BadRequestError:
            return []  # 1.14 to 1.18 cannot list a session with a structured output

    async def _messages_of(self, children: Any) -> Any:  # Any: ids; as _send
        found: list[Any] = []
        for child_id in children:
            try:
                found += [one for one, _ in await self._messages(child_id, None) if not one.is_user]
            except NotFoundError:
                continue  # it was deleted
        return found

    async def _abort(self, action: Abort) -> None:
        for session_id in action.session_ids:
            try:
                await self._quick.session.abort(session_id)
            except NotFoundError:
                continue


def _seen(message: OpencodeModel) -> Any:  # Any: a message and its parts, as inputs
    raw = message.to_dict()
    return message_seen(raw["info"]), [part_seen(part) for part in raw["parts"]]


async def prepare(
    client: AsyncOpencodeClient, prompt: Prompt, options: TurnOptions, *, may_ask: bool
) -> AsyncTurnCalls:
    """Check the arguments, find or create the session, and return the calls of the turn.

    Raises:
        ArgumentError: an argument is wrong, or the server does not have the model or the agent.
        SessionBusyError: the session is busy, and the prompt is a command.
        NotFoundError: the session does not exist.
    """
    check_options(prompt, options, may_ask=may_ask)
    directory, session_id = options.get("directory"), options.get("session_id")
    view = client if directory is None else client.with_options(directory=directory)
    model_of(options)
    if session_id is None:
        await _check_names(view, options)
        session = await view.session.create(title=options.get("title"))
    else:
        session = await view.session.get(session_id)
        check_directory(options, session.directory)
        view = client.with_options(directory=session.directory)
        await _check_names(view, options)
        if options.get("fork"):
            session = await view.session.fork(session_id)
    view = client.with_options(directory=session.directory)
    key = uuid4().hex
    after = await _last_message(view, session.id) if isinstance(prompt, SlashCommand) else None
    default = "ask" if may_ask else "reject"
    spec = TurnSpec(
        session_id=session.id,
        directory=session.directory,
        key=None if isinstance(prompt, SlashCommand) else key,
        after=after,
        permissions=options.get("permissions", default),
        questions=options.get("questions", default),
        may_ask=may_ask,
        timeout_s=options.get("timeout"),
        max_cost=options.get("max_cost"),
        max_steps=options.get("max_steps"),
        body=body_of(prompt, options, key),
    )
    return AsyncTurnCalls(view, spec)


async def prepare_following(
    client: AsyncOpencodeClient, session_id: str, options: FollowOptions
) -> AsyncTurnCalls:
    """Return the calls of a turn that runs already."""
    check_options("follow", options, may_ask=True)
    session = await client.session.get(session_id, directory=options.get("directory"))
    spec = TurnSpec(
        session_id=session_id,
        directory=session.directory,
        follows=True,
        permissions=options.get("permissions", "ask"),
        questions=options.get("questions", "ask"),
        may_ask=True,
        timeout_s=options.get("timeout"),
        max_cost=options.get("max_cost"),
        max_steps=options.get("max_steps"),
    )
    return AsyncTurnCalls(client.with_options(directory=session.directory), spec)


async def abort_session(
    client: AsyncOpencodeClient, session_id: str, *, wait_idle: bool, timeout_s: float
) -> bool:
    """Abort the turn that runs in a session. Return False if none does. See `abort` of the client."""
    session = await client.session.get(session_id)
    view = client.with_options(directory=session.directory)
    if (await view.session.status()).get(session_id) is None:
        return False
    before = await _last_prompt(view, session_id)
    end_s, sent_s = monotonic() + timeout_s, 0.0
    while True:
        if (await view.session.status()).get(session_id) is None or await _last_prompt(
            view, session_id
        ) != before:
            return True
        if monotonic() - sent_s >= 2.0:
            sent_s = monotonic()
            await view.session.abort(session_id)
            if not wait_idle:
                return True
        if monotonic() > end_s:
            raise TurnTimeoutError(f"session {session_id} is still busy {timeout_s:g} s after the abort")
        await view._caller.connections.pause(0.1)  # pyright: ignore[reportPrivateUsage] # ours


async def _last_message(view: AsyncOpencodeClient, session_id: str) -> tuple[float, str]:
    """Return the place of the last message of a session that is not busy."""
    if (await view.session.status()).get(session_id) is not None:
        raise SessionBusyError(
            f"session {session_id} is busy: a command needs a session at rest", session_id=session_id
        )
    seen = [_seen(one)[0] for one in await view.session.messages(session_id, limit=1)]
    return max(((one.created_ms, one.message_id) for one in seen), default=(0.0, ""))


async def _last_prompt(view: AsyncOpencodeClient, session_id: str) -> str | None:
    seen = [_seen(one)[0] for one in await view.session.messages(session_id, limit=20)]
    return max((one.message_id for one in seen if one.is_user), default=None)


async def _check_names(view: AsyncOpencodeClient, options: TurnOptions) -> None:
    """Check that the server has the model and the agent. A name that is not cached is looked up again."""
    model, agent = model_of(options), options.get("agent")
    cache: Any = view._caller.knowledge.shared  # pyright: ignore[reportPrivateUsage] # ours
    for name, is_model in (("/".join(model) if model else None, True), (agent, False)):
        key = ("names", is_model, view.options.directory)
        if name is not None and name not in cache.get(key, ()):
            cache[key] = await (_models(view) if is_model else _agents(view))
            if name not in cache[key]:
                raise not_found(name, cache[key], is_model=is_model)


async def _models(view: AsyncOpencodeClient) -> list[str]:
    providers = (await view.config.providers()).providers
    return [f"{provider.id}/{model}" for provider in providers for model in provider.models]


async def _agents(view: AsyncOpencodeClient) -> list[str]:
    return [agent.name for agent in await view.app.agents()]
