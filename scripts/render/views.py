"""The structure that templates print: finished text and flags, so that no template has to decide anything.

`package` is the only name that templates get. Text is Python source already: names are identifiers, everything else of
the document's is a literal or escaped for a docstring.

PackageView                 the whole package: `_spec.py`, `models/__init__.py`, `api/__init__.py`
├── ModuleView              a module of `models/`
│   ├── ModelView           a class and the function that reads it
│   │   └── MemberView
│   └── UnionView           a union with its reader, or an alias of another type
└── NamespaceView           a module of `api/`, or a class of `api/__init__.py` where it has no operations
    ├── ChildView           a namespace below it
    └── MethodView          an operation's method, sync and async
        └── OperationView   the operation's row in the table
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

Import = tuple[str, str]
"""A module of `models/`, and a name in it."""


@frozen(kw_only=True)
class MemberView:
    """A member of a class. `self.<name>` is set to `read`, which uses `value` as its source.

    `source` is the look-up in the JSON object; empty where `read` contains it. `local` is the variable that
    holds a required scalar until it is checked for null, "" for any other member.
    """

    name: str
    annotation: str
    default: str
    docstring: str
    source: str
    read: str
    local: str


@frozen(kw_only=True)
class ModelView:
    """A class; `wire_names` are literals of the members' names in Python and in JSON, where they differ.

    `bases` are the classes that it derives from. `narrower` are the members whose types are narrower than in these.
    """

    kind: ClassVar[str] = "model"
    name: str
    reader: str
    docstring: str
    bases: str
    narrower: tuple[str, ...]
    members: tuple[MemberView, ...]
    wire_names: tuple[tuple[str, str], ...]
    all_optional: bool

    @property
    def checks(self) -> tuple[str, ...]:
        """The variables that are checked for null."""
        return tuple(member.local for member in self.members if member.local)


@frozen(kw_only=True)
class UnionView:
    """An alias, and where it is a union of models, its reader.

    `alias` is its value as code, `quoted_alias` for type checkers and `literal` for a reader without a table.
    `reader_class` is "" for an alias without a reader. `table` maps literals of tags to rows of the reader's table;
    `unknown` is the class of variants that it does not hold, defined beside it if `defines_unknown`; `shared` are its
    members with their annotations, `wire_names` as those of classes.
    `imports` and `circular` are the names in `alias` that are missing at run time; a circular one has no value there.
    """

    kind: ClassVar[str] = "union"
    name: str
    docstring: str
    alias: str
    quoted_alias: str
    literal: str
    imports: tuple[Import, ...]
    circular: tuple[str, ...]
    reader: str
    reader_class: str
    tag: str
    tag_member: str
    table: tuple[tuple[str, str], ...]
    unknown: str
    unknown_docstring: str
    defines_unknown: bool
    shared: tuple[tuple[str, str], ...]
    wire_names: tuple[tuple[str, str], ...]
    otherwise: str


@frozen(kw_only=True)
class ModuleView:
    """A module of `models/`: its contents, what checkers import, and the readers that it imports at its end.

    `base_imports` are the classes of other modules that its classes derive from.
    """

    contents: tuple[ModelView | UnionView, ...]
    base_imports: tuple[Import, ...]
    type_imports: tuple[Import, ...]
    reader_imports: tuple[Import, ...]

    @property
    def models(self) -> tuple[ModelView, ...]:
        """Classes."""
        return tuple(item for item in self.contents if isinstance(item, ModelView))

    @property
    def aliases(self) -> tuple[UnionView, ...]:
        """Unions and other aliases."""
        return tuple(item for item in self.contents if isinstance(item, UnionView))


@frozen(kw_only=True)
class OperationView:
    """A row of a namespace's table: `<constant>: Operation[<returns>] = Operation(<arguments>)`."""

    constant: str
    returns: str
    arguments: tuple[str, ...]


@frozen(kw_only=True)
class MethodView:
    """A method. `opens` is "stream", "terminal" or "" for a method that is awaited in its async form.

    `positional` and `keyword` are parameters with types and defaults. `path` names the arguments for the path's
    variables; `query` and `body` are the keys of a mapping as literals, with the arguments that are its values.
    `body_argument` is "body" if the body is one argument, else "". `scope` has "directory" and
    "workspace" where the operation takes them.
    """

    name: str
    docstring: str
    async_docstring: str
    positional: tuple[str, ...]
    keyword: tuple[str, ...]
    returns: str
    opens: str
    str_type: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    body: tuple[tuple[str, str], ...]
    body_argument: str
    scope: tuple[str, ...]
    operation: OperationView

    @property
    def opened_class(self) -> str:
        """The class that a method returns which opens something."""
        return {"stream": "EventStream", "terminal": "PtyConnection"}.get(self.opens, "")


@frozen(kw_only=True)
class ChildView:
    """A namespace below another.

    `module` is the name in a relative import: `a_b`, or "" for a class of `api/__init__.py`. It is None where both are
    classes of one module.
    """

    name: str
    class_name: str
    module: str | None


@frozen(kw_only=True)
class NamespaceView:
    """The operations and namespaces at `client.<path>`; the client itself has the path ""."""

    path: str
    class_name: str
    children: tuple[ChildView, ...]
    methods: tuple[MethodView, ...] = ()
    imports: tuple[Import, ...] = ()


@frozen(kw_only=True)
class PackageView:
    """Everything that templates print.

    `modules` are found by the last class in them, `namespaces` by their module: these are what the generator
    renders a template for. `version_path` is a literal of the path with the server's version. `servers` are
    three literals for each operation: its id, and the newest version without and the oldest with it. `pages`
    are two literals: an operation that pages, and its parameter. `names` are the modules of `models/` with
    their public names, and a literal of these; `aliases` are classes with their other names in the same form.
    """

    version: str
    document_sha256: str
    version_path: str
    servers: tuple[tuple[str, str, str], ...]
    pages: tuple[tuple[str, str], ...]
    modules: dict[str, ModuleView]
    names: tuple[tuple[str, tuple[str, ...], str], ...]
    aliases: tuple[tuple[str, tuple[str, ...], str], ...]
    client: NamespaceView
    parents: tuple[NamespaceView, ...]
    namespaces: dict[str, NamespaceView]
