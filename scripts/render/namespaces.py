"""Views of namespaces, and of the whole package."""

from __future__ import annotations

from collections.abc import Collection

from scripts.normalise.kinds import VERSION_PATHS
from scripts.normalise.schema import Json, operations, schemas_of
from scripts.render.models import aliases_of, modules, public_names
from scripts.render.operations import Described, meta_of, method_view
from scripts.render.python_types import Types
from scripts.render.text import literal, literal_lines
from scripts.render.views import ChildView, NamespaceView, PackageView


def package_view(document: Json) -> PackageView:
    """Return everything that templates print, from a document that went through all rules."""
    types = Types(schemas_of(document))
    version, every = document["info"]["version"], [operation for _, _, operation in operations(document)]
    namespaces: dict[str, list[Json]] = {}
    for operation in every:
        namespaces.setdefault(meta_of(operation)["namespace"]["module"], []).append(operation)
    parents = {
        node["path"]: node
        for operation in every
        for node in meta_of(operation)["above"]
        if not node["methods"]
    }
    nodes = [_namespace(node, parents) for _, node in sorted(parents.items()) if node["path"]]
    return PackageView(
        version=literal(version),
        document_sha256=literal(document["info"]["description"]),
        version_path=literal(_version_path(document)),
        servers=tuple(
            server_row(meta_of(operation), version) for rows in namespaces.values() for operation in rows
        ),
        pages=tuple(
            (literal(meta["operation"]), literal(meta["pages"]))
            for meta in map(meta_of, every)
            if meta.get("pages")
        ),
        modules=modules(types),
        names=tuple(
            (module, tuple(names), literal_lines(names, " ", 108 - len(module)))
            for module, names in public_names(types).items()
        ),
        aliases=tuple(
            (name, tuple(names), literal_lines(names, " ", 108 - len(name)))
            for name, names in aliases_of(types).items()
        ),
        client=_namespace(parents.get("", {"path": "", "class": "", "children": []}), parents),
        parents=tuple(nodes),
        namespaces={
            module: _with_methods([Described(operation, types, version) for operation in rows], parents)
            for module, rows in namespaces.items()
        },
    )


def _version_path(document: Json) -> str:
    """Return the first of these paths that the document has; without one, that of 1.x."""
    return next(
        (path for path in VERSION_PATHS if "get" in document["paths"].get(path, {})), VERSION_PATHS[0]
    )


def server_row(meta: Json, version: str) -> tuple[str, str, str]:
    """Return literals of an operation's id, the newest server without it, and the oldest with it."""
    return literal(meta["operation"]), literal(meta["absent"]), literal(meta["since"] or version or None)


def _namespace(node: Json, parents: Collection[str]) -> NamespaceView:
    """Return a namespace's view; the classes of the paths in `parents` are in `api/__init__.py`."""
    beside = None if node["path"] in parents or not node["path"] else ""
    children = [
        ChildView(
            name=child["name"],
            class_name=child["class"],
            module=beside if child["path"] in parents else child["module"],
        )
        for child in node["children"]
    ]
    return NamespaceView(path=node["path"], class_name=node["class"], children=tuple(children))


def _with_methods(described: list[Described], parents: Collection[str]) -> NamespaceView:
    node = _namespace(described[0].meta["namespace"], parents)
    imports = {(module, name) for one in described for module, name in one.meta["imports"]}
    return NamespaceView(
        path=node.path,
        class_name=node.class_name,
        children=node.children,
        methods=tuple(map(method_view, described)),
        imports=tuple(sorted(imports)),
    )
