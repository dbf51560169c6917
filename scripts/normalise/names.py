"""Choose the names of classes, members and modules: by position, or by hand in names.toml.

A name depends on the place of a schema, not on the rest of the document, so it is the same in every version. Two
different schemas with one name are a *collision*: the build of `openapi.json` fails and prints the lines to add to
`names.toml`; in any other document one of them gets a name made of its pointer.
"""

from __future__ import annotations

import hashlib
import json
import keyword
import re
import tomllib
from pathlib import Path

from attrs import define, field
from openapi_python_client import strings

from scripts.normalise.schema import Json, expanded, shape

PINS = Path(__file__).with_name("names.toml")
HANDWRITTEN = frozenset({
    "ArgumentError", "AsyncEventStream", "AsyncFilteredStream", "AsyncOpencodeClient", "AsyncPaginator",
    "AsyncHeadersFunction", "AsyncPtyConnection", "HeadersError", "HeadersFunction", "OutgoingRequest", "Paginator",
    "AsyncSharedStream", "PtyClosedError", "PtyConnection", "PtyControl", "PtyGapError", "PtyOptions",
    "PtyTimeoutError",
    "AuthenticationError", "BadRequestError", "ClientClosedError", "ClientOptions", "ConflictError",
    "ConnectError", "ConnectionLostError", "EmptyResponseError", "EventLoopError", "EventStream", "EventTooLargeError",
    "FilteredStream", "ForbiddenError", "FromPath", "NotFoundError", "OpencodeClient", "OpencodeError", "OpencodeModel",
    "OpencodeServer", "PartReaders", "PayloadTooLargeError", "RateLimitError", "RequestError", "RequestTimeoutError",
    "Response", "ResponseDecodeError", "RetryEvent", "ServerError", "ServerHeartbeat", "ServerInfo",
    "ServerStartError", "SessionSnapshot", "SharedStream", "SignatureError", "StatusError", "StreamClosedError",
    "StreamGap", "StreamOptions", "StreamOverflow", "StreamTimeoutError", "Timeout", "UndecodableEvent", "Unknown",
    "ModelAsText", "UnknownEvent", "Unset", "UNSET", "UnsupportedOperationError", "UnsupportedServerError",
    # turns
    "AgentNotFoundError", "AskClosed", "Asks", "AsyncAsks", "AsyncManyTurns", "AsyncTurn", "Compacting", "Decision",
    "FileAttachment", "ManyTurns", "ModelNotFoundError", "PermissionAsk", "PermissionPolicy", "QuestionAsk",
    "QuestionPolicy", "ReasoningDelta", "Reject", "Retrying", "SessionBusyError", "SlashCommand", "StepFinished",
    "SubagentChanged", "TextDelta", "TextReplaced", "TodoChanged", "Tokens", "ToolUpdate", "Turn", "TurnAbortedError",
    "TurnAuthenticationError", "TurnBudgetError", "TurnContextError", "TurnError", "TurnFinished", "TurnGap",
    "TurnLostError", "TurnOptions", "TurnOutcome", "TurnOutputError", "TurnProviderError", "TurnReply", "TurnResult",
    "TurnSpec", "TurnTimeoutError",
    # for tests of users
    "FakeCall", "FakeServer", "FakeTerminal", "Reply", "ScriptedModel", "ToolCall",
    # what generated modules import
    "Any", "AsyncCaller", "AsyncNamespace", "AsyncNamespaces", "Caller", "ClassVar", "ConstantsCheck",
    "ExactVariants", "JsonMapping", "JsonObject", "Literal", "LOCATION", "Mapping", "Namespace",
    "NamespaceProperty", "Namespaces", "NestedTag", "Operation", "QUERY", "Scope",
    "Sequence", "StrPath", "TYPE_CHECKING", "TypeAlias", "Union",
    "UntaggedUnion", "Variants",
})  # fmt: skip
"""Names of the hand-written package, some of them planned, and of what generated modules import: no class bears one."""

_MODEL_ATTRIBUTES = frozenset({"additional_properties", "from_dict", "self", "to_dict"})


def pascal(text: str) -> str:
    """Return `text` as a class name: `session.status` -> `SessionStatus`; "" without letters and digits."""
    name = re.sub(r"[^A-Za-z0-9]+", " ", text).strip()
    name = f"N{name}" if name[:1].isdigit() else name
    for _ in range(8):  # until the generator, which does the same, changes nothing: `Over200k` -> `Over200K`
        name, before = strings.pascal_case(name), name
        if name == before:
            break
    return name


_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Names that need no change, digits before letters included: `context_over_200k`."""


def snake(text: str) -> str:
    """Return `text` as a member name: `sessionID` -> `session_id`, `v2` stays; a keyword gets an underscore."""
    words = re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+|[A-Z]", text)
    name = _short(text if _SNAKE.fullmatch(text) else "_".join(words)).lower() or f"member_{digest(text)}"
    if name[0].isdigit():
        name = f"n{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in _MODEL_ATTRIBUTES else name


def module(class_name: str) -> str:
    """Return the module for a class: `V2Event` -> `v2_event`, `Range` -> `range_`."""
    return str(strings.PythonIdentifier(snake(class_name), "m_"))


def singular(word: str) -> str:
    """Return the English singular of a member name: `questions` -> `question`, `entries` -> `entry`."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def member_names(wire_names: list[str], report: list[str], owner: str) -> dict[str, str]:
    """Return the Python names of one class's members, {JSON name: Python name}, all different."""
    result: dict[str, str] = {}
    for wire in wire_names:
        name = snake(wire)
        if name in result.values():
            name = f"{name}_{digest(wire)}"
            report.append(f"{owner}: member {wire!r} is called {name}: its plain name is taken")
        result[wire] = name
    return result


_LONGEST = 100
_POINTER_WORDS = frozenset({"components", "schemas", "paths", "properties"})


class NameCollisionError(Exception):
    """Two schemas have one name, and names.toml has none for them; the message has the lines to add."""


@define
class Namer:
    """Gives class names to schemas, and keeps them.

    `pins` maps pointers to names (names.toml), `same` maps names to those that are used instead (same.toml). With
    `strict`, `raise_collisions` raises all collisions at once. `unnamed` are the shapes of components by the document's
    names, while they get their names.
    """

    pins: dict[str, str]
    strict: bool
    same: dict[str, str] = field(factory=dict[str, str])
    unnamed: dict[str, Json] = field(factory=dict[str, Json])
    report: list[str] = field(factory=list)
    taken: dict[str, tuple[str, Json]] = field(factory=dict)
    collisions: list[str] = field(factory=list)

    def claim(self, pointer: str, wanted: str, schema: Json) -> tuple[str, bool]:
        """Return the name for the schema at `pointer`, and False if an equal schema has it already."""
        plain = strings.fix_reserved_words(_short(pascal(wanted)))  # as the generator does: `None` -> `None_`
        name = self.pins.get(pointer) or plain or f"Schema{digest(pointer).upper()}"
        alias, form = name, shape(schema)
        name = self.same.get(alias, alias)
        holder = self.taken.get(name)
        if holder is not None and self._is_alike(name, holder[1], form):
            return name, False
        if holder is not None and name != alias:
            self._differ(name, holder[0], alias, pointer)
            name, holder = alias, self.taken.get(alias)
        if holder is not None or name in HANDWRITTEN:
            name = self._instead_of(name, pointer, holder[0] if holder else "a hand-written name")
        self.taken[name] = (pointer, form)
        return name, True

    def _is_alike(self, name: str, form: Json, other: Json) -> bool:
        """Return True for equal shapes. In classes of same.toml, a reference equals what it refers to."""
        if form == other or name not in self.same.values():
            return form == other
        shapes = {taken: held for taken, (_, held) in self.taken.items()} | self.unnamed
        return expanded(form, shapes) == expanded(other, shapes)

    def _differ(self, name: str, holder: str, alias: str, pointer: str) -> None:
        self.collide(
            f"{name} is the class of\n    {holder}\n  and, as {alias}, of\n    {pointer}\n"
            f"  but their shapes differ. Remove {alias} from scripts/normalise/same.toml.",
            f"{pointer} is called {alias}: its shape is not that of {name}",
        )

    def _instead_of(self, name: str, pointer: str, holder: str) -> str:
        derived = (
            pascal(" ".join(part for part in pointer.split("/")[1:] if part not in _POINTER_WORDS)) or name
        )
        if derived in self.taken or derived in HANDWRITTEN or len(derived) > _LONGEST:
            derived = f"{name}{digest(pointer).upper()}"
        if self.strict:
            self.collisions.append(
                f"{name} is the name of\n    {pointer}\n  and of\n    {holder}\n"
                f"  Add to scripts/normalise/{PINS.name}:\n"
                f"    [[name]]\n    pointer = {json.dumps(pointer)}\n"
                f'    name = "{derived}"\n    reason = "..."'
            )
        self.report.append(f"{pointer} is called {derived}: {name} is the name of {holder}")
        return derived

    def collide(self, collision: str, solution: str) -> None:
        """Note a collision of other names: with `strict` it fails, else the report has the solution."""
        if self.strict:
            self.collisions.append(collision)
        self.report.append(solution)

    def raise_collisions(self) -> None:
        """Raise an error if names collided.

        Raises:
            NameCollisionError: has both pointers and the lines to add, for every collision.
        """
        if self.collisions:
            raise NameCollisionError("\n\n".join(self.collisions))


def read_pins(path: Path = PINS) -> dict[str, str]:
    """Return the committed names by pointer. Every entry has a reason."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("name", [])
    pins: dict[str, str] = {}
    for entry in entries:
        if set(entry) != {"pointer", "name", "reason"}:
            raise ValueError(f"{path.name}: an entry has pointer, name and reason: {entry}")
        if entry["reason"] in ("", "..."):
            raise ValueError(
                f"{path.name}: why is {entry['pointer']} called {entry['name']}? Give its reason"
            )
        pointer, name = entry["pointer"], entry["name"]
        if pascal(name) != name or name in HANDWRITTEN:
            raise ValueError(f"{path.name}: {name!r} cannot be the name of a generated class ({pointer})")
        if pointer in pins:
            raise ValueError(f"{path.name}: {pointer} has two entries")
        pins[pointer] = name
    return pins


def _short(name: str) -> str:
    """Return a name that is short enough for a file: a long one is cut and ends in a digest."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 6]}{digest(name).upper()}"


def digest(text: str) -> str:
    """Return six characters that make a name with this text unique."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
