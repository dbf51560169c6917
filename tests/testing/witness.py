"""Record typed values, errors and events that a client gets, without ids, times and other random values."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

import attrs

from opencode_client import OpencodeClient, OpencodeError, StatusError
from opencode_client.errors import ResponseDecodeError
from opencode_client.model import JsonObject, OpencodeModel, is_array, is_object

# The table of intended differences
DIFFERS = {
    "slug": "random",
    "pid": "a number of the machine",
    "ref": "random",
    "sandboxes": "of the machine",
    "url": "that of the model's HTTP server",
    "response_headers": "of the model's HTTP server",
    "call_id": "random for commands of the shell; the parts identify the tools",
}
"""Members of any object, and why they differ."""
IGNORED = {
    "catalog.updated": "of plugins, which the fake does not have",
    "integration.updated": "of plugins",
    "plugin.added": "of plugins",
    "reference.updated": "of plugins",
    "lsp.updated": "of language servers, which the fake does not have",
    "file.watcher.updated": "of a watcher; the fake notices only what its own tools write",
    "project.updated": "of Git, which the fake does not use",
    "server.connected": "of connections, not of scenes",
    "server.heartbeat": "of connections, not of scenes",
}
"""Events that are left out, and why. The output of a running command is left out, too: see `_is_output`."""
RACING = {
    "session.updated": "their number and order change from run to run on real servers",
    "session.diff": "their number and order change from run to run on real servers",
}
"""Events of which the last one of each session is compared."""
WITHOUT_EVENTS = {"write": "the fake has no Git, so it has no parts and no diffs for files that changed"}
"""Scenes of which only the values are compared."""

_ID = re.compile(r"\b(?:ses|msg|prt|per|que|pty|evt|err)_[0-9A-Za-z]{8,}\b")
_TIME_MS = 1_500_000_000_000
_MASKS = {
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z": "<time>",
    r"Available commands: [-a-z, ]*": "Available commands: <names>",
    r"\b(?:[0-9a-f]{40}|[0-9a-f]{32})\b": "<hash>",
    r"http://127\.0\.0\.1:\d+": "<url>",
    r"\\n    at [^\"]*": "",  # the stack of an error
    r"Terminal \w{4}": "Terminal <id>",
}
_LONGEST_S, _QUIET_S = 30.0, 2.5
END = "test.end"
"""The event that ends a scene on a fake server."""


class Witness:
    """Calls a server, and notes what the client returns."""

    def __init__(self, client: OpencodeClient, directory: str) -> None:
        self.client = client
        self.seen: list[Any] = []
        self._directory = directory
        self._events: list[Any] = []
        self._last_s = monotonic()
        self._ended = threading.Event()
        self._stream = client.event.subscribe()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Witness:
        self._stream.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._thread.join()

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a method of the client, note its result or its error, and return its result."""
        try:
            value = function(*arguments, **named)
        except OpencodeError as error:
            self.note(error)
            return None
        self.note(value)
        return value

    def note(self, value: object) -> None:
        """Note a value, and how it is read strictly."""
        found = list(_deviations(value))
        self.seen.append([plain(value), found] if found else plain(value))

    def wait_until_quiet(self) -> None:
        """Wait until a real server sends no more events."""
        end_s = monotonic() + _LONGEST_S
        while (self._is_busy() or monotonic() - self._last_s < _QUIET_S) and monotonic() < end_s:
            sleep(0.02)  # no signal shows that no more events follow

    def wait_for_end(self) -> None:
        """Wait for the event that a fake server sends at the end of a scene."""
        assert self._ended.wait(_LONGEST_S)
        self._ended.clear()

    def take(self) -> JsonObject:
        """Return the records since the last call."""
        events, self._events = self._events, []
        values, self.seen = self.seen, []
        found: JsonObject = _masked({"values": values, **_grouped(events)}, self._directory)
        found["order"] = _without_repetitions(found["order"])
        found["events"] = {key: _without_repetitions(group) for key, group in found["events"].items()}
        return found

    def _is_busy(self) -> bool:
        last: dict[str, str] = {}
        for event in self._events.copy():
            if event.type in ("session.status", "session.idle"):
                last[event.properties.session_id] = event.type
        return "session.status" in last.values()

    def _watch(self) -> None:
        for event in self._stream:
            kind = getattr(event, "raw_", {}).get("type", type(event).__name__)
            if _is_output(event):
                continue
            if kind == END:
                self._ended.set()
            elif kind not in IGNORED:
                self._last_s = monotonic()
                self._events.append(event)


def _is_output(event: Any) -> bool:
    """Return True for the output of a command that runs: how often servers publish it depends on their load."""
    state = getattr(getattr(event.properties, "part", None), "state", None)
    return getattr(state, "status", "") == "running" and "output" in (getattr(state, "metadata", None) or {})


def plain(value: object) -> Any:
    """Return a value as JSON, with the names of its classes."""
    if isinstance(value, StatusError):
        return {
            "": type(value).__name__,
            "status": value.status,
            "body": plain(value.error),
            "data": plain(value.data),
        }
    if isinstance(value, OpencodeError):
        return {"": type(value).__name__, "text": str(value).split(";")[0].split(" at http")[0]}
    kind: Any = type(value)  # Any: checked by `has`
    if attrs.has(kind):
        names = [one.name for one in attrs.fields(kind) if one.name.strip("_") not in ("raw", *DIFFERS)]
        found = {name: plain(getattr(value, name)) for name in names if not name.startswith("_")}
        return {"": type(value).__name__, **{name: one for name, one in found.items() if one is not None}}
    if is_object(value):
        return {name: plain(one) for name, one in value.items() if _snake(name) not in DIFFERS}
    if isinstance(value, list | tuple):
        return list(map(plain, value))  # pyright: ignore[reportUnknownArgumentType] # of any type
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z]+)", lambda found: f"_{found[1].lower()}", name)


def _deviations(value: object) -> Iterator[str]:
    """Yield the differences of a value from the document."""
    for one in value if is_array(value) else (value,):
        if isinstance(one, OpencodeModel) and one.raw_ is not None:
            try:
                type(one).from_dict(one.raw_, strict=True)
            except ResponseDecodeError as error:
                yield re.sub(r"\[\d+\]", "[]", str(error))


def _grouped(events: list[Any]) -> JsonObject:
    """Return the events of each part, message and session in their order, and the order of their milestones."""
    groups: dict[str, list[Any]] = {}
    order: list[str] = []
    for event in events:
        raw: Any = event.raw_  # Any: JSON
        properties: Any = raw.get("properties", {})
        key, begins = _key(raw["type"], properties)
        one: list[Any] = [plain(event), list(_deviations(event))]
        one[0].pop("id", None)
        known = groups.setdefault(key, [])
        if raw["type"] in RACING:
            known.clear()
        known.append(one)
        if begins:
            order.append(f"{raw['type']} {begins}")
    return {"events": groups, "order": order}


def _without_repetitions(events: list[Any]) -> list[Any]:
    """Return the events without those that are like the one before. Real servers repeat some, in some runs."""
    return [one for at, one in enumerate(events) if at == 0 or events[at - 1] != one]


def _key(kind: str, properties: Any) -> tuple[str, str]:
    """Return the group of an event, and a text if it is a milestone whose place is the same in each run."""
    session_id = properties.get("sessionID") or ""
    if kind.startswith("message.part"):
        part_id = properties.get("partID") or properties["part"]["id"]
        return f"part {part_id}", ""
    if kind == "message.updated":
        info = properties["info"]
        is_end = "completed" in info["time"]
        return f"message {info['id']}", "" if info[
            "role"
        ] == "user" else f"{info['id']} {'over' if is_end else ''}"
    if kind in ("session.status", "session.idle", "session.error"):
        status = properties.get("status", {}).get("type", "")
        return f"status {session_id}", f"{session_id} {status}"
    if kind in RACING:
        return f"{kind} {session_id or properties['info']['id']}", ""
    return f"{kind.split('.')[0]} {session_id}", ""


def _masked(value: JsonObject, directory: str) -> Any:
    """Replace ids by their places in the order of their creation, and times and directories by words."""
    text = json.dumps(value, sort_keys=True)
    names: dict[str, str] = {}
    places = dict(_parts(value))
    for prefix in ("ses", "msg", "prt", "per", "que", "pty", "evt", "err"):
        ids = {one for one in _ID.findall(text) if one.startswith(prefix)}
        found = sorted(ids, key=lambda one: (places.get(one, ""), one), reverse=prefix == "ses")
        names.update({one: f"{prefix}:{number}" for number, one in enumerate(found, 1)})
    text = _ID.sub(lambda found: names[found[0]], text.replace(json.dumps(directory)[1:-1], "<dir>"))
    for pattern, word in _MASKS.items():
        text = re.sub(pattern, word, text)
    return _without_times(json.loads(text))


def _parts(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the ids of parts with the ids of their messages. 1.3.2 runs tools before it stores their parts."""
    if is_object(value):
        if str(value.get("id", "")).startswith("prt_") and "message_id" in value:
            yield value["id"], value["message_id"]
        value = list(value.values())
    for one in value if is_array(value) else ():
        yield from _parts(one)


def _without_times(value: Any) -> Any:
    if is_object(value):
        return {name: _without_times(one) for name, one in value.items()}
    if is_array(value):
        return [_without_times(one) for one in value]
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and value > _TIME_MS
    return "<time>" if is_time else value
