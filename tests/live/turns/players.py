"""Turns on real servers: a server behind a proxy, the model's script, functions that run turns with either client."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from attrs import field, frozen

from opencode_client import (
    AsyncOpencodeClient,
    OpencodeClient,
    OpencodeError,
    TextDelta,
    TextReplaced,
    TurnResult,
)
from opencode_client.model import JsonObject
from opencode_client.models import AssistantMessage
from opencode_client.testing import FakeServer, Reply, Script, ToolCall
from opencode_client.testing.replies import Replies
from tests.live.client_pairs import SyncOrAsync, assert_no_tasks, client_of
from tests.live.servers import VERSIONS, commit_files, scripted_server
from tests.support.prompt_proxy import PromptProxy

IS_FAKE = os.environ.get("TURN_FAKE") == "1"
TURN_VERSIONS = tuple(os.environ.get("TURN_VERSIONS", " ".join(VERSIONS)).split())

BASH = ToolCall(name="bash", arguments={"command": "echo hi", "description": "says hi"})
_OPTION = {"label": "A", "description": "a"}
_QUESTIONS = [{"question": f"{one}?", "header": one, "options": [_OPTION]} for one in ("H", "I")]
_TASK = {"content": "c", "status": "pending", "priority": "high", "id": "1"}
_REPLIES = {
    "#bash": Reply(text="Let me look.", tools=[BASH]),
    "#two": Reply(tools=[BASH, ToolCall(name="read", arguments={"filePath": "a.txt"})]),
    "#question": Reply(tools=[ToolCall(name="question", arguments={"questions": _QUESTIONS[:1]})]),
    "#questions": Reply(tools=[ToolCall(name="question", arguments={"questions": _QUESTIONS})]),
    "#todo": Reply(tools=[ToolCall(name="todowrite", arguments={"todos": [_TASK]})]),
    "#slow": Reply(reasoning="Let me think.", text="a slow answer " * 8, chunks=20, delay_s=0.05),
    "#slower": Reply(text="a slow answer", chunks=40, delay_s=0.3),
    "#hang": Reply(text="a part", hang=True),
    "#401": Reply(status=401, error="bad key"),
    "#400": Reply(status=400, error="bad thing"),
    "#500": Reply(status=500, error="boom"),
    "#long": Reply(status=400, error="This model's maximum context length is 8 tokens"),
    "#empty": Reply(text=""),
}
_FAULTS = {
    "429": Reply(status=429, error="too fast", headers={"retry-after": "2"}),
    "cut": Reply(text="a broken answer " * 4, chunks=8, delay_s=0.05, cut=True),
    "cutthought": Reply(reasoning="a broken thought", delay_s=0.05, cut=True),
    "cuttool": Reply(text="Let me look.", tools=[BASH], cut=True),
}
HOOKS: dict[str, Callable[[], object]] = {}
"""Functions that the model calls before it answers a prompt with `#call:<name>`."""
_met: Counter[str] = Counter()


def script(request: JsonObject) -> Reply | None:
    """Return the reply that the user's text names. After a tool, the model replies "done"."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return Reply(text="done")
    text = json.dumps(last)
    if found := re.search(r"#call:(\w+)", text):
        HOOKS[found[1]]()
    if found := re.search(
        r"#(once|always):(\w+):(\w+)", text
    ):  # a fault, and a name that no other prompt has
        _met[found[3]] += 1
        is_first = _met[found[3]] == 1 or found[1] == "always"
        return _FAULTS[found[2]] if is_first else Reply(text="a whole answer", chunks=4)
    if "#run " in text:
        content = last["content"] if isinstance(last["content"], str) else last["content"][-1]["text"]
        command: str = json.JSONDecoder().raw_decode(content.split("#run ", 1)[1])[0]
        return Reply(tools=[ToolCall(name="bash", arguments={"command": command, "description": "d"})])
    if "#task" in text:  # `#task#task#bash` is two levels deep
        prompt = text.split("#task", 1)[1].split('"')[0].split("\\")[0]
        call = {"description": "d", "prompt": prompt, "subagent_type": "general"}
        return Reply(tools=[ToolCall(name="task", arguments=call)])
    return next((reply for name, reply in reversed(_REPLIES.items()) if name in text), None)


@frozen
class Address:
    """A server without its proxy, and the directory that it runs in."""

    url: str
    directory: Path
    version: str


@frozen
class Site:
    """A server behind a proxy that counts prompts and connections. `kill` kills the server."""

    server: Address
    model: Replies
    proxy: PromptProxy
    kill: Callable[[], None]

    @property
    def url(self) -> str:
        return self.proxy.url

    @property
    def directory(self) -> Path:
        return self.server.directory


Sites: TypeAlias = Callable[[str], Site]


@contextmanager
def open_site(
    version: str, script: Script = script, **config: Any
) -> Generator[Site]:  # Any: opencode's configuration
    """Start a server of a version: a real one, or a fake one with TURN_FAKE=1 in the environment."""
    with ExitStack() as stack:
        server, model, kill = stack.enter_context((_fake if IS_FAKE else _real)(version, script, config))
        yield Site(server, model, stack.enter_context(PromptProxy(server.url)), kill)


_Opened: TypeAlias = tuple[Address, Replies, Callable[[], None]]


@contextmanager
def _real(version: str, script: Script, config: JsonObject) -> Generator[_Opened]:
    with scripted_server(version, script=script, snapshot=False, **config) as (server, model):
        pid = server.pid
        assert pid is not None
        yield Address(server.url, server.directory, version), model, lambda: os.kill(pid, 9)


@contextmanager
def _fake(version: str, script: Script, config: JsonObject) -> Generator[_Opened]:
    with tempfile.TemporaryDirectory() as folder:
        commit_files(Path(folder))
        with FakeServer(script=script, version=version, directory=folder, config=config) as fake:
            yield Address(fake.url, Path(folder), version), fake, fake.die


def busy(server: Site, directory: Path | None = None) -> list[str]:
    """The sessions that are busy, in one directory.

    After an abort between two steps, 1.1.31 shows "busy" for ever: sessions with a complete answer do not count there.
    """
    with OpencodeClient(server.server.url, directory=directory or server.directory) as client:
        found = list(client.session.status())
        if server.server.version == "1.1.31":
            found = [one for one in found if not _is_complete(client, one)]
        return found


def _is_complete(client: OpencodeClient, session_id: str) -> bool:
    """Return True if the last message of a session is an answer that is complete."""
    last = client.session.messages(session_id)[-1].info
    return isinstance(last, AssistantMessage) and last.time.completed is not None


def run(kind: SyncOrAsync, server: Site, prompt: Any, **options: Any) -> Any:
    """Run a turn, and return its result."""
    with client_of(kind, server.url, directory=server.directory) as client:
        return client.run(prompt, **options)


def failure(kind: SyncOrAsync, server: Site, error: type[Any], prompt: Any, **options: Any) -> Any:
    """Run a turn, and return its error, which has to be of this type."""
    with pytest.raises(error) as caught:
        run(kind, server, prompt, **options)
    return caught.value


@frozen
class Played:
    """The updates of a turn, its text as built from them, and its end."""

    updates: list[Any] = field(factory=list[Any])
    end: list[TurnResult[Any] | Exception] = field(factory=list[Any])

    @property
    def result(self) -> TurnResult[Any]:
        [end] = self.end
        assert isinstance(end, TurnResult), end
        return end

    @property
    def error(self) -> Any:
        [end] = self.end
        assert isinstance(end, Exception), end
        return end

    @property
    def last_message_id(self) -> str:
        """The last message of the turn."""
        return str(getattr(self.result.messages[-1].info, "id", None))

    def of(self, kind: type[Any]) -> list[Any]:
        """The updates of a kind."""
        return [one for one in self.updates if isinstance(one, kind)]

    def texts(self) -> dict[str, dict[str, str]]:
        """The text of each part of each message, from deltas and replacements."""
        texts: dict[str, dict[str, str]] = {}
        for one in self.updates:
            parts = texts.setdefault(getattr(one, "message_id", ""), {})
            if isinstance(one, TextDelta):
                parts[one.part_id] = parts.get(one.part_id, "") + one.text
            elif isinstance(one, TextReplaced) and not one.is_reasoning:
                parts[one.part_id] = one.text
        return texts


On = Callable[[Any, Any], Any]  # a turn and an update


def play(
    client_kind: SyncOrAsync,
    server: Site,
    prompt: Any,
    on_update: On = lambda _turn, _update: None,
    *,
    url: str | None = None,
    **options: Any,
) -> Played:
    """Play a turn, and call `on_update` with the turn and each update. With `follow=True`, `session_id` is followed."""
    if client_kind == "sync":
        return _play(url or server.url, server, prompt, on_update, options)
    return asyncio.run(_play_async(url or server.url, server, prompt, on_update, options))


def _play(url: str, server: Site, prompt: Any, on_update: On, options: dict[str, Any]) -> Played:
    played, follows = Played(), options.pop("follow", False)
    with OpencodeClient(url, directory=server.directory) as client:
        opened = client.follow(**options) if follows else client.turn(prompt, **options)
        try:
            with opened as turn:
                for update in turn:
                    played.updates.append(update)
                    on_update(turn, update)
                played.end.append(turn.result())
                assert turn.text == played.result.text
        except (OpencodeError, ArithmeticError) as error:
            played.end.append(error)
    return played


async def _play_async(url: str, server: Site, prompt: Any, on_update: On, options: dict[str, Any]) -> Played:
    played, follows = Played(), options.pop("follow", False)
    async with AsyncOpencodeClient(url, directory=server.directory) as client:
        opened = client.follow(**options) if follows else client.turn(prompt, **options)
        try:
            async with opened as turn:
                async for update in turn:
                    played.updates.append(update)
                    acted = on_update(turn, update)
                    if isawaitable(acted):
                        await acted
                played.end.append(await turn.result())
                assert turn.text == played.result.text
        except (OpencodeError, ArithmeticError) as error:
            played.end.append(error)
    await assert_no_tasks()
    return played
