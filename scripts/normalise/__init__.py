"""Rewrite the server's document into one that openapi-python-client reads without a warning.

`rules` lists every step, in order. A rule is a pure function from document to document; applying it twice gives the
same as applying it once. Its docstring shows an example and the reason. Rules that choose names take the `Namer`,
which knows the pinned names of names.toml.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import frozen

from scripts.normalise import (
    discriminators,
    hoist,
    keywords,
    members,
    merging,
    methods,
    operations,
    parameters,
    readers,
    references,
    same,
    support,
    support_schemas,
    unions,
    unknown,
    wire,
)
from scripts.normalise.names import NameCollisionError, Namer, read_pins
from scripts.normalise.same import read_same
from scripts.normalise.schema import META, Json, everywhere, schemas_of

__all__ = ["DOCUMENT_RULES", "NameCollisionError", "Normalised", "normalise"]

Rule = Callable[[Json], Json]


@frozen
class Normalised:
    """A normalised document, the modules of its classes, and a line for every decision."""

    document: Json
    class_overrides: dict[str, Json]
    report: tuple[str, ...]


DOCUMENT_RULES: tuple[Rule, ...] = (
    keywords.remove_reserved,
    wire.correct,
    references.check_references,
    references.inline_parts,
    keywords.boolean_schemas,
    support.refuse_unsupported,
    parameters.own_parameters,
    operations.stream_items,
    everywhere(keywords.remove_reserved_keywords),
    merging.siblings_of_references,
    keywords.mark_pointers,
    support_schemas.refuse_schemas,
    discriminators.obey,
    keywords.one_way_members,
    everywhere(keywords.drop_noise),
    everywhere(keywords.document_default),
    everywhere(keywords.one_of_as_any_of),
    merging.merge_parts,
    operations.whole_bodies,
    everywhere(keywords.plain_enums),
    keywords.open_objects_as_maps,
    everywhere(keywords.plain_objects),
    everywhere(keywords.known_types),
    everywhere(keywords.plain_unions),
    operations.operation_ids,
    operations.wildcard_paths,
    parameters.named_parameters,
    operations.readable_contents,
    unions.lone_references,
    methods.numbers_in_queries,
    hoist.reuse_components,
)
"""The rules that need no names of ours: the change report compares documents after these."""


def rules(namer: Namer, observed: list[Json] | None) -> tuple[Rule, ...]:
    """Return every rule, in order."""
    return (
        *DOCUMENT_RULES,
        partial(hoist.name_components, namer=namer),
        operations.error_bodies,
        partial(hoist.hoist_components, namer=namer),
        partial(hoist.hoist_operations, namer=namer),
        partial(wire.loosen, observed=observed),
        unions.inline_aliases,
        unions.nested_tables,
        partial(unions.discriminate, namer=namer),
        partial(same.add_aliases, namer=namer),
        unions.hide_maps_and_enums,
        unknown.share_members,
        readers.add_readers,
        partial(members.name_members, namer=namer),
        members.open_what_is_read,
        partial(members.assign_modules, shared=set(namer.same.values())),
        partial(methods.describe_methods, namer=namer),
        operations.generator_view,
    )


def normalise(
    document: Json,
    *,
    strict: bool,
    pins: dict[str, str] | None = None,
    observed: list[Json] | None = None,
    alike: dict[str, str] | None = None,
) -> Normalised:
    """Return `document` as the generator reads it.

    With `strict` (openapi.json) an unforeseen name collision fails. Without it, one of the two gets a name made of its
    pointer, and the report a line. `pins` and `alike` replace names.toml and same.toml.

    Raises:
        NameCollisionError: two schemas have one name; has both pointers and the lines to add to names.toml.
        MissingReferenceError: a reference has no target.
        UnsupportedDocumentError: no rule handles a part of the document.
    """
    if pins is None:
        pins, alike = read_pins(), read_same() if alike is None else alike
    namer = Namer(pins, strict, alike or {})
    result = document
    for rule in rules(namer, observed):
        result = rule(result)
    namer.raise_collisions()
    return Normalised(result | {"openapi": "3.1.0"}, _overrides(result), tuple(namer.report))


def _overrides(document: Json) -> dict[str, Json]:
    """Return the module of each class. Components without a class share one module, which stays empty."""
    return {
        name: {"module_name": schema.get(META, {}).get("module", "hidden")}
        for name, schema in schemas_of(document).items()
    }
