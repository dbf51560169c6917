"""Calls for tests of faults, one for each kind of retry, and responses to them."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from attrs import frozen

from opencode_client import (
    UNSET,
    Unset,
)
from opencode_client.calls.async_closing import AsyncClosing
from opencode_client.calls.closing import Closing
from opencode_client.calls.options import Timeout
from tests.support.both_clients import Action, Client
from tests.support.faulty_server import (
    Step,
    answer,
    chunked,
    cut,
    hang_up,
    http,
    read_and_reset,
    reset,
)

SOON = httpx.Timeout(10, read=0.05)
EMPTY_LIST = http(b"[]")


@frozen
class Call:
    """A call as an action, with an optional timeout. `value` is a response to it."""

    operation: str
    method: str
    path: str
    value: bytes
    make: Callable[[Client, Timeout | Unset], object]
    is_repeatable: bool = False

    def __call__(self, client: Client) -> object:
        return self.make(client, UNSET)

    def within(self, timeout: Timeout) -> Action:
        return lambda client: self.make(client, timeout)


def _prompt(client: Client, timeout: Timeout | Unset) -> object:
    return client.session.prompt("ses_1", parts=[{"type": "text", "text": "hi"}], timeout=timeout)


def _update(client: Client, timeout: Timeout | Unset) -> object:
    return client.session.update("ses_1", timeout=timeout)


def _delete(client: Client, timeout: Timeout | Unset) -> object:
    return client.session.delete("ses_1", timeout=timeout)


def _set_auth(client: Client, timeout: Timeout | Unset) -> object:
    return client.auth.set("anthropic", body={"type": "api", "key": "k"}, timeout=timeout)


def _next(client: Client, timeout: Timeout | Unset) -> object:
    return client.tui.control.next(timeout=timeout)


SESSION = b'{"id":"ses_1"}'
LIST = Call("session.list", "GET", "/session", b"[]", lambda c, t: c.session.list(timeout=t), True)
CREATE = Call("session.create", "POST", "/session", SESSION, lambda c, t: c.session.create(timeout=t))
PROMPT = Call("session.prompt", "POST", "/session/ses_1/message", b'{"info":{},"parts":[]}', _prompt)
_CALLS = (
    LIST,
    CREATE,
    PROMPT,
    Call("session.update", "PATCH", "/session/ses_1", SESSION, _update),
    Call("session.delete", "DELETE", "/session/ses_1", b"true", _delete, True),
    Call("auth.set", "PUT", "/auth/anthropic", b"true", _set_auth, True),
    Call("tui.control.next", "GET", "/tui/control/next", b'{"path":"","body":null}', _next),
)
every_call = pytest.mark.parametrize("call", _CALLS, ids=[call.operation for call in _CALLS])

HUNDRED_BYTES = {"content-type": "application/json", "content-length": "100"}
BREAKS: dict[str, Step] = {
    "reset unread": reset,
    "reset after reading": read_and_reset,
    "closed unread": hang_up,
    "closed after reading": cut(b""),
    "cut in the headers": cut(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "cut in the body": cut(http(b'[{"id":', headers=HUNDRED_BYTES)),
    "cut before the last chunk": cut(chunked(b"[]", end=b"")),
    "no HTTP": cut(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
}
every_break = pytest.mark.parametrize("break_", BREAKS.values(), ids=list(BREAKS))


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the delays between attempts, and return the list of their seconds."""
    waited: list[float] = []

    def pause(_: object, delay_s: float) -> None:
        waited.append(delay_s)

    async def pause_task(_: object, delay_s: float) -> None:
        waited.append(delay_s)

    monkeypatch.setattr(Closing, "pause", pause)
    monkeypatch.setattr(AsyncClosing, "pause", pause_task)
    return waited


def json_answer(value: object, status: int = 200) -> bytes:
    return http(json.dumps(value).encode(), status)


def attempts_of(call: Call) -> int:
    return 3 if call.is_repeatable else 1


def busy(retry_after: str) -> Step:
    return answer(http(status=429, headers={"retry-after": retry_after}))


PLAIN = {"content-type": "application/octet-stream"}
