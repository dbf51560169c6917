"""A web page for one agent: streamed answers, tool calls, and buttons for permissions. `python app.py`

Needs `pip install starlette uvicorn` and a running `opencode serve`. The agent works in the folder where this starts.
Starlette sends a stream as it is written, and cancels it when the page is closed; `http.server` of Python does neither.

The page is for this machine only: it listens on 127.0.0.1, and refuses requests of other web pages (`check`). Anybody
who can open the page can let the agent run commands.
"""

import json
import os
import secrets
import sys
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route

from opencode_client import (
    AskClosed,
    AsyncOpencodeClient,
    AsyncTurn,
    OpencodeClient,
    OpencodeError,
    PermissionAsk,
    ReasoningDelta,
    Retrying,
    TextDelta,
    TextReplaced,
    ToolUpdate,
)

PORT = int(os.environ.get("PORT", "8000"))
PAGE = Path(__file__).with_name("index.html").read_text(encoding="utf-8")
SCRIPT = PAGE.partition("<script>")[2].partition("</script>")[0]
HASH = b64encode(sha256(SCRIPT.encode()).digest()).decode()
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": f"default-src 'none'; script-src 'sha256-{HASH}'; style-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}

turns: dict[str, tuple[AsyncTurn, dict[str, PermissionAsk]]] = {}
"""The running turns and their open permissions, by a key that only their page has."""


def check(request: Request) -> None:
    """Refuse requests of other pages: with another host name, or from a form of another site."""
    host = request.headers.get("host", "")
    if host.partition(":")[0] not in ("127.0.0.1", "localhost"):
        raise HTTPException(403, "open http://127.0.0.1 in place of this name")
    if request.method == "POST" and request.headers.get("origin") != f"http://{host}":
        raise HTTPException(403, "this request does not come from the page")


async def page(request: Request) -> HTMLResponse:
    check(request)
    return HTMLResponse(PAGE, headers=HEADERS)


async def start(request: Request) -> StreamingResponse:
    """Send a prompt: `{"prompt": "...", "session": null}`. The response is a line of JSON for each update."""
    check(request)
    body = await request.json()
    lines = updates(request.app.state.client, str(body["prompt"]), body.get("session"))
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=HEADERS)


async def reply(request: Request) -> JSONResponse:
    """Decide a permission: `{"turn": "...", "ask": "per_...", "decision": "once"}`."""
    check(request)
    body = await request.json()
    if body["turn"] not in turns:
        raise HTTPException(404, "this turn is over")
    turn, asks = turns[body["turn"]]
    try:
        await turn.reply(asks[body["ask"]], body["decision"])
    except OpencodeError as error:
        raise HTTPException(400, str(error)) from error
    return JSONResponse({"ok": True})


async def updates(client: AsyncOpencodeClient, prompt: str, session_id: str | None) -> AsyncIterator[str]:
    """Yield a turn as lines of JSON. A page that is closed cancels this, and leaving `async with` aborts the turn."""
    key = secrets.token_urlsafe()
    try:
        async with client.turn(prompt, session_id=session_id, questions="reject", timeout=900) as turn:
            asks: dict[str, PermissionAsk] = {}
            turns[key] = turn, asks
            yield line("begin", turn=key, session=turn.session_id)
            async for update in turn:
                if isinstance(update, PermissionAsk):
                    asks[update.id] = update
                if shown := describe(update):
                    yield shown
            result = await turn.result()
            yield line("end", text=f"{result.cost:.4f} USD, {result.duration_s:.1f} s")
    except OpencodeError as error:
        yield line("error", text=str(error))
    finally:
        turns.pop(key, None)


def describe(update: object) -> str:
    """Return an update as a line of JSON; "" if the page does not show it."""
    match update:
        case TextDelta(text=text, part_id=part_id):
            return line("text", part=part_id, text=text)
        case ReasoningDelta(text=text, part_id=part_id):
            return line("reasoning", part=part_id, text=text)
        case TextReplaced(text=text, part_id=part_id):
            return line("replaced", part=part_id, text=text)
        case ToolUpdate(part_id=part_id, tool=tool, status=status, title=title, output=output, error=error):
            return line("tool", part=part_id, tool=tool, status=status, title=title, text=error or output)
        case PermissionAsk(id=ask_id, permission=permission, patterns=patterns):
            return line("permission", id=ask_id, permission=permission, patterns=list(patterns))
        case AskClosed(id=ask_id):
            return line("closed", id=ask_id)
        case Retrying(message=message):
            return line("note", text=f"trying again: {message}")
        case _:
            return ""


def line(kind: str, **members: Any) -> str:
    return json.dumps({"type": kind, **members}) + "\n"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[None]:
    """Share one client, with its connections, between all requests."""
    async with AsyncOpencodeClient(directory=".") as client:
        app.state.client = client
        yield


app = Starlette(
    routes=[
        Route("/", page),
        Route("/turn", start, methods=["POST"]),
        Route("/reply", reply, methods=["POST"]),
    ],
    lifespan=lifespan,
)

if __name__ == "__main__":
    try:
        with OpencodeClient() as opencode:
            opencode.check_server()
    except OpencodeError as error:
        sys.exit(str(error))
    print(f"open http://127.0.0.1:{PORT}")
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
