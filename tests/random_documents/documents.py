"""Random valid documents. Every operation has `x-case`: the kind of thing that it tries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st

Json: TypeAlias = dict[str, Any]  # Any: parsed JSON
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

_NAMES = ("alpha", "betaID", "gamma", "class", "deltaValue", "from", "epsilon", "title", "list")
_TEXT: Json = {"type": "string"}
_INTEGER: Json = {"type": "integer"}
_SCALARS: tuple[Json, ...] = (
    _TEXT, _INTEGER, {"type": "number"}, {"type": "boolean"}, {"type": "string", "format": "date-time"},
    {"type": "integer", "format": "int64", "minimum": -9}, {"const": "fixed"}, {"const": True}, {"const": 3},
    {"type": "string", "enum": ["a", "b"]}, {"enum": [1, 2]}, {"enum": [1, "1", True, None]}, {"enum": ["one"]},
    {"type": "string", "default": "x"}, {"type": "integer", "default": 4},
    {"type": "array", "items": _TEXT, "default": []},
    {"type": ["string", "null"]}, {"type": "boolean", "nullable": True}, {"anyOf": [_INTEGER, {"type": "null"}]},
    {"anyOf": [_TEXT, {"type": "boolean"}, {"type": "array", "items": _INTEGER}]},
    {"not": {"type": "null"}, "type": "string"},
    {"oneOf": [{"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["b"]}]},
)  # fmt: skip


class Builder:
    """Adds operations to a document."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.schemas: Json = {}
        self.components: Json = {"schemas": self.schemas}
        self.paths: Json = {}

    def build(self, size: int, refused: Sequence[str]) -> Json:
        """Return a document with `size` random operations, and one of each kind in `refused`."""
        for number in range(size):
            name = self.draw(st.sampled_from(sorted(CASES)))
            self._add(number, name, CASES[name](self, f"C{number}"))
        for number, name in enumerate(refused, size):
            self._add(number, f"refused: {name}", REFUSED[name](self, f"C{number}"))
        return {
            "openapi": "3.1.0",
            "info": {"title": "random", "version": "1"},
            "paths": self.paths,
            "components": self.components,
        }

    def _add(self, number: int, case: str, operation: Json) -> None:
        method = operation.pop("method", self.draw(st.sampled_from(["post", "put", "patch"])))
        path = operation.pop("path", f"/c{number}")
        shared = operation.pop("shared", {})
        namespace = self.draw(st.sampled_from(["a", "a.b.c", "d", "v2.e"]))
        operation.setdefault("operationId", f"{namespace}.doIt{number}")
        if operation["operationId"] is None:
            del operation["operationId"]
        operation.setdefault("responses", {"204": {"description": "done"}})
        self.paths[path] = shared | {method: {"x-case": case, **operation}}

    def scalar(self) -> Json:
        """Return a schema without named members."""
        return dict(self.draw(st.sampled_from(_SCALARS)))

    def object(self, depth: int = 1) -> Json:
        """Return an object with named members."""
        names = self.draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True))
        required = [name for name in names if self.draw(st.booleans())]
        members = {name: self.schema(depth - 1) for name in names}
        return {"type": "object", "properties": members, "required": required}

    def schema(self, depth: int = 1) -> Json:
        """Return any schema that the pipeline handles."""
        if depth <= 0:
            return self.scalar()
        kind = self.draw(st.sampled_from(["scalar", "object", "array", "map", "any"]))
        if kind == "object":
            return self.object(depth)
        if kind == "array":
            return {"type": "array", "items": self.schema(depth - 1)}
        if kind == "map":
            return {"type": "object", "additionalProperties": self.schema(depth - 1)}
        return {} if kind == "any" else self.scalar()

    def component(self, name: str, schema: Json) -> Json:
        """Add a component, and return a reference to it."""
        self.schemas[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}


def _content(schema: Any, media: str = "application/json") -> Json:  # Any: a schema may be true
    return {"description": "", "content": {media: {"schema": schema}}}


def _ok(schema: Any) -> Json:  # Any: as above
    return {"200": _content(schema)}


def _parameter(name: str, schema: Json, place: str = "query", **more: object) -> Json:
    return {
        "name": name,
        "in": place,
        "schema": schema,
        **({"required": True} if place == "path" else {}),
        **more,
    }


def _plain(b: Builder, name: str) -> Json:
    schema = b.schema(2)
    return {"responses": _ok(b.component(name, schema) if b.draw(st.booleans()) else schema)}


def _query(b: Builder, name: str) -> Json:
    value: Json = b.draw(
        st.sampled_from([_TEXT, _INTEGER, {"type": "boolean"}, {"enum": ["a", "b"]}, {"type": "number"}])
    )
    query = [
        _parameter("one", value, required=b.draw(st.booleans())),
        _parameter("many", {"type": "array", "items": value}),
        _parameter("page[size]", _INTEGER),
        _parameter("X-Note", b.draw(st.sampled_from([_TEXT, {"enum": ["a", "b"]}])), "header"),
        _parameter("crumb", {"anyOf": [_TEXT, {"type": "null"}]}, "cookie"),
    ]
    return {"parameters": query, "path": f"/{name}/{{itemID}}/x", "responses": _ok(b.scalar())}


def _references(b: Builder, name: str) -> Json:
    refs = {
        "parameters": _parameter("someID", _TEXT),
        "requestBodies": {"required": True, "content": {"application/json": {"schema": b.object()}}},
        "responses": _content(b.schema()),
    }
    for kind, part in refs.items():
        b.components.setdefault(kind, {})[name] = part
    at = {kind: {"$ref": f"#/components/{kind}/{name}"} for kind in refs}
    operation = {"x-case": "references", "operationId": f"refs.do{name}", "parameters": [at["parameters"]],
                 "requestBody": at["requestBodies"], "responses": {"200": at["responses"]}}  # fmt: skip
    b.components.setdefault("pathItems", {})[name] = {"post": operation}
    return {
        "shared": {"$ref": f"#/components/pathItems/{name}"},
        "operationId": f"refs.get{name}",
        "method": "get",
    }


def _two_answers(b: Builder, name: str) -> Json:
    answers = {
        "200": _content(b.component(f"{name}A", b.object())),
        "202": _content(b.component(f"{name}B", b.object())),
    }
    more: Json = b.draw(
        st.sampled_from([{}, {"204": {"description": ""}}, {"2XX": _content(_TEXT, "text/plain")}])
    )
    return {"responses": {**answers, **more}}


def _discriminator(b: Builder, name: str) -> Json:
    tag: Json = {"type": "object", "properties": {"kind": _TEXT, "shared": _INTEGER}, "required": ["kind"]}
    mapping: Json = b.draw(st.sampled_from([{}, {"mapping": {"first": f"#/components/schemas/{name}X"}},
                                            {"mapping": {"first": f"{name}X", "again": f"{name}X"}}]))  # fmt: skip
    discriminator = {"discriminator": {"propertyName": "kind", **mapping}}
    refs = [{"$ref": f"#/components/schemas/{name}{one}"} for one in "XY"]
    own = {one: {"type": "object", "properties": {f"own{one}": b.scalar()}} for one in "XY"}
    if b.draw(st.booleans()):
        parent = b.component(f"{name}Pet", {**tag, **discriminator})
        for one in "XY":
            b.component(f"{name}{one}", {"allOf": [parent, own[one]]})
        return {"responses": _ok(parent)}
    for one in "XY":
        b.component(f"{name}{one}", {"allOf": [tag, own[one]]})
    return {"responses": _ok({"oneOf": refs, **discriminator})}


def _beside_union(b: Builder, _: str) -> Json:
    variants = [
        {"type": "object", "properties": {"kindA": _INTEGER}, "required": ["kindA"]},
        {"type": "object", "properties": {"kindB": b.scalar()}, "required": ["kindB"]},
    ]
    key = b.draw(st.sampled_from(["oneOf", "anyOf"]))
    return {"responses": _ok({**b.object(), key: variants})}


def _all_of(b: Builder, name: str) -> Json:
    part = b.component(f"{name}Part", {"type": "object", "properties": {"partID": {"type": "number"}}})
    parts: list[Any] = [part, {"properties": {"partID": _INTEGER}, "required": ["partID"]}, True]
    return {"responses": _ok({"allOf": parts if b.draw(st.booleans()) else [part, b.object()]})}


def _optional_body(b: Builder, name: str) -> Json:
    body = {
        "required": b.draw(st.booleans()),
        "content": {"application/json": {"schema": b.component(name, b.object())}},
    }
    return {"requestBody": body}


def _body(b: Builder, name: str) -> Json:
    schema = b.schema(2)
    more: Json = (
        {"additionalProperties": b.draw(st.sampled_from([True, False, _TEXT]))}
        if "properties" in schema
        else {}
    )
    read_only: Json = {
        "type": "object",
        "properties": {"id": {**_TEXT, "readOnly": True}, "x": _TEXT},
        "required": ["id"],
    }
    schema = b.draw(st.sampled_from([schema, {**schema, **more}, read_only]))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _media(b: Builder, _: str) -> Json:
    media = b.draw(
        st.sampled_from(["application/xml", "text/plain", "image/png", "application/merge-patch+json"])
    )
    schema: Json = b.object() if media.endswith("json") else _TEXT
    read = b.draw(st.sampled_from(["text/csv", "application/pdf", "application/problem+json"]))
    several: Json = (
        {**_content({}, read)["content"], "text/html": {}}
        if b.draw(st.booleans())
        else _content({}, read)["content"]
    )
    return {
        "requestBody": {"required": True, "content": {media: {"schema": schema}}},
        "responses": {"200": {"description": "", "content": several}},
    }


def _styles(b: Builder, name: str) -> Json:
    deep = b.component(
        name, {"type": "object", "properties": {"x": _TEXT, "yID": _INTEGER}, "required": ["x"]}
    )
    return {"parameters": [_parameter("deep", deep, style="deepObject", explode=True, required=True)]}


def _same_names(b: Builder, name: str) -> Json:
    variable, query = (
        _parameter("thing", _TEXT, "path"),
        _parameter("thing", b.draw(st.sampled_from([_TEXT, _INTEGER]))),
    )
    shared = (
        {"parameters": [query, _parameter("ofPath", _TEXT)]}
        if b.draw(st.booleans())
        else {"parameters": [query]}
    )
    return {"path": f"/{name}/{{thing}}", "parameters": [variable], "shared": shared}


def _maps(b: Builder, _: str) -> Json:
    schema = b.draw(st.sampled_from([
        {"type": "object", "patternProperties": {"^x-": b.schema()}, "additionalProperties": False},
        {"type": "object", "patternProperties": {"^x-": _TEXT}, "additionalProperties": _INTEGER},
        {"type": "object", "additionalProperties": b.object()},
        {**b.object(), "additionalProperties": b.schema()},
        {"type": "array", "prefixItems": [_TEXT, _INTEGER]},
        {"type": "object", "properties": {"a": True, "never": False}, "required": ["a"]},
    ]))  # fmt: skip
    return {"responses": _ok(schema)}


def _beside_reference(b: Builder, name: str) -> Json:
    target = b.component(name, {"type": "object", "properties": {"x": _TEXT, "y": _INTEGER}})
    beside = b.draw(
        st.sampled_from([{"description": "d"}, {"required": ["x"]}, {"properties": {"z": _TEXT}}])
    )
    return {
        "responses": _ok({"type": "object", "properties": {"it": {**target, **beside}}, "required": ["it"]})
    }


def _recursive(b: Builder, name: str) -> Json:
    ref = {"$ref": f"#/components/schemas/{name}"}
    b.component(name, b.draw(st.sampled_from([
        {"type": "object", "properties": {"next": ref, "many": {"type": "array", "items": ref}, "v": _INTEGER}},
        {"anyOf": [_TEXT, {"type": "array", "items": ref}]},
        {"type": "object", "properties": {"it": {"anyOf": [ref, {"type": "null"}]}}, "required": ["it"]},
    ])))  # fmt: skip
    return {"responses": _ok(ref)}


def _errors(b: Builder, name: str) -> Json:
    return {"responses": {**_ok(b.schema()), "404": _content(b.component(name, b.object()))}}


def _no_id(b: Builder, _: str) -> Json:
    return {"operationId": None, "responses": _ok(b.scalar())}


def _same_id(b: Builder, _: str) -> Json:
    return {"operationId": "twice.same", "responses": _ok(b.scalar())}


def _websocket(b: Builder, name: str) -> Json:
    more = [_parameter("role", _TEXT)] if b.draw(st.booleans()) else []
    return {"x-websocket": True, "method": "get", "path": f"/{name}/{{ttyID}}/connect",
            "parameters": [*more, _parameter("cursor", _TEXT)], "responses": _ok({"type": "boolean"})}  # fmt: skip


def _events(b: Builder, _: str) -> Json:
    schema: Json = {"type": "object", "properties": {"data": {"type": "string", "contentSchema": b.object()}}}
    return {"method": "get", "responses": {"200": _content(schema, "text/event-stream")}}


def _nested(b: Builder, name: str) -> Json:
    schema = b.scalar()
    for _ in range(20):
        inner: Json = {"type": "array", "items": schema}
        schema = {"type": "object", "properties": {"in": inner}}
    return {"operationId": f"deep.n{name}", "responses": _ok(schema)}


CASES: dict[str, Callable[[Builder, str], Json]] = {
    "plain": _plain, "query": _query, "references": _references, "two answers": _two_answers,
    "discriminator": _discriminator, "beside a union": _beside_union, "allOf": _all_of, "optional body": _optional_body,
    "body": _body, "media types": _media, "deepObject": _styles, "two of one name": _same_names, "maps": _maps,
    "beside $ref": _beside_reference, "recursive": _recursive, "errors": _errors, "no operationId": _no_id,
    "one operationId twice": _same_id, "x-websocket": _websocket, "event stream": _events, "nested": _nested,
}  # fmt: skip


def _form(b: Builder, _: str) -> Json:
    media = b.draw(st.sampled_from(["multipart/form-data", "application/x-www-form-urlencoded"]))
    return {"requestBody": {"content": {media: {"schema": b.object()}}}}


def _array_in_path(b: Builder, name: str) -> Json:
    schema = b.draw(
        st.sampled_from([{"type": "array", "items": _TEXT}, {"type": "object", "properties": {"x": _TEXT}}])
    )
    return {"path": f"/{name}/{{x}}", "parameters": [_parameter("x", schema, "path")]}


def _style(b: Builder, _: str) -> Json:
    array: Json = {"type": "array", "items": _TEXT}
    return {"parameters": [b.draw(st.sampled_from([
        _parameter("x", array, explode=False), _parameter("x", array, style="pipeDelimited"),
        _parameter("x", array, style="spaceDelimited"),
        {"name": "x", "in": "query", "content": {"application/json": {}}},
        _parameter("x", {"type": "object", "properties": {"y": array}}, style="deepObject"),
        _parameter("x", {"type": "object", "properties": {"y": _TEXT}}),
    ]))]}  # fmt: skip


def _json_beside_events(b: Builder, _: str) -> Json:
    content = {**_content(b.object())["content"], "text/event-stream": {"schema": _TEXT}}
    return {"responses": {"200": {"description": "", "content": content}}}


def _impossible(_b: Builder, _: str) -> Json:
    return {"responses": _ok({"allOf": [_TEXT, _INTEGER]})}


def _conditional(b: Builder, _: str) -> Json:
    return {"responses": _ok({**b.object(), "if": {"required": ["x"]}, "then": b.object()})}


def _bad_discriminator(b: Builder, name: str) -> Json:
    ref = b.component(name, {"type": "object", "properties": {"kind": _INTEGER}})
    return {"responses": _ok({"oneOf": [ref, {"type": "object"}], "discriminator": {"propertyName": "kind"}})}


def _own_server(_b: Builder, _: str) -> Json:
    return {"servers": [{"url": "https://elsewhere.example"}]}


REFUSED: dict[str, Callable[[Builder, str], Json]] = {
    "forms": _form, "array or object in a path": _array_in_path, "style": _style,
    "JSON beside events": _json_beside_events,
    "impossible allOf": _impossible, "if": _conditional, "discriminator": _bad_discriminator, "servers": _own_server,
}  # fmt: skip


@st.composite
def documents(draw: Draw, size: int, refused: Sequence[str] = ()) -> Json:
    """Return random documents with `size` operations that work, and one of each kind in `refused`."""
    return Builder(draw).build(size, refused)
