"""What changed between two packages for those who use them.

griffe says what it finds broken in functions and classes; the rest (what was added, and types, which it does not
compare) is found here. A change that both clients share is told once, of the synchronous one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import griffe

from scripts.changes.annotations import compare_types, is_same_type, shown_change
from scripts.changes.change import Change, Kind
from scripts.changes.surface import Item, Surface, directions, read_surface

_BROKEN: dict[griffe.BreakageKind, tuple[Kind, str]] = {
    griffe.BreakageKind.PARAMETER_REMOVED: ("removed", "removed"),
    griffe.BreakageKind.PARAMETER_ADDED_REQUIRED: ("added", "added, required"),
    griffe.BreakageKind.PARAMETER_CHANGED_REQUIRED: ("required", "is required now"),
    griffe.BreakageKind.PARAMETER_MOVED: ("moved", "stands elsewhere among the positional ones"),
    griffe.BreakageKind.PARAMETER_CHANGED_KIND: ("moved", "is given in another way (by position or by name)"),
}
"""What griffe says of parameters. Of defaults, `UNSET` for `None` only says that null can be sent now."""


def compare_packages(old: Path | None, new: Path | None) -> list[Change]:
    """Every change of the package in the folder `old` to that in `new`; None has none."""
    before, after = read_surface(old), read_surface(new)
    found = {*_names(before, after), *_types(before, after), *_broken(before, after)}
    return sorted(change for change in found if not _is_twin(change, found))


def _change(where: str, kind: Kind, text: str, *, breaking: bool) -> Change:
    return Change("python", where, kind, breaking, text)


def _names(old: Surface, new: Surface) -> Iterator[Change]:
    """What came and went; what a class has comes and goes with it."""
    sent, _ = directions(old)
    for label in sorted(old.items.keys() - new.items.keys()):
        if _holder(label) not in old.items or _holder(label) in new.items:
            yield _change(label, "removed", f"{_what(old.items[label])} removed", breaking=True)
    for label in sorted(new.items.keys() - old.items.keys()):
        if _holder(label) not in new.items or _holder(label) in old.items:
            needed = _model(label) in sent and _is_needed(label, new.items[label])
            said = f"{_what(new.items[label])} added{', required' if needed else ''}"
            yield _change(label, "added", said, breaking=needed)


def _holder(label: str) -> str:
    return label.rpartition(".")[0]


def _what(item: Item) -> str:
    if item.path.split(".")[1:2] == ["api"] and isinstance(item, griffe.Class):
        return "namespace"
    if isinstance(item, griffe.Attribute) and str(item.annotation) == "TypeAlias":
        return "union"
    return (
        "method"
        if isinstance(item, griffe.Function) and isinstance(item.parent, griffe.Class)
        else item.kind.value
    )


def _model(label: str) -> str | None:
    return label.split(".")[1] if label.startswith("models.") else None


def _is_needed(label: str, item: Item) -> bool:
    """Whether a model cannot be made without this member."""
    return (
        label.count(".") == 2
        and _model(label) is not None
        and isinstance(item, griffe.Attribute)
        and item.value is None
    )


def _types(old: Surface, new: Surface) -> Iterator[Change]:
    sent, received = directions(old)
    for label in sorted(old.items.keys() & new.items.keys()):
        was, is_ = old.items[label], new.items[label]
        model = _model(label)
        if isinstance(was, griffe.Function) and isinstance(is_, griffe.Function):
            yield from _signature(label, was, is_)
        elif isinstance(was, griffe.Attribute) and isinstance(is_, griffe.Attribute):
            yield from _attribute(
                label, was, is_, sent=model in sent, received=not model or model in received
            )
        elif isinstance(was, griffe.Class) and isinstance(is_, griffe.Class):
            lost = [str(base) for base in was.bases if str(base) not in map(str, is_.bases)]
            if lost:
                yield _change(label, "retyped", f"is no {', '.join(lost)} any more", breaking=True)
        elif was.kind != is_.kind:
            yield _change(label, "retyped", f"{was.kind.value} -> {is_.kind.value}", breaking=True)


def _signature(label: str, old: griffe.Function, new: griffe.Function) -> Iterator[Change]:
    before = {parameter.name: parameter for parameter in old.parameters}
    for parameter in new.parameters:
        at, other = f"{label}({parameter.name})", before.get(parameter.name)
        if other is None:
            if not parameter.required:
                yield _change(at, "added", "argument added, optional", breaking=False)
            continue
        types = _text(other.annotation), _text(parameter.annotation)
        if other.required is not parameter.required:  # which says what None is for
            types = types[0].removesuffix(" | None"), types[1].removesuffix(" | None")
        if not is_same_type(*types):
            narrower, _ = compare_types(*types)
            yield _change(at, "retyped", shown_change(*types), breaking=narrower)
        if other.required and not parameter.required:
            yield _change(at, "optional", "argument is optional now", breaking=False)
    types = _text(old.returns), _text(new.returns)
    if not is_same_type(*types):
        _, wider = compare_types(*types)
        yield _change(label, "retyped", f"gives {shown_change(*types)}", breaking=wider)


def _text(annotation: str | griffe.Expr | None) -> str:
    return str(annotation or "Any").replace("builtins.", "")


def _attribute(
    label: str, old: griffe.Attribute, new: griffe.Attribute, *, sent: bool, received: bool
) -> Iterator[Change]:
    """A member; of an alias such as a union of models, what it stands for."""
    types = _text(old.annotation), _text(new.annotation)
    if types == ("TypeAlias", "TypeAlias"):
        types = _text(old.value).strip("'\""), _text(new.value).strip("'\"")
    if not is_same_type(*types):
        narrower, wider = compare_types(*types)
        breaking = (sent and narrower) or (received and wider)
        yield _change(label, "retyped", shown_change(*types), breaking=breaking)
    if _is_needed(label, new) and not _is_needed(label, old):
        yield _change(label, "required", "is required now", breaking=sent)


def _broken(old: Surface, new: Surface) -> Iterator[Change]:
    if old.module is None or new.module is None:
        return
    labels: dict[str, list[str]] = {}  # what a private base has is seen in each class that has it
    for label, item in new.items.items():
        labels.setdefault(item.path, []).append(label)
    for breakage in griffe.find_breaking_changes(old.module, new.module):
        if breakage.kind in _BROKEN:
            kind, said = _BROKEN[breakage.kind]
            parameter = breakage.old_value or breakage.new_value
            for label in labels.get(breakage.obj.canonical_path, ()):
                yield _change(f"{label}({parameter.name})", kind, f"argument {said}", breaking=True)


def _is_twin(change: Change, found: set[Change]) -> bool:
    """Whether the synchronous client has the same change."""
    plain = Change(
        change.part,
        change.where.removeprefix("async ").replace("Async", ""),
        change.kind,
        change.breaking,
        change.text.replace("Async", ""),
    )
    return plain != change and plain in found
