"""Which items of a stream somebody wants: pure, the same for both worlds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..model import JsonObject, is_object
from .event_decoder import StreamGap


def session_of(raw: object) -> str | None:
    """The id of the session that an event is about, from its JSON; None for an event of no session.

    Source: the events of 1.1.31 to 1.18.33, plain, in the envelope of /global/event, its `sync` form, and of the v2
    core. Servers 1.1.x name the session only in the message or the part that an event carries.
    """
    body = _body(raw)
    for path in (("sessionID",), ("part", "sessionID"), ("info", "sessionID"), ("info", "id")):
        value: object = body
        for name in path:
            value = value.get(name) if is_object(value) else None
        if isinstance(value, str) and value.startswith("ses"):
            return value
    return None


def parent_of(raw: object) -> tuple[str, str] | None:
    """A session and its parent, where an event tells of one that has one."""
    info: object = _body(raw).get("info")
    if is_object(info) and isinstance(info.get("parentID"), str) and str(info.get("id")).startswith("ses"):
        return str(info["id"]), str(info["parentID"])
    return None


def _body(raw: object) -> JsonObject:
    """What an event carries, whatever it is wrapped in."""
    for name in ("payload", "syncEvent"):
        if is_object(raw) and is_object(raw.get(name)):
            raw = raw[name]
    if not is_object(raw):
        return {}
    found: object = raw.get("properties", raw.get("data"))
    return found if is_object(found) else {}


def keeper(
    types: tuple[type[Any], ...], session_id: str | None, *, children: bool
) -> Callable[[object], bool]:
    """Tells whether an item is wanted: of one of the types, if there are any, and of the session, if one is named.

    A `StreamGap` always is. With `children`, sessions that the stream shows to be started by a wanted one are wanted.
    """
    wanted = {session_id}

    def keep(item: Any) -> bool:  # Any: whatever a stream yields
        if isinstance(item, StreamGap):
            return True
        if session_id is not None:
            raw: object = item.raw_ if hasattr(item, "raw_") else getattr(item, "raw", None)
            born = parent_of(raw) if children else None
            if born is not None and born[1] in wanted:
                wanted.add(born[0])
            if session_of(raw) not in wanted:
                return False
        return not types or isinstance(item, types)

    return keep
