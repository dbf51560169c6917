"""Remove handwritten parts from packages whose document lacks the operations of opencode 1.x that they need."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from scripts.normalise.kinds import read_since, route
from scripts.normalise.schema import Json, operations

_STREAMS = ("streams/stream.py", "streams/async_stream.py")
_CLIENTS = ("client.py", "async_client.py", "client_turns.py", "async_client_turns.py")


@frozen
class Overlay:
    """A part of the package: modules, methods of the clients, or flags of the streams' `filter`.

    It needs the operations `needs` of opencode 1.x.
    """

    needs: tuple[str, ...]
    modules: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names that users see, for messages."""
        names = [f"client.{name}" for name in self.methods] or list(self.modules)
        return [*names, *(f"filter({flag}=)" for flag in self.flags)]


OVERLAYS = (
    Overlay(
        needs=(
            *("session.create", "session.get", "session.prompt", "session.messages", "session.status"),
            *("session.abort", "event.subscribe", "permission.list", "config.providers", "app.agents"),
        ),
        modules=("turns", "fleet.py"),
        methods=("run", "turn", "follow", "run_many", "asks", "abort"),
    ),
    Overlay(
        needs=(
            *("session.get", "session.children", "session.status", "session.messages"),
            *("permission.list", "question.list"),
        ),
        modules=("streams/snapshot.py",),
        methods=("resync",),
    ),
    Overlay(
        needs=("pty.create", "pty.list", "pty.remove", "pty.connect"),
        modules=("terminals/temporary.py", "terminals/async_temporary.py"),
        methods=("terminal",),
    ),
    Overlay(needs=("session.children",), flags=("children",)),
    Overlay(
        needs=("global.health", "instance.dispose"),
        modules=("server", "pytest_plugin.py"),
    ),
    Overlay(needs=("session.messages",), modules=("parts.py",)),
    Overlay(needs=("global.health", "event.subscribe", "path.get", "session.get"), modules=("command",)),
)


def missing_overlays(document: Json) -> list[Overlay]:
    """Return the parts that do not work with a document's operations."""
    since = read_since()
    ids = ((path, method, one.get("operationId", "")) for path, method, one in operations(document))
    own = {name for path, method, name in ids if since.rows.get(name, {}).get("route") == route(method, path)}
    return [overlay for overlay in OVERLAYS if not own.issuperset(overlay.needs)]


def remove_overlays(package: Path, overlays: Iterable[Overlay]) -> list[Path]:
    """Remove these parts from a package. Return the files that have changed."""
    modules = [module for overlay in overlays for module in overlay.modules]
    for module in modules:
        shutil.rmtree(package / module, ignore_errors=True)
        (package / module).unlink(missing_ok=True)
    gone = [module.removesuffix(".py").replace("/", ".") for module in modules]
    methods = {method for overlay in overlays for method in overlay.methods}
    changed = [package / name for name in (*_CLIENTS, "__init__.py")] if gone else []
    for file in changed:
        text = _without_imports(file.read_text(encoding="utf-8"), gone)
        text = _without_names(text, gone) if file.name == "__init__.py" else _without_methods(text, methods)
        file.write_text(text, encoding="utf-8", newline="\n")
    for flag in (flag for overlay in overlays for flag in overlay.flags):
        for file in (package / name for name in _STREAMS):
            file.write_text(
                _without_flag(file.read_text(encoding="utf-8"), flag), encoding="utf-8", newline="\n"
            )
            changed.append(file)
    return changed


def _is_gone(module: str, gone: Iterable[str]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in gone)


def _without_imports(text: str, gone: Iterable[str]) -> str:
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return _without_lines(
        text, [node for node in imports if node.level == 1 and _is_gone(node.module or "", gone)]
    )


def _without_methods(text: str, methods: set[str]) -> str:
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    members = [node for one in classes for node in one.body]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return _without_lines(text, [one for one in members if isinstance(one, kinds) and one.name in methods])


def _without_flag(text: str, flag: str) -> str:
    """Remove an argument `flag: bool = False` and its lines of docstrings; what it was given to gets False."""
    text = re.sub(rf"^ +{flag}: bool = False,\n|, {flag}: bool = False", "", text, flags=re.MULTILINE)
    text = re.sub(rf"^( +){flag}: .*\n(\1 +.*\n)*", "", text, flags=re.MULTILINE)
    return re.sub(rf", ({flag}=)?{flag}\)", r", \1False)", text)


def _without_lines(text: str, nodes: Iterable[ast.stmt]) -> str:
    lines = text.splitlines(keepends=True)
    for node in nodes:
        decorators = [one.lineno for one in getattr(node, "decorator_list", [])]
        for number in range(min([node.lineno, *decorators]) - 1, node.end_lineno or node.lineno):
            lines[number] = ""
    return "".join(lines)


def _without_names(text: str, gone: Iterable[str]) -> str:
    """Remove the names of modules from `__all__` and `_MODULES` of `__init__.py`."""
    for module, names in re.findall(r'^    "([\w.]+)": (\([^)]*\)),\n', text, re.MULTILINE):
        if _is_gone(module, gone):
            text = text.replace(f'    "{module}": {names},\n', "")
            for name in ast.literal_eval(names):
                text = re.sub(rf'"{name}",[ \n]*', "", text, count=1)
    return text
