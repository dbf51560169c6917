"""The messages of a session that belong to one turn, and the updates that their changes cause. No I/O, no clock.

Inputs may come in any order, repeatedly, or not at all. A part is shown when it is known that its message answers the
turn's prompt, and whether the part is text or reasoning. Until then its text is collected.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from ..model import JsonObject
from .growing_text import GrowingText
from .inputs import Action, Delta, MessageSeen, PartSeen
from .updates import Compacting, ReasoningDelta, StepFinished, TextDelta, TextReplaced, ToolUpdate, Update
from .v1 import is_automatic, member, tokens_of

_DELTAS: dict[str, type[TextDelta | ReasoningDelta]] = {"text": TextDelta, "reasoning": ReasoningDelta}
"""The updates with more text of a part, by its kind."""


@define(eq=False)
class _Part:
    id: str
    text: GrowingText = field(factory=GrowingText)
    seen: PartSeen | None = None
    is_shown: bool = False
    shown: ToolUpdate | None = None


@define(eq=False)
class TurnMessage:
    """A message of the session. `belongs`: True if it belongs to the turn; None while that is not known."""

    id: str
    parts: dict[str, _Part] = field(factory=dict[str, _Part])
    seen: MessageSeen | None = None
    belongs: bool | None = None

    @property
    def order(self) -> tuple[float, str]:
        """The place of the message in its session."""
        return (self.seen.created_ms if self.seen else float("inf"), self.id)

    @property
    def is_answer(self) -> bool:
        """True for a message of the model that belongs to the turn."""
        return self.belongs is True and self.seen is not None and not self.seen.is_user

    @property
    def is_automatic(self) -> bool:
        """True for a message that the server wrote in the user's name, to make the conversation shorter."""
        return is_automatic([part.seen for part in self.parts.values() if part.seen is not None])

    @property
    def is_whole(self) -> bool:
        """True if the message has ended without an error, and none of its parts changes any more."""
        has_ended = self.seen is not None and self.seen.is_over and self.seen.raw.get("error") is None
        return has_ended and all(one.seen and one.seen.progress == 2 for one in self.parts.values())

    def plain(self) -> list[JsonObject]:
        """Return the JSON of all parts, with the texts so far."""
        parts = [(part, part.seen) for part in self.parts.values() if part.seen is not None]
        return [
            seen.raw if seen.text is None else {**seen.raw, "text": str(part.text)} for part, seen in parts
        ]

    def visible(self, kind: str) -> str:
        """Return the text of all parts of a kind: "text" or "reasoning"."""
        parts = [part for part in self.parts.values() if part.seen is not None and part.seen.kind == kind]
        return "".join(str(part.text) for part in parts if part.seen and not part.seen.is_hidden)


class Transcript:
    """The messages of a turn's session. The prompt is the one with `key`, or the first one that is later than `after`.

    `prompt_id` is the prompt's message; None while it is not known.
    """

    def __init__(self, key: str | None, after: tuple[float, str] | None) -> None:
        self.prompt_id: str | None = None
        self._updates: list[Update] = []
        self._key = key
        self._after = after
        self._messages: dict[str, TurnMessage] = {}

    @property
    def answers(self) -> list[TurnMessage]:
        """The messages of the model that belong to the turn, in order."""
        return sorted((one for one in self._messages.values() if one.is_answer), key=lambda one: one.order)

    @property
    def last(self) -> MessageSeen | None:
        """The last message of the model that belongs to the turn; None if there is none."""
        answers = self.answers
        return answers[-1].seen if answers else None

    @property
    def is_complete(self) -> bool:
        """True if the last message has ended, and no other one follows it."""
        last = self.last
        return last is not None and last.is_over and not last.goes_on

    @property
    def messages(self) -> list[TurnMessage]:
        """The messages of the turn, with its prompt, in order."""
        return sorted(
            (one for one in self._messages.values() if one.belongs and one.seen), key=lambda one: one.order
        )

    @property
    def is_superseded(self) -> bool:
        """True if the model has begun to answer a later prompt."""
        return any(one.belongs is False and one.seen and not one.seen.is_user for one in self._later())

    @property
    def has_later_prompt(self) -> bool:
        """True if the session has a later prompt, which may wait."""
        users = [one for one in self._later() if one.seen and one.seen.is_user and one.parts]
        return any(one.belongs is None and not one.is_automatic for one in users)

    def is_whole(self, answer: MessageSeen) -> bool:
        """Return True if all messages are known, up to this one, and have ended without an error."""
        is_known = answer.parent_id == self.prompt_id and all(
            one.belongs is not None for one in self._messages.values()
        )
        is_last = is_known and self.last is not None and self.last.message_id == answer.message_id
        return is_last and all(one.is_whole for one in self.answers)

    def last_text(self) -> str:
        """Return the text of the last message that is not a summary."""
        last = [one for one in self.answers if one.seen and not one.seen.is_summary][-1:]
        return last[0].visible("text") if last else ""

    def adopt(self, prompt_id: str) -> None:
        """Take this message as the prompt."""
        if self.prompt_id is None:
            self.prompt_id = prompt_id
            self._message(prompt_id).belongs = True
            self._place()

    def take_updates(self) -> list[Update]:
        """Return the changes since the last call."""
        taken, self._updates = self._updates, []
        return taken

    def add_delta(self, delta: Delta) -> list[Update | Action]:
        """Add text to a part, and return the changes."""
        message = self._message(delta.message_id)
        part = message.parts.get(delta.part_id) or self._part(message, delta.part_id)
        seen = part.seen
        if seen is not None and seen.progress == 2:
            return []  # it comes late: the part has its whole text
        part.text.add(delta.text)
        if seen is not None and part.is_shown:
            return [_DELTAS[seen.kind](delta.text, part.id, message.id)]
        self._show(message, part)
        return [*self.take_updates()]

    def see_message(self, seen: MessageSeen) -> None:
        """Read a message."""
        message = self._message(seen.message_id)
        if message.seen is not None and message.seen.is_over and not seen.is_over:
            return  # an older state
        message.seen = seen
        if message.belongs is None:
            self._place()

    def see_part(self, seen: PartSeen) -> None:
        """Read a part."""
        message = self._message(seen.message_id)
        part = self._part(message, seen.part_id)
        if part.seen is not None and part.seen.progress > seen.progress:
            return  # an older state
        before, part.seen = part.seen, seen
        if seen.text is not None:
            self._set_text(message, part, seen.text)
        elif before is not None and before.raw != seen.raw:
            part.is_shown = False  # a tool shows each of its states
        if seen.key is not None and seen.key == self._key:
            message.belongs = True
            self.prompt_id = self.prompt_id or message.id
        if message.belongs is not True or message.id == self.prompt_id:
            self._place()
        if message.is_answer:
            self._show(message, part)

    def _arrange(self, message: TurnMessage, part_ids: Sequence[str]) -> None:
        """Keep only these parts, in this order."""
        for part in message.parts.values():
            if part.id not in part_ids and part.is_shown and part.seen is not None and part.seen.text:
                self._updates.append(TextReplaced("", part.id, message.id, part.seen.kind == "reasoning"))
        message.parts = {part_id: message.parts[part_id] for part_id in part_ids}

    def read(self, listed: Sequence[tuple[MessageSeen, Sequence[PartSeen]]]) -> None:
        """Read the messages as the server has stored them. Those before the prompt are left out."""
        known = self._messages
        wanted = [
            one.message_id in known or one.parent_id == (self.prompt_id or "") or self._is_prompt(one, parts)
            for one, parts in listed
        ]
        for message, parts in listed[wanted.index(True) :] if True in wanted else ():
            is_whole = message.is_over and message.raw.get("error") is None
            for part in parts:
                if part.text == "" and not is_whole:
                    part.progress = 0  # the text is not stored yet, or never: 1.3.2, an aborted message
                elif message.is_over:
                    part.progress = 2
                self.see_part(part)
            self.see_message(message)
            if message.is_over:
                self._arrange(self._message(message.message_id), [part.part_id for part in parts])

    def read_answer(self, message: MessageSeen, parts: Sequence[PartSeen], *, is_ours: bool) -> None:
        """Read the answer of the POST. `is_ours`: it is certainly for this prompt, so its parent is the prompt."""
        if is_ours and message.parent_id is not None:
            self.adopt(message.parent_id)
        self.read([(message, parts)])

    def _later(self) -> list[TurnMessage]:
        prompt = self._messages.get(self.prompt_id or "")
        return [one for one in self._messages.values() if prompt is not None and one.order > prompt.order]

    def _is_prompt(self, message: MessageSeen, parts: Sequence[PartSeen]) -> bool:
        if self._key is not None:
            return any(part.key == self._key for part in parts)
        return self._after is not None and (message.created_ms, message.message_id) > self._after

    def _message(self, message_id: str) -> TurnMessage:
        found = self._messages.get(message_id)
        if found is None:
            found = self._messages[message_id] = TurnMessage(message_id)
        return found

    def _part(self, message: TurnMessage, part_id: str) -> _Part:
        return message.parts.setdefault(part_id, _Part(part_id))

    def _set_text(self, message: TurnMessage, part: _Part, text: str) -> None:
        before = str(part.text)
        if text == before or (part.seen and part.seen.progress < 2 and before.startswith(text)):
            return  # the second is an older state: a part begins with an empty text
        part.text.set(text)
        if not part.is_shown or part.seen is None:
            return
        if text.startswith(before):
            self._updates.append(_DELTAS[part.seen.kind](text[len(before) :], part.id, message.id))
        else:
            self._updates.append(TextReplaced(text, part.id, message.id, part.seen.kind == "reasoning"))

    def _place(self) -> None:
        """Find out which messages belong to the turn, and show those that do."""
        if self.prompt_id is None and self._after is not None:
            after = self._after
            users = [
                one for one in self._messages.values() if one.seen and one.seen.is_user and one.order > after
            ]
            if users:
                return self.adopt(min(users, key=lambda one: one.order).id)
        for message in sorted(self._messages.values(), key=lambda one: one.order):
            seen = message.seen
            if seen is None or (message.belongs is not None and not seen.is_user):
                continue
            if not seen.is_user:
                message.belongs = self._belongs(message, seen)
            if message.is_answer:
                if seen.is_summary:
                    self._updates.append(Compacting(message.id))
                for part in message.parts.values():
                    self._show(message, part)
        return None

    def _belongs(self, message: TurnMessage, seen: MessageSeen) -> bool | None:
        """Return True if a message of the model answers the prompt, or a message that the server wrote in its place."""
        parent = self._messages.get(seen.parent_id or "")
        if self.prompt_id is None or parent is None or (parent.seen is None and parent.belongs is None):
            return None  # it is not known yet
        if parent.belongs is None and parent.is_automatic:
            earlier = [
                one for one in self._messages.values() if one.order < parent.order and one.belongs is not None
            ]
            if earlier and max(earlier, key=lambda one: one.order).belongs:
                parent.belongs = True
        if parent.belongs is None and not parent.parts:
            return None
        return parent.belongs is True

    def _show(self, message: TurnMessage, part: _Part) -> None:
        seen = part.seen
        if seen is None or part.is_shown or not message.is_answer or message.seen is None:
            return
        if message.seen.is_summary or seen.is_hidden:
            return
        part.is_shown = True
        if seen.kind in _DELTAS:
            if text := str(part.text):
                self._updates.append(_DELTAS[seen.kind](text, part.id, message.id))
        elif seen.kind == "tool":
            update = _tool_update(seen)
            if update != part.shown:
                part.shown = update
                self._updates.append(update)
        elif seen.kind == "step-finish":
            finish, cost, tokens = (seen.raw.get(name) for name in ("reason", "cost", "tokens"))
            step = StepFinished(
                finish=finish or "", cost=cost or 0.0, tokens=tokens_of(tokens), message_id=message.id
            )
            self._updates.append(step)


def _tool_update(seen: PartSeen) -> ToolUpdate:
    state = seen.raw["state"]
    metadata = member(state, "metadata")
    output: object = state.get("output") or metadata.get("output")
    return ToolUpdate(
        tool=seen.raw.get("tool") or "",
        status=state["status"],
        input=state.get("input") or {},
        output=output if isinstance(output, str) else "",
        error=state.get("error") or "",
        title=state.get("title") or "",
        call_id=seen.raw.get("callID") or "",
        part_id=seen.part_id,
        message_id=seen.message_id,
        subagent_session_id=seen.child_id,
    )
