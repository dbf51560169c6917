"""Compare two schemas, member by member.

A difference is `narrower` when a value that could be sent is no longer accepted, and `wider` when a value can be
received that could not be before. The caller knows if the schema is sent or received, so it decides what is breaking.
"""

from __future__ import annotations

import json

from attrs import field, frozen

from scripts.changes.change import Kind
from scripts.changes.forms import (
    NUMBERS,
    is_nullable,
    kind_of,
    short_type,
    tags_of,
    values_of,
    variants_of,
)
from scripts.normalise.schema import Json, plain_text, referenced, shape

Named = dict[str, Json]


@frozen
class Difference:
    """One difference, at a path such as `info.parts[]`."""

    path: str
    kind: Kind
    narrower: bool
    wider: bool
    text: str


def _new_pairs() -> dict[tuple[str, str], list[Difference]]:
    return {}


def _no_names() -> dict[str, str]:
    return {}


@frozen
class Comparison:
    """Compares schemas of two documents; each model is compared once, however often it is used."""

    old: Named
    new: Named
    renamed: dict[str, str] = field(factory=_no_names)
    """Old model name -> new model name; complete once both documents have been compared."""
    _pairs: dict[tuple[str, str], list[Difference]] = field(factory=_new_pairs)

    def models(self, old: str, new: str) -> list[Difference]:
        """Return the differences of two models; a model inside itself has none."""
        if (old, new) not in self._pairs:
            self._pairs[old, new] = []
            self._pairs[old, new] = self.schemas(self.old.get(old, {}), self.new.get(new, {}), "")
        return self._pairs[old, new]

    def schemas(self, old: Json, new: Json, path: str) -> list[Difference]:
        """Return the differences at and below `path`."""
        names = referenced(old), referenced(new)
        if names[0] is not None and names[1] is not None:
            return self._references(names[0], names[1], path)
        old, new = self._resolved(old, new)
        if "any" in (kind_of(old), kind_of(new)):
            return [] if kind_of(old) == kind_of(new) else [_retyped(path, old, new)]
        if "anyOf" in old or "anyOf" in new or "null" in (kind_of(old), kind_of(new)):
            return self._unions(old, new, path)
        return self._same_kind(old, new, path)

    def _references(self, old: str, new: str, path: str) -> list[Difference]:
        if old == new or self._is_renamed(old, new):
            return []
        inside = self.models(old, new)
        if not inside:
            return []
        narrower, wider = any(d.narrower for d in inside), any(d.wider for d in inside)
        return [Difference(path, "retyped", narrower, wider, plain_text(f"{old} -> {new}"))]

    def _is_renamed(self, old: str, new: str) -> bool:
        """Return True if the model `new` replaces `old`: each is in one document only, and they share most members."""
        if old in self.new or new in self.old or old not in self.old or new not in self.new:
            return False
        if old not in self.renamed and new not in self.renamed.values() and self._is_similar(old, new):
            self.renamed[old] = new
            self.models(old, new)
        return self.renamed.get(old) == new

    def _is_similar(self, old: str, new: str) -> bool:
        before, after = self.old[old], self.new[new]
        if kind_of(before) != kind_of(after) or tags_of(before) != tags_of(after):
            return False
        names = before.get("properties", {}).keys(), after.get("properties", {}).keys()
        return 2 * len(names[0] & names[1]) >= len(names[0] | names[1])

    def _resolved(self, old: Json, new: Json) -> tuple[Json, Json]:
        """Follow the reference when only one side is a reference: an inline schema may have become a model.

        When one side is a union, follow only a reference to another union.
        """
        before, after = _followed(self.old, old), _followed(self.new, new)
        if "anyOf" not in new or "anyOf" in before:
            old = before
        if "anyOf" not in old or "anyOf" in after:
            new = after
        return old, new

    def _same_kind(self, old: Json, new: Json, path: str) -> list[Difference]:
        """Two schemas that are neither references nor unions."""
        kind = kind_of(old)
        if kind != kind_of(new) and not {kind, kind_of(new)} <= {*NUMBERS}:
            return [_retyped(path, old, new)]
        if kind == "object":
            return self._objects(old, new, path)
        if kind == "array":
            return self.schemas(old["items"], new["items"], f"{path}[]")
        if kind == "map":
            return self.schemas(old["additionalProperties"], new["additionalProperties"], f"{path}{{}}")
        return _values(old, new, path)

    def _objects(self, old: Json, new: Json, path: str) -> list[Difference]:
        found: list[Difference] = []
        before, after = old["properties"], new["properties"]
        for name in before | after:
            at = plain_text(f"{path}.{name}" if path else name)
            was_required, is_required = (name in schema.get("required", []) for schema in (old, new))
            if name not in after:
                text = f"removed ({short_type(before[name])})"
                found.append(Difference(at, "removed", narrower=True, wider=True, text=text))
            elif name not in before:
                text = f"added, {'required' if is_required else 'optional'} ({short_type(after[name])})"
                found.append(Difference(at, "added", narrower=is_required, wider=False, text=text))
            else:
                if was_required != is_required:
                    kind: Kind = "required" if is_required else "optional"
                    found.append(Difference(at, kind, is_required, was_required, f"is {kind} now"))
                found += self.schemas(before[name], after[name], at)
        return found

    def _unions(self, old: Json, new: Json, path: str) -> list[Difference]:
        before, after = variants_of(old), variants_of(new)
        pairs = self._paired(before, after)
        if before and after and not pairs:
            return [_retyped(path, old, new)]
        found: list[Difference] = []
        if is_nullable(old) != is_nullable(new):
            text = "can be null now" if is_nullable(new) else "can no longer be null"
            kind: Kind = "optional" if is_nullable(new) else "required"
            found.append(Difference(path, kind, is_nullable(old), is_nullable(new), text))
        for left, right in pairs:
            at = self._variant(path, left, right) if max(len(before), len(after)) > 1 else path
            found += self.schemas(left, right, at)
        for variant in _others(before, [left for left, _ in pairs]):
            found.append(Difference(path, "removed", True, False, f"variant {short_type(variant)} removed"))
        objects = [variant for variant in before if kind_of(_followed(self.old, variant)) == "object"]
        for variant in _others(after, [right for _, right in pairs]):
            is_object = kind_of(_followed(self.new, variant)) == "object"
            wider = len(objects) < 2 or not is_object  # clients can read unknown variants of several objects
            found.append(Difference(path, "added", False, wider, f"variant {short_type(variant)} added"))
        return found

    def _variant(self, path: str, old: Json, new: Json) -> str:
        """The path of one variant: `parts[]<type=text>`; a variant without tags has the path of its union."""
        before, after = tags_of(_followed(self.old, old)), tags_of(_followed(self.new, new))
        tags = [f"{name}={value}" for name, value in after.items() if before.get(name) == value]
        return plain_text(f"{path}<{'/'.join(sorted(tags))}>") if tags else path

    def _paired(self, before: list[Json], after: list[Json]) -> list[tuple[Json, Json]]:
        """Pairs of variants that belong together: by name, then tags, then shape; the rest by kind."""
        pairs: list[tuple[Json, Json]] = []
        for key in (_name_key, _tags_key, _shape_key, _kind_key):
            candidates = [(key(self.new, b), b) for b in _others(after, [right for _, right in pairs])]
            for variant in _others(before, [left for left, _ in pairs]):
                found = key(self.old, variant)
                match = next((b for other, b in candidates if found and other == found), None)
                if match is not None:
                    pairs.append((variant, match))
                    candidates = [each for each in candidates if each[1] is not match]
        return pairs


def _followed(models: Named, schema: Json) -> Json:
    return models.get(referenced(schema) or "", {}) if "$ref" in schema else schema


def _others(every: list[Json], taken: list[Json]) -> list[Json]:
    """The schemas that are not in `taken`, compared by identity."""
    return [schema for schema in every if not any(schema is other for other in taken)]


def _name_key(_: Named, schema: Json) -> str:
    return str(schema.get("$ref", ""))


def _tags_key(models: Named, schema: Json) -> str:
    tags = tags_of(_followed(models, schema))
    return json.dumps(sorted(tags.items())) if tags else ""


def _shape_key(_: Named, schema: Json) -> str:
    return "" if "$ref" in schema else json.dumps(shape(schema), sort_keys=True)


def _kind_key(_: Named, schema: Json) -> str:
    kind = kind_of(schema)
    return "" if kind == "reference" or tags_of(schema) else "number" if kind in NUMBERS else kind


def _retyped(path: str, old: Json, new: Json) -> Difference:
    """A change of type; `any` accepts every value, so a change to or from it breaks one side only."""
    narrower, wider = kind_of(new) != "any", kind_of(old) != "any"
    return Difference(path, "retyped", narrower, wider, f"{short_type(old)} -> {short_type(new)}")


def _values(old: Json, new: Json, path: str) -> list[Difference]:
    """Compare two scalars of one kind. A new enum value is not wider: clients read unknown values anyway."""
    kinds = kind_of(old), kind_of(new)
    before, after = values_of(old), values_of(new)
    if before == after:
        if kinds[0] == kinds[1]:
            return []
        narrower = kinds == ("number", "integer")
        return [
            Difference(path, "retyped", narrower, not narrower, f"{short_type(old)} -> {short_type(new)}")
        ]
    is_constant = before is not None and len(before) == 1
    if before is None or after is None or (is_constant and before[0] not in after):
        return [
            Difference(
                path, "retyped", after is not None, is_constant, f"{short_type(old)} -> {short_type(new)}"
            )
        ]
    removed, added = ([v for v in one if v not in other] for one, other in ((before, after), (after, before)))
    found: list[Difference] = []
    if removed:
        found.append(Difference(path, "removed", True, False, f"{short_type({'enum': removed})} removed"))
    if added:
        found.append(Difference(path, "added", False, is_constant, f"{short_type({'enum': added})} added"))
    return found
