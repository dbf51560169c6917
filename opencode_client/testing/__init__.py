"""Test programs that use an OpenCode server: a scripted model on this machine, which needs no key; partial models.

`ScriptedModel` implements the OpenAI-compatible protocol, for which servers from 1.1.31 to 1.18.33 have a provider.
With this provider alone, a real server runs whole turns offline.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, TypeVar, overload

from attrs import field, frozen

from ..decoding.shapes import no_warnings
from ..model import JsonObject, OpencodeModel, UnionReader, is_object
from ..signatures import explain_call, explain_calls

MODEL = "scripted/scripted-1"
"""The model's name in opencode: provider/model."""

_OFFLINE = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
}
_LIMITS = {"context": 200_000, "output": 8_192}


M = TypeVar("M", bound=OpencodeModel)
T = TypeVar("T")


@overload
def partial(model: type[M], data: JsonObject) -> M: ...
@overload
def partial(model: UnionReader[T], data: JsonObject) -> T: ...
@explain_call
def partial(model: type[M] | UnionReader[T], data: JsonObject) -> M | T:
    """Return a model for a test from some of its members. It is read as by `from_dict`, but nothing warns.

    Members that are left out are None, required ones too.

    Args:
        model: Class of the model, or the reader of a union, such as `read_event`.
        data: JSON object with the server's names.
    """
    with no_warnings():
        return model.read(data) if isinstance(model, UnionReader) else model.from_dict(data)


@explain_calls
@frozen(kw_only=True)
class ToolCall:
    """One call of a tool. `arguments` is an object, or its text, which need not be valid JSON."""

    name: str
    arguments: JsonObject | str = field(factory=dict[str, Any])


@explain_calls
@frozen(kw_only=True)
class Reply:
    """One response of the model: first `reasoning`, then `text`, then calls of `tools`.

    The response begins after `first_delay_s` seconds. It is a series of messages: an empty one, `reasoning`, `text` in
    at most `chunks` pieces, each tool call, and the end. After each message before the end, there is a pause of
    `delay_s` seconds. A `status` other than 200 makes it an error response, with the message `error` and with
    `headers`, such as `retry-after`. `cut` breaks the connection before the end. `hang` sends no end, and keeps the
    connection open until the model is closed.
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
"""Function that returns the reply to a request, given as JSON; None for the next reply of the queue."""


@explain_calls
class ScriptedModel:
    """A model on this machine that sends the replies you give it.

    Opened by `with`, closed at its end. Any thread may add replies. `script` is called first. If it returns None, the
    next reply of the queue is sent. If the queue is empty, the reply is `echo: ` and the last user message.
    A request without tools gets "Scripted title" and takes no reply: opencode asks so for titles and summaries.

    Source: servers 1.1.31 to 1.18.33, which bundle `@ai-sdk/openai-compatible`.
    """

    def __init__(self, *replies: Reply | str, script: Script | None = None) -> None:
        self.requests: list[JsonObject] = []
        """The JSON of each request with tools, in order."""
        self._queue: deque[Reply] = deque()
        self._script = script
        self._lock = threading.Lock()
        self.say(*replies)
        self._closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """The model's URL, `http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def say(self, *replies: Reply | str) -> None:
        """Add replies to the queue. A string is a reply with this text."""
        with self._lock:
            self._queue.extend(reply if isinstance(reply, Reply) else Reply(text=reply) for reply in replies)

    def config(self, **more: Any) -> JsonObject:  # Any: opencode's configuration
        """Return a configuration of opencode with this model alone. `more` is added at the top level."""
        abilities = dict.fromkeys(("tool_call", "reasoning", "attachment", "temperature"), True)
        cost = {"input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write": 0.2}
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Scripted",
            "options": {"baseURL": f"{self.url}/v1", "apiKey": "not-a-secret"},
            "models": {"scripted-1": {"name": "Scripted", **abilities, "limit": _LIMITS, "cost": cost}},
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
        if not self._closing.is_set():
            self._closing.set()
            if self._thread.is_alive():
                self._server.shutdown()
                self._thread.join()
            self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, seconds: float) -> bool:
        """Wait for `seconds`. Return True, at once, when the model is closed."""
        return self._closing.wait(seconds)

    def reply_to(self, request: JsonObject) -> Reply:
        """Return the reply to a request, and take it from the queue."""
        if not request.get("tools"):
            return Reply(text="Scripted title")
        with self._lock:
            self.requests.append(request)
            reply = self._script(request) if self._script else None
            if reply is None and self._queue:
                reply = self._queue.popleft()
        return reply or Reply(text=f"echo: {_last_user_text(request)}")


def _last_user_text(request: JsonObject) -> str:
    for message in reversed(request.get("messages", [])):
        if message.get("role") == "user":
            content = message.get("content")
            parts = [{"text": content}] if isinstance(content, str) else content or []
            return "".join(str(part.get("text", "")) for part in parts)
    return ""


def chunks_of(reply: Reply) -> Iterator[JsonObject]:
    """Yield the reply as `chat.completion.chunk` objects."""
    yield _chunk({"role": "assistant", "content": ""})
    if reply.reasoning:
        yield _chunk({"reasoning_content": reply.reasoning})
    for piece in _pieces(reply.text, reply.chunks):
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


def _pieces(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // max(1, count)))
    return [text[start : start + size] for start in range(0, len(text), size)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # for many prompts at once: the default of 5 drops connections

    def __init__(self, model: ScriptedModel) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors: a client may go away in the middle of a reply."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] # only a _Server makes it
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._respond(200, {})  # the list of models; the configuration has the only one

    def do_POST(self) -> None:
        body: Any = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
        reply = self.server.model.reply_to(body if is_object(body) else {})
        if self.server.model.wait(reply.first_delay_s):
            self.close_connection = True
        elif reply.status != 200:
            self._respond(
                reply.status, {"error": {"message": reply.error, "type": "scripted"}}, reply.headers
            )
        else:
            self._stream(reply)

    def _respond(self, status: int, body: JsonObject, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        own = {"content-type": "application/json", "content-length": str(len(data))}
        for name, value in {**own, **(headers or {})}.items():
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
        """Log nothing: `requests` has the requests."""
