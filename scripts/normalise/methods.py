"""Facts about operations for scripts/render: the namespace and name of each method, and its arguments.

The names that users type are decided here, so collisions are found here: operations with operations, with
namespaces, and with handwritten names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from scripts.normalise.arguments import argument_text, keys_of
from scripts.normalise.kinds import Kind, Since, read_kinds, read_since, route
from scripts.normalise.members import BUILTINS, reachable, references
from scripts.normalise.names import Namer, digest, module, pascal, snake
from scripts.normalise.schema import (
    META,
    Json,
    map_operations,
    operations,
    plain_text,
    referenced,
    schemas_of,
    shape,
)

ON_CLIENTS = frozenset({
    "abort", "aclose", "asks", "check_server", "close", "follow", "from_options", "options", "paginate", "raw",
    "resync", "run", "run_many", "send", "terminal", "turn", "wait_until_ready", "with_options",
})  # fmt: skip
"""Hand-written names on the clients, some of them planned: no namespace can have one of these names."""

_ARGUMENTS = frozenset({"self", "directory", "workspace", "timeout", "headers", "body"})
"""Parameters that every method may have: a field with the same name gets its place as a prefix."""

_OF_TERMINALS = ("cursor", "ticket")
"""Parameters of the query that a terminal's connection sets."""

_SCOPES = {"directory": "directory", "workspace": "workspace"}
_LOCATIONS = {"location[directory]": "directory", "location[workspace]": "workspace"}


def numbers_in_queries(document: Json) -> Json:
    """Let query parameters take numbers where their text is one: see kinds.toml.

    `limit: string` -> `limit: integer`
    """
    kinds = kinds_of(document, read_since())

    def number(_: str, __: str, operation: Json) -> Json:
        kind = kinds.get(operation["operationId"])
        if kind is None or not kind.numbers:
            return operation
        parameters = [
            {**p, "schema": {**p["schema"], "type": "integer"}} if p["name"] in kind.numbers else p
            for p in operation["parameters"]
        ]
        return {**operation, "parameters": parameters}

    return map_operations(document, number)


def describe_methods(document: Json, namer: Namer) -> Json:
    """Give every operation its namespace, its method's name and its arguments, each with its place.

    `session.prompt` -> `x-oc.namespace = session`, `x-oc.attribute = prompt`, `x-oc.arguments = [session_id in path,
    parts in body ...]`
    """
    since = read_since()
    kinds = kinds_of(document, since)
    routes = {route(method, path) for path, method, _ in operations(document)}
    every = [(operation, method) for _, method, operation in operations(document)]
    ids = {operation["operationId"] for operation, _ in every}
    _check_kinds(kinds, every, namer)
    places = _method_paths(ids, namer)
    tree = _tree(places, namer)
    schemas = schemas_of(document)

    def describe(path: str, method: str, operation: Json) -> Json:
        name = operation["operationId"]
        kind = _kind(kinds, operation)
        is_known = since.is_related([(name, route(method, path))])
        meta: Json = {
            **operation[META],
            **since.versions_of(name, routes),
            "kind": kind.kind,
            "reason": kind.reason,
            "note": kind.note,
            "deprecated": bool(operation.get("deprecated")),
        }
        namespace, attribute = places[name]
        meta |= _arguments(operation, kind, schemas, namer, is_known=is_known)
        meta |= {
            "namespace": tree[namespace],
            "above": [tree[namespace[:depth]] for depth in range(len(namespace))],
            "attribute": attribute,
            "constant": f"_{attribute.upper()}",
            "consumes": kind.consumes,
            "extra_headers": {**_headers(operation), **kind.headers},
            "body_optional": operation.get("requestBody", {}).get(META, {}).get("optional", False),
            "resumes": kind.resumes,
            "late": kind.late,
            "pages": kind.pages,
            "imports": _imports(operation, schemas),
        }
        return {**operation, META: meta}

    return map_operations(document, describe)


def kinds_of(document: Json, since: Since) -> dict[str, Kind]:
    """Return the entries of kinds.toml that are about operations of this document.

    An operation of another program, or of another API, may have an operationId of opencode 1.x, but not its route.
    """
    others = {
        operation["operationId"]
        for path, method, operation in operations(document)
        if since.is_other(operation["operationId"], route(method, path))
    }
    return {name: kind for name, kind in read_kinds().items() if name not in others}


def _kind(kinds: dict[str, Kind], operation: Json) -> Kind:
    """Return an operation's entry in kinds.toml. Its document decides about WebSockets, where it marks them."""
    name, is_websocket = operation["operationId"], operation.get("x-websocket")
    kind = kinds.get(name) or Kind(id=name, reason="")
    if is_websocket is True and kind.kind != "websocket":
        return Kind(id=name, kind="websocket", options=_OF_TERMINALS, reason="the document marks it")
    if is_websocket is False and kind.kind == "websocket":
        return Kind(id=name, reason="")
    return kind


def _check_kinds(kinds: dict[str, Kind], every: Iterable[tuple[Json, str]], namer: Namer) -> None:
    """Treat an operation with server-sent events as a stream, and ask for its entry in kinds.toml."""
    for operation, _ in every:
        name = operation["operationId"]
        streams = any(response.get(META, {}).get("stream") for response in operation["responses"].values())
        if streams and name not in kinds:
            kinds[name] = Kind(id=name, kind="stream", reason="the response is text/event-stream")
            namer.collide(
                f"{name} responds with server-sent events. Add to scripts/normalise/kinds.toml:\n"
                f'    [[operation]]\n    id = {json.dumps(name)}\n    kind = "stream"\n    reason = "..."',
                f"{name} is a stream",
            )


def _headers(operation: Json) -> dict[str, str]:
    """Return the headers for media types: of a body that is not plain JSON, and of responses with a choice."""
    media = operation.get("requestBody", {}).get(META, {}).get("media", "application/json")
    accept = operation[META].get("accept")
    sent = {"content-type": media} if media not in ("", "application/json") and "*" not in media else {}
    return sent | ({"accept": accept} if accept else {})


MethodPath = tuple[tuple[str, ...], str]
"""The namespace, and the name of the method in it."""


def _method_paths(ids: set[str], namer: Namer) -> dict[str, MethodPath]:
    """Return the path of each method: `vcs.diff.raw` beside an operation `vcs.diff` is `vcs.diff_raw`."""
    taken: dict[MethodPath, str] = {}
    places: dict[str, MethodPath] = {}
    above = {tuple(map(snake, name.split("."))) for name in ids}
    for name in sorted(ids, key=lambda name: (name.count("."), name)):
        parts = name.split(".")
        names = tuple(map(snake, parts))
        cut = next((i for i in range(1, len(names)) if names[:i] in above), len(names))
        namespace, attribute = names[: cut - 1] or ("root",), "_".join(names[cut - 1 :])
        if (namespace, attribute) in taken:
            derived = f"{attribute}_{digest(name)}"
            namer.collide(
                f"{name} and {taken[namespace, attribute]} both become client.{'.'.join([*namespace, attribute])}",
                f"{name} is called {derived}: {attribute} is {taken[namespace, attribute]}",
            )
            attribute = derived
        taken[namespace, attribute] = name
        places[name] = namespace, attribute
    return _hiding_nothing(places, namer)


def _hiding_nothing(places: dict[str, MethodPath], namer: Namer) -> dict[str, MethodPath]:
    """Return the places; a namespace with the name of a method or of a handwritten name gets an underscore."""
    methods: dict[MethodPath, str] = dict.fromkeys(places.values(), "an operation")
    methods |= {((), name): "a handwritten name" for name in ON_CLIENTS}
    names: dict[tuple[str, ...], str] = {}
    for path in sorted({space[:depth] for space, _ in places.values() for depth in range(1, len(space) + 1)}):
        names[path], full_name = path[-1], ".".join(path)
        if holder := methods.get((path[:-1], path[-1])):
            names[path] = f"{path[-1]}_"
            namer.collide(
                f"the namespace {full_name} and {holder} both become client.{full_name}",
                f"the namespace {full_name} is called {full_name}_: {full_name} is {holder}",
            )
    return {
        name: (tuple(names[space[: depth + 1]] for depth in range(len(space))), attribute)
        for name, (space, attribute) in places.items()
    }


def _tree(places: dict[str, MethodPath], namer: Namer) -> dict[tuple[str, ...], Json]:
    """Return every namespace and its parents, the client as (): its class, its module and its children."""
    nodes: dict[tuple[str, ...], Json] = {}
    paths = {namespace[:depth] for namespace, _ in places.values() for depth in range(len(namespace) + 1)}
    methods = {namespace: [a for n, a in places.values() if n == namespace] for namespace in paths}
    for path in sorted(paths):
        children = sorted(other[-1] for other in paths if len(other) == len(path) + 1 and other[:-1] == path)
        nodes[path] = {
            "path": ".".join(path),
            "module": module("_".join(path)) if path else "",
            "class": f"{pascal('_'.join(path))}Namespace",
            "children": [{"name": name, "path": ".".join([*path, name])} for name in children],
            "shadows": sorted(BUILTINS & {*methods[path], *children}),
            "methods": len(methods[path]),
        }
    _distinct(nodes, namer)
    for path, node in nodes.items():
        for child in node["children"]:
            other = nodes[*path, child["name"]]
            child |= {"module": other["module"], "class": other["class"]}
    return nodes


def _distinct(nodes: dict[tuple[str, ...], Json], namer: Namer) -> None:
    """Give namespaces that share a module, or a class name with a model, names with a digest."""
    modules: set[str] = {""}
    for path, node in nodes.items():
        if path and (
            node["module"] in modules or {node["class"], f"Async{node['class']}"} & namer.taken.keys()
        ):
            node["module"] = f"{node['module']}_{digest(node['path'])}"
            node["class"] = f"{node['class']}{digest(node['path']).upper()}"
        modules.add(node["module"])


def _arguments(
    operation: Json, kind: Kind, schemas: dict[str, Json], namer: Namer, *, is_known: bool
) -> Json:
    """Return the arguments in the order of the signature, and the parameters that the client's defaults fill.

    Args:
        is_known: This is an operation of opencode 1.x, about which arguments.toml has texts.
    """
    parameters: Json = operation[META]["parameters"]
    texts = {p["name"]: p.get("description") or _text(p["schema"], schemas) for p in operation["parameters"]}

    def described(place: str, wire: str, text: str) -> str:
        keys = keys_of(operation["operationId"], place, wire) if is_known else ()
        return argument_text(keys, plain_text(text))

    scope: dict[str, str] = {}
    own: list[Json] = []
    texts_only = {
        p["name"] for p in operation["parameters"] if not p.get("required") and _is_text(p["schema"])
    }
    for name, parameter in parameters.items():
        wire = parameter["wire"]
        default = (
            {**_SCOPES, **_LOCATIONS}.get(wire) if parameter["in"] == "query" and name in texts_only else None
        )
        if default is not None and default not in kind.filters:
            scope[default] = wire
        elif wire in kind.options:
            continue
        elif parameter["in"] not in ("path", "query"):
            namer.report.append(f"{operation['operationId']}: no argument for the {parameter['in']} {wire!r}")
        else:
            argument = {"generator": name, "place": parameter["in"], "wire": wire, "name": name}
            own.append({**argument, "description": described(parameter["in"], wire, texts.get(name, ""))})
    own = sorted(own, key=lambda argument: argument["place"] != "path")
    for argument in own:
        if argument["name"] in _ARGUMENTS and argument["name"] not in kind.filters:
            argument["name"] = f"{argument['place']}_{argument['name']}"
    body, members, properties = _body(operation, schemas)
    taken = {argument["name"] for argument in own}
    if kind.location in members:
        scope = {name: f"{kind.location}.{wire}" for name, wire in _LOCATION_MEMBERS.items()}
    for wire, name in members.items():
        if name in _ARGUMENTS or name in taken:
            name = f"body_{name}"  # its full name
        if name in taken:
            name = f"{name}_{digest(wire)}"
            namer.report.append(f"{operation['operationId']}: member {wire!r} of the body is called {name}")
        taken.add(name)
        text = described("body", wire, _text(properties[wire], schemas))
        own.append({"place": "body", "wire": wire, "name": name, "description": text})
    return {"arguments": own, "scope": scope, "body": body}


def _is_text(schema: Json) -> bool:
    """Return True for the kind of values that the client's defaults have."""
    kinds: tuple[Json, ...] = ({}, {"type": "null"}, {"type": "string"})
    return all(shape(part) in kinds for part in schema.get("anyOf", [schema]))


def _text(schema: Json, schemas: dict[str, Json]) -> str:
    """Return the description of a schema, or of its component; "" without one."""
    found = schema.get("description") or schemas.get(referenced(schema) or "", {}).get("description")
    return found or ""


_LOCATION_MEMBERS = {"directory": "directory", "workspace": "workspaceID"}


def _body(operation: Json, schemas: dict[str, Json]) -> tuple[str, dict[str, str], dict[str, Json]]:
    """Return the kind of the body (`members`, `json`, `bytes`), the Python names of its members and their schemas."""
    content = operation.get("requestBody", {}).get("content")
    if not content:
        return "", {}, {}
    media, body = next(iter(content.items()))
    if media != "application/json":
        return "bytes", {}, {}
    schema = schemas.get(referenced(body["schema"]) or "", {})
    whole = operation["requestBody"].get(META, {}).get("whole")
    if schema.get(META, {}).get("kind") in ("body", "object") and not whole:
        return "members", schema[META]["members"], schema["properties"]
    return "json", {}, {}


def _imports(operation: Json, schemas: dict[str, Json]) -> list[tuple[str, str]]:
    """Return the classes in the method's annotations, with their modules."""
    names = {name for part in (*operation["parameters"],) for name in references(part["schema"])}
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media in holder.get("content", {}).values():
            names |= set(references(media["schema"]))
    found = names & schemas.keys()
    for name in sorted(found):
        if schemas[name].get(META, {}).get("kind") in ("body", "map", "object"):
            found |= reachable(schemas, name)
    homes = {name: schemas[name].get(META, {}).get("module") for name in found}
    return sorted((home, name) for name, home in homes.items() if home)
