"""Changes between two packages, for people who use them: names, arguments and types.

Names are compared as users write them, so moving a class to another module is no change. Changed defaults are left
out. A change that both clients share is reported once, for `OpencodeClient`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import griffe
from attrs import evolve, frozen

from scripts.changes.annotations import compare_types, is_same_type, short_change, unquoted
from scripts.changes.change import Change, Direction, Kind, direction_of
from scripts.changes.surface import Item, is_generated_api, read_surface, sent_and_received

_POSITIONAL = (griffe.ParameterKind.positional_only, griffe.ParameterKind.positional_or_keyword)


def compare_packages(old: Path | None, new: Path | None) -> list[Change]:
    """Return every change from the package in the folder `old` to that in `new`; None means no package."""
    before, after = read_surface(old), read_surface(new)
    sent, received = sent_and_received(before)
    pair = _Pair(before.beside(after), after.beside(before), sent, received, before.aliases | after.aliases)
    moved = _moved(pair)
    pair = evolve(pair, old={_place(label, moved): item for label, item in pair.old.items()})
    moves = (_change(label, "moved", f"class moved to {to}", breaking=True) for label, to in moved.items())
    found = {*moves, *_names(pair), *_types(pair)}
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


def _change(where: str, kind: Kind, text: str, *, breaking: bool, direction: Direction = "") -> Change:
    return Change("python", where, kind, breaking, text, direction if breaking else "")


def _names(pair: _Pair) -> Iterator[Change]:
    """Added and removed names; the members of an added or removed class are not listed."""
    old, new = pair.old, pair.new
    for label in sorted(old.keys() - new.keys()):
        if (_holder(label) not in old or _holder(label) in new) and not _is_inherited(label, new):
            text = f"{_kind_name(old[label])} removed"
            yield _change(label, "removed", text, breaking=True, direction=_direction(pair, label))
    for label in sorted(new.keys() - old.keys()):
        if (_holder(label) not in new or _holder(label) in old) and not _is_inherited(label, old):
            is_required = _model(label) in pair.sent and _is_required(label, new[label])
            text = f"{_kind_name(new[label])} added{', required' if is_required else ''}"
            yield _change(label, "added", text, breaking=is_required, direction="sent")


def _is_inherited(label: str, items: dict[str, Item]) -> bool:
    """Return True for a member that a class has from a base class."""
    holder = items.get(_holder(label))
    return isinstance(holder, griffe.Class) and label.rpartition(".")[2] in holder.inherited_members


def _moved(pair: _Pair) -> dict[str, str]:
    """Return the classes whose name users import from another module now: {old place: new place}."""
    gone, come = (
        {
            label: item
            for label, item in ours.items()
            if label not in others and isinstance(item, griffe.Class)
        }
        for ours, others in ((pair.old, pair.new), (pair.new, pair.old))
    )
    found: dict[str, str] = {}
    for label in sorted(gone):
        places = [to for to in come if to.rpartition(".")[2] == label.rpartition(".")[2]]
        if len(places) == 1 and not label.startswith(("client.", "async client.")):
            found[label] = places[0]
    return found


def _place(label: str, moved: dict[str, str]) -> str:
    """Return the label that a class, or a member of one, has in the new package."""
    found = next((old for old in moved if f"{label}.".startswith(f"{old}.")), None)
    return label if found is None else moved[found] + label.removeprefix(found)


def _direction(pair: _Pair, label: str) -> Direction:
    model = _model(label)
    return direction_of(sent=model in pair.sent, received=model in pair.received)


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
    """Return True if the item is a member of a model without a default. Unknown variants have no arguments."""
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
            kept = {*map(str, after.bases), *(base.name for base in after.mro())}
            lost = [str(base) for base in before.bases if str(base) not in kept]
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
            yield _change(f"{label}({name})", "removed", "argument removed", breaking=True, direction="sent")
    for name, parameter in after.items():
        where, other = f"{label}({name})", before.get(name)
        if other is None:
            text = f"argument added, {'required' if parameter.required else 'optional'}"
            yield _change(where, "added", text, breaking=parameter.required, direction="sent")
            continue
        types = pair.text(other.annotation), pair.text(parameter.annotation)
        if other.required is not parameter.required:  # then `| None` only means that it is optional
            types = types[0].removesuffix(" | None"), types[1].removesuffix(" | None")
            kind: Kind = "required" if parameter.required else "optional"
            yield _change(
                where, kind, f"argument is {kind} now", breaking=parameter.required, direction="sent"
            )
        if not is_same_type(*types):
            narrower, _ = compare_types(*types)
            yield _change(where, "retyped", short_change(*types), breaking=narrower, direction="sent")
        if other.kind is not parameter.kind and parameter.kind is not _POSITIONAL[1]:
            text = "argument changed between positional and keyword"
            yield _change(where, "moved", text, breaking=True, direction="sent")
        elif other.kind in _POSITIONAL and _position(old, name) != _position(new, name):
            text = "argument has another position now"
            yield _change(where, "moved", text, breaking=True, direction="sent")
    types = pair.text(old.returns), pair.text(new.returns)
    if not is_same_type(*types):
        _, wider = compare_types(*types)
        yield _change(
            label, "retyped", f"returns {short_change(*types)}", breaking=wider, direction="received"
        )


def _position(function: griffe.Function, name: str) -> int:
    return [parameter.name for parameter in function.parameters].index(name)


def _attribute(pair: _Pair, label: str, old: griffe.Attribute, new: griffe.Attribute) -> Iterator[Change]:
    """Compare the types of two members; for aliases, such as unions of models, the types behind them."""
    model = _model(label)
    sent, received = model in pair.sent, not model or model in pair.received
    types = pair.text(old.annotation), pair.text(new.annotation)
    if types == ("TypeAlias", "TypeAlias"):
        types = unquoted(pair.text(old.value)), unquoted(pair.text(new.value))
    if not is_same_type(*types):
        narrower, wider = compare_types(*types)
        direction = direction_of(sent=sent and narrower, received=received and wider)
        yield _change(label, "retyped", short_change(*types), breaking=bool(direction), direction=direction)
    if _is_required(label, new) and not _is_required(label, old):
        yield _change(label, "required", "is required now", breaking=sent, direction="sent")


def _is_of_both_clients(change: Change, found: set[Change]) -> bool:
    """Return True for a change of the async client that the sync client has too."""
    sync = Change(
        change.part,
        change.where.removeprefix("async ").replace("Async", ""),
        change.kind,
        change.breaking,
        change.text.replace("Async", ""),
        change.direction,
    )
    return sync != change and sync in found
