"""What a mutant changes, read from the module into which mutmut 3.8 writes a function and all its mutants."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from attrs import frozen

_CODE = ast.stmt | ast.expr | ast.comprehension | ast.keyword | ast.arguments
_SHORTEST, _LONGEST = 16, 90
"""Characters of the code that is shown."""


@frozen
class Mutant:
    """One mutant: its function (`PtyOutput.text`), the smallest code that it changes, and what stands there instead."""

    function: str
    before: str
    after: str


def read_mutants(source: str) -> dict[str, Mutant]:
    """The mutants in a mutated module, by mutmut's name without the module: `x_units__mutmut_2`."""
    functions = dict(_functions(ast.parse(source), ""))
    mutants: dict[str, Mutant] = {}
    for name, (owner, function) in functions.items():
        mangled, mark, number = name.partition("__mutmut_")
        if mark and number != "orig":
            _, original = functions[f"{mangled}__mutmut_orig"]
            before, after = _smallest(original, function)
            plain = mangled.rpartition("ǁ")[2] if owner else mangled.removeprefix("x_")
            mutants[name] = Mutant(owner + plain, _text(before), _text(after))
    return mutants


def _functions(holder: ast.AST, owner: str) -> Iterator[tuple[str, tuple[str, ast.FunctionDef]]]:
    for node in ast.iter_child_nodes(holder):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            yield node.name, (owner, node)


def _smallest(before: ast.AST, after: ast.AST) -> tuple[ast.AST, ast.AST]:
    """The innermost code that holds all that differs, and enough around it to be found."""
    inner = list(zip(ast.iter_child_nodes(before), ast.iter_child_nodes(after), strict=False))
    changed = [(one, other) for one, other in inner if ast.dump(one) != ast.dump(other)]
    if len(changed) != 1 or type(before) is not type(after) or _count(before) != _count(after):
        return before, after
    [(one, other)] = changed
    block = isinstance(before, ast.stmt) and hasattr(before, "body")
    small = len(ast.unparse(one)) < _SHORTEST and len(ast.unparse(before)) < _LONGEST
    if not isinstance(one, _CODE) or (small and not block):
        return before, after
    return _smallest(one, other)


def _count(node: ast.AST) -> int:
    return len(list(ast.iter_child_nodes(node)))


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
