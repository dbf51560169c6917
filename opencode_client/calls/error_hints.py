"""Say what to check where a server's response does not name its reason.

Source: servers 1.1.31, 1.3.2, 1.15.13, 1.18.33. For an unknown model, agent or command and for a malformed id the newer
two send "500 Unexpected server error". The older two send a 200 without a body to prompts, and to other calls often a
TypeError of JavaScript. 1.15.13 sends that 500 for a mistake in opencode.json, too. A session keeps the model of its
last prompt, even an unknown one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..model import OpencodeModel, is_object

if TYPE_CHECKING:
    from .request_builder import Prepared

_BARE = ("Unexpected server error", "TypeError", "Error: PTY spawn failed")
_PREFIXES = {"{sessionID}": "ses", "{messageID}": "msg", "{partID}": "prt", "{ptyID}": "pty"}
"""The beginning of the ids in paths."""


def hints(prepared: Prepared, status: int = 200, text: str = "") -> str:
    """Return what to check, in brackets; "" where the server's message `text` says enough.

    Without arguments: for a success without its body.
    """
    if status == 401:
        given = "authorization" in prepared.http.headers
        return " (these credentials were refused)" if given else " (no password was given)"
    bare = not text or text.startswith(_BARE)
    if not (status == 200 or "ModelNotFound" in text or (status >= 500 and bare)):
        return ""
    found = "; ".join(_suspects(prepared))
    if found:
        return f" (check what was sent: {found})"
    return " (the server's log has the reason; it may be a mistake in opencode.json)" if status >= 500 else ""


def _suspects(prepared: Prepared) -> Iterator[str]:
    operation, sent = prepared.operation, prepared.sent if is_object(prepared.sent) else {}
    for name, value in _path_values(prepared):
        prefix = _PREFIXES.get(name)
        if prefix is not None and not value.startswith(prefix):
            yield f"{value!r} is no {name[1:-1]}, which begins with {prefix!r}"
    model, runs_turn = _model_in(sent), operation.blocking or operation.id.endswith("prompt_async")
    if model:
        kept = "; the session keeps it, so pass another model with the next call" if runs_turn else ""
        yield f"model {model!r}, client.config.providers() lists the models{kept}"
    elif operation.id in ("session.prompt", "session.prompt_async", "session.command"):
        yield "no model, so the session's last one was used; if that does not exist, pass model="
    if isinstance(agent := sent.get("agent"), str):
        yield f"agent {agent!r}, client.app.agents() lists the agents"
    if operation.id == "session.command":
        yield "the command, client.command.list() lists the commands"
    elif operation.id.endswith("pty.create") and sent.get("command") is not None:
        yield "the command, which must exist on the server's machine"


def _path_values(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """Yield the names in the operation's path, with the values that were sent."""
    names = prepared.operation.path.split("/")
    values = prepared.text.partition("?")[0].split("/")[-len(names) :]
    return ((name, value) for name, value in zip(names, values, strict=False) if name.startswith("{"))


def _model_in(sent: dict[str, Any]) -> str:  # Any: the members of a body
    """Return the model that a body names, `provider/model`; "" without one."""
    model: Any = sent.get("model")
    if isinstance(model, OpencodeModel):
        model = model.to_dict()
    if isinstance(model, str):
        return model
    named = model if is_object(model) else sent
    name = named.get("modelID") or (named.get("id") if named is model else None)
    return "/".join(str(part) for part in (named.get("providerID"), name) if part)
