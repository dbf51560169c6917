"""Views of classes, unions and the modules they are in."""

from __future__ import annotations

from scripts.normalise.schema import META, Json, shape
from scripts.render.python_types import Types, all_text, allows_null
from scripts.render.text import docstring, filled, literal, literal_lines, source_line, wrapped
from scripts.render.views import Import, MemberView, ModelView, ModuleView, UnionView

_WIDTH = 90
_LINE = 120


def modules(types: Types) -> dict[str, ModuleView]:
    """Return every module of `models/`, by the last class in it."""
    found: dict[str, ModuleView] = {}
    for last, schema in types.components.items():
        render: Json | None = schema.get(META, {}).get("render")
        if render:
            found[last] = ModuleView(
                contents=tuple(_class_or_union(name, types) for name in render["classes"]),
                base_imports=_base_imports(render["classes"], types),
                type_imports=_imports(render["types"]),
                reader_imports=_imports(render["runtime"]),
            )
    return found


def public_names(types: Types) -> dict[str, list[str]]:
    """Return the classes, aliases and Unknown classes of every module, sorted."""
    found: dict[str, list[str]] = {}
    for name, schema in types.components.items():
        meta = schema.get(META, {})
        if meta.get("module"):
            unknown = [meta["unknown"]] if _defines_unknown(meta) else []
            found.setdefault(meta["module"], []).extend([name, *unknown])
    return {module: sorted(found[module]) for module in sorted(found)}


def aliases_of(types: Types) -> dict[str, list[str]]:
    """Return the other names of classes and of Unknown classes, sorted."""
    found: dict[str, list[str]] = {}
    for schema in types.components.values():
        for alias, name in schema.get(META, {}).get("aliases", {}).items():
            found.setdefault(name, []).append(alias)
    return {name: sorted(found[name]) for name in sorted(found)}


def _imports(pairs: list[tuple[str, str]]) -> tuple[Import, ...]:
    return tuple((module, name) for module, name in pairs)


def _base_imports(names: list[str], types: Types) -> tuple[Import, ...]:
    bases = {types.components[name][META].get("base", "") for name in names} & types.components.keys()
    return _imports([(types.components[base][META]["module"], base) for base in sorted(bases)])


def _class_or_union(name: str, types: Types) -> ModelView | UnionView:
    if types.components[name][META]["kind"] == "object":
        return model_view(name, types)
    return union_view(name, types)


def model_view(name: str, types: Types) -> ModelView:
    """Return the view of a class; members that must be given come first, as in its constructor."""
    schema = types.components[name]
    meta, properties = schema[META], schema["properties"]
    bases = meta.get("base", "OpencodeModel")
    if bases not in ("OpencodeModel", *types.components):
        bases = f"{bases}, OpencodeModel"  # a class of parts.py
    wider: Json = types.components.get(bases, {}).get("properties", {})
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
        bases=bases,
        narrower=tuple(
            meta["members"][wire] for wire in wider if shape(wider[wire]) != shape(properties[wire])
        ),
        members=tuple(members),
        wire_names=_wire_names(meta),
        all_optional=not required,
    )


def _wire_names(meta: Json) -> tuple[tuple[str, str], ...]:
    names: dict[str, str] = meta.get("members", {})
    return tuple((literal(python), literal(wire)) for wire, python in names.items() if wire != python)


def _member(wire: str, owner: Json, local: str, *, required: bool, types: Types) -> MemberView:
    schema, meta = owner["properties"][wire], owner[META]
    is_tag, nullable = wire in meta.get("tags", ()), allows_null(schema)
    annotation = types.annotation(
        schema, opened=meta["open"] and not (is_tag and "const" in schema), hidden=meta["shadows"]
    )
    if wire == "model" and meta.get("base") == "ModelAsText":
        annotation = f"str | {annotation}"
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
    return docstring(wrapped(description, _WIDTH).strip(), 4, closed=False) if description else ""


def _docstring(schema: Json) -> str:
    source = source_line(schema[META]["pointer"], _LINE - 10)
    description = wrapped(str(schema.get("description") or ""), _WIDTH)
    return docstring(f"{description}\n\n{source}" if description else source, 4, closed=False)


def union_view(name: str, types: Types) -> UnionView:
    """Return the view of a union, or of an alias without a reader."""
    schema = types.components[name]
    meta = schema[META]
    table: list[Json] = meta.get("table", [])
    variants = _variants(schema, types)
    return UnionView(
        name=name,
        docstring=_docstring(schema),
        alias=" | ".join(variants),
        quoted_alias=_quoted(name, variants),
        literal=literal_lines(variants, " | ", _LINE - 10),
        imports=_imports(meta["uses"]),
        circular=tuple(meta["circular"]),
        reader=meta["reader"],
        reader_class=_reader_class(meta["kind"], table),
        tag=literal(meta.get("tag")),
        tag_member=meta.get("tag_member", ""),
        table=tuple((literal(row["value"]), _row(row)) for row in table),
        unknown=meta.get("unknown", ""),
        defines_unknown=_defines_unknown(meta),
        unknown_docstring=_unknown_docstring(name),
        shared=_shared(meta, types),
        wire_names=_wire_names(meta),
        otherwise=meta.get("otherwise") or "",
    )


def _defines_unknown(meta: Json) -> bool:
    return str(meta.get("unknown", "UnknownEvent")) != "UnknownEvent"


def _shared(meta: Json, types: Types) -> tuple[tuple[str, str], ...]:
    """Return the members of an unknown variant. Each can be missing."""
    shared: dict[str, Json] = meta.get("shared", {})
    names: dict[str, str] = meta.get("members", {})
    hidden = {meta.get("tag_member", ""), *names.values()}
    return tuple(
        (
            names[wire],
            types.annotation(schema, opened=True, hidden=hidden) + ("" if allows_null(schema) else " | None"),
        )
        for wire, schema in shared.items()
    )


def _reader_class(kind: str, table: list[Json]) -> str:
    if kind != "union":
        return "UntaggedUnion" if kind == "mixed" else ""
    return "Variants" if all_text(table) else "ExactVariants"


def _unknown_docstring(name: str) -> str:
    text = f"A variant of `{name}` that this version of the client does not know."
    return docstring(wrapped(text, _LINE - 10), 4)


def _variants(schema: Json, types: Types) -> list[str]:
    """Return the types that an alias is a union of."""
    opened, unknown = schema[META]["open"], schema[META].get("unknown")
    variants = (types.annotation(variant, opened=opened) for variant in schema["properties"].values())
    return list(dict.fromkeys([*variants, *([unknown] if unknown else [])]))


def _quoted(name: str, variants: list[str]) -> str:
    """Return an alias's value for type checkers: quoted, as it may name itself, and in lines if it is long."""
    alias = " | ".join(variants)
    if len(alias) + len(name) <= _LINE - len("    : TypeAlias = '' "):
        return literal(alias)
    if "'" in alias or '"' in alias:  # values of an enum: Python code can be wrapped anywhere
        return f"({alias})"
    lines = filled(variants, " | ", _LINE - 10)
    return '"""(\n        {}\n    )"""'.format("\n        | ".join(lines))


def _row(row: Json) -> str:
    """Return what a union's table has for one tag: a class, or how to decide between several."""
    if "table" in row:
        table = ", ".join(f"{literal(inner['value'])}: {_row(inner)}" for inner in row["table"])
        path = "".join(f"{literal(key)}, " for key in row["path"])
        return f"NestedTag(({path}), {{{table}}})"
    name = literal(row["class"])
    if row["constants"]:
        constants = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in row["constants"].items())
        return f"ConstantsCheck({name}, {{{constants}}})"
    return name
