"""Facts about classes for scripts/render: names of members, and modules with their imports."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from scripts.normalise.names import Namer, member_names, module
from scripts.normalise.schema import (
    META,
    Json,
    operations,
    plain_text,
    referenced,
    schemas_of,
    walk,
    with_schemas,
)

BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str"})
"""The builtin types that annotations use."""

_VISIBLE = frozenset({"object", "union", "mixed", "alias"})
_ERROR_BODIES = "error_bodies"
_FEW = 10
"""A union of at most this many variants has them in its own module, if nothing else uses them."""


def name_members(document: Json, namer: Namer) -> Json:
    """Name the members of every class; `shadows` are members with the name of a builtin type.

    `{sessionID: string, list: boolean}` -> `x-oc.members = {"sessionID": "session_id", "list": "list"}`
    """
    schemas: dict[str, Json] = {}
    readers = member_names(list(schemas_of(document)), namer.report, "models")
    for name, schema in schemas_of(document).items():
        meta: Json = {"kind": "object", **schema.get(META, {}), "reader": f"read_{readers[name]}"}
        if meta["kind"] in ("object", "body") and "enum" not in schema:
            meta["members"] = member_names(list(schema.get("properties", {})), namer.report, name)
            meta["shadows"] = sorted(BUILTINS & set(meta["members"].values()))
        if "shared" in meta:
            meta["members"] = member_names(list(meta["shared"]), namer.report, meta["unknown"])
        meta["pointer"] = plain_text(schema.get("x-pointer", ""))
        schemas[name] = schema if "enum" in schema else {**schema, META: meta}
    return with_schemas(document, schemas)


def open_what_is_read(document: Json) -> Json:
    """Mark classes in responses as `x-oc.open`: they read values that this document does not list.

    `Session` (in responses) -> open; `TextPartInput` (only sent) -> closed
    """
    schemas = schemas_of(document)
    read = _reached(
        schemas, (name for _, _, operation in operations(document) for name in _in_responses(operation))
    )
    sent = _reached(
        schemas, (name for _, _, operation in operations(document) for name in _in_requests(operation))
    )
    closed = sent - read
    opened = {
        name: {**schema, META: {**schema[META], "open": name not in closed}}
        for name, schema in schemas.items()
        if META in schema
    }
    return with_schemas(document, schemas | opened)


def _reached(schemas: dict[str, Json], names: Iterable[str]) -> set[str]:
    """Return these components and everything that they refer to, directly or not."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in schemas and name not in found:
            found.add(name)
            todo += references(schemas[name])
    return found


def references(schema: Json) -> list[str]:
    """Return the components that a schema refers to, anywhere in it."""
    return [name for part in walk(schema) if (name := referenced(part)) is not None]


def _in_responses(operation: Json) -> list[str]:
    contents = [r.get("content", {}) for r in operation["responses"].values()]
    names = [
        name for content in contents for media in content.values() for name in references(media["schema"])
    ]
    errors = [response.get(META, {}).get("errors", {}) for response in operation["responses"].values()]
    return names + [name for error in errors for names in error.values() for name in names]


def _in_errors(operation: Json) -> list[str]:
    return [name for names in operation.get(META, {}).get("errors", {}).values() for name in names]


def _in_requests(operation: Json) -> list[str]:
    names = [name for p in operation.get("parameters", []) for name in references(p["schema"])]
    content = operation.get("requestBody", {}).get("content", {})
    return names + [name for media in content.values() for name in references(media["schema"])]


def assign_modules(document: Json, shared: Collection[str] = ()) -> Json:
    """Put a class that only one module uses into that module; the last class of a module lists its contents.

    `SessionTime`, used by `Session` alone -> `models/session.py`, with `x-oc.render` at the last class of it

    A component moves, too, if its only user almost always needs it, as each module costs time and space. Components of
    operations stay, and variants of large unions, such as events. Bodies that only errors have share a module.
    A class of same.toml (`shared`) stays with the class that it is named after: reading a session imports one module.
    """
    schemas = schemas_of(document)
    visible = [name for name, schema in schemas.items() if schema.get(META, {}).get("kind") in _VISIBLE]
    users = _users(schemas, visible)
    owners = {
        name: _owners(name, [user for user in visible if user in users[name]], shared) for name in visible
    }
    of_operations = _used_by_operations(document)
    moving = [name for name in visible if _may_move(schemas, name, owners[name], of_operations)]
    bodies = {name for name in visible if not owners[name]} & _only_in_errors(document)
    homes = {name: _ERROR_BODIES if name in bodies else module(name) for name in visible}
    for _ in visible:  # a class can follow one that moves itself
        before = dict(homes)
        for name in moving:
            places = {homes[owner] for owner in owners[name]}
            if len(places) == 1:
                homes[name] = places.pop()
        if homes == before:
            break
    homes = _distinct_modules(homes)
    return with_schemas(document, _with_homes(schemas, homes, visible))


def _distinct_modules(homes: dict[str, str]) -> dict[str, str]:
    """Give classes whose names differ only in case different files."""
    taken: dict[str, str] = {}
    result: dict[str, str] = {}
    for name, home in homes.items():
        if module(name) == home and taken.setdefault(home, name) != name:
            home = f"{home}_{len(taken)}"
            taken[home] = name
        result[name] = home
    return result


def _is_root(schema: Json) -> bool:
    return str(schema.get("x-pointer", "")).count("/") <= 3 and str(schema.get("x-pointer", "")).startswith(
        "#/comp"
    )


def _owners(name: str, users: list[str], shared: Collection[str]) -> list[str]:
    """Return the other classes whose module can have this class."""
    owners = [user for user in users if user != name]
    return sorted(filter(name.startswith, owners), key=len)[-1:] or owners if name in shared else owners


def _may_move(schemas: Json, name: str, owners: Iterable[str], of_operations: set[str]) -> bool:
    if not _is_root(schemas[name]):
        return True
    needed = all(
        schemas[owner][META]["kind"] == "object" or len(references(schemas[owner])) <= _FEW
        for owner in owners
    )
    return needed and name not in of_operations


def _only_in_errors(document: Json) -> set[str]:
    """Return the classes that are bodies of errors, and that operations do not send or return."""
    errors, others = set[str](), set[str]()
    for _, _, operation in operations(document):
        others.update(_in_requests(operation), _in_responses(operation))
        errors.update(_in_errors(operation))
    return errors - others


def _used_by_operations(document: Json) -> set[str]:
    """Return the visible classes that operations send or receive, not those inside of them."""
    schemas = schemas_of(document)
    found: set[str] = set()
    todo = [
        name
        for _, _, operation in operations(document)
        for name in (*_in_requests(operation), *_in_responses(operation), *_in_errors(operation))
    ]
    while todo:
        name = todo.pop()
        if name in found or name not in schemas:
            continue
        found.add(name)
        if schemas[name].get(META, {}).get("kind") not in _VISIBLE:  # a body, a map
            todo += references(schemas[name])
    return found


def _users(schemas: dict[str, Json], visible: Iterable[str]) -> dict[str, set[str]]:
    """Return the visible classes that refer to each class, directly or through hidden maps."""
    users: dict[str, set[str]] = {name: set() for name in visible}
    for name in users:
        for used in reachable(schemas, name):
            if used in users:
                users[used].add(name)
    return users


def reachable(schemas: dict[str, Json], name: str) -> set[str]:
    """Return the visible classes that `name` refers to, directly or through hidden maps."""
    return _visible_in(schemas, schemas[name])


def _visible_in(schemas: dict[str, Json], schema: Json) -> set[str]:
    found: set[str] = set()
    todo = references(schema)
    while todo:
        used = todo.pop()
        if used in found or used not in schemas:
            continue
        found.add(used)
        if schemas[used].get(META, {}).get("kind") == "map":
            todo += references(schemas[used])
    return {used for used in found if schemas[used].get(META, {}).get("kind") in _VISIBLE}


def _with_homes(schemas: dict[str, Json], homes: dict[str, str], visible: list[str]) -> dict[str, Json]:
    members: dict[str, list[str]] = {}
    for name in visible:
        members.setdefault(homes[name], []).append(name)
    result: dict[str, Json] = {}
    for name, schema in schemas.items():
        if name not in homes:
            result[name] = schema
            continue
        meta: Json = {**schema[META], "module": homes[name]}
        if "table" in meta:
            rows: list[Json] = meta["table"]
            meta["table"] = [_placed(row, homes) for row in rows]
        if meta.get("otherwise"):
            meta["otherwise_module"] = homes[meta["otherwise"]]
        if meta["kind"] in ("union", "mixed", "alias"):
            uses = reachable(schemas, name)
            circular = {used for used in uses if _leads_to(schemas, used, name)}
            meta["circular"] = sorted(circular)
            meta["uses"] = sorted(
                (homes[used], used)
                for used in uses - circular
                if homes[used] != homes[name] or schemas[used][META]["kind"] != "object"
            )
        if members[homes[name]][-1] == name:
            meta["render"] = _render(members[homes[name]], schemas, homes)
        result[name] = {**schema, META: meta}
    return result


def _placed(row: Json, homes: dict[str, str]) -> Json:
    if "table" in row:
        return {**row, "table": [_placed(leaf, homes) for leaf in row["table"]]}
    return {**row, "module": homes[row["class"]]}


def _leads_to(schemas: dict[str, Json], start: str, goal: str) -> bool:
    """Return True if the alias `start` is `goal` or contains it: such an alias has no value at run time."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name in seen or schemas[name][META]["kind"] == "object":
            continue
        seen.add(name)
        todo += reachable(schemas, name)
    return goal in seen


def _render(names: list[str], schemas: dict[str, Json], homes: dict[str, str]) -> Json:
    """Return the module's classes and imports: readers at its end, classes and aliases for type checkers only."""
    home = homes[names[0]]
    runtime: set[tuple[str, str]] = set()
    types: set[tuple[str, str]] = set()
    for name in names:
        kind = schemas[name][META]["kind"]
        for used in reachable(schemas, name):
            target = schemas[used][META]
            if homes[used] != home:
                types.add((homes[used], used))
                if kind == "object":
                    runtime.add((homes[used], target["reader"]))
        shared: dict[str, Json] = schemas[name][META].get("shared", {})
        named = {used for schema in shared.values() for used in _visible_in(schemas, schema)}
        types |= {(homes[used], used) for used in named if homes[used] != home}
    return {"classes": names, "runtime": sorted(runtime), "types": sorted(types)}
