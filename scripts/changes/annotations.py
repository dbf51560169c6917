"""Comparing two annotations: whether the new one takes less, and whether it may give more.

`str | None` to `str`: narrower; `Sequence[A]` to `Sequence[A | B]`: wider. Text is compared, nothing is imported.
"""

from __future__ import annotations

import ast

_OPEN = ("Any", "object")
_SHORT = 120


def compare_types(old: str, new: str) -> tuple[bool, bool]:
    """(narrower, wider); neither for types that take and give the same."""
    trees = _parsed(old), _parsed(new)
    if trees[0] is None or trees[1] is None:
        return old != new, old != new
    return _compare(trees[0], trees[1])


def is_same_type(old: str, new: str) -> bool:
    """Whether they differ in nothing but the order of what they list."""
    trees = _parsed(old), _parsed(new)
    if trees[0] is None or trees[1] is None:
        return old == new
    return _ordered(trees[0]) == _ordered(trees[1])


def shown_change(old: str, new: str) -> str:
    """`str -> int`; of long unions what left and what came."""
    trees = _parsed(old), _parsed(new)
    if len(old) + len(new) < _SHORT or trees[0] is None or trees[1] is None:
        return f"{old} -> {new}"
    before, after = ([ast.unparse(variant) for variant in _variants(tree)] for tree in trees if tree)
    gone = [text for text in before if text not in after]
    come = [text for text in after if text not in before]
    sides = (("without", gone), ("with", come))
    return "; ".join(f"{word} {', '.join(texts)}" for word, texts in sides if texts) or f"{old} -> {new}"


def _parsed(annotation: str) -> ast.expr | None:
    """The annotation; of one in quotes what stands in them; None for what is none."""
    try:
        tree = ast.parse(annotation, mode="eval").body
    except SyntaxError:
        return None
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        return _parsed(tree.value)
    return tree


def _ordered(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return " | ".join(sorted(map(_ordered, _variants(node))))
    if _is_literal(node):
        return f"Literal[{', '.join(sorted(map(ast.unparse, _arguments(node))))}]"
    if isinstance(node, ast.Subscript):
        return f"{ast.unparse(node.value)}[{', '.join(map(_ordered, _arguments(node)))}]"
    return ast.unparse(node)


def _compare(old: ast.expr, new: ast.expr) -> tuple[bool, bool]:
    before, after = _parts(old), _parts(new)
    gone = {text: node for text, node in before.items() if text not in after}
    come = {text: node for text, node in after.items() if text not in before}
    if any(name in after for name in _OPEN):
        gone = {}
    if any(name in before for name in _OPEN):
        come = {}
    if list(gone) == ["float"] and list(come) == ["int"]:
        return True, False
    if list(gone) == ["int"] and list(come) == ["float"]:
        return False, True
    narrower = wider = False
    for text, node in list(gone.items()):
        twin = next((other for other, found in come.items() if _is_alike(node, found)), None)
        if twin is not None:
            inside = _inside(gone.pop(text), come.pop(twin))
            narrower, wider = narrower or inside[0], wider or inside[1]
    if any(
        text.startswith("Unknown") for text in before
    ):  # a union that keeps variants which it does not know
        come = {text: node for text, node in come.items() if not text.isidentifier() or text == "None"}
    return narrower or bool(gone), wider or bool(come)


def _inside(old: ast.expr, new: ast.expr) -> tuple[bool, bool]:
    """Of two subscripts with as many arguments."""
    pairs = [_compare(a, b) for a, b in zip(_arguments(old), _arguments(new), strict=True)]
    return any(pair[0] for pair in pairs), any(pair[1] for pair in pairs)


def _is_alike(old: ast.expr, new: ast.expr) -> bool:
    if not isinstance(old, ast.Subscript) or not isinstance(new, ast.Subscript) or _is_literal(old):
        return False
    return ast.unparse(old.value) == ast.unparse(new.value) and len(_arguments(old)) == len(_arguments(new))


def _arguments(node: ast.expr) -> list[ast.expr]:
    if not isinstance(node, ast.Subscript):
        return []
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal"


def _parts(node: ast.expr) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for part in _variants(node):
        if _is_literal(part):
            found |= {f"Literal[{ast.unparse(value)}]": part for value in _arguments(part)}
        else:
            found[ast.unparse(part)] = part
    if "str" in found:
        found = {
            text: part for text, part in found.items() if not text.startswith(("Literal['", 'Literal["'))
        }
    return found


def _variants(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_variants(node.left), *_variants(node.right)]
    return [node]
