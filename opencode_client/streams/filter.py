"""Find the session of an event, and filter the items of a stream by type and session. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..model import JsonObject, is_object
from .event_decoder import StreamGap


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


def make_event_filter(
    types: tuple[type[Any], ...], session_id: str | None, *, children: bool
) -> Callable[[object], bool]:
    """Return a function that is true for items of these types (empty: all) and of this session (None: all).

    It is always true for a `StreamGap`. With `children` it also accepts the sessions that an accepted session starts,
    if the stream has shown their start.
    """
    sessions = {session_id}

    def is_wanted(item: Any) -> bool:  # Any: anything that a stream yields
        if isinstance(item, StreamGap):
            return True
        if session_id is not None:
            raw: object = getattr(item, "raw_", None)
            child = session_and_parent(raw) if children else None
            if child is not None and child[1] in sessions:
                sessions.add(child[0])
            if session_of(raw) not in sessions:
                return False
        return not types or isinstance(item, types)

    return is_wanted
