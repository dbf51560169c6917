"""Views of operations: their rows in the tables, and their methods."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from attrs import evolve, frozen

from scripts.normalise.schema import META, Json, referenced
from scripts.render.docstrings import method_docstring, short_docstring
from scripts.render.python_types import Types, allows_anything, allows_null, builtin, options
from scripts.render.text import literal
from scripts.render.views import MethodView, OperationView

_OPENS = {"stream": "stream", "websocket": "terminal"}
_SCOPES = {
    ("directory", "workspace"): "QUERY",
    ("location[directory]", "location[workspace]"): "LOCATION",
}
_MODEL = "The model."
_AS_TEXT = 'It can also be text: "provider/model".'
_WILDCARD = "{path}"


def statuses(operation: Json) -> list[str]:
    """Return the statuses of an operation's responses: numbers, then ranges such as 2XX, then the default."""
    return sorted(operation["responses"], key=lambda status: (status == "default", "X" in status, status))


def meta_of(operation: Json) -> Json:
    """Return the facts that the rules found out about an operation; each of its responses has them."""
    meta: Json = operation["responses"][statuses(operation)[0]][META]
    return meta


@frozen
class Parameter:
    """An argument of a method; `place` is path, query or body."""

    name: str
    wire: str
    place: str
    schema: Json
    required: bool
    description: str

    @property
    def nullable(self) -> bool:
        """Return True if null can be sent: then None cannot mean "left out"."""
        return self.place == "body" and allows_null(self.schema)

    def model_id(self, types: Types) -> str:
        """Return the key of a model's id if this is a model, whose name can be passed as text; else ""."""
        if self.place != "body" or self.wire != "model":
            return ""
        names = {name for option in options(self.schema) if (name := referenced(option))}
        required: set[str] = (
            set(types.components[names.pop()].get("required", ())) if len(names) == 1 else set()
        )
        return next((key for key in ("modelID", "id") if required == {"providerID", key}), "")

    def declaration(self, types: Types, hidden: Collection[str]) -> str:
        """Return the parameter with its type and default."""
        kind = types.argument(self.schema, hidden)
        if self.model_id(types):
            kind = f"{builtin('str', hidden)} | {kind}"
        start = f"{self.name}: {kind}"
        if self.required:
            return f"{start} = {literal(self.schema['const'])}" if "const" in self.schema else start
        if not self.nullable:
            return f"{start}{'' if allows_null(self.schema) else ' | None'} = None"
        return f"{start}{'' if allows_anything(self.schema) else ' | Unset'} = UNSET"


@frozen
class Described:
    """An operation of the document with everything that its views need."""

    operation: Json
    types: Types
    version: str

    @property
    def meta(self) -> Json:
        """The facts that the rules found out about it."""
        return meta_of(self.operation)

    @property
    def hidden(self) -> Collection[str]:
        """The builtin types that another method of the namespace hides."""
        hidden: list[str] = self.meta["namespace"]["shadows"]
        return hidden

    def parameters(self) -> list[Parameter]:
        """Return the arguments for the path, the query and the members of the body, as the rules order them."""
        body = self.types.components.get(referenced(self._body_schema()) or "", {})
        given = {parameter["name"]: parameter for parameter in self.operation["parameters"]}
        found: list[Parameter] = []
        for argument in self.meta["arguments"]:
            if argument["place"] == "body":
                schema = body["properties"][argument["wire"]]
                required = argument["wire"] in body.get("required", ())
            else:
                parameter = given[argument["generator"]]
                schema, required = parameter["schema"], parameter.get("required", False)
            texts = argument["name"], argument["wire"], argument["place"]
            one = Parameter(*texts, schema, required, argument["description"])
            if one.model_id(self.types):
                one = evolve(one, description=f"{one.description or _MODEL} {_AS_TEXT}")
            found.append(one)
        return found

    def body_type(self) -> str:
        """Return the type of the argument `body`; "" where the body's members are arguments, or without a body."""
        if self.meta["body"] == "bytes":
            return f"{builtin('bytes', self.hidden)} | {builtin('str', self.hidden)}"
        return self.types.argument(self._body_schema(), self.hidden) if self.meta["body"] == "json" else ""

    def _body_schema(self) -> Json:
        for media in self.operation.get("requestBody", {}).get("content", {}).values():
            schema: Json = media["schema"]
            return schema
        return {}

    def contents(self) -> dict[str, tuple[str, Json] | None]:
        """Return the media type and the schema of each successful response. The default counts if there is no other."""
        every = statuses(self.operation)
        found: dict[str, tuple[str, Json] | None] = {}
        for status in [status for status in every if status[0] == "2"] or every[-1:]:
            if status[0] == "2" or status == "default":
                content: Mapping[str, Json] = self.operation["responses"][status].get("content", {})
                found[status] = next(((kind, media["schema"]) for kind, media in content.items()), None)
        return found

    def content(self) -> tuple[str, Json] | None:
        """Return the media type and the schema of the response of the first successful status."""
        return next(iter(self.contents().values()), None)

    def returns(self, hidden: Collection[str] = ()) -> str:
        """Return the type of the method's result."""
        types = [self.type_of(content, hidden) for content in self.contents().values()] or ["None"]
        return " | ".join(dict.fromkeys(types)) if "Any" not in types else "Any"

    def others(self) -> dict[str, tuple[str, bool]]:
        """Return the types of successful statuses if they differ, and True where the response is plain text."""
        found = {
            status: (self.type_of(content), is_text(content)) for status, content in self.contents().items()
        }
        return found if len(set(found.values())) > 1 else {}

    def type_of(self, content: tuple[str, Json] | None, hidden: Collection[str] = ()) -> str:
        """Return the type of a response's content."""
        if content is None:
            return "None"
        if content[0].startswith("text/"):
            return builtin("str", hidden)
        if content[0] == "application/octet-stream":
            return builtin("bytes", hidden)
        return self.types.annotation(content[1], opened=True, hidden=hidden)


def is_text(content: tuple[str, Json] | None) -> bool:
    """Return True if a response's content is plain text."""
    return content is not None and content[0].startswith("text/")


def method_view(described: Described) -> MethodView:
    """Return an operation's method, its docstring and its row in the table."""
    meta, hidden = described.meta, described.hidden
    parameters = described.parameters()
    opens = _OPENS.get(meta["kind"], "")
    return MethodView(
        name=meta["attribute"],
        docstring=method_docstring(
            described.operation, meta, parameters, _result(described), described.version
        ),
        async_docstring=short_docstring(described.operation, meta),
        positional=tuple(p.declaration(described.types, hidden) for p in parameters if p.place == "path"),
        keyword=tuple(_keyword(described, parameters)),
        returns=described.returns(hidden),
        opens=opens,
        str_type=builtin("str", hidden),
        path=tuple(p.name for p in parameters if p.place == "path"),
        query=tuple((literal(p.wire), p.name) for p in parameters if p.place == "query"),
        body=tuple((literal(p.wire), p.name) for p in parameters if p.place == "body"),
        body_argument="body" if described.body_type() else "",
        scope=tuple(name for name in ("directory", "workspace") if name in meta["scope"]),
        operation=_operation_view(described, parameters),
    )


def _keyword(described: Described, parameters: list[Parameter]) -> Iterator[str]:
    types, hidden = described.types, described.hidden
    named = [p for p in parameters if p.place != "path"]
    yield from (p.declaration(types, hidden) for p in named if p.required)
    if described.body_type():
        optional = " | Unset = UNSET" if described.meta["body_optional"] else ""
        yield f"body: {described.body_type()}{optional}"
    yield from (p.declaration(types, hidden) for p in named if not p.required)
    scope = described.meta["scope"]
    yield from (
        f"{name}: {kind} | None = None"
        for name, kind in (("directory", "StrPath"), ("workspace", builtin("str", hidden)))
        if name in scope
    )


def _result(described: Described) -> str:
    """Return the description of the result; "" if its class has its own, or if there is no result."""
    content = described.content()
    if content is None or described.types.is_model(content[1]) or described.meta["kind"] == "websocket":
        return ""
    operation = described.operation
    text = str(operation["responses"][statuses(operation)[0]].get("description", ""))
    return "" if text.lower() in ("success", "ok", operation.get("summary", "").lower()) else text


def _operation_view(described: Described, parameters: list[Parameter]) -> OperationView:
    return OperationView(
        constant=described.meta["constant"],
        returns=described.returns(),
        arguments=tuple(_row(described, parameters)),
    )


def _row(described: Described, parameters: list[Parameter]) -> Iterator[str]:
    """Yield the arguments of `Operation(...)`, without those that have their default."""
    meta, content = described.meta, described.content()
    returns = described.type_of(content)
    path = meta["path"]
    yield literal(meta["operation"])
    yield literal(meta["method"].upper())
    yield literal(f"{path.removesuffix(_WILDCARD)}*" if meta.get("wildcard") else path)
    if returns != "None":
        yield literal(returns)
    if is_text(content):
        yield "plain=True"
    if any(one and one[0].startswith("text/html") for one in described.contents().values()):
        yield "web_page=True"
    if others := described.others():
        yield f"others={literal(others)}"
    if meta["body"]:
        yield f"body={literal(meta['body'])}"
    if meta["scope"]:
        scope = meta["scope"].get("directory"), meta["scope"].get("workspace")
        yield f"scope={_SCOPES.get(scope) or f'Scope({scope[0]!r}, {scope[1]!r})'}"
    nullable = [literal(p.wire) for p in parameters if p.nullable]
    if nullable:
        yield f"nullable=frozenset({{{', '.join(nullable)}}})"
    models = {p.wire: key for p in parameters if (key := p.model_id(described.types))}
    yield from (f"model={literal(key)}" for key in models.values())
    structures = {
        p.wire: described.types.structure(p.schema)
        for p in parameters
        if p.place == "body" and p.wire not in models
    }
    if any(structures.values()):
        texts = (f"{literal(wire)}: {literal(text)}" for wire, text in structures.items() if text)
        yield f"structured={{{', '.join(texts)}}}"
    if meta["errors"]:
        yield f"errors={_errors(meta['errors'])}"
    if meta["extra_headers"]:
        yield f"headers={literal(meta['extra_headers'])}"
    for name in ("absent", "resumes"):
        if meta[name] is not None:
            yield f"{name}={literal(meta[name])}"
    flags = {"late": meta["late"], "blocking": meta["kind"] == "blocking"}
    flags |= {"consumes": meta["consumes"], "deprecated": meta["deprecated"]}
    yield from (f"{name}=True" for name, value in flags.items() if value)


def _errors(errors: dict[str, list[str]]) -> str:
    rows = (
        f"{literal(status)}: ({''.join(f'{literal(name)}, ' for name in names)})"
        for status, names in errors.items()
        if names
    )
    return f"{{{', '.join(rows)}}}"
