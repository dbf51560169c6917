"""Hints for error messages: what to check or to do, if a response or a connection error does not say it.

Source: servers 1.1.31, 1.3.2, 1.15.13, 1.18.33. For an unknown model, agent or command and for a malformed id the newer
two send "500 Unexpected server error". The older two send a 200 without a body to prompts, and to other calls often a
TypeError of JavaScript. 1.15.13 sends that 500 for a mistake in opencode.json, too. A session keeps the model of its
last prompt, even an unknown one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..model import OpencodeModel, is_object
from .options import is_loopback

if TYPE_CHECKING:
    from .request_builder import Prepared

_BARE = ("Unexpected server error", "TypeError", "Error: PTY spawn failed")
_PREFIXES = {"sessionID": "ses", "messageID": "msg", "partID": "prt", "ptyID": "pty"}
"""The beginning of the ids in paths and bodies."""
_LISTS = {
    "{sessionID}": "session.list() lists those of one directory",
    "{messageID}": "session.messages(session_id) lists them",
    "{ptyID}": "pty.list() lists those that run",
    "{requestID}": "permission.list() and client.question.list() list those that wait",
}
"""The operation that lists the valid ids for a place in a path."""
_PASSWORD = "OPENCODE_SERVER_PASSWORD"  # noqa: S105 # the variable's name


def hints(prepared: Prepared, status: int = 200, text: str = "") -> str:
    """Return what to check, in brackets; "" where the server's message `text` says enough.

    The defaults of the arguments are for a success without a body.
    """
    if status == 401:
        return f" ({_password_hint(prepared)})"
    if status == 404:
        return _not_found_hint(prepared, text)
    bare = not text or text.startswith(_BARE)
    is_nameless = status == 400 and text == "BadRequest"
    if not (status == 200 or is_nameless or "ModelNotFound" in text or (status >= 500 and bare)):
        return ""
    suspects = [*_kinds(prepared)] if is_nameless else [*_suspects(prepared)]
    session_id = dict(_path_values(prepared)).get("{sessionID}")
    if status == 200 and session_id and session_id.startswith("ses"):  # 1.1.31: also for an unknown session
        suspects.insert(0, f"session {session_id!r}, client.session.list() lists those of one directory")
    found = "; ".join(suspects)
    if found:
        return f" (check what was sent: {found})"
    place = (
        "; the directory must be a folder on the server's machine" if "directory=" in prepared.text else ""
    )
    unknown = f" (the server's log has the reason; it may be a mistake in opencode.json{place})"
    return unknown if status >= 500 else ""


def connection_hint(url: str, text: str, *, is_proxied: bool) -> str:
    """Return what to do about a connection to `url` that failed with the error `text`."""
    if is_proxied:
        return "the environment names a proxy for this host: check it, or add the host to NO_PROXY"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "set SSL_CERT_FILE to a file with the certificate of its issuer"
    if "[SSL" in text or (url.startswith("https:") and "reset" in text):
        return "opencode itself speaks http, not https: check the URL"
    if "Name or service" in text or "getaddrinfo" in text or "nodename" in text or "name resolution" in text:
        return "check the host in the URL"
    return "start `opencode serve` there, or correct the URL"


def _password_hint(prepared: Prepared) -> str:
    if "authorization" in prepared.http.headers:
        return f"user or password is wrong: the server has OPENCODE_SERVER_USERNAME and {_PASSWORD}"
    if os.environ.get(_PASSWORD) and not is_loopback(prepared.text):
        place = "this machine and the server in OPENCODE_BASE_URL"
        return f"no password was sent: {_PASSWORD} is only for {place}; pass password="
    return f"no password was sent: pass password=, or set {_PASSWORD}"


def _not_found_hint(prepared: Prepared, text: str) -> str:
    """Return the operation that lists the existing ids, or the mistake in the base URL; "" if there is no hint."""
    operation = prepared.operation
    path = prepared.http.url.path
    if "{" not in operation.path and path != operation.path and path.endswith(operation.path):
        added = path.removesuffix(operation.path)
        return f" (the client's URL ends with {added!r}: leave that out, unless a proxy needs it)"
    names = [name for name, value in _path_values(prepared) if value in text and name in _LISTS]
    is_v2 = operation.id.startswith("v2.")
    return f" (client.{_LISTS[names[-1]]})" if names and not is_v2 else ""


def _kinds(prepared: Prepared) -> Iterator[str]:
    """Yield the sent members with their types, as values may be private, and the query parameters with their values."""
    for name, value in (prepared.sent if is_object(prepared.sent) else {}).items():
        prefix = _PREFIXES.get(name)
        is_id = prefix is None or not isinstance(value, str) or value.startswith(prefix)
        yield (
            f"{name} ({type(value).__name__})"
            if is_id
            else f"{value!r} is no {name}, which begins with {prefix!r}"
        )
    for name, value in prepared.http.url.params.items():
        if name not in ("directory", "workspace"):
            yield f"{name}={value!r}"


def _suspects(prepared: Prepared) -> Iterator[str]:
    operation, sent = prepared.operation, prepared.sent if is_object(prepared.sent) else {}
    for name, value in _path_values(prepared):
        prefix = _PREFIXES.get(name[1:-1])
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
        yield "the command, which must exist on the server's machine; its arguments belong in args=[...]"


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
