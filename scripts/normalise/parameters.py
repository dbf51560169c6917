"""Rules for parameters: their Python names, with their names and places in the document."""

from __future__ import annotations

import re

from scripts.normalise.names import member_names, snake
from scripts.normalise.schema import META, Json, followed, map_operations, schemas_of

VARIABLE = re.compile(r"\{([^{}]*)\}")
"""A variable in a path."""

_PLACES = frozenset({"query", "path", "header", "cookie"})


def own_parameters(document: Json) -> Json:
    """Give every operation all its parameters: its path's too.

    `{"parameters": [A], "get": {"parameters": [B]}}` -> `{"get": {"parameters": [B, A]}}`
    """

    def gather(path: str, _: str, operation: Json) -> Json:
        every = [*operation.get("parameters", []), *document["paths"][path].get("parameters", [])]
        unique: dict[tuple[str, str], Json] = {}
        for parameter in every:
            if parameter.get("in") in _PLACES:
                unique.setdefault((parameter["in"], parameter["name"]), parameter)
        return {**operation, "parameters": list(unique.values())}

    paths = map_operations(document, gather)["paths"]
    bare = {path: {k: v for k, v in item.items() if k != "parameters"} for path, item in paths.items()}
    return {**document, "paths": bare}


def named_parameters(document: Json) -> Json:
    """Give parameters Python names, and keep their names and places in the document.

    `sessionID in path` -> `session_id`; `location` (deepObject) with `directory` -> `location_directory`,
    which is sent as `location[directory]`. A variable of the path without a description is a string.
    """

    schemas = schemas_of(document)

    def rename(path: str, _: str, operation: Json) -> Json:
        if "parameters" in operation.get(META, {}):
            return operation
        spread = [part for parameter in operation["parameters"] for part in _spread(parameter, schemas)]
        variables = list(dict.fromkeys(VARIABLE.findall(path)))
        places = {("path", name): _path_variable(name) for name in variables}
        described = {(part["in"], part["name"]): part for part in spread}
        flat = [part for part in described.values() if part["in"] != "path"]
        flat += [described.get(key, part) for key, part in places.items()]
        names = _parameter_names(flat)
        wire = {name: {"wire": p["name"], "in": p["in"]} for name, p in zip(names, flat, strict=True)}
        renamed = [{**part, "name": name} for name, part in zip(names, flat, strict=True)]
        return {**operation, "parameters": renamed, META: {**operation.get(META, {}), "parameters": wire}}

    return map_operations(document, rename)


def _path_variable(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter_names(flat: list[Json]) -> list[str]:
    """Return unique Python names: of two with one name, the one outside the path has its place as prefix."""
    plain = [snake(part["name"]) for part in flat]
    keys = [
        part["name"] if part["in"] == "path" or plain.count(name) == 1 else f"{part['in']}\0{part['name']}"
        for name, part in zip(plain, flat, strict=True)
    ]
    return list(member_names(keys, [], "").values())


def _spread(parameter: Json, schemas: dict[str, Json]) -> list[Json]:
    schema: Json = parameter.get("schema", {})
    target = followed(schema, schemas)
    is_deep = parameter.get("style") == "deepObject"
    if (is_deep or parameter["in"] == "path") and {"type": "null"} in target.get(
        "anyOf", ()
    ):  # it cannot be sent
        variants = [part for part in target["anyOf"] if part != {"type": "null"}]
        schema = variants[0] if len(variants) == 1 else {**target, "anyOf": variants}
    schema = followed(schema, schemas) if is_deep else schema
    required = parameter["in"] == "path" or parameter.get("required", False)
    if not is_deep or not schema.get("properties"):
        kept: Json = {key: value for key, value in parameter.items() if key in ("name", "in", "description")}
        return [{**kept, "required": required, "schema": schema}]
    return [
        {"name": f"{parameter['name']}[{name}]", "in": parameter["in"], "schema": child,
         "required": required and name in schema.get("required", [])}
        for name, child in schema["properties"].items()
    ]  # fmt: skip
