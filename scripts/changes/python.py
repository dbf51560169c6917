"""Changes between two packages, for people who use them: names, arguments and types.

Names are compared as users write them, so moving a class to another module is no change. Changed defaults are left
out. A change that both clients share is reported once, for `OpencodeClient`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import griffe
from attrs import frozen

from scripts.changes.annotations import compare_types, is_same_type, short_change, unquoted
from scripts.changes.change import Change, Kind
from scripts.changes.surface import Item, is_generated_api, read_surface, sent_and_received

_POSITIONAL = (griffe.ParameterKind.positional_only, griffe.ParameterKind.positional_or_keyword)


def compare_packages(old: Path | None, new: Path | None) -> list[Change]:
    """Return every change from the package in the folder `old` to that in `new`; None means no package."""
    before, after = read_surface(old), read_surface(new)
    sent, received = sent_and_received(before)
    pair = _Pair(before.beside(after), after.beside(before), sent, received, before.aliases | after.aliases)
    found = {*_names(pair), *_types(pair)}
    return sorted(change for change in found if not _is_of_both_clients(change, found))


@frozen
class _Pair:
    """The items of both packages. `sent` and `received` are models of the old one; `aliases` are those of both."""

    old: dict[str, Item]
    new: dict[str, Item]
    sent: frozenset[str]
    received: frozenset[str]
    aliases: dict[str, str]

    def text(self, annotation: str | griffe.Expr | None) -> str:
        """Return an annotation with the names of classes in place of their aliases."""
        text = str(annotation or "Any").replace("builtins.", "")
        return re.sub(r"\w+", lambda match: self.aliases.get(match.group(), match.group()), text)


def _change(where: str, kind: Kind, text: str, *, breaking: bool) -> Change:
    return Change("python", where, kind, breaking, text)


def _names(pair: _Pair) -> Iterator[Change]:
    """Added and removed names; the members of an added or removed class are not listed."""
    old, new = pair.old, pair.new
    for label in sorted(old.keys() - new.keys()):
        if _holder(label) not in old or _holder(label) in new:
            yield _change(label, "removed", f"{_kind_name(old[label])} removed", breaking=True)
    for label in sorted(new.keys() - old.keys()):
        if _holder(label) not in new or _holder(label) in old:
            is_required = _model(label) in pair.sent and _is_required(label, new[label])
            text = f"{_kind_name(new[label])} added{', required' if is_required else ''}"
            yield _change(label, "added", text, breaking=is_required)


def _holder(label: str) -> str:
    return label.rpartition(".")[0]


def _kind_name(item: Item) -> str:
    if isinstance(item, griffe.Class) and is_generated_api(item):
        return "namespace"
    if isinstance(item, griffe.Attribute) and str(item.annotation) == "TypeAlias":
        return "union"
    is_method = isinstance(item, griffe.Function) and isinstance(item.parent, griffe.Class)
    return "method" if is_method else item.kind.value


def _model(label: str) -> str | None:
    return label.split(".")[1] if label.startswith("models.") else None


def _is_required(label: str, item: Item) -> bool:
    """True if the item is a member of a model without a default. Unknown variants have no arguments."""
    if label.count(".") != 2 or _model(label) is None or not isinstance(item, griffe.Attribute):
        return False
    bases = item.parent.bases if isinstance(item.parent, griffe.Class) else []
    return item.value is None and "Unknown" not in map(str, bases)


def _types(pair: _Pair) -> Iterator[Change]:
    for label in sorted(pair.old.keys() & pair.new.keys()):
        before, after = pair.old[label], pair.new[label]
        if isinstance(before, griffe.Function) and isinstance(after, griffe.Function):
            yield from _signature(pair, label, before, after)
        elif isinstance(before, griffe.Attribute) and isinstance(after, griffe.Attribute):
            yield from _attribute(pair, label, before, after)
        elif isinstance(before, griffe.Class) and isinstance(after, griffe.Class):
            lost = [str(base) for base in before.bases if str(base) not in map(str, after.bases)]
            if lost:
                text = f"no longer a subclass of {', '.join(lost)}"
                yield _change(label, "retyped", text, breaking=True)
        elif before.kind != after.kind:
            yield _change(label, "retyped", f"{before.kind.value} -> {after.kind.value}", breaking=True)


def _signature(pair: _Pair, label: str, old: griffe.Function, new: griffe.Function) -> Iterator[Change]:
    before, after = ({p.name: p for p in function.parameters} for function in (old, new))
    takes_any = any(p.kind is griffe.ParameterKind.var_keyword for p in new.parameters)
    for name in before.keys() - after.keys():
        if not takes_any:
            yield _change(f"{label}({name})", "removed", "argument removed", breaking=True)
    for name, parameter in after.items():
        where, other = f"{label}({name})", before.get(name)
        if other is None:
            text = f"argument added, {'required' if parameter.required else 'optional'}"
            yield _change(where, "added", text, breaking=parameter.required)
            continue
        types = pair.text(other.annotation), pair.text(parameter.annotation)
        if other.required is not parameter.required:  # then `| None` only means that it is optional
            types = types[0].removesuffix(" | None"), types[1].removesuffix(" | None")
            kind: Kind = "required" if parameter.required else "optional"
            yield _change(where, kind, f"argument is {kind} now", breaking=parameter.required)
        if not is_same_type(*types):
            narrower, _ = compare_types(*types)
            yield _change(where, "retyped", short_change(*types), breaking=narrower)
        if other.kind is not parameter.kind and parameter.kind is not _POSITIONAL[1]:
            text = "argument changed between positional and keyword"
            yield _change(where, "moved", text, breaking=True)
        elif other.kind in _POSITIONAL and _position(old, name) != _position(new, name):
            yield _change(where, "moved", "argument has another position now", breaking=True)
    types = pair.text(old.returns), pair.text(new.returns)
    if not is_same_type(*types):
        _, wider = compare_types(*types)
        yield _change(label, "retyped", f"returns {short_change(*types)}", breaking=wider)


def _position(function: griffe.Function, name: str) -> int:
    return [parameter.name for parameter in function.parameters].index(name)


def _attribute(pair: _Pair, label: str, old: griffe.Attribute, new: griffe.Attribute) -> Iterator[Change]:
    """Compare the types of two members; for aliases, such as unions of models, the types that they stand for."""
    model = _model(label)
    sent, received = model in pair.sent, not model or model in pair.received
    types = pair.text(old.annotation), pair.text(new.annotation)
    if types == ("TypeAlias", "TypeAlias"):
        types = unquoted(pair.text(old.value)), unquoted(pair.text(new.value))
    if not is_same_type(*types):
        narrower, wider = compare_types(*types)
        breaking = (sent and narrower) or (received and wider)
        yield _change(label, "retyped", short_change(*types), breaking=breaking)
    if _is_required(label, new) and not _is_required(label, old):
        yield _change(label, "required", "is required now", breaking=sent)


def _is_of_both_clients(change: Change, found: set[Change]) -> bool:
    """True for a change of the async client that the sync client has too."""
    sync = Change(
        change.part,
        change.where.removeprefix("async ").replace("Async", ""),
        change.kind,
        change.breaking,
        change.text.replace("Async", ""),
    )
    return sync != change and sync in found
