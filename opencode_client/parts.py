"""Base classes of some generated models: readers of a message, a file, a model as text. See readers.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from .model import JsonObject, OpencodeModel
from .model_name import model_in
from .signatures import explain_calls

if TYPE_CHECKING:
    import os

    from .models import Message, Part, ToolPart


class PartReaders:
    """Text, reasoning and tool calls of a message with its parts. Each use reads them from `parts` again."""

    __slots__ = ()
    if TYPE_CHECKING:  # the generated classes have them
        info: Message
        parts: list[Part]  # None if the server, or a test's `partial`, left it out

    @property
    def text(self) -> str:
        """The texts of the message, joined without anything in between; "" if there is none.

        Not included: reasoning, and texts that are synthetic (added by the server, such as the content of a file) or
        ignored (not shown to the model). For a user's message, it is the text that the user wrote.
        """
        return "".join(
            part.text or ""  # a text that the server left out reads as None
            for part in self.parts or ()
            if part.type == "text" and not part.synthetic and not part.ignored
        )

    @property
    def reasoning(self) -> str:
        """The reasoning of the model, joined without anything in between; "" if there is none."""
        return "".join(part.text or "" for part in self.parts or () if part.type == "reasoning")

    @property
    def tool_calls(self) -> list[ToolPart]:
        """The tool calls of the message, in order, in any state; an empty list if there is none."""
        return [part for part in self.parts or () if part.type == "tool"]


@explain_calls
class FromPath:
    """A part of a prompt that is a file."""

    __slots__ = ()

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], *, max_bytes: int = 10_000_000) -> Self:
        """Return the part for a file of this machine, with its content and the media type that servers need.

        Raises:
            ArgumentError: the file does not exist, is a directory, cannot be read, or has more than `max_bytes`.
        """
        from .attachments import read_files

        return cls(**read_files([path], max_bytes, "max_bytes")[0])


class ModelAsText(OpencodeModel):
    """A part of a prompt with a `model`, which can be a text: "provider/model"."""

    __slots__ = ()

    def to_dict(self) -> JsonObject:
        """Return the JSON object, as other models do. A text in `model` becomes an object.

        Raises:
            ArgumentError: there is no text before or after the slash of `model`.
        """
        result = super().to_dict()
        if "model" in result:
            result["model"] = model_in(result["model"], type(self).__name__, "modelID")
        return result
