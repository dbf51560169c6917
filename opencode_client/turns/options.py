"""The arguments of a turn, and their checks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypedDict

from ..attachments import MAX_BYTES, Attachable, read_files
from ..calls.operation import JsonMapping
from ..errors import AgentNotFoundError, ArgumentError, ModelNotFoundError
from ..model import OpencodeModel
from .inputs import TurnPlan
from .policies import PermissionPolicy, QuestionPolicy, check_policies, is_list, is_mapping
from .result import SlashCommand
from .structured import schema_of
from .v1 import marked

if TYPE_CHECKING:
    from ..calls.directories import StrPath
    from ..models import SessionPromptModel

Prompt = str | Sequence[Any] | SlashCommand  # Any: inputs of parts, or mappings
"""A text, a list of inputs of parts, or a command."""


_POSITIVE = {"timeout": "seconds", "max_cost": "USD", "max_steps": "responses", "max_file_bytes": "bytes"}
"""Options that take a positive number, and its unit."""


class FollowOptions(TypedDict, total=False):
    """Options of `follow`. All may be left out; see `TurnOptions`."""

    directory: StrPath | None
    permissions: PermissionPolicy
    questions: QuestionPolicy
    timeout: float | None
    max_cost: float | None
    max_steps: int | None


class TurnOptions(FollowOptions, total=False):
    """Options of `run` and `turn`. All may be left out.

    `session_id`: session to continue. Default: a new one, with `title`. `directory`: project to work in; not needed
    with `session_id`, as the session's directory is looked up. `fork`: run in a fork of the session. `model`:
    "provider/model". `agent`, `variant`, `system`, `tools`: as in `session.prompt`. `permissions`: "once", "always",
    "reject", `Reject("why")`, a mapping as in opencode's configuration (not a sandbox: "git *" permits `git log > x`),
    or a function that gets a `PermissionAsk`. `questions`: "reject", a mapping from header or question to answers, or a
    function that gets a `QuestionAsk`. The default of both is "reject" for `run`, and "ask" for `turn`. `timeout`:
    seconds for the whole turn; None: the client's `turn_timeout`. `max_cost`: limit in USD, including subagents.
    `max_steps`: limit for the responses of the model. `files`: paths on this machine, or `FileAttachment`s. Their
    contents are sent with the prompt, at most `max_file_bytes` in all, 10,000,000 by default.
    """

    session_id: str | None
    title: str | None
    fork: bool
    model: str | SessionPromptModel | JsonMapping | None
    agent: str | None
    variant: str | None
    system: str | None
    tools: Mapping[str, bool] | None
    files: Sequence[Attachable] | None
    max_file_bytes: int


def check_options(prompt: object, options: Mapping[str, Any], *, may_ask: bool) -> None:  # Any: checked here
    """Check the arguments of a turn. Raises ArgumentError."""
    is_command = isinstance(prompt, SlashCommand)
    is_empty = not prompt and not options.get("files")
    if is_empty or not (isinstance(prompt, str) or is_command or _are_parts(prompt)):
        raise ArgumentError(f"prompt takes a text, a list of parts or a SlashCommand, not {prompt!r}")
    default = "ask" if may_ask else "reject"
    check_policies(options.get("permissions", default), options.get("questions", default), may_ask=may_ask)
    for name in ("session_id", "title", "agent", "variant", "system"):
        value = options.get(name)
        if value is not None and not isinstance(value, str):
            hint = {"session_id": "; pass its id", "agent": "; pass its name"}.get(name, "")
            raise ArgumentError(f"{name} takes a text, not an object of class {type(value).__name__}{hint}")
    tools = options.get("tools")
    if tools is not None and not is_mapping(tools):
        raise ArgumentError(f'tools takes a mapping such as {{"bash": False}}, not {tools!r}')
    for name, unit in _POSITIVE.items():
        value = options.get(name)
        if value is not None and (
            not isinstance(value, int | float) or isinstance(value, bool) or not value > 0
        ):
            raise ArgumentError(f"{name} takes a positive number of {unit}, not {value!r}")
    if options.get("fork") and options.get("session_id") is None:
        raise ArgumentError("fork=True needs the session_id to fork")
    if options.get("title") is not None and options.get("session_id") is not None:
        raise ArgumentError("title is for a new session; use session.update for the title of an existing one")
    if is_command and any(options.get(name) is not None for name in ("system", "tools", "output")):
        raise ArgumentError("a SlashCommand takes no system, tools or output: commands do not accept them")
    if options.get("output") is not None:
        schema_of(options["output"])
    model_of(options)


def _are_parts(prompt: object) -> bool:
    return is_list(prompt) and all(isinstance(one, OpencodeModel) or is_mapping(one) for one in prompt)


def check_directory(options: Mapping[str, Any], found: str) -> None:  # Any: as above
    """Check that a session's directory is the given one. Raises ArgumentError."""
    given: StrPath | None = options.get("directory")
    if given is not None and os.path.normpath(found) not in (os.path.abspath(given), os.path.realpath(given)):
        raise ArgumentError(
            f"directory={os.fspath(given)!r}, but the session is in {found!r}; leave directory out"
        )


def model_of(options: Mapping[str, Any]) -> str | None:  # Any: as above
    """Return "provider/model"; None if the server chooses. Raises ArgumentError."""
    model: Any = options.get("model")
    if isinstance(model, OpencodeModel):
        model = model.to_dict()
    if is_mapping(model):
        model = f"{model.get('providerID', '')}/{model.get('modelID', '')}"
    if model is not None and not (isinstance(model, str) and all(model.partition("/"))):
        raise ArgumentError(
            f'model takes "provider/model", such as "anthropic/claude-sonnet-4-5", or '
            f'{{"providerID": ..., "modelID": ...}}, not {options["model"]!r}'
        )
    return model


def files_of(options: Mapping[str, Any]) -> list[dict[str, str]]:  # Any: as above
    """Read the files. Return their parts of the prompt. Raises ArgumentError."""
    return read_files(options.get("files") or (), options.get("max_file_bytes") or MAX_BYTES)


def body_of(
    prompt: Any, options: Mapping[str, Any], key: str, files: Sequence[dict[str, str]]
) -> dict[str, Any]:  # Any: as above
    """Return the arguments of `session.prompt`, or of `session.command`."""
    model = model_of(options)
    body = {name: options.get(name) for name in ("agent", "variant")}
    if isinstance(prompt, SlashCommand):
        return {
            **body,
            "command": prompt.name.removeprefix("/"),
            "arguments": prompt.arguments,
            "model": model,
            "parts": files or None,
        }
    text = [{"type": "text", "text": prompt}] if prompt else []
    parts = [*(text if isinstance(prompt, str) else prompt), *files]
    body |= {name: options.get(name) for name in ("system", "tools")}
    if options.get("output") is not None:
        body["format"] = {"type": "json_schema", "schema": schema_of(options["output"])}
    return {**body, "model": model, "parts": marked(parts, key)}


def plan_of(options: Mapping[str, Any], *, may_ask: bool, **more: Any) -> TurnPlan:  # Any: as above
    """Return the plan of a turn."""
    default = "ask" if may_ask else "reject"
    more |= {name: options.get(name, default) for name in ("permissions", "questions")}
    more |= {name: options.get(name) for name in ("max_cost", "max_steps", "output")}
    return TurnPlan(may_ask=may_ask, timeout_s=options.get("timeout"), **more)


def not_found(name: str, known: Sequence[str], *, is_model: bool) -> ArgumentError:
    """Return the error for a model or an agent that the server does not have."""
    nearest = get_close_matches(name, known, n=3, cutoff=0.4)
    kind, error = ("model", ModelNotFoundError) if is_model else ("agent", AgentNotFoundError)
    listed = f"client.{'config.providers' if is_model else 'app.agents'}() lists them"
    hint = f"; similar names: {', '.join(nearest)}" if nearest else f"; {listed}"
    return error(f"{kind}={name!r}: the server does not have this {kind}{hint}", name=name, nearest=nearest)
