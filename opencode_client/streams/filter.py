"""Find the session of an event, and filter the items of a stream by type and session. No I/O."""

from __future__ import annotations

from typing import Any

from ..calls.operation import QUERY, Operation
from ..model import JsonObject, is_array, is_object
from .event_decoder import StreamGap

CHILDREN: Operation[Any] = Operation(
    "session.children", "GET", "/session/{sessionID}/children", "Any", scope=QUERY
)
"""The sessions that a session started, as JSON."""


def session_of(raw: object) -> str | None:
    """Return the id of the session that an event belongs to; None if it belongs to none. `raw` is the event's JSON.

    Source: the events of 1.1.31 to 1.18.33: plain, in the envelope of /global/event, in its `sync` form, and those of
    the v2 core. In servers 1.1.x only the message or the part in an event names the session.
    """
    data = _event_data(raw)
    for path in (("sessionID",), ("part", "sessionID"), ("info", "sessionID"), ("info", "id")):
        value: object = data
        for name in path:
            value = value.get(name) if is_object(value) else None
        if isinstance(value, str) and value.startswith("ses"):
            return value
    return None


def session_and_parent(raw: object) -> tuple[str, str] | None:
    """Return the ids of a session and its parent, if the event describes a session that has a parent."""
    match _event_data(raw).get("info"):
        case {"id": str(session_id), "parentID": str(parent_id)} if session_id.startswith("ses"):
            return session_id, parent_id
        case _:
            return None


def _event_data(raw: object) -> JsonObject:
    """Return the members of an event without its envelopes; no members if it is not an object."""
    for name in ("payload", "syncEvent"):
        if is_object(raw) and is_object(raw.get(name)):
            raw = raw[name]
    data: object = raw.get("properties", raw.get("data")) if is_object(raw) else None
    return data if is_object(data) else {}


class EventFilter:
    """Accepts items of some types (none: all) and of one session (None: all). Called with an item.

    It always accepts a `StreamGap`, and with a session also a `session.error` that names none. With `children` it
    accepts the sessions that an accepted session starts: those that the stream has shown, and those of `add_children`.
    """

    def __init__(self, types: tuple[type[Any], ...], session_id: str | None, *, children: bool) -> None:
        self.session_id = session_id
        self.children = children
        self._types = types
        self._sessions = {session_id}

    def __call__(self, item: Any) -> bool:  # Any: anything that a stream yields
        if isinstance(item, StreamGap):
            return True
        return self._is_of_session(item) and (not self._types or isinstance(item, self._types))

    def add_children(self, sessions: object) -> list[str]:
        """Add the sessions of a list that `CHILDREN` returned. Return their ids."""
        found = [one for one in sessions if is_object(one)] if is_array(sessions) else []
        ids = [one["id"] for one in found if isinstance(one.get("id"), str)]
        self._sessions.update(ids)
        return ids

    def _is_of_session(self, item: Any) -> bool:
        if self.session_id is None:
            return True
        raw: object = getattr(item, "raw_", None)
        child = session_and_parent(raw) if self.children else None
        if child is not None and child[1] in self._sessions:
            self._sessions.add(child[0])
        session_id = session_of(raw)
        return session_id in self._sessions or (session_id is None and _is_error(raw))


def _is_error(raw: object) -> bool:
    """Return True for a `session.error`. Source: 1.18.33 sends some without a session, as when it cannot start."""
    for event in (raw, raw.get("payload") if is_object(raw) else None):
        if is_object(event) and event.get("type") == "session.error":
            return True
    return False
