"""Rules for operations: requests and responses in the form that the generator reads.

Facts that OpenAPI has no place for (streams, the server's names, error classes) are under `x-oc`, at the end in every
response of the operation.
"""

from __future__ import annotations

import re

from scripts.normalise.names import pascal, snake
from scripts.normalise.parameters import VARIABLE
from scripts.normalise.schema import (
    META,
    METHODS,
    Json,
    followed,
    map_operations,
    plain_text,
    referenced,
    schemas_of,
)

_JSON = re.compile(r"application/(.+\+)?json\s*(;|$)", re.IGNORECASE)
_READABLE = re.compile(rf"{_JSON.pattern}|application/octet-stream\b|text/", re.IGNORECASE)


def operation_ids(document: Json) -> Json:
    """Give every operation a unique id: the id becomes the method that users call.

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
    """Replace the schema of a `text/event-stream` response by the schema of one event.

    `{data: {type: string, contentSchema: A}}` as `text/event-stream` -> `A` as JSON, `x-oc.stream`
    """

    def describe(_: str, __: str, operation: Json) -> Json:
        responses = {}
        for status, response in operation.get("responses", {}).items():
            content: Json = response.get("content", {}) if status[:1] not in ("1", "3", "4", "5") else {}
            media: Json | None = next((content[kind] for kind in content if is_event_stream(kind)), None)
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


def is_event_stream(kind: str) -> bool:
    """Return True for the media type of server-sent events, with parameters or without."""
    return kind.partition(";")[0].strip().lower() == "text/event-stream"


def _stream_item(schema: Json, document: Json) -> Json:
    schemas = schemas_of(document)

    def followed(part: Json) -> Json:
        name = referenced(part)
        return part if name is None else schemas.get(name, {})

    item = followed(schema)
    data = followed(item.get("properties", {}).get("data", {}))
    result: Json = item.get("contentSchema") or data.get("contentSchema") or schema
    return result


def whole_bodies(document: Json) -> Json:
    """Mark bodies that are one argument, although they are objects: their members cannot be arguments.

    With `required: false`, nothing may be sent in place of the members that are required together. Of an object with
    further members that the document does not name, these could not be sent.
    """
    schemas = schemas_of(document)

    def mark(_: str, __: str, operation: Json) -> Json:
        body: Json = operation.get("requestBody", {})
        optional = body.get("required") is False
        for media in body.get("content", {}).values():
            schema: Json = media.get("schema", {})
            target = followed(schema, schemas)
            others = target.get("additionalProperties") or target.get("patternProperties")
            whole = (optional and target.get("required")) or others
            if "properties" not in target or whole:
                marks = {"optional": optional, "whole": bool(whole)}
                return {**operation, "requestBody": {**body, META: marks}}
        return operation

    return map_operations(document, mark)


def readable_contents(document: Json) -> Json:
    """Keep one media type, the first that the client reads; an unknown one is read as bytes.

    `{"image/png": A}` -> `{"application/octet-stream": A}`
    """

    def choose(holder: Json) -> Json:
        content = holder.get("content")
        if not content:
            return {key: value for key, value in holder.items() if key != "content"}
        kind = _chosen(content)
        name = kind.lower() if kind.lower().startswith("text/") else "application/octet-stream"
        name = "application/json" if _JSON.match(kind) else name
        return {**holder, "content": {name: {"schema": content[kind].get("schema", {})}}}

    def read(_: str, method: str, operation: Json) -> Json:
        result = dict(operation)
        if not result.get("requestBody", {}).get("content"):
            result.pop("requestBody", None)
        elif "media" not in result["requestBody"].get(META, {}):
            result["requestBody"] = _sent(result["requestBody"], choose(result["requestBody"]))
        responses: dict[str, Json] = {s: r for s, r in result.get("responses", {}).items() if _is_status(s)}
        if accept := _accepted(responses):
            result[META] = {**result.get(META, {}), "accept": accept}
        if method == "head":  # its responses have no bodies
            responses = {s: {**r, "content": {}} for s, r in responses.items()}
        result["responses"] = {s: choose(r) for s, r in responses.items()} or {"200": {"description": ""}}
        return result

    return map_operations(document, read)


def _chosen(content: Json) -> str:
    """Return the media type to use: JSON before others that the client reads, these before unknown ones."""
    known = sorted(
        (kind for kind in content if _READABLE.match(kind)), key=lambda kind: not _JSON.match(kind)
    )
    return known[0] if known else next(iter(content))


def _sent(body: Json, chosen: Json) -> Json:
    """Return a body with its media type, and text as bytes."""
    kind = next(iter(chosen.get("content", {})), "")
    if kind.startswith("text/"):
        chosen["content"] = {"application/octet-stream": chosen["content"][kind]}
    media = _chosen(body["content"]) if kind else ""
    return {**chosen, META: {**body.get(META, {}), "media": media}}


def _accepted(responses: dict[str, Json]) -> str:
    """Return the header `accept` that makes the server choose as the client, if it has a choice."""
    contents: list[Json] = [
        r.get("content", {}) for s, r in responses.items() if s[0] == "2" or s == "default"
    ]
    if all(len(content) < 2 for content in contents):
        return ""
    return ", ".join(dict.fromkeys(_chosen(content) for content in contents if content))


def _is_status(status: str) -> bool:
    return status == "default" or bool(re.fullmatch(r"[1-5](\d\d|XX)", status))


def error_bodies(document: Json) -> Json:
    """Replace the schemas of error responses by the names of their classes, which the errors read.

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
            if status == "default" and all(other[0] != "2" for other in operation["responses"]):
                continue  # it is the successful response, too
            responses[status] = {key: value for key, value in response.items() if key != "content"}
        meta = {**operation.get(META, {}), "errors": errors}
        return {**operation, "responses": responses, META: meta}

    return map_operations(document, name_errors)


def wildcard_paths(document: Json) -> Json:
    """Turn `*` at the end of a path into an argument that takes the rest of the URL.

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
        parameter = {"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}
        return {
            **operation,
            "parameters": [*kept, parameter],
            META: {**operation.get(META, {}), "wildcard": True},
        }

    return map_operations({**document, "paths": paths}, mark)


def generator_view(document: Json) -> Json:
    """Give the generator ids, tags and paths that it accepts, and move our facts into the responses.

    `session.prompt` -> tag `session`, its namespace's module; `{sessionID}` in a path -> `{session_id}`
    """

    def show(path: str, method: str, operation: Json) -> Json:
        if META not in operation:
            return operation
        name = operation["operationId"]
        meta: Json = {**operation[META], "operation": name, "path": path, "method": method}
        meta["texts"] = {"name": plain_text(name), "source": plain_text(f"{method.upper()} {path}")}
        responses = {
            status: {
                "description": "",
                **_with_plain_texts(response),
                META: {**meta, **response.get(META, {})},
            }
            for status, response in operation["responses"].items()
        }
        kept = ("summary", "description", "requestBody")
        return {
            **_with_plain_texts({key: operation[key] for key in kept if key in operation}),
            "parameters": [
                _with_plain_texts(parameter)
                for parameter in operation.get("parameters", [])
                if parameter["in"] in ("path", "query")  # methods have no others
            ],
            "operationId": "_".join(snake(part) for part in name.split(".")),
            "tags": [meta["namespace"]["module"]],
            "responses": responses,
        }

    document = map_operations(document, show)
    paths: Json = {}
    for index, item in enumerate(document["paths"].values()):
        meta = _meta(item)
        if meta is not None:
            safe = _generator_path(meta)
            paths[safe if safe is not None and safe not in paths else _bare_path(index, meta)] = item
    return {**document, "paths": paths}


def _with_plain_texts(holder: Json) -> Json:
    """Return `holder` with texts that a file can hold."""
    texts = {
        key: plain_text(holder[key]) for key in ("summary", "description") if isinstance(holder.get(key), str)
    }
    return {**holder, **texts}


def _meta(item: Json) -> Json | None:
    """Return the facts about the path's first operation; None for a path without operations."""
    for method in METHODS:
        if method in item:
            response = next(iter(item[method]["responses"].values()))
            meta: Json = response[META]
            return meta
    return None


def _generator_path(meta: Json) -> str | None:
    """Return the path with Python's names in braces; None if the braces do not match, which the generator refuses."""
    names = _path_names(meta)
    safe = VARIABLE.sub(lambda match: f"{{{names[match.group(1)]}}}", meta["path"])
    safe = re.sub(r"[^A-Za-z0-9_{}/.*~-]", "-", safe)
    return None if re.search("[{}]", VARIABLE.sub("", safe)) else safe


def _bare_path(index: int, meta: Json) -> str:
    return "/".join([f"/{index}", *(f"{{{name}}}" for name in _path_names(meta).values())])


def _path_names(meta: Json) -> dict[str, str]:
    """Return the path's variables: {name in the document: name in Python}."""
    return {p["wire"]: name for name, p in meta["parameters"].items() if p["in"] == "path"}


def class_prefix(operation_id: str) -> str:
    """Return the prefix of an operation's classes: `v2.session.list` -> `V2SessionList`."""
    return "".join(pascal(part) or "N" for part in operation_id.split("."))
