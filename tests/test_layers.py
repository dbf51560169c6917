"""Rules for the package's imports that the import linter's contracts in pyproject.toml cannot express."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from scripts.rooms import PACKAGE, ROOT

_FOLDER = ROOT / PACKAGE


def _modules() -> Iterator[tuple[str, ast.Module]]:
    """Each handwritten module: its name without the package ("calls.caller"; "" is the package), and its code."""
    for file in sorted(_FOLDER.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        if not source.startswith("# Generated"):
            parts = file.relative_to(_FOLDER).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), ast.parse(source)


modules = cache(lambda: dict(_modules()))

SOME = "only some calls need it"
FAILED = "only failed calls need it"
HTTPX = "a client without calls does not load httpx"
HTTPCORE = "it loads httpcore, which nothing needs before the first request"
PLUGIN = "pytest loads it for all tests; only some use its fixtures"
UNUSUAL = "only maps, unions, errors and JSON that does not match the document need it"

IMPORTS_IN_FUNCTIONS: dict[str, dict[str, str]] = {
    "async_client": {
        "calls.async_caller": HTTPX,
        "calls.async_connections": HTTPX,
        "calls.paging": "only resync() needs it",
        "calls.server_knowledge": HTTPX,
        "logs": "a client without calls does not load logging",
        "streams.snapshot": "only resync() needs it",
        "terminals.async_temporary": "only terminal() needs it; it loads websockets",
    },
    "async_client_calls": {
        "calls.async_paginator": "only paginate() needs it",
        "calls.paging": "only paginate() needs it",
        "calls.raw": "only raw() needs it",
        "routes": "only send() needs it; it imports every namespace",
    },
    "async_client_turns": {
        "turns.async_asks": "only asks() needs it; it loads httpx",
        "turns.async_calls": "only abort() needs it",
        "turns.async_many": "only run_many() needs it; it loads httpx",
        "turns.async_turn": "only run(), turn() and follow() need it; it loads httpx",
    },
    "calls.async_caller": {
        "calls.async_server_check": "only newer operations and check_server() need it",
        "calls.header_function": "only a function in place of headers= needs it",
    },
    "calls.async_closing": {"anyio": "only an http_client of the user needs it"},
    "calls.closing": {"queue": "only retries need it"},
    "calls.async_pool": {"calls.async_http_connection": HTTPCORE},
    "calls.error_mapping": {
        "calls.error_hints": FAILED,
        "calls.error_text": FAILED,
        "calls.retry_policy": FAILED,
        "calls.route": FAILED,
    },
    "calls.pool": {
        "calls.http_connection": HTTPCORE,
        "queue": "only calls that wait for a connection need it",
    },
    "calls.request_builder": {"calls.error_text": "only rejected arguments need it"},
    "calls.response": {
        "calls.error_hints": FAILED,
        "calls.error_text": FAILED,
        "decoding.annotations": UNUSUAL,
        "decoding.shapes": UNUSUAL,
        "models": "nothing needs it before the first response",
    },
    "calls.server_knowledge": {"calls.server_info": SOME},
    "calls.route": {"importlib.util": "only SOCKS proxies need it"},
    "command.connecting": {"client": "only subcommands that connect need it"},
    "command.screen": {"rich.console": "an extra", "rich.text": "an extra"},
    "decoding.times": {"dateutil.parser": "it costs half of httpx; only ISO texts need it"},
    "decoding.unions": {"decoding.annotations": UNUSUAL, "decoding.shapes": UNUSUAL},
    "model": {"decoding.annotations": "only JSON that does not match the document, and strict=True, need it"},
    "parts": {"attachments": "only from_path() needs it"},
    "pytest_plugin": {
        "asyncio": PLUGIN,
        "errors": PLUGIN,
        "server": PLUGIN,
        "server.settings": PLUGIN,
        "testing": PLUGIN,
    },
    "server.opencode_server": {"anyio": "only a start or an end that is cancelled needs it"},
    "signatures": {"difflib": FAILED},
    "streams.http_stream": {"h2.exceptions": "only responses over HTTP/2 need it"},
    "streams.async_connection": {"calls.server_info": "only streams that start late need it"},
    "streams.async_link": {"anyio": "httpx loads it at the first request"},
    "turns.progress": {
        "rich.console": "an optional dependency, which only progress=True needs",
        "rich.progress": "as above",
    },
    "streams.chunked_body": {"httpcore": "httpx loads it at the first request; importing streams must not"},
}
"""Module -> module that one of its functions imports -> reason why the import is not at the top."""


def _imports_in_functions(module: str, tree: ast.Module) -> set[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    nodes = [node for function in functions for node in ast.walk(function)]
    return {name for node in nodes for name in _imported(module, node)}


def _imported(module: str, node: ast.AST) -> Iterator[str]:
    """The modules that a statement imports; those of the package without the package's name."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parent = module.split(".") if _is_package(module) else module.split(".")[:-1]
        start = parent[: len(parent) - node.level + 1] if node.level else []
        home = ".".join([*filter(None, start), *([node.module] if node.module else [])])
        for alias in node.names:
            inside = f"{home}.{alias.name}".removeprefix(".")
            yield inside if node.level and inside in modules() else home


def _is_package(module: str) -> bool:
    return (_FOLDER / module.replace(".", "/") / "__init__.py").exists()


def _imports_computed_names(module: str, tree: ast.Module) -> bool:
    """Return True if code outside the `__getattr__` of a package calls `import_module`."""
    lazy = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__" and _is_package(module)
    ]
    allowed = {id(node) for function in lazy for node in ast.walk(function)}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and id(node) not in allowed]
    return any(ast.unparse(call).endswith(("import_module", "__import__")) for call in calls)


def test_only_getattr_of_a_package_imports_modules_by_computed_names() -> None:
    assert [name for name, tree in modules().items() if _imports_computed_names(name, tree)] == []


def test_each_import_inside_a_function_has_its_reason_in_the_table() -> None:
    found = {name: _imports_in_functions(name, tree) for name, tree in modules().items()}
    assert {name: imports for name, imports in found.items() if imports} == {
        name: set(reasons) for name, reasons in IMPORTS_IN_FUNCTIONS.items()
    }


def test_the_package_imports_itself_by_relative_names() -> None:
    looks_absolute = re.compile(
        rf"^\s*(from|import) {PACKAGE}\b", re.MULTILINE
    )  # or an example in a docstring
    sources = {file: file.read_text(encoding="utf-8") for file in _FOLDER.rglob("*.py")}
    absolute = [
        f"{file.relative_to(ROOT).as_posix()}:{node.lineno}"
        for file, source in sources.items()
        if looks_absolute.search(source)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom) and looks_absolute.match(ast.unparse(node))
    ]
    assert absolute == []
