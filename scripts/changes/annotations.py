"""Compare two annotations by their structure: the new one can be narrower, wider, both or neither.

`str | None` to `str` is narrower; `Sequence[A]` to `Sequence[A | B]` is wider. Classes are compared by name.
"""

from __future__ import annotations

import ast

_OPEN = ("Any", "object")
_SHORT = 120


def compare_types(old: str, new: str) -> tuple[bool, bool]:
    """Return whether the new type is narrower, and whether it is wider.

    A new class in a union that has an Unknown variant is not wider. Different texts that cannot be parsed are both.
    """
    trees = _parsed(old), _parsed(new)
    if trees[0] is None or trees[1] is None:
        return old != new, old != new
    return _compare(trees[0], trees[1])


def is_same_type(old: str, new: str) -> bool:
    """Return True if the two types differ at most in the order of their variants."""
    trees = _parsed(old), _parsed(new)
    if trees[0] is None or trees[1] is None:
        return old == new
    return _ordered(trees[0]) == _ordered(trees[1])


def short_change(old: str, new: str) -> str:
    """`str -> int`; for long unions, only the variants that were removed or added."""
    trees = _parsed(old), _parsed(new)
    if len(old) + len(new) < _SHORT or trees[0] is None or trees[1] is None:
        return f"{old} -> {new}"
    before, after = ([ast.unparse(variant) for variant in _variants(tree)] for tree in trees if tree)
    removed = [text for text in before if text not in after]
    added = [text for text in after if text not in before]
    sides = (("without", removed), ("with", added))
    return "; ".join(f"{word} {', '.join(texts)}" for word, texts in sides if texts) or f"{old} -> {new}"


def unquoted(annotation: str) -> str:
    """Return an annotation in one line and without quotes around it; any other text as it is."""
    tree = _parsed(annotation)
    return annotation if tree is None else ast.unparse(tree)


def _parsed(annotation: str) -> ast.expr | None:
    """Parse an annotation, also a quoted one; None if it cannot be parsed."""
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
    removed = {text: node for text, node in before.items() if text not in after}
    added = {text: node for text, node in after.items() if text not in before}
    if any(name in after for name in _OPEN):
        removed = {}
    if any(name in before for name in _OPEN):
        added = {}
    if list(removed) == ["float"] and list(added) == ["int"]:
        return True, False
    if list(removed) == ["int"] and list(added) == ["float"]:
        return False, True
    narrower = wider = False
    for text, node in list(removed.items()):
        match = next((other for other, found in added.items() if _is_same_generic(node, found)), None)
        if match is not None:
            inside = _compare_arguments(removed.pop(text), added.pop(match))
            narrower, wider = narrower or inside[0], wider or inside[1]
    if any(text.startswith("Unknown") for text in before):  # readers keep unknown variants of this union
        added = {text: node for text, node in added.items() if not text.isidentifier() or text == "None"}
    return narrower or bool(removed), wider or bool(added)


def _compare_arguments(old: ast.expr, new: ast.expr) -> tuple[bool, bool]:
    pairs = [_compare(a, b) for a, b in zip(_arguments(old), _arguments(new), strict=True)]
    return any(pair[0] for pair in pairs), any(pair[1] for pair in pairs)


def _is_same_generic(old: ast.expr, new: ast.expr) -> bool:
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
