"""Rules over operations: what the document says of requests and responses, in the form that the generator reads.

What it has no place for (streams, wire names, error classes) goes under `x-oc` into every response of the
operation: responses are the only objects of an endpoint that the generator hands to templates unchanged.
"""

from __future__ import annotations

import re
from typing import Any

from scripts.normalise.names import member_names, pascal, snake
from scripts.normalise.schema import META, METHODS, Json, map_operations, operations, referenced

_JSON = re.compile(r"application/(.+\+)?json\b")
_READABLE = re.compile(r"application/((.+\+)?json|octet-stream)\b|text/")
_VARIABLE = re.compile(r"\{([^{}]*)\}")


def operation_ids(document: Json) -> Json:
    """Every operation has an id, and no other has the same: the id is the name that users call.

    `GET /a/{b}` without one -> `get.a.b`; a second `x` -> `x.2`
    """
    seen: set[str] = set()

    def identify(path: str, method: str, operation: Json) -> Json:
        name = operation.get("operationId") or ".".join([method, *re.findall(r"[A-Za-z0-9_]+", path)])
        parts = [part for part in name.split(".") if re.search("[A-Za-z0-9]", part)] or [method]
        unique = ".".join(parts)
        count = 2
        while unique in seen:
            unique, count = f"{'.'.join(parts)}.{count}", count + 1
        seen.add(unique)
        return {**operation, "operationId": unique}

    return map_operations(document, identify)


def stream_items(document: Json) -> Json:
    """A `text/event-stream` response is described by one of its items, whose `data` may be JSON in a string.

    `{data: {type: string, contentSchema: A}}` under `text/event-stream` -> `A` under `application/json`, `x-oc.stream`
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
                **{key: value for key, value in response.items() if key != "content"},
                "content": {"application/json": {"schema": item}},
                META: {"stream": True},
            }
        return {**operation, "responses": responses}

    return map_operations(document, describe)


def _stream_item(schema: Json, document: Json) -> Json:
    name = referenced(schema)
    target = document.get("components", {}).get("schemas", {}).get(name, {}) if name else schema
    data = target.get("properties", {}).get("data", {})
    if name and data.get("type") != "string" and "contentSchema" not in target:
        data_name = referenced(data)
        data = document.get("components", {}).get("schemas", {}).get(data_name, {}) if data_name else data
    for carrier in (target, data):
        if "contentSchema" in carrier:
            item: Json = carrier["contentSchema"]
            return item
    name = referenced(data)
    carrier = document.get("components", {}).get("schemas", {}).get(name, {}) if name else {}
    return carrier.get("contentSchema", schema)


def parameters(document: Json) -> Json:
    """Parameters under the names that Python users give, with the wire's name and place beside them.

    `sessionID in path` -> `session_id`; `location` (deepObject) with `directory` -> `location_directory`,
    whose wire name is `location[directory]`. Path items' own parameters move into the operations.
    """

    def rename(path: str, _: str, operation: Json) -> Json:
        shared = document["paths"][path].get("parameters", [])
        own = {(p.get("in"), p.get("name")) for p in operation.get("parameters", []) if "$ref" not in p}
        every = [*operation.get("parameters", [])]
        every += [p for p in shared if (p.get("in"), p.get("name")) not in own]
        flat = [part for parameter in every if "$ref" not in parameter for part in _spread(parameter)]
        flat = [p for p in flat if p["in"] != "path" or f"{{{p['name']}}}" in path]
        flat += [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in dict.fromkeys(_VARIABLE.findall(path))
            if not any(p["in"] == "path" and p["name"] == name for p in flat)
        ]
        names = member_names([f"{p['in']}\0{p['name']}" for p in flat], [], "")
        plain = [snake(p["name"]) for p in flat]
        told = {}
        result = []
        for parameter, simple in zip(flat, plain, strict=True):
            key = f"{parameter['in']}\0{parameter['name']}"
            name = simple if plain.count(simple) == 1 else names[key]
            told[name] = {"wire": parameter["name"], "in": parameter["in"]}
            result.append(
                {
                    **parameter,
                    "name": name,
                    "required": parameter["in"] == "path" or parameter.get("required", False),
                }
            )
        return {**operation, "parameters": result, META: {**operation.get(META, {}), "parameters": told}}

    document = map_operations(document, rename)
    paths: Json = {}
    for path, item in document["paths"].items():
        paths[path] = {key: value for key, value in item.items() if key != "parameters"}
    return {**document, "paths": paths}


def _spread(parameter: Json) -> list[Json]:
    schema = parameter.get("schema", {})
    if parameter.get("style") != "deepObject" or not schema.get("properties"):
        kept = {key: parameter[key] for key in ("name", "in", "required", "description") if key in parameter}
        return (
            [{**kept, "schema": schema}]
            if parameter.get("in") in ("query", "path", "header", "cookie")
            else []
        )
    return [
        {"name": f"{parameter['name']}[{name}]", "in": parameter["in"], "schema": child,
         "required": parameter.get("required", False) and name in schema.get("required", [])}
        for name, child in schema["properties"].items()
    ]  # fmt: skip


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
    """Error responses keep the names of their bodies, not their schemas: the error tree reads them, no union does.

    `404: {schema: {anyOf: [A, B]}}` -> `404: {}` and `x-oc.errors = {"404": ["A", "B"]}`
    """

    def name_errors(_: str, __: str, operation: Json) -> Json:
        errors: dict[str, list[str]] = {}
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
        paths[name] = item
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

    `session.prompt` -> tag `session`; `{sessionID}` in a path -> `{session_id}`
    """

    def show(path: str, method: str, operation: Json) -> Json:
        name = operation["operationId"]
        *namespace, _ = name.split(".")
        meta = {**operation.pop(META, {}), "operation": name, "path": path, "method": method}
        responses = {
            status: {"description": "", **response, META: {**meta, **response.get(META, {})}}
            for status, response in operation["responses"].items()
        }
        kept = ("summary", "description", "deprecated", "parameters", "requestBody")
        return {
            **{key: operation[key] for key in kept if key in operation},
            "operationId": "_".join(snake(part) for part in name.split(".")),
            "tags": ["_".join(snake(part) for part in namespace) or "root"],
            "responses": responses,
        }

    document = map_operations(document, show)
    paths: Json = {}
    for index, (path, item) in enumerate(document["paths"].items()):
        safe = _generator_path(path, item)
        paths[safe if safe is not None and safe not in paths else _bare_path(index, item)] = item
    return {**document, "paths": paths}


def _generator_path(path: str, item: Json) -> str | None:
    """`path` with Python's names in braces; None where braces do not pair, which the generator refuses."""
    safe = _VARIABLE.sub(lambda match: f"{{{_path_name(item, match.group(1))}}}", path)
    safe = re.sub(r"[^A-Za-z0-9_{}/.*~-]", "-", safe)
    return None if re.search("[{}]", _VARIABLE.sub("", safe)) else safe


def _bare_path(index: int, item: Json) -> str:
    operation = next(item[method] for method in METHODS if method in item)
    names = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
    return "/".join([f"/{index}", *(f"{{{name}}}" for name in names)])


def _path_name(item: Json, wire: str) -> str:
    for operation in item.values():
        if not isinstance(operation, dict):
            continue
        for response in operation.get("responses", {}).values():
            told: dict[str, Any] = response.get(META, {}).get("parameters", {})
            for name, place in told.items():
                if place == {"wire": wire, "in": "path"}:
                    return name
    return snake(wire)


def class_prefix(operation_id: str) -> str:
    """The start of the names of an operation's classes: `v2.session.list` -> `V2SessionList`."""
    return "".join(pascal(part) or "N" for part in operation_id.split("."))


def operation_list(document: Json) -> list[str]:
    """All operationIds, in the document's order."""
    return [operation["operationId"] for _, _, operation in operations(document)]
