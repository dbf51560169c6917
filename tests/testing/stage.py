"""Parts of all scenes: their table, prompts, and turns with their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opencode_client import OpencodeClient, OpencodeError
from opencode_client.models import TextPartInput
from tests.live.client_pairs import until
from tests.testing.witness import Witness

Scene = Callable[[Witness, OpencodeClient], object]
SCENES: dict[str, Scene] = {}
"""All scenes by their names, in the order in which they are played."""


def scene(play: Scene) -> Scene:
    """Add a scene."""
    SCENES[play.__name__] = play
    return play


def parts(text: str) -> list[TextPartInput]:
    """Return the parts of a prompt."""
    return [TextPartInput(text=text, metadata={"k": "v"})]


def turn(witness: Witness, client: OpencodeClient, prompt: str, **options: Any) -> Any:
    """Run a turn, note its result or its error, and the messages that are listed. Return its session."""
    session = client.session.create(title="t")
    try:
        result: Any = client.run(prompt, session_id=session.id, **options)
        fields = ("text", "reasoning", "tool_calls", "replies", "tokens", "cost", "finish", "structured")
        more = ("subagent_cost", "subagent_tokens", "messages")
        witness.note({name: getattr(result, name) for name in (*fields, *more)})
    except OpencodeError as error:
        witness.note(error)
        partial = getattr(error, "partial", None)
        witness.note({name: getattr(partial, name, None) for name in ("text", "tool_calls", "messages")})
    wait_until_idle(client, session.id)
    witness.call(client.session.messages, session.id)
    return session


def wait_until_idle(client: OpencodeClient, session_id: str) -> None:
    """Wait until no turn runs in a session."""
    until(lambda: session_id not in client.session.status())


def wait_for_error(client: OpencodeClient, session_id: str) -> None:
    """Wait until the last message of a session has an error, and its end. 1.3.2 is idle before that."""
    until(lambda: getattr(client.session.messages(session_id)[-1].info, "error", None))
    wait_until_completed(client, session_id)


def wait_until_completed(client: OpencodeClient, session_id: str) -> None:
    """Wait until the last message of a session, which is an answer, has its end."""
    until(lambda: getattr(client.session.messages(session_id)[-1].info.time, "completed", None))


def has_part(client: OpencodeClient, session_id: str, kind: str) -> bool:
    """Return True if an answer of a session has a part of a type."""
    answers = [one for one in client.session.messages(session_id) if one.info.role == "assistant"]
    return any(part.type == kind for one in answers for part in one.parts)
