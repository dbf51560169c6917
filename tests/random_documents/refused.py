"""Operations that the generator leaves out, with a note: forms, styles of parameters, schemas that nothing matches."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from tests.random_documents.builder import INTEGER, TEXT, Builder, Json, content, ok, parameter


def _form(b: Builder, _: str) -> Json:
    media = b.draw(st.sampled_from(["multipart/form-data", "application/x-www-form-urlencoded"]))
    return {"requestBody": {"content": {media: {"schema": b.object()}}}}


def _array_in_path(b: Builder, name: str) -> Json:
    schema = b.draw(
        st.sampled_from([{"type": "array", "items": TEXT}, {"type": "object", "properties": {"x": TEXT}}])
    )
    return {"path": f"/{name}/{{x}}", "parameters": [parameter("x", schema, "path")]}


def _style(b: Builder, _: str) -> Json:
    array: Json = {"type": "array", "items": TEXT}
    return {"parameters": [b.draw(st.sampled_from([
        parameter("x", array, explode=False), parameter("x", array, style="pipeDelimited"),
        parameter("x", array, style="spaceDelimited"),
        {"name": "x", "in": "query", "content": {"application/json": {}}},
        parameter("x", {"type": "object", "properties": {"y": array}}, style="deepObject"),
        parameter("x", {"type": "object", "properties": {"y": TEXT}}),
    ]))]}  # fmt: skip


def _json_beside_events(b: Builder, _: str) -> Json:
    both = {**content(b.object())["content"], "text/event-stream": {"schema": TEXT}}
    return {"responses": {"200": {"description": "", "content": both}}}


def _impossible(_b: Builder, _: str) -> Json:
    return {"responses": ok({"allOf": [TEXT, INTEGER]})}


def _conditional(b: Builder, _: str) -> Json:
    return {"responses": ok({**b.object(), "if": {"required": ["x"]}, "then": b.object()})}


def _bad_discriminator(b: Builder, name: str) -> Json:
    ref = b.component(name, {"type": "object", "properties": {"kind": INTEGER}})
    return {"responses": ok({"oneOf": [ref, {"type": "object"}], "discriminator": {"propertyName": "kind"}})}


def _own_server(_b: Builder, _: str) -> Json:
    return {"servers": [{"url": "https://elsewhere.example"}]}


REFUSED: dict[str, Callable[[Builder, str], Json]] = {
    "forms": _form, "array or object in a path": _array_in_path, "style": _style,
    "JSON beside events": _json_beside_events,
    "impossible allOf": _impossible, "if": _conditional, "discriminator": _bad_discriminator, "servers": _own_server,
}  # fmt: skip
