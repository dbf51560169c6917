"""For tests of programs that use an OpenCode server: a model that says what a script says, on loopback, without a key.

`ScriptedModel` speaks the OpenAI-compatible protocol that servers from 1.1.31 to 1.18.33 have a provider for; with it
as the only provider a real server runs whole turns offline.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import field, frozen

from ..model import JsonObject, is_object

MODEL = "scripted/scripted-1"
"""What the model is called in opencode: provider/model."""

_NO_SURPRISES = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
}
_LIMITS = {"context": 200_000, "output": 8_192}


@frozen(kw_only=True)
class ToolCall:
    """One call of a tool. `arguments` is the object that the tool gets, or the text as the model writes it."""

    name: str
    arguments: JsonObject | str = field(factory=dict[str, Any])


@frozen(kw_only=True)
class Reply:
    """What the model says once. Times are seconds.

    `text` comes in `chunks` pieces, `delay_s` apart, the first after `first_delay_s`, `reasoning` before it, `tools`
    after it. `status` other than 200 is an error answer with `error` as its message and `headers` (such as
    `retry-after`); `cut` breaks the connection before the end; `hang` never ends until the model is closed.
    """

    text: str = ""
    reasoning: str = ""
    tools: Sequence[ToolCall] = ()
    chunks: int = 1
    delay_s: float = 0.0
    first_delay_s: float = 0.0
    input_tokens: int = 11
    output_tokens: int = 7
    status: int = 200
    error: str = "scripted error"
    headers: Mapping[str, str] = field(factory=dict[str, str])
    cut: bool = False
    hang: bool = False


Script = Callable[[JsonObject], Reply | None]
"""Gives the reply to a request's JSON; None for the next reply of the queue."""


class ScriptedModel:
    """A model on loopback that says what it is told to.

    Opened by `with`, ended by its end; any thread may add replies. Requests take replies from the queue in their
    order; with an empty queue the model echoes the last user message. Requests that offer no tools are opencode's own,
    for titles and summaries: they get "Scripted title" and take no reply.

    Source: servers 1.1.31 to 1.18.33, which bundle `@ai-sdk/openai-compatible`.
    """

    def __init__(self, *replies: Reply, script: Script | None = None) -> None:
        self.requests: list[JsonObject] = []
        """The JSON of every request that offered tools, in order."""
        self._queue = deque(replies)
        self._script = script
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where it answers, `http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def say(self, *replies: Reply | str) -> None:
        """Add replies to the queue; a text is a reply that says it."""
        with self._lock:
            self._queue.extend(reply if isinstance(reply, Reply) else Reply(text=reply) for reply in replies)

    def config(self, **more: Any) -> JsonObject:  # Any: opencode's configuration
        """opencode's configuration with this model as its only one; `more` is added at the top level."""
        model = {
            "name": "Scripted",
            "tool_call": True,
            "reasoning": True,
            "attachment": True,
            "temperature": True,
        }
        cost = {"input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write": 0.2}
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Scripted",
            "options": {"baseURL": f"{self.url}/v1", "apiKey": "not-a-secret"},
            "models": {"scripted-1": {**model, "limit": _LIMITS, "cost": cost}},
        }
        only = {"enabled_providers": ["scripted"], "provider": {"scripted": provider}}
        return {"autoupdate": False, "share": "manual", "model": MODEL, "small_model": MODEL, **only, **more}

    def install(
        self, home: str | os.PathLike[str], **more: Any
    ) -> dict[str, str]:  # Any: opencode's configuration
        """The environment of a server that uses this model alone; its configuration is written into `home`.

        It is a file in `home` because the v2 core of 1.18.33 reads no OPENCODE_CONFIG. `more` goes into it.
        """
        folder = Path(home, ".config", "opencode")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "opencode.json").write_text(json.dumps(self.config(**more)), encoding="utf-8")
        homes = {"HOME": str(home), "XDG_CONFIG_HOME": str(folder.parent)}
        # 1.1.31 asks for its catalogue of models in spite of OPENCODE_DISABLE_MODELS_FETCH
        return {**_NO_SURPRISES, **homes, "OPENCODE_MODELS_URL": self.url}

    def close(self) -> None:
        """End it; replies under way are cut."""
        if not self._closing.is_set():
            self._closing.set()
            if self._thread.is_alive():
                self._server.shutdown()
                self._thread.join()
            self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def wait(self, seconds: float) -> bool:
        """Whether the model was closed within `seconds`."""
        return self._closing.wait(seconds)

    def reply_to(self, request: JsonObject) -> Reply:
        """What it says to a request; takes the reply from the queue."""
        if not request.get("tools"):
            return Reply(text="Scripted title")
        with self._lock:
            self.requests.append(request)
            told = self._script(request) if self._script else None
            if told is None and self._queue:
                told = self._queue.popleft()
        return told or Reply(text=f"echo: {_last_user_text(request)}")


def _last_user_text(request: JsonObject) -> str:
    for message in reversed(request.get("messages", [])):
        if message.get("role") == "user":
            content = message.get("content")
            parts = [{"text": content}] if isinstance(content, str) else content or []
            return "".join(str(part.get("text", "")) for part in parts)
    return ""


def chunks_of(reply: Reply) -> Iterator[JsonObject]:
    """The reply as the protocol's `chat.completion.chunk` objects."""
    yield _chunk({"role": "assistant", "content": ""})
    if reply.reasoning:
        yield _chunk({"reasoning_content": reply.reasoning})
    for piece in _pieces(reply.text, reply.chunks):
        yield _chunk({"content": piece})
    for index, call in enumerate(reply.tools):
        arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        function = {"name": call.name, "arguments": arguments}
        yield _chunk(
            {
                "tool_calls": [
                    {"index": index, "id": f"call_{index}", "type": "function", "function": function}
                ]
            }
        )
    total = reply.input_tokens + reply.output_tokens
    usage = {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": total,
    }
    yield {**_chunk({}, "tool_calls" if reply.tools else "stop"), "usage": usage}


def _chunk(delta: JsonObject, finish: str | None = None) -> JsonObject:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "scripted-1",
        "choices": [choice],
    }


def _pieces(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // max(1, count)))
    return [text[start : start + size] for start in range(0, len(text), size)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # many prompts start at once; the 5 of socketserver drop connections

    def __init__(self, model: ScriptedModel) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that goes away in the middle of a reply is no fault here."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] # the only one that makes it
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, {})  # the catalogue of models: empty, the configuration has the one

    def do_POST(self) -> None:
        body: Any = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
        reply = self.server.model.reply_to(body if is_object(body) else {})
        if self.server.model.wait(reply.first_delay_s):
            self.close_connection = True
        elif reply.status != 200:
            self._answer(reply.status, {"error": {"message": reply.error, "type": "scripted"}}, reply.headers)
        else:
            self._stream(reply)

    def _answer(self, status: int, body: JsonObject, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, reply: Reply) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        *most, last = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks_of(reply)]
        for event in most:
            self._write(event)
            if self.server.model.wait(reply.delay_s):
                return
        if reply.cut or (reply.hang and self.server.model.wait(threading.TIMEOUT_MAX)):
            return
        self._write(last + "data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _write(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # http.server's name
        """Nothing: what the model was asked stands in `requests`."""
