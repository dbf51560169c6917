"""The turns that `run_many` takes, and the outcomes that it yields. No I/O."""

from __future__ import annotations

from collections.abc import AsyncIterable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import asdict, frozen

from ..attachments import MAX_BYTES, Attachable
from ..errors import ArgumentError, TurnError
from ..signatures import explain_calls
from .options import Prompt, check_options
from .policies import PermissionPolicy, QuestionPolicy
from .result import TurnResult

if TYPE_CHECKING:
    from ..calls.directories import StrPath
    from ..calls.operation import JsonMapping
    from ..models import SessionPromptModel


@frozen(kw_only=True)
class _Options:
    """A key, and the options of `run`."""

    key: Hashable = None
    session_id: str | None = None
    title: str | None = None
    directory: StrPath | None = None
    model: str | SessionPromptModel | JsonMapping | None = None
    agent: str | None = None
    variant: str | None = None
    system: str | None = None
    tools: Mapping[str, bool] | None = None
    files: Sequence[Attachable] = ()
    output: type[Any] | JsonMapping | None = None  # Any: a class of the user
    max_file_bytes: int = MAX_BYTES
    permissions: PermissionPolicy = "reject"
    questions: QuestionPolicy = "reject"
    timeout: float | None = None
    max_cost: float | None = None
    max_steps: int | None = None
    fork: bool = False


@explain_calls
@frozen
class TurnSpec(_Options):
    """A turn for `run_many`. Picklable if its policies and its output are.

    `key` is any hashable value that helps you to recognise the outcome. The other arguments are those of `run`.
    """

    prompt: Prompt


Specs: TypeAlias = Iterable[TurnSpec]
AsyncSpecs: TypeAlias = Iterable[TurnSpec] | AsyncIterable[TurnSpec]


@frozen
class TurnOutcome:
    """The end of a turn of `run_many`. Picklable, as far as its spec is.

    Attributes:
        spec: The turn as it was given.
        result: Its result; None if it failed.
        error: The error that `run` would have raised; None if it did not fail.
    """

    spec: TurnSpec
    result: TurnResult[Any] | None = None  # Any: the structured output
    error: Exception | None = None

    @property
    def partial(self) -> TurnResult[Any] | None:  # Any: as above
        """The result so far of a turn that failed with a `TurnError`; else None."""
        return self.error.partial if isinstance(self.error, TurnError) else None

    @property
    def cost(self) -> float:
        """The cost in USD, with the subagents', also of a turn that failed."""
        result = self.result or self.partial
        return result.cost + result.subagent_cost if result is not None else 0.0


def options_of(spec: TurnSpec) -> dict[str, Any]:  # Any: see TurnSpec
    """Return the options of `run`."""
    return asdict(spec, recurse=False, filter=lambda one, _: one.name not in ("prompt", "key"))


def check_spec(spec: object, position: int) -> None:
    """Check a turn before it is run.

    Raises:
        ArgumentError: it is no TurnSpec, or one of its options is wrong. The message has its position and its key.
    """
    if not isinstance(spec, TurnSpec):
        raise ArgumentError(f"specs[{position}]: run_many takes TurnSpecs, not {spec!r:.60}")
    try:
        check_options(spec.prompt, options_of(spec), may_ask=False)
    except ArgumentError as error:
        raise ArgumentError(f"specs[{position}] with the key {spec.key!r}: {error}") from error
