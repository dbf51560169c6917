"""The names that Python users see, by griffe, which reads a package without importing it.

The classes behind `client.session` are found as users find them, through the attributes of the clients; what is
imported lazily griffe sees in the `TYPE_CHECKING` blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import griffe
from attrs import frozen

from scripts.rooms import PACKAGE

Item = griffe.Object
_DOCUMENTED = ("errors", "testing")
"""Modules that users import from, besides the package itself and its models."""

_CLIENTS = {"client": "Namespaces", "async client": "AsyncNamespaces"}
_NAME = re.compile(r"[A-Za-z_]\w*")


@frozen
class Surface:
    """What users see, by the name under which they do: `client.session.prompt`, `models.Session.title`."""

    module: griffe.Module | None
    items: dict[str, Item]


def read_surface(folder: Path | None) -> Surface:
    """The surface of the package in `folder`; without one, nothing."""
    if folder is None or not (folder / PACKAGE / "__init__.py").is_file():
        return Surface(None, {})
    module = griffe.load(PACKAGE, search_paths=[folder], allow_inspection=False, try_relative_path=False)
    if not isinstance(module, griffe.Module):
        raise TypeError(f"{PACKAGE} is no module but {module.kind.value}")
    items: dict[str, Item] = {}
    seen: set[str] = set()
    for label, item in _roots(module):
        if item.path not in seen:
            seen.add(item.path)
            items[label] = item
            if isinstance(item, griffe.Class):
                items |= {f"{label}.{name}": member for name, member in _members(item)}
    return Surface(module, items)


def _roots(package: griffe.Module) -> Iterator[tuple[str, Item]]:
    yield from ((name, item) for name, item in _exported(package))
    models = _target(package.members.get("models"))
    if isinstance(models, griffe.Module):
        yield from ((f"models.{name}", item) for name, item in _exported(models))
    for name in _DOCUMENTED:
        module = _target(package.members.get(name))
        if isinstance(module, griffe.Module):
            yield from ((f"{name}.{n}", item) for n, item in _own(module))
    api = _target(package.members.get("api"))
    if isinstance(api, griffe.Module):
        for label, name in _CLIENTS.items():
            yield from _namespaces(api, name, label)


def _exported(module: griffe.Module) -> Iterator[tuple[str, Item]]:
    for name in map(str, module.exports or ()):
        item = _target(module.members.get(name))
        if item is not None:
            yield name, item


def _own(holder: griffe.Module | griffe.Class) -> Iterator[tuple[str, Item]]:
    """The public members that `holder` defines; constructors are public too."""
    for name, member in holder.members.items():
        if isinstance(member, griffe.Object) and (name == "__init__" or not name.startswith("_")):
            yield name, member


def _members(item: griffe.Class) -> Iterator[tuple[str, Item]]:
    """The public members of a class and of its private bases; those of public bases are told with these."""
    yield from _own(item)
    for base in item.resolved_bases:
        if isinstance(base, griffe.Class) and base.name.startswith("_"):
            yield from ((name, member) for name, member in _members(base) if name not in item.members)


def _namespaces(module: griffe.Module, name: str, label: str) -> Iterator[tuple[str, Item]]:
    """The class `name` as seen from `module`, which is what `label` is, and what hangs on it."""
    item = _target(module.members.get(name))
    if not isinstance(item, griffe.Class):
        return
    yield label, item
    home = item.module
    for attribute, member in _own(item):
        if isinstance(member, griffe.Attribute):
            yield from _namespaces(home, str(member.annotation), f"{label}.{attribute}")


def _target(member: griffe.Object | griffe.Alias | None) -> Item | None:
    """The object itself; None for what is not this package's."""
    if isinstance(member, griffe.Alias):
        try:
            return member.final_target
        except (griffe.AliasResolutionError, griffe.CyclicAliasError):
            return None
    return member


def directions(surface: Surface) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the models that calls take, and of those that they give back, however deep."""
    classes = {label.removeprefix("models."): _named(surface, label)
               for label in surface.items if label.startswith("models.") and label.count(".") == 1}  # fmt: skip
    calls = [item for label, item in surface.items.items()
             if isinstance(item, griffe.Function) and not label.startswith("models.")]  # fmt: skip
    taken = {n for call in calls for p in call.parameters for n in _NAME.findall(str(p.annotation or ""))}
    given = {name for call in calls for name in _NAME.findall(str(call.returns or ""))}
    return _reached(classes, taken), _reached(classes, given)


def _named(surface: Surface, label: str) -> set[str]:
    """The names in the annotations of a class's members, or in the value of an alias."""
    item = surface.items[label]
    members = item.members.values() if isinstance(item, griffe.Class) else [item]
    texts = [
        f"{member.annotation or ''} {member.value or ''}"
        for member in members
        if isinstance(member, griffe.Attribute)
    ]
    return {name for text in texts for name in _NAME.findall(text)}


def _reached(classes: dict[str, set[str]], start: set[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = start & classes.keys()
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= (classes[name] & classes.keys()) - found
    return frozenset(found)
