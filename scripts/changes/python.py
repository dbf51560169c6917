"""Changes between two packages, for people who use them: names, arguments and types.

Names are compared as users write them, so moving a class to another module is no change. Changed defaults are left
out. A change that both clients share is reported once, for `OpencodeClient`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import griffe

from scripts.changes.annotations import compare_types, is_same_type, short_change, unquoted
from scripts.changes.change import Change, Kind
from scripts.changes.surface import Item, Surface, is_generated_api, read_surface, sent_and_received

_POSITIONAL = (griffe.ParameterKind.positional_only, griffe.ParameterKind.positional_or_keyword)


def compare_packages(old: Path | None, new: Path | None) -> list[Change]:
    """Return every change from the package in the folder `old` to that in `new`; None means no package."""
    before, after = read_surface(old), read_surface(new)
    found = {*_names(before, after), *_types(before, after)}
    return sorted(change for change in found if not _is_of_both_clients(change, found))


def _change(where: str, kind: Kind, text: str, *, breaking: bool) -> Change:
    return Change("python", where, kind, breaking, text)


def _names(old: Surface, new: Surface) -> Iterator[Change]:
    """Added and removed names; the members of an added or removed class are not listed."""
    sent, _ = sent_and_received(old)
    for label in sorted(old.items.keys() - new.items.keys()):
        if _holder(label) not in old.items or _holder(label) in new.items:
            yield _change(label, "removed", f"{_kind_name(old.items[label])} removed", breaking=True)
    for label in sorted(new.items.keys() - old.items.keys()):
        if _holder(label) not in new.items or _holder(label) in old.items:
            is_required = _model(label) in sent and _is_required(label, new.items[label])
            text = f"{_kind_name(new.items[label])} added{', required' if is_required else ''}"
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
    """True if the item is a member of a model without a default."""
    is_member = label.count(".") == 2 and _model(label) is not None
    return is_member and isinstance(item, griffe.Attribute) and item.value is None


def _types(old: Surface, new: Surface) -> Iterator[Change]:
    sent, received = sent_and_received(old)
    for label in sorted(old.items.keys() & new.items.keys()):
        before, after = old.items[label], new.items[label]
        model = _model(label)
        if isinstance(before, griffe.Function) and isinstance(after, griffe.Function):
            yield from _signature(label, before, after)
        elif isinstance(before, griffe.Attribute) and isinstance(after, griffe.Attribute):
            is_received = not model or model in received
            yield from _attribute(label, before, after, sent=model in sent, received=is_received)
        elif isinstance(before, griffe.Class) and isinstance(after, griffe.Class):
            lost = [str(base) for base in before.bases if str(base) not in map(str, after.bases)]
            if lost:
                text = f"no longer a subclass of {', '.join(lost)}"
                yield _change(label, "retyped", text, breaking=True)
        elif before.kind != after.kind:
            yield _change(label, "retyped", f"{before.kind.value} -> {after.kind.value}", breaking=True)


def _signature(label: str, old: griffe.Function, new: griffe.Function) -> Iterator[Change]:
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
        types = _text(other.annotation), _text(parameter.annotation)
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
    types = _text(old.returns), _text(new.returns)
    if not is_same_type(*types):
        _, wider = compare_types(*types)
        yield _change(label, "retyped", f"returns {short_change(*types)}", breaking=wider)


def _position(function: griffe.Function, name: str) -> int:
    return [parameter.name for parameter in function.parameters].index(name)


def _text(annotation: str | griffe.Expr | None) -> str:
    return str(annotation or "Any").replace("builtins.", "")


def _attribute(
    label: str, old: griffe.Attribute, new: griffe.Attribute, *, sent: bool, received: bool
) -> Iterator[Change]:
    """Compare the types of two members; for aliases, such as unions of models, the types that they stand for."""
    types = _text(old.annotation), _text(new.annotation)
    if types == ("TypeAlias", "TypeAlias"):
        types = unquoted(_text(old.value)), unquoted(_text(new.value))
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
