"""A server of turns: it answers each prompt with a text of so many deltas, which it sends to all event streams.

The first part of a path is the number of deltas: `POST /500/session`, `GET /500/event`. `POST /500/start/3` sends the
events of three turns without prompts. Events have the form of 1.18.33, each in an HTTP chunk of its own. As there, the
response to a prompt comes before the last event, `session.idle`.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from itertools import count
from threading import Lock, Thread
from typing import Any

from benchmarks.loopback import serve, serving

WORD = "word12"
"""The text of a delta."""

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_AT_ONCE = 64
"""Events per write."""
_numbers = count(1)
_lock = Lock()
_streams: list[socket.socket] = []
_messages: dict[str, list[Any]] = {}


def serving_turns() -> AbstractContextManager[str]:
    """Start the server. Gives its URL, without the number of deltas."""
    return serving("benchmarks.turn_server")


def main() -> None:
    """Serve until standard input ends."""
    serve(_answer)


def _answer(connection: socket.socket) -> None:
    for method, path, body in _requests(connection):
        deltas, *names = path.strip("/").split("/")
        match method, names:
            case "GET", ["event"]:
                with _lock:  # the next event may follow at once
                    connection.sendall(_STREAM_HEAD + _chunk("server.connected"))
                    _streams.append(connection)
            case "POST", ["session", session_id, "message"]:
                turn = _Turn(session_id, json.loads(body)["parts"], int(deltas))
                _send(turn.events())
                connection.sendall(_json(turn.answer))
                _send(turn.end())
            case "POST", ["start", turns]:
                made = [_Turn(f"ses_{next(_numbers)}", [], int(deltas)) for _ in range(int(turns))]
                connection.sendall(_json(True))
                Thread(target=_send_all, args=(made,), daemon=True).start()
            case "GET", ["session", session_id, "message"]:
                connection.sendall(_json(_messages.get(session_id, [])))
            case _:
                connection.sendall(_json(_small(method, names)))
    with suppress(ValueError):
        _streams.remove(connection)


def _requests(connection: socket.socket) -> Iterator[tuple[str, str, bytes]]:
    """The method, the path without the query, and the body of each request."""
    data = b""
    while received := connection.recv(65536):
        data += received
        head, end, body = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if end and len(body) >= int(length or 0):
            method, path, _ = head.decode().split(" ", 2)
            yield method, path.partition("?")[0], body
            data = b""


def _small(method: str, names: list[str]) -> object:
    if names == ["session", "status"]:
        return {}
    if names[0] == "session" and names[-1] != "children":
        session_id = f"ses_{next(_numbers)}" if method == "POST" else names[1]
        times = {"created": 1, "updated": 1}
        about = {"directory": "/repo", "title": "t", "version": "1", "projectID": "p", "slug": "s"}
        return {"id": session_id, **about, "time": times}
    return []


class _Turn:
    """The messages and the events of one turn."""

    def __init__(self, session_id: str, prompt: list[Any], deltas: int) -> None:
        self._session = {"sessionID": session_id}
        self._ids = (f"msg_{next(_numbers):08}", f"msg_{next(_numbers):08}")
        self._deltas = deltas
        user: Any = {
            "id": self._ids[0],
            **self._session,
            "role": "user",
            "time": {"created": 1000},
            "agent": "build",
        }
        user["model"] = {"providerID": "p", "modelID": "m"}
        parts = [self._part(self._ids[0], **part) for part in prompt]
        text = self._part(self._ids[1], type="text", text=WORD * deltas, time={"start": 1, "end": 2})
        self.prompt = {"info": user, "parts": parts}
        self.answer = {
            "info": self._info({"created": 1001, "completed": 1002}, finish="stop"),
            "parts": [text],
        }
        _messages[session_id] = [self.prompt, self.answer]

    def events(self) -> Iterator[bytes]:
        """The events up to the response."""
        text: Any = self.answer["parts"]
        yield _chunk("message.updated", **self._session, info=self.prompt["info"])
        for part in self.prompt["parts"]:
            yield _chunk("message.part.updated", **self._session, part=part)
        yield _chunk("session.status", **self._session, status={"type": "busy"})
        yield _chunk("message.updated", **self._session, info=self._info({"created": 1001}))
        begun = {**text[0], "text": "", "time": {"start": 1}}
        yield _chunk("message.part.updated", **self._session, part=begun)
        ids = {**self._session, "messageID": self._ids[1], "partID": text[0]["id"]}
        delta = _chunk("message.part.delta", **ids, field="text", delta=WORD)
        for _ in range(self._deltas):
            yield delta
        yield _chunk("message.part.updated", **self._session, part=text[0])
        yield _chunk("message.updated", **self._session, info=self.answer["info"])

    def end(self) -> Iterator[bytes]:
        """The events after the response."""
        yield _chunk("session.status", **self._session, status={"type": "idle"})
        yield _chunk("session.idle", **self._session)

    def _part(self, message_id: str, **part: Any) -> dict[str, Any]:
        return {"id": f"prt_{next(_numbers):08}", **self._session, "messageID": message_id, **part}

    def _info(self, time: dict[str, int], **more: str) -> dict[str, Any]:
        info: dict[str, Any] = {
            "id": self._ids[1],
            **self._session,
            "role": "assistant",
            "parentID": self._ids[0],
        }
        info |= {"providerID": "p", "modelID": "m", "mode": "build", "agent": "build", "cost": 0}
        tokens = {"input": 1, "output": 1, "reasoning": 0, "cache": {"read": 0, "write": 0}}
        return {**info, "path": {"cwd": "/", "root": "/"}, "tokens": tokens, "time": time, **more}


def _send_all(turns: list[_Turn]) -> None:
    for turn in turns:
        _send(turn.events())
        _send(turn.end())


def _send(events: Iterator[bytes]) -> None:
    """Send events to all streams. The events of several turns are mixed."""
    some: list[bytes] = []
    for event in events:
        some.append(event)
        if len(some) == _AT_ONCE:
            _write(b"".join(some))
            some.clear()
    _write(b"".join(some))


def _write(data: bytes) -> None:
    with _lock:
        for stream in _streams.copy():
            try:
                stream.sendall(data)
            except OSError:  # its client has gone, so its thread may remove it, too
                with suppress(ValueError):
                    _streams.remove(stream)


def _chunk(kind: str, **properties: Any) -> bytes:
    event = {"id": f"evt_{next(_numbers)}", "type": kind, "properties": properties}
    data = b"data: %b\n\n" % json.dumps(event, separators=(",", ":")).encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def _json(value: object) -> bytes:
    data = json.dumps(value, separators=(",", ":")).encode()
    return _HEAD % (len(data), data)


if __name__ == "__main__":
    main()
