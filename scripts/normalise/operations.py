"""Rules over operations: what the document says of requests and responses, as the generator reads it.

What it has no place for (streams, wire names, error classes) goes under `x-oc` into every response of the
operation: responses are the only objects of an endpoint that the generator hands to templates unchanged.
"""

from __future__ import annotations

import re

from scripts.normalise.names import pascal, snake
from scripts.normalise.parameters import VARIABLE
from scripts.normalise.schema import (
    META,
    METHODS,
    Json,
    map_operations,
    plain_text,
    referenced,
    schemas_of,
)

_JSON = re.compile(r"application/(.+\+)?json\b")
_READABLE = re.compile(r"application/((.+\+)?json|octet-stream)\b|text/")


def operation_ids(document: Json) -> Json:
    """Every operation has an id, and no other has the same: the id is the name that users call.

    `GET /a/{b}` without one -> `get.a.b`; a second `x` -> `x.2`
    """
    seen: set[tuple[str, ...]] = set()

    def identify(path: str, method: str, operation: Json) -> Json:
        name = operation.get("operationId") or ".".join([method, *re.findall(r"[A-Za-z0-9_]+", path)])
        parts = [part for part in name.split(".") if re.search("[A-Za-z0-9]", part)] or [method]
        unique, count = parts, 2
        while _python_names(unique) in seen:
            unique, count = [*parts, str(count)], count + 1
        seen.add(_python_names(unique))
        return {**operation, "operationId": ".".join(unique)}

    return map_operations(document, identify)


def _python_names(parts: list[str]) -> tuple[str, ...]:
    return tuple(snake(part) for part in parts)


def stream_items(document: Json) -> Json:
    """A `text/event-stream` response is described by one of its items, whose `data` may be JSON in a string.

    `{data: {type: string, contentSchema: A}}` as `text/event-stream` -> `A` as JSON, `x-oc.stream`
    """

    def describe(_: str, __: str, operation: Json) -> Json:
        responses = {}
        for status, response in operation.get("responses", {}).items():
            media = response.get("content", {}).get("text/event-stream")
            if media is None:
                responses[status] = response
                continue
            item = _stream_item(media.get("schema", {}), document)
            responses[status] = {
                **response,
                "content": {"application/json": {"schema": item}},
                META: {"stream": True},
            }
        return {**operation, "responses": responses}

    return map_operations(document, describe)


def _stream_item(schema: Json, document: Json) -> Json:
    schemas = schemas_of(document)

    def followed(part: Json) -> Json:
        name = referenced(part)
        return part if name is None else schemas.get(name, {})

    item = followed(schema)
    data = followed(item.get("properties", {}).get("data", {}))
    result: Json = item.get("contentSchema") or data.get("contentSchema") or schema
    return result


def readable_contents(document: Json) -> Json:
    """Of several media types the first that the client reads; one that it does not know is bytes.

    `{"image/png": A}` -> `{"application/octet-stream": A}`
    """

    def choose(holder: Json) -> Json:
        content = holder.get("content")
        if not content:
            return {key: value for key, value in holder.items() if key != "content"}
        known = sorted(
            (kind for kind in content if _READABLE.match(kind)), key=lambda kind: not _JSON.match(kind)
        )
        kind = known[0] if known else next(iter(content))
        name = "application/json" if _JSON.match(kind) else kind if known else "application/octet-stream"
        return {**holder, "content": {name: {"schema": content[kind].get("schema", {})}}}

    def read(_: str, __: str, operation: Json) -> Json:
        result = dict(operation)
        if "requestBody" in result:
            body = choose(result["requestBody"])
            kind = next(iter(body.get("content", {})), "")
            if kind.startswith("text/"):
                body["content"] = {"application/octet-stream": body["content"][kind]}
            result["requestBody"] = body
        result["responses"] = {s: choose(r) for s, r in result.get("responses", {}).items() if _is_status(s)}
        result["responses"] = result["responses"] or {"200": {"description": ""}}
        return result

    return map_operations(document, read)


def _is_status(status: str) -> bool:
    return status == "default" or bool(re.fullmatch(r"[1-5](\d\d|XX)", status))


def error_bodies(document: Json) -> Json:
    """Error responses keep the names of their bodies, not their schemas: the error tree reads them.

    `404: {schema: {anyOf: [A, B]}}` -> `404: {}` and `x-oc.errors = {"404": ["A", "B"]}`
    """

    def name_errors(_: str, __: str, operation: Json) -> Json:
        errors: dict[str, list[str]] = dict(operation.get(META, {}).get("errors", {}))
        responses: Json = {}
        for status, response in operation["responses"].items():
            responses[status] = response
            if status[0] in "123" or "content" not in response:
                continue
            schema = next(iter(response["content"].values()))["schema"]
            errors[status] = [name for part in schema.get("anyOf", [schema]) if (name := referenced(part))]
            responses[status] = {key: value for key, value in response.items() if key != "content"}
        meta = {**operation.get(META, {}), "errors": errors}
        return {**operation, "responses": responses, META: meta}

    return map_operations(document, name_errors)


def wildcard_paths(document: Json) -> Json:
    """A path that ends in `*` takes the rest of the URL as its last argument.

    `/api/fs/read/*` -> `/api/fs/read/{path}`, `x-oc.parameters.path.wildcard`
    """
    paths: Json = {}
    for path, item in document["paths"].items():
        name = f"{path[:-1]}{{path}}" if path.endswith("/*") and "{path}" not in path else path
        paths[path if name in document["paths"] else name] = item
    renamed = {name for name in paths if name not in document["paths"]}

    def mark(path: str, _: str, operation: Json) -> Json:
        if path not in renamed:
            return operation
        kept = [p for p in operation.get("parameters", []) if p.get("name") != "*"]
        told = {"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}
        return {**operation, "parameters": [*kept, told], META: {**operation.get(META, {}), "wildcard": True}}

    return map_operations({**document, "paths": paths}, mark)


def generator_view(document: Json) -> Json:
    """Last: ids, tags and paths as the generator takes them; everything else of ours goes into the responses.

    `session.prompt` -> tag `session`, its namespace's module; `{sessionID}` in a path -> `{session_id}`
    """

    def show(path: str, method: str, operation: Json) -> Json:
        if META not in operation:
            return operation
        name = operation["operationId"]
        meta: Json = {**operation[META], "operation": name, "path": path, "method": method}
        meta["said"] = {"name": plain_text(name), "source": plain_text(f"{method.upper()} {path}")}
        responses = {
            status: {"description": "", **_written(response), META: {**meta, **response.get(META, {})}}
            for status, response in operation["responses"].items()
        }
        kept = ("summary", "description", "requestBody")
        return {
            **_written({key: operation[key] for key in kept if key in operation}),
            "parameters": [_written(parameter) for parameter in operation.get("parameters", [])],
            "operationId": "_".join(snake(part) for part in name.split(".")),
            "tags": [meta["namespace"]["module"]],
            "responses": responses,
        }

    document = map_operations(document, show)
    paths: Json = {}
    for index, item in enumerate(document["paths"].values()):
        told = _told(item)
        if told is not None:
            safe = _generator_path(told)
            paths[safe if safe is not None and safe not in paths else _bare_path(index, told)] = item
    return {**document, "paths": paths}


def _written(holder: Json) -> Json:
    """What people read, as files can hold it."""
    texts = {
        key: plain_text(holder[key]) for key in ("summary", "description") if isinstance(holder.get(key), str)
    }
    return {**holder, **texts}


def _told(item: Json) -> Json | None:
    """What the first response of the path's first operation carries; None for a path without operations."""
    for method in METHODS:
        if method in item:
            response = next(iter(item[method]["responses"].values()))
            meta: Json = response[META]
            return meta
    return None


def _generator_path(told: Json) -> str | None:
    """The path with Python's names in braces; None where braces do not pair, which the generator refuses."""
    names = _path_names(told)
    safe = VARIABLE.sub(lambda match: f"{{{names[match.group(1)]}}}", told["path"])
    safe = re.sub(r"[^A-Za-z0-9_{}/.*~-]", "-", safe)
    return None if re.search("[{}]", VARIABLE.sub("", safe)) else safe


def _bare_path(index: int, told: Json) -> str:
    return "/".join([f"/{index}", *(f"{{{name}}}" for name in _path_names(told).values())])


def _path_names(told: Json) -> dict[str, str]:
    """The path's variables as the document and as Python calls them."""
    return {p["wire"]: name for name, p in told["parameters"].items() if p["in"] == "path"}


def class_prefix(operation_id: str) -> str:
    """The start of the names of an operation's classes: `v2.session.list` -> `V2SessionList`."""
    return "".join(pascal(part) or "N" for part in operation_id.split("."))
