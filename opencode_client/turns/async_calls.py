# The source of calls.py, which `make generate` writes.
"""The requests of a turn or a feed of asks: those before it, and those of its actions.

`v1.py` interprets the responses.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..calls.options import LONGEST_S, checked_seconds
from ..calls.paging import is_unsendable
from ..calls.server_info import release
from ..errors import (
    BadRequestError,
    NotFoundError,
    SessionBusyError,
    TurnTimeoutError,
    UnsupportedOperationError,
)
from . import inputs
from .inputs import Action, ReplyTo, TurnPlan
from .options import body_of, check_directory, files_of, model_of, not_found, plan_of
from .result import Reject
from .structured import check_version
from .updates import PermissionAsk
from .v1 import asks_of, message_seen, part_seen, status_seen

if TYPE_CHECKING:
    from ..async_client import AsyncOpencodeClient
    from ..calls.directories import StrPath
    from ..model import OpencodeModel
    from ..models import Session

_LOOK_S = 10.0
"""The timeout, in seconds, of requests that read a session, and of aborts."""
_LATE_S = 2.0
"""The seconds that a request before a turn may take beyond the turn's timeout."""
_ABORT_AGAIN_S = 2.0
"""An abort is repeated after these seconds: the first one may arrive before the turn has begun."""


class AsyncTurnCalls:
    """The requests of one turn or feed. `view` is a client for the session's directory."""

    def __init__(self, view: AsyncOpencodeClient, plan: TurnPlan) -> None:
        self.view = view
        self.plan = plan

    @cached_property
    def _quick(self) -> AsyncOpencodeClient:
        return self.view.with_options(timeout=_LOOK_S, max_retries=0)

    async def perform(self, action: Action) -> Any:  # Any: see the actions
        """Perform an action, and return its value. Raises OpencodeError if it fails."""
        match action:
            case inputs.Send():
                call = self.view.session.command if "command" in self.plan.body else self.view.session.prompt
                return _seen(await call(self.plan.session_id, **self.plan.body, timeout=None))
            case inputs.Poll():
                return await self._poll(action)
            case inputs.Abort():
                for session_id in action.session_ids:
                    with suppress(NotFoundError):
                        await self._quick.session.abort(session_id)
            case inputs.ReplyTo():
                return await self.reply(action)
            case inputs.Decide():
                return action.function(action.ask)
            case inputs.FindDirectories():
                return await self._directories()
            case inputs.ListAsks():
                return await self._list_asks(action.directory)
            case _:
                pass
        return None

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

    async def _poll(self, poll: inputs.Poll) -> inputs.Snapshot:
        session_id, children = self.plan.session_id, set(poll.children)
        if not poll.is_full:
            found = await self._messages(session_id, poll.limit)
            return inputs.Snapshot(found, child_messages=await self._messages_of(children))
        now = await self._quick.resync(session_id, children=True)
        status = inputs.StatusSeen(session_id, "idle")
        if now.status is not None:
            status = status_seen(session_id, now.status.to_dict())
        subagents = [inputs.SessionSeen(one.id, one.parent_id or "", one.title) for one in now.children]
        asks = asks_of(now.permissions, now.questions, self.plan.directory)
        messages = await self._messages_of(children.union(one.session_id for one in subagents))
        return inputs.Snapshot([_seen(one) for one in now.messages], status, subagents, asks, messages)

    async def _directories(self) -> list[str]:
        """Return the directories of the server, of its projects and of their sessions."""
        view: Any = self._quick  # Any: a client of an old document has no experimental.session
        found: list[str] = [(await view.path.get()).directory]
        for project in await view.project.list():
            found += [project.worktree, *project.sandboxes]
        if not hasattr(view.experimental, "session"):
            return found
        with suppress(UnsupportedOperationError):  # subagents are in the directories of their parents
            sessions = view.paginate(view.experimental.session.list, roots=True)
            found += [one.directory async for one in sessions]
        return found

    async def _list_asks(self, directory: str) -> inputs.Snapshot:
        view, subagents = self._quick.with_options(directory=directory), list[inputs.SessionSeen]()
        parents = [self.plan.session_id] if self.plan.session_id else []
        for parent_id in parents:  # the loop adds to it
            with suppress(NotFoundError):  # it was deleted
                children = await view.session.children(parent_id)
                subagents += [inputs.SessionSeen(one.id, parent_id, one.title) for one in children]
                parents += [one.id for one in children]
        asks = asks_of(await view.permission.list(), await view.question.list(), directory)
        # after an abort, servers list asks that nobody waits for; their sessions are idle
        busy = await view.session.status() if asks else {}
        return inputs.Snapshot((), children=subagents, asks=[ask for ask in asks if ask.session_id in busy])

    async def _messages(self, session_id: str, limit: int | None) -> list[Any]:  # Any: messages and parts
        try:
            return [_seen(one) for one in await self._quick.session.messages(session_id, limit=limit)]
        except BadRequestError:
            return []  # 1.14 to 1.18 cannot list a session with a structured output

    async def _messages_of(self, children: set[str]) -> list[inputs.MessageSeen]:
        found: list[inputs.MessageSeen] = []
        for child_id in children:
            with suppress(NotFoundError):  # it was deleted
                found += [one for one, _ in await self._messages(child_id, None) if not one.is_user]
        return found


def _seen(message: OpencodeModel) -> Any:  # Any: a message and its parts, as inputs
    raw: Any = message.raw_  # Any: JSON, as the server sent it
    return message_seen(raw["info"]), [part_seen(part) for part in raw["parts"]]


async def prepare(
    client: AsyncOpencodeClient, prompt: Any, options: Mapping[str, Any], *, may_ask: bool
) -> AsyncTurnCalls:  # Any: checked before
    """Find or create the session, and return the calls of the turn.

    Raises:
        ArgumentError: the directory is wrong, or the server does not have the model or the agent.
        SessionBusyError: the session is busy, and the prompt is a command.
        NotFoundError: the session does not exist.
    """
    if options.get("timeout") is None:
        options = {**options, "timeout": client.options.turn_timeout}
    directory, session_id = options.get("directory"), options.get("session_id")
    quick = _in_time(client, options["timeout"])
    view = quick if directory is None else quick.with_options(directory=directory)
    files = files_of(options)  # before anything is created
    if options.get("output") is not None:
        await _check_output(view, options)
    if session_id is None:
        await _check_names(view, options)
        session = await view.session.create(title=options.get("title"))
    else:
        session = await _find_session(view, session_id)
        check_directory(options, session.directory)
        await _check_names(quick.with_options(directory=session.directory), options)
        if options.get("fork"):
            session = await view.session.fork(session_id)
    view = client.with_options(directory=session.directory)
    key: str | None = uuid4().hex
    body = body_of(prompt, options, str(key), files)
    after = None
    if "command" in body:
        key, after = None, await _last_message(_in_time(view, options["timeout"]), session.id)
    place: Any = {"session_id": session.id, "directory": session.directory}
    return AsyncTurnCalls(view, plan_of(options, may_ask=may_ask, key=key, after=after, body=body, **place))


async def prepare_following(
    client: AsyncOpencodeClient, session_id: str, options: Mapping[str, Any]
) -> AsyncTurnCalls:  # Any: checked before
    """Return the calls of a turn that runs already."""
    directory, quick = options.get("directory"), _in_time(client, options.get("timeout"))
    view = quick if directory is None else quick.with_options(directory=directory)
    session = await _find_session(view, session_id)
    place: Any = {"session_id": session.id, "directory": session.directory}  # Any: members of a TurnPlan
    view = client.with_options(directory=session.directory)
    return AsyncTurnCalls(view, plan_of(options, may_ask=True, follows=True, **place))


async def prepare_asks(
    client: AsyncOpencodeClient, session_id: str | None, directory: StrPath | None
) -> AsyncTurnCalls:
    """Find the session, and return the calls of a feed of asks."""
    view = client if directory is None else client.with_options(directory=directory)
    place = "" if directory is None else str(view.options.directory)
    if session_id is not None:
        place = (await _find_session(view, session_id)).directory
        check_directory({"directory": directory}, place)
        view = client.with_options(directory=place)
    return AsyncTurnCalls(view, TurnPlan(session_id=session_id or "", directory=place, follows=True))


async def abort_session(
    client: AsyncOpencodeClient, session_id: str, *, wait_idle: bool, timeout_s: float | None
) -> bool:
    """Abort the turn that runs in a session. Return False if none does. See `abort` of the client."""
    client = _in_time(client, checked_seconds("timeout", timeout_s))
    session = await _find_session(client, session_id)
    view = client.with_options(directory=session.directory)
    if (await view.session.status()).get(session_id) is None:
        return False
    before, _ = await _last_prompt(view, session_id)
    began_s, sent_s = monotonic(), 0.0
    while True:
        if (await view.session.status()).get(session_id) is None:
            return True
        prompt_id, is_over = await _last_prompt(view, session_id)
        if prompt_id != before:
            return True
        if monotonic() - sent_s >= _ABORT_AGAIN_S:
            if sent_s and is_over:  # source: after an abort between two steps, 1.1.31 shows "busy" for ever
                return True
            sent_s = monotonic()
            await view.session.abort(session_id)
            if not wait_idle:
                return True
        if timeout_s is not None and monotonic() - began_s > timeout_s:
            raise TurnTimeoutError(f"session {session_id} is still busy {timeout_s:g} s after the abort")
        await view._caller.connections.pause(0.1)  # pyright: ignore[reportPrivateUsage] # ours


def _in_time(client: AsyncOpencodeClient, timeout_s: float | None) -> AsyncOpencodeClient:
    """Return a client whose requests do not wait much longer than a turn with this timeout."""
    longest: Any = client.options.timeout  # Any: a number or an `httpx.Timeout`
    usual_s = getattr(longest, "read", longest) or LONGEST_S
    late_s = usual_s if timeout_s is None else timeout_s + _LATE_S
    return client.with_options(timeout=late_s) if late_s < usual_s else client


async def _find_session(view: AsyncOpencodeClient, session_id: str) -> Session:
    """Return a session. Source: 1.1.31 finds only those of the directory's project, so this tries all projects."""
    try:
        return await view.session.get(session_id)
    except NotFoundError:
        for project in await view.project.list():
            with suppress(NotFoundError):
                return await view.session.get(session_id, directory=project.worktree)
        raise


async def _last_message(view: AsyncOpencodeClient, session_id: str) -> tuple[float, str]:
    """Return the time and id of a session's last message. Raises SessionBusyError if the session is busy."""
    if (await view.session.status()).get(session_id) is not None:
        raise SessionBusyError(
            f"session {session_id} is busy: a command needs an idle session", session_id=session_id
        )
    seen = await _newest(view, session_id, 1)
    return max(((one.created_ms, one.message_id) for one in seen), default=(0.0, ""))


async def _newest(view: AsyncOpencodeClient, session_id: str, limit: int) -> list[inputs.MessageSeen]:
    """Return the last messages of a session: at most `limit`, and only one if the server cannot send more.

    Source: 1.14 to 1.18 cannot send a session's first messages if a prompt with a JSON schema is among them.
    """
    for number in (limit, 1):
        try:
            return [_seen(one)[0] for one in await view.session.messages(session_id, limit=number)]
        except BadRequestError as error:
            if not is_unsendable(error):
                raise
    return []


async def _last_prompt(view: AsyncOpencodeClient, session_id: str) -> tuple[str | None, bool]:
    """Return the id of a session's last prompt, and True if the session's last message is a complete answer."""
    seen = await _newest(view, session_id, 20)
    prompts = [one.message_id if one.is_user else one.parent_id for one in seen]
    prompt_id = max((one for one in prompts if one), default=None)
    last = max(seen, key=lambda one: (one.created_ms, one.message_id), default=None)
    return prompt_id, last is not None and last.is_over and not last.is_user


async def _check_names(view: AsyncOpencodeClient, options: Mapping[str, Any]) -> None:  # Any: checked before
    """Check that the server has the model and the agent. A name that was found is not looked up again."""
    found = view._caller.knowledge.names  # pyright: ignore[reportPrivateUsage] # ours
    for name, is_model in ((model_of(options), True), (options.get("agent"), False)):
        key = (name, is_model, view.options.directory)
        if name is None or key in found:
            continue
        if is_model:
            providers = (await view.config.providers()).providers
            names = [f"{provider.id}/{model}" for provider in providers for model in provider.models]
        else:
            names = [agent.name for agent in await view.app.agents()]
        if name not in names:
            raise not_found(name, names, is_model=is_model)
        found.add(key)


async def _check_output(view: AsyncOpencodeClient, options: Mapping[str, Any]) -> None:  # Any: as above
    """Check that the server can return structured output in this session."""
    caller = view._caller  # pyright: ignore[reportPrivateUsage] # ours
    version = caller.knowledge.version or await caller.server_check.version("session.prompt")
    goes_on = options.get("session_id") is not None and not options.get("fork")
    check_version(release(version), version, view.options.base_url, goes_on=goes_on)
