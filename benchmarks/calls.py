"""Typed calls end to end, relative to bare httpx: same server, same bytes, connections kept open.

Times are CPU time of this process; the server is another one. The small call is `session.get`. The large one is
`session.messages` with the list of `messages`; there, bare httpx is followed by `json.loads`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from itertools import count as counting
from typing import Any

import httpx

from benchmarks.json_server import serving_json, session_json
from benchmarks.measure import Contender, Row, Steps, interleave
from benchmarks.messages import message_list
from benchmarks.peers import stock_package
from opencode_client import AsyncOpencodeClient, OpencodeClient

SYNC_TARGET = 1.0
ASYNC_TARGET = 1.05
LIST_TARGET = 1.0
_AT_ONCE = 50
"""Calls to a turn: few, so that noise rarely hits a turn; enough to make the clock's cost small."""

_BASE = "httpx"

Ids = Callable[[], Iterator[str]]
"""Makes the session ids of a turn."""


def rows(*, rounds: int, list_rounds: int, count: int) -> list[Row]:
    """Return rows of small calls, sync and async, with one id and with new ids; then of a list of `count` messages."""
    messages = message_list(count)
    with serving_json({"/message": messages, "": session_json()}) as url:
        return [
            _sync_row(url, "one id", _one_id, rounds=rounds),
            _sync_row(url, "new ids", _new_ids(), rounds=rounds),
            _async_row(url, "one id", _one_id, rounds=rounds),
            _async_row(url, "new ids", _new_ids(), rounds=rounds),
            _list_row(url, f"{count} messages, {len(messages) / 1e6:.1f} MB", rounds=list_rounds),
        ]


def _one_id() -> Iterator[str]:
    return iter(["ses_df8b671ccffe3qpQJbt6K6Jlm2"] * _AT_ONCE)


def _new_ids() -> Ids:
    numbers = counting()
    return lambda: (f"ses_{next(numbers):026}" for _ in range(_AT_ONCE))


def _sync_row(url: str, which: str, ids: Ids, *, rounds: int) -> Row:
    stock, stock_get = _stock(url, "session_get")
    with httpx.Client() as bare, OpencodeClient(url) as client, stock:
        steps = {
            _BASE: _each(lambda session: bare.get(f"{url}/session/{session}"), ids),
            "ours": _each(client.session.get, ids),
            "stock, by type": _each(lambda session: stock_get.sync(session, client=stock), ids),
        }
        return _row(f"session.get, {which} / httpx", SYNC_TARGET, steps, rounds)


def _each(get: Callable[[str], object], ids: Ids) -> Steps:
    def step() -> None:
        for session in ids():
            get(session)

    return lambda: [step]


def _async_row(url: str, which: str, ids: Ids, *, rounds: int) -> Row:
    stock, stock_get = _stock(url, "session_get")
    bare, client = httpx.AsyncClient(), AsyncOpencodeClient(url)

    async def close() -> None:
        await bare.aclose()
        await client.close()
        await stock.get_async_httpx_client().aclose()

    with asyncio.Runner() as runner:
        steps = {
            _BASE: _each_awaited(runner, lambda session: bare.get(f"{url}/session/{session}"), ids),
            "ours": _each_awaited(runner, client.session.get, ids),
            "stock, by type": _each_awaited(
                runner, lambda session: stock_get.asyncio(session, client=stock), ids
            ),
        }
        try:
            return _row(f"session.get awaited, {which} / httpx", ASYNC_TARGET, steps, rounds)
        finally:
            runner.run(close())


def _each_awaited(runner: asyncio.Runner, get: Callable[[str], Awaitable[object]], ids: Ids) -> Steps:
    async def step() -> None:
        for session in ids():
            await get(session)

    return lambda: [lambda: runner.run(step())]


def _list_row(url: str, what: str, *, rounds: int) -> Row:
    stock, stock_messages = _stock(url, "session_messages")
    path = f"{url}/session/x/message"
    with httpx.Client() as bare, OpencodeClient(url) as client, stock:
        steps: dict[str, Steps] = {
            _BASE: lambda: [lambda: json.loads(bare.get(path).content)],
            "httpx alone": lambda: [lambda: bare.get(path)],
            "ours": lambda: [lambda: client.session.messages("x")],
            "ours, to_dict()": lambda: [lambda: [one.to_dict() for one in client.session.messages("x")]],
            "ours, send": lambda: [lambda: client.send("GET", "/session/x/message")],
            "stock's union": lambda: [lambda: stock_messages.sync("x", client=stock)],
        }
        return _row(f"session.messages, {what} / httpx + json.loads", LIST_TARGET, steps, rounds)


def _stock(
    url: str, operation: str
) -> tuple[Any, Any]:  # Any: code that the stock generator has just written
    """Return the stock client, not opened yet, and the module of one of its operations."""
    package = stock_package("1.18.33")
    client = import_module(f"{package}.client").Client(base_url=url)
    return client, import_module(f"{package}.api.session.{operation}")


def _row(title: str, target: float, steps: dict[str, Steps], rounds: int) -> Row:
    ratios = interleave([Contender(name, run, _BASE) for name, run in steps.items()], rounds=rounds)
    notes = [f"ours from round to round: {ratios['ours'].spread}"]
    if "httpx alone" in ratios:
        notes.append(f"httpx without json.loads: {ratios.pop('httpx alone')}")
    return Row(title, target, ratios, notes)
