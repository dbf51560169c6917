"""A model on this machine, which needs no key: the OpenAI-compatible protocol, for which opencode has a provider."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from ..model import JsonObject, is_object
from ..signatures import explain_calls
from .connections import Listener, Peer, Request, Response, Stream, json_response
from .replies import COST, LIMITS, MODEL, Replies, Reply, Script, pieces

_OFFLINE = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
}


@explain_calls
class ScriptedModel(Replies):
    """A model on this machine that sends the replies you give it.

    Opened by `with`, closed at its end. Any thread may add replies. `script` is called first. If it returns None, the
    next reply of the queue is sent. If the queue is empty, the reply is `echo: ` and the last user message.
    A request without tools gets "Scripted title" and takes no reply: opencode sends such requests for titles and
    summaries.

    Source: servers 1.1.31 to 1.18.33, which bundle `@ai-sdk/openai-compatible`.
    """

    def __init__(self, *replies: Reply | str, script: Script | None = None) -> None:
        super().__init__(*replies, script=script)
        self._closing = threading.Event()
        self._listener = Listener(self._respond)

    @property
    def url(self) -> str:
        """The model's URL, `http://127.0.0.1:<port>`."""
        return self._listener.url

    def config(self, **more: Any) -> JsonObject:  # Any: opencode's configuration
        """Return a configuration of opencode with this model alone. `more` is added at the top level."""
        abilities = dict.fromkeys(("tool_call", "reasoning", "attachment", "temperature"), True)
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Scripted",
            "options": {"baseURL": f"{self.url}/v1", "apiKey": "not-a-secret"},
            "models": {"scripted-1": {"name": "Scripted", **abilities, "limit": LIMITS, "cost": COST}},
        }
        only = {"enabled_providers": ["scripted"], "provider": {"scripted": provider}}
        return {"autoupdate": False, "share": "manual", "model": MODEL, "small_model": MODEL, **only, **more}

    def install(self, home: str | os.PathLike[str], **more: Any) -> dict[str, str]:  # Any: as above
        """Write the configuration into `home`, and return the environment for a server that uses it.

        Args:
            home: Home directory of the server. A file there is needed, because the v2 core of 1.18.33 does not read
                OPENCODE_CONFIG.
            more: Members to add to the configuration.
        """
        folder = Path(home, ".config", "opencode")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "opencode.json").write_text(json.dumps(self.config(**more)), encoding="utf-8")
        homes = {"HOME": str(home), "XDG_CONFIG_HOME": str(folder.parent)}
        # 1.1.31 fetches its list of models in spite of OPENCODE_DISABLE_MODELS_FETCH
        return {**_OFFLINE, **homes, "OPENCODE_MODELS_URL": self.url}

    def close(self) -> None:
        """Close the model. Replies that are being sent are cut."""
        self._closing.set()
        self._listener.close()

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _respond(self, request: Request) -> Response | Stream:
        if request.method == "GET":
            return json_response({})  # the list of models; the configuration has the only one
        reply = self.reply_to(request.json if is_object(request.json) else {})
        if self._closing.wait(reply.first_delay_s):
            return lambda peer: peer.reset()
        if reply.status != 200:
            error = {"error": {"message": reply.error, "type": "scripted"}}
            return json_response(error, reply.status, reply.headers)
        return lambda peer: self._stream(peer, reply)

    def _stream(self, peer: Peer, reply: Reply) -> None:
        peer.begin_stream({"connection": "close"})  # without it, the server might use the connection again
        *most, last = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in _chunks(reply)]
        for event in most:
            peer.send_chunk(event)
            if self._closing.wait(reply.delay_s):
                return
        if reply.cut or (reply.hang and self._closing.wait(threading.TIMEOUT_MAX)):
            return
        peer.send_chunk(last + b"data: [DONE]\n\n")
        peer.send_chunk(b"")


def _chunks(reply: Reply) -> Iterator[JsonObject]:
    """Yield the reply as `chat.completion.chunk` objects."""
    yield _chunk({"role": "assistant", "content": ""})
    if reply.reasoning:
        yield _chunk({"reasoning_content": reply.reasoning})
    for piece in pieces(reply.text, reply.chunks):
        yield _chunk({"content": piece})
    for index, call in enumerate(reply.tools):
        arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        function = {"name": call.name, "arguments": arguments}
        tool_call = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
        yield _chunk({"tool_calls": [tool_call]})
    tokens = {"prompt_tokens": reply.input_tokens, "completion_tokens": reply.output_tokens}
    usage = {**tokens, "total_tokens": sum(tokens.values())}
    yield {**_chunk({}, "tool_calls" if reply.tools else "stop"), "usage": usage}


def _chunk(delta: JsonObject, finish: str | None = None) -> JsonObject:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted-1"}
    return {**head, "choices": [choice]}
