"""Stream turns to browsers: `pip install fastapi uvicorn`, then `uvicorn service:app` in this folder.

Open http://127.0.0.1:8000. The turn ends when the browser leaves.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse

from opencode_client import AsyncOpencodeClient, OpencodeError, PermissionPolicy, TextDelta, ToolUpdate

RULES: PermissionPolicy = {"*": "reject", "edit": "once"}
PAGE = """<!doctype html><meta charset="utf-8"><title>Agent</title>
<form><input name="prompt" size="60" autofocus> <button>Ask</button></form><pre></pre>
<script>
const out = document.querySelector("pre");
document.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  out.textContent = "";
  const prompt = new FormData(event.target).get("prompt");
  const stream = new EventSource("/turn?prompt=" + encodeURIComponent(prompt));
  stream.addEventListener("text", (event) => { out.textContent += JSON.parse(event.data); });
  stream.addEventListener("tool", (event) => { out.textContent += "\\n[" + JSON.parse(event.data) + "]\\n"; });
  stream.addEventListener("end", (event) => { out.textContent += "\\n" + JSON.parse(event.data); stream.close(); });
};
</script>"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Share one client, with its connections, between all requests."""
    async with AsyncOpencodeClient(directory=".") as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def page() -> HTMLResponse:
    return HTMLResponse(PAGE)


@app.get("/turn")
async def turn(prompt: str) -> StreamingResponse:
    return StreamingResponse(server_sent_events(app.state.client, prompt), media_type="text/event-stream")


async def server_sent_events(client: AsyncOpencodeClient, prompt: str) -> AsyncIterator[str]:
    """Yield a turn as server-sent events. A browser that leaves cancels this, which aborts the turn."""
    try:
        async with client.turn(prompt, permissions=RULES, questions="reject", timeout=900) as running:
            async for update in running:
                match update:
                    case TextDelta(text=text):
                        yield event("text", text)
                    case ToolUpdate(tool=tool, status="running"):
                        yield event("tool", tool)
                    case _:
                        pass
            result = await running.result()
            yield event("end", f"{result.cost:.4f} USD")
    except OpencodeError as error:
        yield event("end", str(error))


def event(name: str, value: str) -> str:
    return f"event: {name}\ndata: {json.dumps(value)}\n\n"
