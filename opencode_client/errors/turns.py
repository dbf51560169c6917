"""The errors of agent turns. `opencode_client.errors` has them too, and shows them in its tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import ArgumentError, OpencodeError

if TYPE_CHECKING:
    from ..model import OpencodeModel, Unknown
    from ..turns.result import TurnResult


class _NameNotFoundError(ArgumentError):
    def __init__(self, message: str, *, name: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.nearest: tuple[str, ...] = tuple(nearest)


class ModelNotFoundError(_NameNotFoundError):
    """The server does not have the model `name`. `nearest` are the most similar names that it has.

    See docs/errors.md.
    """


class AgentNotFoundError(_NameNotFoundError):
    """The server does not have the agent `name`. `nearest` are the most similar names that it has.

    See docs/errors.md.
    """


class SessionBusyError(OpencodeError):
    """The session works on another prompt, so this one was not sent. `session_id` is the session. See docs/errors.md.

    A text prompt does not raise this: the server queues it. A 409 of the server raises ConflictError.
    """

    def __init__(self, message: str, *, session_id: str) -> None:
        super().__init__(message)
        self.session_id = session_id


class TurnError(OpencodeError):
    """A turn failed. See docs/errors.md.

    Attributes:
        partial: The result so far; None if the turn had none.
        error: The error as the server described it; None if it did not.
    """

    partial: TurnResult[Any] | None = None  # Any: the structured output
    error: OpencodeModel | Unknown | None = None


class TurnAbortedError(TurnError):
    """The turn was aborted: by this program, by another client or by the server. See docs/errors.md."""


class TurnProviderError(TurnError):
    """The provider of the model failed. See docs/errors.md.

    Attributes:
        status: The HTTP status of the provider; None if there is none.
        retryable: True if another attempt may succeed.
    """

    status: int | None = None
    retryable: bool = False


class TurnAuthenticationError(TurnProviderError):
    """The provider does not accept the key, or there is none. See docs/errors.md."""


class TurnContextError(TurnError):
    """The conversation is too long for the model, and could not be made shorter. See docs/errors.md."""


class TurnOutputError(TurnError):
    """The answer is incomplete. `reason` is "length", "filter" or "structure". See docs/errors.md."""

    reason: str = "length"


class TurnTimeoutError(TurnError, TimeoutError):
    """The turn was not over in time, so it was aborted on the server. See docs/errors.md.

    From `client.abort`: the session is still busy after the abort.
    """


class TurnBudgetError(TurnError):
    """The turn passed `max_cost` or `max_steps`. It was aborted if it was not over yet. See docs/errors.md."""


class TurnLostError(TurnError):
    """The session, the instance or the server is gone, so the end of the turn is not known. See docs/errors.md.

    `stored` is True if the server has stored the prompt, False if not, and None if that is not known.
    """

    stored: bool | None = None
