"""Random valid documents. Every operation has `x-case`: the kind of thing that it tries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.random_documents.builder import INTEGER, TEXT, Builder, Draw, Json, content, ok, parameter
from tests.random_documents.refused import REFUSED


def _plain(b: Builder, name: str) -> Json:
    schema = b.schema(2)
    return {"responses": ok(b.component(name, schema) if b.draw(st.booleans()) else schema)}


def _query(b: Builder, name: str) -> Json:
    value: Json = b.draw(
        st.sampled_from([TEXT, INTEGER, {"type": "boolean"}, {"enum": ["a", "b"]}, {"type": "number"}])
    )
    query = [
        parameter("one", value, required=b.draw(st.booleans())),
        parameter("many", {"type": "array", "items": value}),
        parameter("page[size]", INTEGER),
        parameter("X-Note", b.draw(st.sampled_from([TEXT, {"enum": ["a", "b"]}])), "header"),
        parameter("crumb", {"anyOf": [TEXT, {"type": "null"}]}, "cookie"),
    ]
    variables = b.draw(st.permutations([parameter(one, TEXT, "path") for one in ("itemID", "partID")]))
    path = f"/{name}/{{itemID}}/x/{{partID}}"
    return {"parameters": [*variables, *query], "path": path, "responses": ok(b.scalar())}


def _references(b: Builder, name: str) -> Json:
    refs = {
        "parameters": parameter("someID", TEXT),
        "requestBodies": {"required": True, "content": {"application/json": {"schema": b.object()}}},
        "responses": content(b.schema()),
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
        "200": content(b.component(f"{name}A", b.object())),
        "202": content(b.component(f"{name}B", b.object())),
    }
    more: Json = b.draw(
        st.sampled_from([{}, {"204": {"description": ""}}, {"2XX": content(TEXT, "text/plain")}])
    )
    return {"responses": {**answers, **more}}


def _discriminator(b: Builder, name: str) -> Json:
    tag: Json = {"type": "object", "properties": {"kind": TEXT, "shared": INTEGER}, "required": ["kind"]}
    mapping: Json = b.draw(st.sampled_from([{}, {"mapping": {"first": f"#/components/schemas/{name}X"}},
                                            {"mapping": {"first": f"{name}X", "again": f"{name}X"}}]))  # fmt: skip
    discriminator = {"discriminator": {"propertyName": "kind", **mapping}}
    refs = [{"$ref": f"#/components/schemas/{name}{one}"} for one in "XY"]
    own = {one: {"type": "object", "properties": {f"own{one}": b.scalar()}} for one in "XY"}
    if b.draw(st.booleans()):
        parent = b.component(f"{name}Pet", {**tag, **discriminator})
        for one in "XY":
            b.component(f"{name}{one}", {"allOf": [parent, own[one]]})
        return {"responses": ok(parent)}
    for one in "XY":
        b.component(f"{name}{one}", {"allOf": [tag, own[one]]})
    return {"responses": ok({"oneOf": refs, **discriminator})}


def _beside_union(b: Builder, _: str) -> Json:
    variants = [
        {"type": "object", "properties": {"kindA": INTEGER}, "required": ["kindA"]},
        {"type": "object", "properties": {"kindB": b.scalar()}, "required": ["kindB"]},
    ]
    key = b.draw(st.sampled_from(["oneOf", "anyOf"]))
    return {"responses": ok({**b.object(), key: variants})}


def _all_of(b: Builder, name: str) -> Json:
    part = b.component(f"{name}Part", {"type": "object", "properties": {"partID": {"type": "number"}}})
    parts: list[Any] = [part, {"properties": {"partID": INTEGER}, "required": ["partID"]}, True]
    return {"responses": ok({"allOf": parts if b.draw(st.booleans()) else [part, b.object()]})}


def _optional_body(b: Builder, name: str) -> Json:
    body = {
        "required": b.draw(st.booleans()),
        "content": {"application/json": {"schema": b.component(name, b.object())}},
    }
    return {"requestBody": body}


def _body(b: Builder, name: str) -> Json:
    schema = b.schema(2)
    more: Json = (
        {"additionalProperties": b.draw(st.sampled_from([True, False, TEXT]))}
        if "properties" in schema
        else {}
    )
    read_only: Json = {
        "type": "object",
        "properties": {"id": {**TEXT, "readOnly": True}, "x": TEXT},
        "required": ["id"],
    }
    schema = b.draw(st.sampled_from([schema, {**schema, **more}, read_only]))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _media(b: Builder, _: str) -> Json:
    media = b.draw(
        st.sampled_from(["application/xml", "text/plain", "image/png", "application/merge-patch+json"])
    )
    schema: Json = b.object() if media.endswith("json") or b.draw(st.booleans()) else TEXT
    read = b.draw(st.sampled_from(["text/csv", "application/pdf", "application/problem+json"]))
    several: Json = (
        {**content({}, read)["content"], "text/html": {}}
        if b.draw(st.booleans())
        else content({}, read)["content"]
    )
    return {
        "requestBody": {"required": True, "content": {media: {"schema": schema}}},
        "responses": {"200": {"description": "", "content": several}},
    }


def _styles(b: Builder, name: str) -> Json:
    deep = b.component(name, {"type": "object", "properties": {"x": TEXT, "yID": INTEGER}, "required": ["x"]})
    return {"parameters": [parameter("deep", deep, style="deepObject", explode=True, required=True)]}


def _same_names(b: Builder, name: str) -> Json:
    variable, query = (
        parameter("thing", TEXT, "path"),
        parameter("thing", b.draw(st.sampled_from([TEXT, INTEGER]))),
    )
    shared = (
        {"parameters": [query, parameter("ofPath", TEXT)]}
        if b.draw(st.booleans())
        else {"parameters": [query]}
    )
    return {"path": f"/{name}/{{thing}}", "parameters": [variable], "shared": shared}


def _maps(b: Builder, _: str) -> Json:
    schema = b.draw(st.sampled_from([
        {"type": "object", "patternProperties": {"^x-": b.schema()}, "additionalProperties": False},
        {"type": "object", "patternProperties": {"^x-": TEXT}, "additionalProperties": INTEGER},
        {"type": "object", "additionalProperties": b.object()},
        {**b.object(), "additionalProperties": b.schema()},
        {"type": "array", "prefixItems": [TEXT, INTEGER]},
        {"type": "object", "properties": {"a": True, "never": False}, "required": ["a"]},
        {"type": "object", "properties": {"a": TEXT}, "required": ["a", "undescribed"]},
    ]))  # fmt: skip
    return {"responses": ok(schema)}


def _beside_reference(b: Builder, name: str) -> Json:
    target = b.component(name, {"type": "object", "properties": {"x": TEXT, "y": INTEGER}})
    beside = b.draw(st.sampled_from([{"description": "d"}, {"required": ["x"]}, {"properties": {"z": TEXT}}]))
    return {
        "responses": ok({"type": "object", "properties": {"it": {**target, **beside}}, "required": ["it"]})
    }


def _recursive(b: Builder, name: str) -> Json:
    ref = {"$ref": f"#/components/schemas/{name}"}
    b.component(name, b.draw(st.sampled_from([
        {"type": "object", "properties": {"next": ref, "many": {"type": "array", "items": ref}, "v": INTEGER}},
        {"anyOf": [TEXT, {"type": "array", "items": ref}]},
        {"type": "object", "properties": {"it": {"anyOf": [ref, {"type": "null"}]}}, "required": ["it"]},
    ])))  # fmt: skip
    return {"responses": ok(ref)}


def _errors(b: Builder, name: str) -> Json:
    return {"responses": {**ok(b.schema()), "404": content(b.component(name, b.object()))}}


def _default(b: Builder, name: str) -> Json:
    return {"responses": {"default": content(b.component(name, b.object()))}}


def _no_id(b: Builder, _: str) -> Json:
    return {"operationId": None, "responses": ok(b.scalar())}


def _same_id(b: Builder, _: str) -> Json:
    return {"operationId": "twice.same", "responses": ok(b.scalar())}


def _websocket(b: Builder, name: str) -> Json:
    more = [parameter("role", TEXT)] if b.draw(st.booleans()) else []
    return {"x-websocket": True, "method": "get", "path": f"/{name}/{{ttyID}}/connect",
            "parameters": [*more, parameter("cursor", TEXT)], "responses": ok({"type": "boolean"})}  # fmt: skip


def _events(b: Builder, _: str) -> Json:
    schema: Json = {"type": "object", "properties": {"data": {"type": "string", "contentSchema": b.object()}}}
    return {"method": "get", "responses": {"200": content(schema, "text/event-stream")}}


def _nested(b: Builder, name: str) -> Json:
    schema = b.scalar()
    for _ in range(20):
        inner: Json = {"type": "array", "items": schema}
        schema = {"type": "object", "properties": {"in": inner}}
    return {"operationId": f"deep.n{name}", "responses": ok(schema)}


CASES: dict[str, Callable[[Builder, str], Json]] = {
    "plain": _plain, "query": _query, "references": _references, "two answers": _two_answers,
    "discriminator": _discriminator, "beside a union": _beside_union, "allOf": _all_of, "optional body": _optional_body,
    "body": _body, "media types": _media, "deepObject": _styles, "two of one name": _same_names, "maps": _maps,
    "beside $ref": _beside_reference, "recursive": _recursive, "errors": _errors, "default": _default,
    "no operationId": _no_id, "one operationId twice": _same_id,
    "x-websocket": _websocket, "event stream": _events, "nested": _nested,
}  # fmt: skip


@st.composite
def documents(draw: Draw, size: int, refused: Sequence[str] = ()) -> Json:
    """Return random documents with `size` operations that work, and one of each kind in `refused`."""
    builder = Builder(draw)
    for number in range(size):
        name = draw(st.sampled_from(sorted(CASES)))
        builder.add(number, name, CASES[name](builder, f"C{number}"))
    for number, name in enumerate(refused, size):
        builder.add(number, f"refused: {name}", REFUSED[name](builder, f"C{number}"))
    return {
        "openapi": "3.1.0",
        "info": {"title": "random", "version": "1"},
        "paths": builder.paths,
        "components": builder.components,
    }
