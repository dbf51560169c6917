"""The public names of a package, read by griffe without importing it.

The clients are `OpencodeClient` and `AsyncOpencodeClient`, wherever the package imports them from; namespaces such as
`client.session` are found through their attributes. griffe sees lazy imports in the `TYPE_CHECKING` blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import griffe
from attrs import frozen

from scripts.changes.contents import reachable
from scripts.rooms import PACKAGE

Item = griffe.Object
_MODULES = ("errors", "telemetry", "testing")
"""Modules that users import from, besides the package itself and its models."""

_CLIENTS = {"client": "OpencodeClient", "async client": "AsyncOpencodeClient"}
_NAME = re.compile(r"[A-Za-z_]\w*")


@frozen
class Surface:
    """The public names of a package, as users write them: `client.session.prompt`, `models.Session.title`.

    `aliases` are other names of models: `{"SessionPromptResponse": "MessageWithParts"}`.
    """

    items: dict[str, Item]
    aliases: dict[str, str]

    def beside(self, other: Surface) -> dict[str, Item]:
        """Return the items to compare with those of `other`. An alias that both have is not listed."""
        found = dict(self.items)
        for alias, name in self.aliases.items():
            if other.aliases.get(alias) != name:
                below = {
                    label: item for label, item in self.items.items() if label.startswith(f"models.{name}.")
                }
                found |= {label.replace(name, alias, 1): item for label, item in below.items()}
                found[f"models.{alias}"] = self.items[f"models.{name}"]
        return found


def read_surface(folder: Path | None) -> Surface:
    """Read the package in `folder`; without a package there are no names."""
    if folder is None or not (folder / PACKAGE / "__init__.py").is_file():
        return Surface({}, {})
    module = griffe.load(PACKAGE, search_paths=[folder], allow_inspection=False, try_relative_path=False)
    if not isinstance(module, griffe.Module):
        raise TypeError(f"{PACKAGE} is a {module.kind.value}, not a module")
    roots: dict[str, tuple[str, Item]] = {}
    for label, item in _roots(module):
        roots.setdefault(item.path, (label, item))
    items: dict[str, Item] = {}
    for label, item in roots.values():
        items[label] = item
        if isinstance(item, griffe.Class):
            items |= {f"{label}.{name}": member for name, member in _members(item, roots)}
    for label in _constructors_of_results(items):
        del items[label]
    return Surface(items, dict(_aliases(module, items)))


def _constructors_of_results(items: dict[str, Item]) -> list[str]:
    """Return the constructors that users do not call: those of classes that a method of another class returns."""
    returned = {
        (name, label.rpartition(".")[0])
        for label, item in items.items()
        if isinstance(item, griffe.Function) and item.name != "__init__"
        for name in _NAME.findall(str(item.returns or ""))
    }
    made = {name for name, holder in returned if holder and name != holder} - set(_CLIENTS.values())
    return [label for label in items if label.endswith(".__init__") and label.split(".")[-2] in made]


def _aliases(package: griffe.Module, items: dict[str, Item]) -> Iterator[tuple[str, str]]:
    """Yield the other names of models with the names of their classes."""
    models = _target(package.members.get("models"))
    for name, member in models.members.items() if models else ():
        if isinstance(member, griffe.Attribute) and f"models.{member.value}" in items:
            yield name, str(member.value)


def _roots(package: griffe.Module) -> Iterator[tuple[str, Item]]:
    yield from _exported(package)
    models = _target(package.members.get("models"))
    if isinstance(models, griffe.Module):
        yield from ((f"models.{name}", item) for name, item in _exported(models))
    for module_name in _MODULES:
        module = _target(package.members.get(module_name))
        if isinstance(module, griffe.Module):
            names = _exported(module) if module.exports else _own(module)
            yield from ((f"{module_name}.{name}", item) for name, item in names)
    for label, name in _CLIENTS.items():
        client = _target(package.members.get(name))
        if isinstance(client, griffe.Class):
            yield from _namespaces(client, label)


def _exported(module: griffe.Module) -> Iterator[tuple[str, Item]]:
    imported = (name for name, member in module.members.items() if _is_from(member, module))
    for name in map(str, module.exports or imported):
        item = _target(module.members.get(name))
        if item is not None:
            yield name, item


def _is_from(member: griffe.Object | griffe.Alias, package: griffe.Module) -> bool:
    """Return True for a name that is imported from a module of `package`."""
    return isinstance(member, griffe.Alias) and member.target_path.startswith(f"{package.path}.")


def _own(holder: griffe.Module | griffe.Class) -> Iterator[tuple[str, Item]]:
    """The public members that `holder` defines; constructors are public too."""
    for name, member in holder.members.items():
        if isinstance(member, griffe.Object) and (name == "__init__" or not name.startswith("_")):
            yield name, member


def _members(item: griffe.Class, roots: dict[str, tuple[str, Item]]) -> Iterator[tuple[str, Item]]:
    """The public members of a class and of its bases, without bases that are public themselves, and namespaces."""
    yield from ((name, member) for name, member in _own(item) if _namespace(member) is None)
    for base in item.resolved_bases:
        if isinstance(base, griffe.Class) and base.path not in roots:
            yield from ((name, m) for name, m in _members(base, roots) if name not in item.members)


def _namespaces(holder: griffe.Class, label: str) -> Iterator[tuple[str, Item]]:
    """The namespaces below a client or a namespace, also those of its bases: `client.v2.session`."""
    for name, member in _own(holder):
        namespace = _namespace(member)
        if namespace is not None:
            yield f"{label}.{name}", namespace
            yield from _namespaces(namespace, f"{label}.{name}")
    for base in holder.resolved_bases:
        if isinstance(base, griffe.Class):
            yield from _namespaces(base, label)


def _namespace(member: Item) -> griffe.Class | None:
    """The class of a namespace, if `member` is one: an attribute or a property whose class is in `api`."""
    if not isinstance(member, griffe.Attribute | griffe.Function):
        return None
    kind = member.annotation if isinstance(member, griffe.Attribute) else member.returns
    item = _target(member.module.members.get(str(kind)))
    return item if isinstance(item, griffe.Class) and is_generated_api(item) else None


def is_generated(item: Item) -> bool:
    """Return True if the document gave the item: a namespace, an operation, a model."""
    return is_generated_api(item) or item.path.startswith(f"{PACKAGE}.models.")


def is_generated_api(item: Item) -> bool:
    """Return True if the package's `api` defines the item."""
    return item.path.startswith(f"{PACKAGE}.api.")


def _target(member: griffe.Object | griffe.Alias | None) -> Item | None:
    """The object itself, through aliases; None for an object of another package."""
    if isinstance(member, griffe.Alias):
        try:
            return member.final_target
        except (griffe.AliasResolutionError, griffe.CyclicAliasError):
            return None
    return member


def sent_and_received(surface: Surface) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the models that calls take, and of those that calls return, at any depth."""
    classes = {label.removeprefix("models."): _names_in(surface.items[label])
               for label in surface.items if label.startswith("models.") and label.count(".") == 1}  # fmt: skip
    calls = [item for label, item in surface.items.items()
             if isinstance(item, griffe.Function) and not label.startswith("models.")]  # fmt: skip
    taken = {n for call in calls for p in call.parameters for n in _NAME.findall(str(p.annotation or ""))}
    returned = {name for call in calls for name in _NAME.findall(str(call.returns or ""))}
    return reachable(classes, taken), reachable(classes, returned)


def _names_in(item: Item) -> set[str]:
    """The names in the annotations of a class's members, or in the value of an alias."""
    members = item.members.values() if isinstance(item, griffe.Class) else [item]
    texts = [
        f"{member.annotation or ''} {member.value or ''}"
        for member in members
        if isinstance(member, griffe.Attribute)
    ]
    return {name for text in texts for name in _NAME.findall(text)}
