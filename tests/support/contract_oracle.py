"""The facts in openapi.json about every operation, for test_contract.

This module reads the document as the server sent it. It uses neither the package nor the rules that prepare the
document for the generator. It also reads kinds.toml, which holds facts of opencode 1.x that no document has.
"""

from __future__ import annotations

import json
import keyword
import re
import tomllib
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from attrs import evolve, field, frozen

from tests.support.contract_values import DOCUMENT, HOSTILE, ROOT, Json, instances

_TABLE = tomllib.loads((ROOT / "scripts" / "normalise" / "kinds.toml").read_text(encoding="utf-8"))
_KINDS: dict[str, Json] = {entry["id"]: entry for entry in _TABLE["operation"]}

_SINCE: Json = json.loads((ROOT / "scripts" / "normalise" / "since.json").read_text(encoding="utf-8"))[
    "operations"
]

SCOPE = {"directory": "/work tree/50%41/ü+?&#", "workspace": "wrk_ 1%2F&é"}
"""The directory and the workspace that tests pass."""

_VARIABLE = re.compile(r"\{(\w+)\}|\*$")


@cache
def python_name(wire: str) -> str:
    """Return the Python name of a segment of an operationId, a parameter or a member: `sessionID` -> `session_id`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", wire).strip("_").lower()
    return f"{name}_" if keyword.iskeyword(name) else name


@frozen
class Sample:
    """Arguments for a method, and the request that the document describes; `query` is decoded, as servers read it."""

    arguments: tuple[str, ...]
    named: Json
    query: dict[str, str]
    body: Any = None  # Any: parsed JSON


@frozen
class Answer:
    """A documented response. It has a value if `media` is JSON, and no content if `media` is empty."""

    status: int
    media: str
    value: Any = None  # Any: parsed JSON


@frozen(eq=False)
class Endpoint:
    """An operation of the document: `says` is its object in the document, `special` its entry in kinds.toml."""

    id: str
    method: str
    path: str
    says: Json = field(repr=False)
    special: Json = field(repr=False)

    @property
    def kind(self) -> str:
        """`stream`, `websocket`, or `call` for one request with one response."""
        kind: str = self.special.get("kind", "call")
        return kind if kind in ("stream", "websocket") else "call"

    @property
    def attribute(self) -> str:
        """The path of its method on a client. Because `vcs.diff` is an operation, `vcs.diff.raw` is `vcs.diff_raw`."""
        *above, last = self.id.split(".")
        if ".".join(above) in ENDPOINTS:
            last = f"{above.pop()}_{last}"
        return ".".join(python_name(segment) for segment in (*above, last))

    @property
    def namespace(self) -> str:
        """The attribute of a client that has its method, or that has a namespace with its method."""
        return self.attribute.partition(".")[0]

    @property
    def variables(self) -> list[str]:
        """The Python names of the variables in the path."""
        return [python_name(match[1] or "path") for match in _VARIABLE.finditer(self.path)]

    @cache  # noqa: B019 # as long as the process, like the endpoints
    def pattern(self) -> re.Pattern[str]:
        """Return the regular expression of its path."""
        return re.compile(_VARIABLE.sub(lambda match: "([^/]+)" if match[1] else "(.+)", self.path))

    @property
    def places(self) -> dict[str, str]:
        """The places of directory and workspace in the request: `a[b]` is in the query, `a.b` in the body."""
        holder = self.special.get("location")
        if holder:
            return {"directory": f"{holder}.directory", "workspace": f"{holder}.workspaceID"}
        found: dict[str, str] = {}
        for parameter in self._in_query():
            name = parameter["name"]
            if parameter.get("style") == "deepObject":
                found |= {member: f"{name}[{member}]" for member in parameter["schema"]["properties"]}
            elif name in SCOPE.keys() - set(self.special.get("filters", ())):
                found[name] = name
        return found

    @property
    def query(self) -> dict[str, Json]:
        """The parameters in the query, without directory and workspace."""
        return {
            parameter["name"]: parameter
            for parameter in self._in_query()
            if parameter["name"] not in self.places and parameter.get("style") != "deepObject"
        }

    @property
    def body(self) -> Json | None:
        """The schema of its body."""
        if "requestBody" not in self.says:
            return None
        schema: Json
        [schema] = (content["schema"] for content in self.says["requestBody"]["content"].values())
        while "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def bodies(self) -> list[Any]:  # Any: parsed JSON, or bytes
        """Return every body, the last one with the required members only; [None] without a body."""
        if "application/octet-stream" in self.says.get("requestBody", {}).get("content", ()):
            return [b"\x00\xff"]
        return [None] if self.body is None else instances(self.body)

    @property
    def members(self) -> dict[str, str]:
        """The arguments of the body's members, by member. Empty if the body is one argument."""
        own = {*SCOPE, "timeout", "headers", "body"}
        names = {wire: python_name(wire) for wire in (self.body or {}).get("properties", {})}
        return {wire: f"body_{name}" if name in own else name for wire, name in names.items()}

    @property
    def keywords(self) -> dict[str, bool]:
        """The keyword arguments of its method: True if required."""
        body = self.body or {}
        members = {name: wire in body.get("required", ()) for wire, name in self.members.items()}
        whole = {"body": True} if self.body is not None and not members else {}
        query = {python_name(wire): p.get("required", False) for wire, p in self.query.items()}
        return query | members | whole | dict.fromkeys([*self.places, "timeout", "headers"], False)

    @property
    def nullable(self) -> set[str]:
        """The arguments for which the document allows null."""
        parts: Json = (self.body or {}).get("properties", {})
        return {
            name for wire, name in self.members.items() if not parts[wire] or None in instances(parts[wire])
        }

    def samples(self) -> Iterator[Sample]:
        """Yield samples with all query arguments, and with directory and workspace if the operation takes them.

        All samples together contain every value of every query argument, and every body, as `instances` returns them.
        One body may have only the required members.
        """
        values = {wire: self._query_values(wire) for wire in self.query}
        bodies = self.bodies()
        for turn in range(max(1, len(bodies), *map(len, values.values()))):
            query = {wire: found[turn % len(found)] for wire, found in values.items()}
            sample = self._sample(query, bodies[turn % len(bodies)])
            given = {name: SCOPE[name] for name in self.places}
            yield self.located(evolve(sample, named=sample.named | given))

    @cache  # noqa: B019 # as long as the process, like the endpoints
    def least(self) -> Sample:
        """Return a sample with only the required arguments."""
        query = {wire: self._query_values(wire)[0] for wire, p in self.query.items() if p.get("required")}
        return self._sample(query, self.bodies()[-1])

    def located(self, sample: Sample) -> Sample:
        """Return the same sample, with directory and workspace in the request."""
        holder = self.special.get("location")
        if holder:
            inside = {place.partition(".")[2]: SCOPE[name] for name, place in self.places.items()}
            return evolve(sample, body={holder: inside} | sample.body)
        return evolve(sample, query=sample.query | {place: SCOPE[n] for n, place in self.places.items()})

    @cache  # noqa: B019 # as long as the process, like the endpoints
    def answers(self) -> list[Answer]:
        """Return every documented response, with all its possible values."""
        return [
            Answer(int(status), media, value)
            for status, response in self.says["responses"].items()
            for media, content in response.get("content", {"": {}}).items()
            for value in (instances(content["schema"]) if media == "application/json" else [None])
        ]

    def _in_query(self) -> list[Json]:
        return [parameter for parameter in self.says.get("parameters", ()) if parameter["in"] == "query"]

    def _query_values(self, wire: str) -> list[Any]:  # Any: parsed JSON
        is_number = wire in self.special.get("numbers", ())
        return instances({"type": "integer"} if is_number else self.query[wire]["schema"])

    def _sample(self, query: Json, body: Any) -> Sample:  # Any: parsed JSON
        named: Json = {python_name(wire): value for wire, value in query.items()}
        if self.members:
            named |= {self.members[wire]: value for wire, value in body.items()}
        elif self.body is not None:
            named["body"] = body
        arguments = tuple(f"{HOSTILE}{number}" for number in range(len(self.variables)))
        # None means that an argument is left out, and a query cannot have null
        texts = {
            wire: value if isinstance(value, str) else json.dumps(value) for wire, value in query.items()
        }
        sent = {wire: text for wire, text in texts.items() if query[wire] is not None}
        return Sample(arguments, named, sent, body)


def _special(method: str, path: str, says: Json) -> Json:
    """Return more facts about an operation: from kinds.toml for those of 1.x, from the document for others."""
    known = _SINCE.get(says["operationId"])
    place = f"{method.upper()} {re.sub(r'{[^}]*}|[*]', '{}', path)}"
    if known is not None and known["route"] == place:
        return _KINDS.get(says["operationId"], {})
    streams = any("text/event-stream" in one.get("content", {}) for one in says["responses"].values())
    return {"kind": "stream" if streams else "websocket" if says.get("x-websocket") else "call"}


ENDPOINTS = {
    says["operationId"]: Endpoint(
        says["operationId"], method.upper(), path, says, _special(method, path, says)
    )
    for path, item in DOCUMENT["paths"].items()
    for method, says in item.items()
}
"""All operations, by operationId."""


def read_path(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    """Return the operation that a server chooses for a request, and the arguments in the request's path.

    A path without variables wins over paths with variables.
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    for endpoint in ENDPOINTS.values():
        match = endpoint.pattern().fullmatch(path) if endpoint.method == method else None
        if match:
            found.append((endpoint.id, tuple(unquote(text, errors="strict") for text in match.groups())))
    return min(found, key=lambda candidate: len(candidate[1]))


def read_query(query: str, places: Collection[str]) -> list[tuple[str, str]]:
    """Return the query as a server reads it. It decodes a `directory` in `places` twice."""
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    twice = "directory" if "directory" in places else None
    return [(name, unquote(text, errors="strict") if name == twice else text) for name, text in pairs]
