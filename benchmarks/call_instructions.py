"""Instructions of a small call, `session.get`, relative to the same GET with bare httpx."""

from __future__ import annotations

from benchmarks.calls import ASYNC_TARGET, SYNC_TARGET
from benchmarks.environment import Program, instructions, obstacle
from benchmarks.json_server import serving_json, session_json
from benchmarks.measure import Row, exact

_CALLS = 30
"""Calls that are counted. As many run before them, because first calls cost more."""

_SYNC = """
import sys
import httpx
from opencode_client import OpencodeClient
url, number = sys.argv[1], int(sys.argv[2])
bare, client = httpx.Client(), OpencodeClient(url)
for i in range(number):
    {}
"""
_ASYNC = """
import asyncio
import sys
import httpx
from opencode_client import AsyncOpencodeClient
async def main(url, number):
    async with httpx.AsyncClient() as bare, AsyncOpencodeClient(url) as client:
        for i in range(number):
            await {}
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""
_BARE = "bare.get(f'{url}/session/ses_0000001')"
_ONE_ID = "client.session.get('ses_0000001')"
_NEW_IDS = "client.session.get(f'ses_{i:07}')"


def rows() -> list[Row]:
    """Return two rows: sync and async."""
    titles = {"session.get": (_SYNC, SYNC_TARGET), "session.get awaited": (_ASYNC, ASYNC_TARGET)}
    why_not = obstacle()
    if why_not:
        return [Row(_title(name), target, {}, [why_not]) for name, (_, target) in titles.items()]
    with serving_json({"": session_json()}) as url:
        return [_row(_title(name), target, program, url) for name, (program, target) in titles.items()]


def _title(name: str) -> str:
    return f"{name}, one id, instructions / httpx"


def _row(title: str, target: float, program: str, url: str) -> Row:
    """Count a call as (instructions of 60 calls - instructions of 30 calls) / 30."""
    programs: dict[str, Program] = {
        f"{call} {times}": (program.replace("{}", call), url, str(times * _CALLS))
        for call in (_BARE, _ONE_ID, _NEW_IDS)
        for times in (1, 2)
    }
    counts = instructions(programs)
    bare, one, new = (
        (counts[f"{call} 2"] - counts[f"{call} 1"]) / _CALLS for call in (_BARE, _ONE_ID, _NEW_IDS)
    )
    notes = [f"{one / 1e3:.0f} of {bare / 1e3:.0f} thousand a call; with new ids: {new / bare:.2f}"]
    return Row(title, target, {"ours": exact(one / bare)}, notes)
