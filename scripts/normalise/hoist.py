"""Turn inline schemas into components with names that we choose: then the generator invents none.

(The generator processes an object inside an inline union twice: it drops the class and still imports it.)
"""

from __future__ import annotations

from collections import Counter

from scripts.normalise.names import Namer, pascal, singular
from scripts.normalise.operations import class_prefix
from scripts.normalise.schema import (
    META,
    Json,
    everywhere,
    map_operation_roots,
    map_operations,
    map_roots,
    operations,
    reference,
    referenced,
    rewrite,
    schemas_of,
    shape,
    walk,
    with_schemas,
)

_ENVELOPE = ("properties", "data")


def name_components(document: Json, namer: Namer) -> Json:
    """Give components their class names; two with the same name and shape become one component.

    `Event.tui.toast.show` -> `EventTuiToastShow`; `effect_HttpApiError_BadRequest` -> its name in names.toml
    """
    schemas = schemas_of(document)
    pointers = {name: schema.get("x-pointer", "") for name, schema in schemas.items()}
    pinned = [name for name in schemas if pointers[name] in namer.pins]
    plain = [name for name in schemas if name not in pinned]
    # classes come before their other names, and names that need no change come first
    plain.sort(key=lambda name: (pascal(name) in namer.same, name != pascal(name)))
    namer.unnamed = {name: shape(schema) for name, schema in schemas.items()}
    names = {name: namer.claim(pointers[name], pascal(name), schemas[name])[0] for name in [*pinned, *plain]}
    namer.unnamed = {}

    def rename(schema: Json) -> Json:
        name = referenced(schema)
        if name is None:
            return schema
        return reference(names[name]) if name in names else {}

    renamed: dict[str, Json] = {}
    for name, schema in schemas.items():
        renamed.setdefault(names[name], rewrite(schema, rename))
    for name, schema in renamed.items():
        namer.taken[name] = (namer.taken[name][0], shape(schema))
    document = with_schemas(document, renamed)
    return map_operation_roots(document, lambda _, schema: rewrite(schema, rename))


def reuse_components(document: Json) -> Json:
    """Replace an inline variant of a union that repeats a component with a constant by a reference to it.

    `GlobalEvent.payload` of 1.18.33 has copies of all 89 events -> references to them
    """
    by_constant: dict[str, list[tuple[str, Json]]] = {}
    for name, schema in schemas_of(document).items():
        if _constants(schema):
            by_constant.setdefault(str(_constants(schema)), []).append((name, shape(schema)))

    def reuse(schema: Json) -> Json:
        if "anyOf" not in schema:
            return schema
        return {**schema, "anyOf": [_same(variant, by_constant) or variant for variant in schema["anyOf"]]}

    return everywhere(reuse)(document)


def _constants(schema: Json) -> dict[str, object]:
    members = schema.get("properties", {})
    return {name: member["const"] for name, member in members.items() if "const" in member}


def _same(variant: Json, by_constant: dict[str, list[tuple[str, Json]]]) -> Json | None:
    if not _constants(variant):
        return None
    form = shape(variant)
    for name, other in by_constant.get(str(_constants(form)), []):
        if other == form:
            return reference(name)
    return None


class Hoister:
    """Move inline schemas into components, depth first. A name consists of the owner's name and the key."""

    def __init__(self, schemas: dict[str, Json], namer: Namer) -> None:
        self.namer = namer
        self.schemas = schemas

    def component(self, name: str, schema: Json) -> Json:
        """Return a component's schema, with everything below it hoisted."""
        if schema.get("type") == "object" and "properties" in schema:
            return self._members(name, schema)
        if "anyOf" in schema:
            return {**schema, "anyOf": self._variants(name, schema)}
        if "items" in schema:
            return {**schema, "items": self.inline(schema["items"], f"{name}Item")}
        if isinstance(schema.get("additionalProperties"), dict):
            return {
                **schema,
                "additionalProperties": self.inline(schema["additionalProperties"], f"{name}Value"),
            }
        return schema

    def inline(self, schema: Json, name: str) -> Json:
        """Return a schema in use: scalars stay, anything that needs a name becomes a reference to a component."""
        if "items" in schema:
            return {**schema, "items": self.inline(schema["items"], _item_name(name))}
        if "anyOf" in schema:
            return self._inline_union(schema, name)
        if schema.get("type") != "object":
            return schema
        if "properties" not in schema:
            return {
                **schema,
                "additionalProperties": self.inline(schema["additionalProperties"], _item_name(name)),
            }
        return self._as_component(schema, name)

    def _inline_union(self, schema: Json, name: str) -> Json:
        some = [variant for variant in schema["anyOf"] if variant.get("type") != "null"]
        null = [variant for variant in schema["anyOf"] if variant.get("type") == "null"]
        if len(some) == 1:
            return {**schema, "anyOf": [self.inline(some[0], name), *null]}
        if not any(_needs_reading(variant) for variant in some):
            return schema
        union = self._as_component({**schema, "anyOf": some}, name)
        return {**schema, "anyOf": [union, *null]} if null else union

    def _as_component(self, schema: Json, name: str) -> Json:
        pointer = schema.get("x-pointer", name)
        name, new = self.namer.claim(pointer, name, schema)
        if new:
            self.schemas[name] = {}  # the owner comes before its parts
            self.schemas[name] = self.component(name, schema)
        return reference(name)

    def _members(self, name: str, schema: Json) -> Json:
        members = {
            key: self.inline(member, _member_name(name, key, schema, member))
            for key, member in schema["properties"].items()
        }
        return {**schema, "properties": members}

    def _variants(self, name: str, schema: Json) -> list[Json]:
        variants = schema["anyOf"]
        objects = [v for v in variants if v.get("type") == "object" and "properties" in v]
        result: list[Json] = []
        for index, variant in enumerate(variants):
            label = _variant_label(variant, objects)
            if not label and len(objects) > 1:
                label = f"Variant{index + 1}"
            result.append(self.inline(variant, f"{name}{label or 'Object'}"))
        return result


def _member_name(owner: str, key: str, schema: Json, member: Json) -> str:
    if "items" in member:
        key = singular(key)
    kind = schema["properties"].get("type", {})
    if key in _ENVELOPE and isinstance(kind.get("const"), str) and "properties" in member:
        return f"{_event_name(owner)}Data"
    if key == "durable" and isinstance(kind.get("const"), str):
        return "EventDurable"
    return f"{owner}{pascal(key) or 'Member'}"


def _event_name(owner: str) -> str:
    """Return the event's name without its envelope: the three envelopes share the class of the payload."""
    bare = owner.removeprefix("Sync").removeprefix("Event").removesuffix("Event").removesuffix("Sync")
    return bare or owner


def _item_name(name: str) -> str:
    return name if not name.endswith(("Response", "Body")) else f"{name}Item"


def _variant_label(variant: Json, objects: list[Json]) -> str:
    """Return a name from the variant's constant: `{status: const "failed"}` -> `Failed`; "" without one."""
    for key, value in _constants(variant).items():
        values = [_constants(other).get(key) for other in objects]
        if isinstance(value, str) and None not in values and len({str(v) for v in values}) == len(values):
            return pascal(value)
    return ""


def _needs_reading(schema: Json) -> bool:
    if "$ref" in schema or schema.get("type") == "object":
        return True
    return "items" in schema and _needs_reading(schema["items"])


def hoist_components(document: Json, namer: Namer) -> Json:
    """Turn every inline schema of components into a component.

    `Session.properties.time = {created, updated}` -> a reference to `SessionTime`
    """
    schemas = dict(schemas_of(document))
    hoister = Hoister(schemas, namer)
    for name in list(schemas):
        schemas[name] = hoister.component(name, schemas[name])
    return with_schemas(document, schemas)


def hoist_operations(document: Json, namer: Namer) -> Json:
    """Do the same for operations: `<Op>Response`, `<Op>Event`, `<Op><Param>`; a body's members become arguments.

    `session.prompt` 200 `{info, parts}` -> `SessionPromptResponse`
    """
    schemas = dict(schemas_of(document))
    hoister = Hoister(schemas, namer)
    for name in _bodies_alone(document):
        schemas[name] = {**schemas[name], META: {"kind": "body"}}

    def hoist(_: str, __: str, operation: Json) -> Json:
        prefix = class_prefix(operation["operationId"])
        result = dict(operation)
        result["parameters"] = [
            {
                **parameter,
                "schema": hoister.inline(parameter["schema"], f"{prefix}{pascal(parameter['name'])}"),
            }
            for parameter in operation["parameters"]
        ]
        if operation.get("requestBody", {}).get("content"):
            result["requestBody"] = _body(operation["requestBody"], prefix, hoister)
        result["responses"] = {
            status: _response(response, f"{prefix}{_result_name(response)}", hoister)
            for status, response in operation["responses"].items()
        }
        return result

    document = map_operations(document, hoist)
    return with_schemas(document, schemas)


def _result_name(response: Json) -> str:
    return "Event" if response.get(META, {}).get("stream") else "Response"


def _bodies_alone(document: Json) -> list[str]:
    """Return the components that are only one operation's body: their members are arguments, so no class is needed."""
    uses: Counter[str | None] = Counter()

    def count(_: str, schema: Json) -> Json:
        uses.update(map(referenced, walk(schema)))
        return schema

    map_roots(document, count)
    bodies = [
        referenced(media["schema"])
        for _, _, operation in operations(document)
        for media in operation.get("requestBody", {}).get("content", {}).values()
        if not operation["requestBody"].get(META, {}).get("whole")
    ]
    schemas = schemas_of(document)
    return [name for name in bodies if name and uses[name] == 1 and "properties" in schemas.get(name, {})]


def _body(body: Json, prefix: str, hoister: Hoister) -> Json:
    kind, media = next(iter(body["content"].items()))
    schema = media["schema"]
    if schema.get("type") == "object" and "properties" in schema and not body.get(META, {}).get("whole"):
        name, _ = hoister.namer.claim(schema.get("x-pointer", prefix), f"{prefix}Body", schema)
        members = {
            key: hoister.inline(member, f"{prefix}{pascal(singular(key) if 'items' in member else key)}")
            for key, member in schema["properties"].items()
        }
        hoister.schemas[name] = {**schema, "properties": members, META: {"kind": "body"}}
        schema = reference(name)
    else:
        schema = hoister.inline(schema, f"{prefix}Body")
    return {**body, "content": {kind: {"schema": schema}}}


def _response(response: Json, name: str, hoister: Hoister) -> Json:
    if "content" not in response:
        return response
    content = {
        kind: {"schema": hoister.inline(media["schema"], name) if kind != "application/octet-stream" else {}}
        for kind, media in response["content"].items()
    }
    return {**response, "content": content}
