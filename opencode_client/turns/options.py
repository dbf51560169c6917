"""The arguments of a turn, and their checks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypedDict

from ..calls.operation import JsonMapping
from ..errors import AgentNotFoundError, ArgumentError, ModelNotFoundError
from ..model import OpencodeModel
from .policies import PermissionPolicy, QuestionPolicy, check_policies
from .result import SlashCommand
from .v1 import marked

if TYPE_CHECKING:
    from ..calls.directories import StrPath

Prompt = str | Sequence[Any] | SlashCommand  # Any: inputs of parts, or mappings
"""A text, a list of inputs of parts, or a command."""


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

    `session_id`: session to go on with. Default: a new one, with `title`. `directory`: project to work in. That of a
    given session is looked up. `fork`: run in a fork of the session. `model`: "provider/model". `agent`, `variant`,
    `system`, `tools`: as `session.prompt` has them. `permissions`: "once", "always", "reject", `Reject("why")`, a
    mapping, or a function that gets a `PermissionAsk`. `questions`: "reject", a mapping from header or question to
    answers, or a function that gets a `QuestionAsk`. Both are "reject" for `run`, and "ask" for `turn`. `timeout`:
    seconds for the whole turn. `max_cost` (USD, with the subagents) and `max_steps` (responses of the model).
    """

    session_id: str | None
    title: str | None
    fork: bool
    model: str | JsonMapping | None
    agent: str | None
    variant: str | None
    system: str | None
    tools: Mapping[str, bool] | None


_NAMES = frozenset(TurnOptions.__annotations__)
_NOT_OF_COMMANDS = ("system", "tools")


def check_options(prompt: object, options: FollowOptions, *, may_ask: bool) -> None:
    """Check the arguments of a turn. Raises ArgumentError."""
    for name in options.keys() - _NAMES:
        raise ArgumentError(f"a turn has no option {name!r}; it has {', '.join(sorted(_NAMES))}")
    if not isinstance(prompt, str | SlashCommand) and not _is_list(prompt):
        raise ArgumentError(f"prompt takes a text, a list of parts or a SlashCommand, not {prompt!r}")
    if isinstance(prompt, str | Sequence) and not prompt:
        raise ArgumentError("prompt is empty")
    default = "ask" if may_ask else "reject"
    check_policies(options.get("permissions", default), options.get("questions", default), may_ask=may_ask)
    for name in ("timeout", "max_cost", "max_steps"):
        value = options.get(name)
        if value is not None and (
            not isinstance(value, int | float) or isinstance(value, bool) or value <= 0
        ):
            raise ArgumentError(f"{name} takes a positive number, not {value!r}")
    if options.get("fork") and options.get("session_id") is None:
        raise ArgumentError("fork=True needs the session_id to fork")
    if options.get("title") is not None and options.get("session_id") is not None:
        raise ArgumentError("title is for a new session; use session.update for the title of an existing one")
    if isinstance(prompt, SlashCommand):
        for name in _NOT_OF_COMMANDS:
            if options.get(name) is not None:
                raise ArgumentError(
                    f"{name} is not possible with a SlashCommand: the server has no place for it"
                )


def _is_list(prompt: object) -> bool:
    return isinstance(prompt, Sequence) and all(isinstance(one, OpencodeModel | Mapping) for one in prompt)


def check_directory(options: TurnOptions, found: str) -> None:
    """Check that a session's directory is the given one. Raises ArgumentError."""
    given = options.get("directory")
    if given is not None and os.path.normpath(os.path.abspath(given)) != os.path.normpath(found):
        raise ArgumentError(
            f"directory={os.fspath(given)!r}, but the session is in {found!r}; leave directory out"
        )


def model_of(options: TurnOptions) -> tuple[str, str] | None:
    """Return provider and model; None if the server chooses. Raises ArgumentError."""
    model: Any = options.get("model")
    if model is None:
        return None
    if isinstance(model, OpencodeModel):
        model = model.to_dict()
    if isinstance(model, Mapping):
        model = f"{model.get('providerID', '')}/{model.get('modelID', '')}"
    provider, slash, name = model.partition("/") if isinstance(model, str) else ("", "", "")
    if not (provider and slash and name):
        raise ArgumentError(f'model takes "provider/model", not {model!r}')
    return provider, name


def body_of(
    prompt: Prompt, options: TurnOptions, key: str
) -> dict[str, Any]:  # Any: arguments of an operation
    """Return the arguments of `session.prompt`, or of `session.command`."""
    model = model_of(options)
    body: dict[str, Any] = {name: options.get(name) for name in ("agent", "variant")}  # Any: as above
    if isinstance(prompt, SlashCommand):
        command = {"command": prompt.name.removeprefix("/"), "arguments": prompt.arguments}
        return {**body, **command, "model": None if model is None else "/".join(model)}
    parts = [{"type": "text", "text": prompt}] if isinstance(prompt, str) else prompt
    body |= {name: options.get(name) for name in ("system", "tools")}
    body["model"] = None if model is None else {"providerID": model[0], "modelID": model[1]}
    return {**body, "parts": marked(parts, key)}


def not_found(name: str, known: Sequence[str], *, is_model: bool) -> ArgumentError:
    """Return the error for a model or an agent that the server does not have."""
    nearest = get_close_matches(name, known, n=3, cutoff=0.4)
    kind = "model" if is_model else "agent"
    hint = f"; similar names: {', '.join(nearest)}" if nearest else ""
    cls = ModelNotFoundError if is_model else AgentNotFoundError
    return cls(f"{kind}={name!r}: the server does not have this {kind}{hint}", name=name, nearest=nearest)
