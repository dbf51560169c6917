"""`make regenerate`: the document from a server, the rooms from the document, and what that changed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from scripts import fetch_spec, generate
from scripts.documents import SpecError, parse_document
from scripts.normalise.operations import operation_list
from scripts.rooms import PACKAGE, ROOT

INIT = ROOT / PACKAGE / "models" / "__init__.py"


def main() -> int:
    """0 when the rooms are those of the document; without a server to be had, of the committed one."""
    before = operations_of(), models_of()
    fetched = fetch_spec.main()
    if fetched == fetch_spec.NO_SERVER:
        print("No npm and no OPENCODE_URL: rebuilding from the committed openapi.json.")
    elif fetched:
        return fetched
    made = generate.main([])
    if made:
        return made
    for what, old, new in zip(("operations", "models"), before, (operations_of(), models_of()), strict=True):
        print(summary(what, old, new))
    return 0


def summary(what: str, old: list[str], new: list[str]) -> str:
    """One line, and one for each that came or went: `models: 850, 1 added, 0 removed`."""
    added, removed = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    lines = [f"{what}: {len(new)}, {len(added)} added, {len(removed)} removed"]
    return "\n".join([*lines, *(f"  + {name}" for name in added), *(f"  - {name}" for name in removed)])


def operations_of(document: Path = generate.SPEC) -> list[str]:
    """The operationIds of a committed document; none where it cannot be read."""
    try:
        return operation_list(parse_document(document.read_bytes(), document.name))
    except (OSError, SpecError):  # none yet, or a merge's conflict: all is new then
        return []


def models_of(init: Path = INIT) -> list[str]:
    """The public names of committed models; none where they cannot be read."""
    try:
        tree = ast.parse(init.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):  # none yet, or a merge's conflict: all is new then
        return []
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


if __name__ == "__main__":
    sys.exit(main())
