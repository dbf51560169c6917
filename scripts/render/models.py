"""Views of classes, unions and the modules they are in."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.normalise.schema import META, Json
from scripts.render.python_types import Types, admits_null, all_text
from scripts.render.text import indented, literal, safe, wrapped
from scripts.render.views import Import, MemberView, ModelView, ModuleView, UnionView

_WIDTH = 90


def modules(types: Types) -> dict[str, ModuleView]:
    """Return every module of `models/`, by the last class in it."""
    found: dict[str, ModuleView] = {}
    for last, schema in types.components.items():
        render: Json | None = schema.get(META, {}).get("render")
        if render:
            found[last] = ModuleView(
                contents=tuple(_class_or_union(name, types) for name in render["classes"]),
                type_imports=_imports(render["types"]),
                reader_imports=_imports(render["runtime"]),
            )
    return found


def public_names(types: Types) -> Iterator[Import]:
    """Yield every class and alias, and the Unknown classes of unions, each with its module."""
    for name, schema in types.components.items():
        meta = schema.get(META, {})
        if meta.get("module"):
            yield meta["module"], name
            if _defines_unknown(meta):
                yield meta["module"], meta["unknown"]


def _imports(pairs: list[tuple[str, str]]) -> tuple[Import, ...]:
    return tuple((module, name) for module, name in pairs)


def _class_or_union(name: str, types: Types) -> ModelView | UnionView:
    if types.components[name][META]["kind"] == "object":
        return model_view(name, types)
    return union_view(name, types)


def model_view(name: str, types: Types) -> ModelView:
    """Return the view of a class; members that must be given come first, as in its constructor."""
    schema = types.components[name]
    meta, properties = schema[META], schema["properties"]
    required = set(schema.get("required", ()))
    wires = sorted(properties, key=lambda wire: wire not in required)
    members = [
        _member(wire, schema, f"v{index}", required=wire in required, types=types)
        for index, wire in enumerate(wires)
    ]
    return ModelView(
        name=name,
        reader=meta["reader"],
        docstring=_docstring(schema),
        members=tuple(members),
        wire_names=tuple(
            (literal(python), literal(wire)) for wire, python in meta["members"].items() if wire != python
        ),
        all_optional=not required,
    )


def _member(wire: str, owner: Json, local: str, *, required: bool, types: Types) -> MemberView:
    schema, meta = owner["properties"][wire], owner[META]
    is_tag, nullable = wire in meta.get("tags", ()), admits_null(schema)
    annotation = types.annotation(
        schema, opened=meta["open"] and not (is_tag and "const" in schema), hidden=meta["shadows"]
    )
    key = literal(wire)
    source = f"data[{key}]" if required else f"data[{key}] if {key} in data else None"
    read = types.read(schema, "value")
    checked = False
    if types.is_class(schema) and required:
        read, source = types.read(schema, source), ""
    elif not types.needs_reading(schema):
        read, checked = source, required and not nullable and not is_tag
        source = ""
    elif not required and not nullable:
        read = f"None if value is None else {read}"
    return MemberView(
        name=meta["members"][wire],
        annotation=annotation if required or nullable else f"{annotation} | None",
        default=("" if "const" not in schema else literal(schema["const"])) if required else "None",
        docstring=_member_docstring(types.description(schema)),
        source=source,
        read=read,
        local=local if checked else "",
    )


def _member_docstring(description: str) -> str:
    text = wrapped(description, _WIDTH).strip()
    return f'"""{indented(text, "    ")}{" " if text.endswith(chr(34)) else ""}"""' if description else ""


def _docstring(schema: Json) -> str:
    source = f"Source: `{safe(schema[META]['pointer'])}`."
    description = str(schema.get("description") or "")
    return f"{wrapped(description, _WIDTH)}\n\n{source}" if description else source


def union_view(name: str, types: Types) -> UnionView:
    """Return the view of a union, or of an alias without a reader."""
    schema = types.components[name]
    meta = schema[META]
    table: list[Json] = meta.get("table", [])
    return UnionView(
        name=name,
        docstring=_docstring(schema),
        alias=_alias(schema, types),
        imports=_imports(meta["uses"]),
        circular=tuple(meta["circular"]),
        reader=meta["reader"],
        reader_class=_reader_class(meta["kind"], table),
        tag=literal(meta.get("tag")),
        tag_member=meta.get("tag_member", ""),
        table=tuple((literal(row["value"]), _row(row)) for row in table),
        unknown=meta.get("unknown", ""),
        defines_unknown=_defines_unknown(meta),
        otherwise=_place({"module": meta["otherwise_module"], "class": meta["otherwise"]})
        if meta.get("otherwise")
        else "",
    )


def _defines_unknown(meta: Json) -> bool:
    return str(meta.get("unknown", "UnknownEvent")) != "UnknownEvent"


def _reader_class(kind: str, table: list[Json]) -> str:
    if kind != "union":
        return "Mixed" if kind == "mixed" else ""
    return "Variants" if all_text(table) else "ExactVariants"


def _alias(schema: Json, types: Types) -> str:
    """Return the expression that an alias is a name for."""
    opened, unknown = schema[META]["open"], schema[META].get("unknown")
    variants = (types.annotation(variant, opened=opened) for variant in schema["properties"].values())
    return " | ".join(dict.fromkeys([*variants, *([unknown] if unknown else [])]))


def _row(row: Json) -> str:
    """Return what a union's table has for one tag: a class, or how to decide between several."""
    if "table" in row:
        table = ", ".join(f"{literal(inner['value'])}: {_row(inner)}" for inner in row["table"])
        path = "".join(f"{literal(key)}, " for key in row["path"])
        return f"Deeper(({path}), {{{table}}})"
    if row["constants"]:
        constants = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in row["constants"].items())
        return f"Fixed({_place(row)}, {{{constants}}})"
    return _place(row)


def _place(row: Json) -> str:
    return f'"{row["module"]}:{row["class"]}"'
