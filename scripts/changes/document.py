"""What changed between two documents: operations, their parameters, bodies and answers, and models.

Breaking is what may break code that uses the Python client: something that it can call, give or read is gone, or is not
what it was. A new value of an enum, a new variant among several and a new error status break nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from scripts.changes.change import Change, Kind
from scripts.changes.forms import kind_of, shown
from scripts.changes.plain import Plain, content, notes_of, plain
from scripts.changes.schemas import Comparison, Difference
from scripts.normalise.names import pascal
from scripts.normalise.operations import operation_ids
from scripts.normalise.schema import Json, plain_text, schemas_of
from scripts.normalise.schema import operations as walk_operations


def compare_documents(old: Json, new: Json) -> list[Change]:
    """Every change from `old` to `new`, each once; {} is a document without anything."""
    before, after = plain(old), plain(new)
    comparison = Comparison(before.models, after.models)
    found = [*_operations(before, after, comparison), *_models(before, after, comparison)]
    return sorted([*found, *_reworded(old, new, {change.where.split(" / ")[0] for change in found})])


def _change(where: str, kind: Kind, breaking: bool, text: str) -> Change:
    return Change("document", _one_line(where), kind, breaking, _one_line(text))


def _one_line(text: str) -> str:
    """What a document calls something, where it cannot pass for more lines of the report or move a cursor."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in plain_text(text)
    )


def _changes(
    owner: str, differences: list[Difference], *, sent: bool = False, received: bool = False
) -> Iterator[Change]:
    for d in differences:
        breaking = (sent and d.narrower) or (received and d.wider)
        yield _change(f"{owner} / {d.path}" if d.path else owner, d.kind, breaking, d.text)


def _operations(old: Plain, new: Plain, comparison: Comparison) -> Iterator[Change]:
    places = {operation[:2]: name for name, operation in new.operations.items() if name not in old.operations}
    renamed: set[str] = set()
    for name, (method, path, operation) in old.operations.items():
        at = f"operation {name}"
        found = name if name in new.operations else places.get((method, path))
        if found is None:
            yield _change(at, "removed", True, f"removed ({method} {path})")
            continue
        if found != name:
            renamed.add(found)
            yield _change(at, "renamed", True, f"is operation {found} now")
        to_method, to_path, other = new.operations[found]
        if (to_method, to_path) != (method, path):
            yield _change(at, "moved", False, f"{method} {path} -> {to_method} {to_path}")
        yield from _operation(f"operation {found}", operation, other, comparison)
    for name, (method, path, _) in new.operations.items():
        if name not in old.operations and name not in renamed:
            yield _change(f"operation {name}", "added", False, f"added ({method} {path})")


def _operation(at: str, old: Json, new: Json, comparison: Comparison) -> Iterator[Change]:
    if old.get("deprecated", False) != new.get("deprecated", False):
        yield _change(
            at, "reworded", False, "is deprecated now" if new.get("deprecated") else "not deprecated now"
        )
    yield from _parameters(at, old, new, comparison)
    yield from _body(at, content(old.get("requestBody")), content(new.get("requestBody")), comparison)
    yield from _answer(at, old["responses"], new["responses"], comparison)
    yield from _errors(at, old["responses"], new["responses"], comparison)


def _parameters(at: str, old: Json, new: Json, comparison: Comparison) -> Iterator[Change]:
    before, after = ({(p["in"], p["name"]): p for p in operation["parameters"]} for operation in (old, new))
    for place in before | after:
        path = " ".join(place)
        if place not in after:
            yield _change(
                f"{at} / {path}", "removed", True, f"removed ({shown(before[place].get('schema', {}))})"
            )
            continue
        is_ = place[0] == "path" or bool(after[place].get("required"))
        schema = after[place].get("schema", {})
        if place not in before:
            said = f"added, {'required' if is_ else 'optional'} ({shown(schema)})"
            yield _change(f"{at} / {path}", "added", is_, said)
            continue
        was = place[0] == "path" or bool(before[place].get("required"))
        if was != is_:
            said = f"is {'required' if is_ else 'optional'} now"
            yield _change(f"{at} / {path}", "required" if is_ else "optional", is_, said)
        yield from _changes(at, comparison.schemas(before[place].get("schema", {}), schema, path), sent=True)


Content = tuple[str, Json] | None


def _body(at: str, old: Content, new: Content, comparison: Comparison) -> Iterator[Change]:
    if old is None or new is None:
        if new is not None:
            schema = comparison.new.get(shown(new[1]), new[1])
            needed = kind_of(schema) != "object" or bool(schema.get("required"))
            yield _change(f"{at} / body", "added", needed, f"added ({shown(new[1])})")
        elif old is not None:
            yield _change(f"{at} / body", "removed", True, f"removed ({shown(old[1])})")
        return
    if old[0] != new[0]:
        yield _change(f"{at} / body", "retyped", True, f"{old[0]} -> {new[0]}")
    yield from _changes(at, comparison.schemas(old[1], new[1], "body"), sent=True)


def _answer(at: str, old: Json, new: Json, comparison: Comparison) -> Iterator[Change]:
    """What a call gives back: the first success with content, or nothing."""
    before, after = _success(old), _success(new)
    if before is None or after is None or before[0] != after[0]:
        said = [shown(c[1]) if c and "json" in c[0] else c[0] if c else "nothing" for c in (before, after)]
        if said[0] != said[1]:
            yield _change(f"{at} / answer", "retyped", before is not None, " -> ".join(said))
        return
    yield from _changes(at, comparison.schemas(before[1], after[1], "answer"), received=True)


def _success(responses: Json) -> Content:
    found = [content(response) for status, response in sorted(responses.items()) if status[0] in "2d"]
    return next((each for each in found if each), None)


def _errors(at: str, old: Json, new: Json, comparison: Comparison) -> Iterator[Change]:
    """Statuses that came and went in one line each: they raise what their number says, documented or not."""
    before, after = ({status for status in responses if status[0] in "45"} for responses in (old, new))
    sides: tuple[tuple[Kind, set[str]], ...] = (("added", after - before), ("removed", before - after))
    for kind, statuses in sides:
        if statuses:
            yield _change(f"{at} / errors", kind, False, f"{', '.join(sorted(statuses))} {kind}")
    for status in sorted(before & after):
        bodies = content(old[status]), content(new[status])
        if bodies[0] and bodies[1]:
            differences = comparison.schemas(bodies[0][1], bodies[1][1], f"error {status}")
            yield from _changes(at, differences, received=True)
        elif bodies[0] or bodies[1]:
            said = " -> ".join(shown(body[1]) if body else "no body" for body in bodies)
            yield _change(f"{at} / error {status}", "retyped", bodies[0] is not None, said)


def _models(old: Plain, new: Plain, comparison: Comparison) -> Iterator[Change]:
    """Those of both documents first: they show which of the others are renamed, which classes need not notice."""
    for name in old.models:
        if name in new.models:
            yield from _model(f"model {name}", name, comparison.models(name, name), old)
    for name, to in comparison.renamed.items():
        yield _change(f"model {name}", "renamed", pascal(name) != pascal(to), f"is model {to} now")
        yield from _model(f"model {to}", name, comparison.models(name, to), old)
    for name in old.models.keys() - new.models.keys() - comparison.renamed.keys():
        yield _change(f"model {name}", "removed", True, f"removed ({shown(old.models[name])})")
    for name in new.models.keys() - old.models.keys() - set(comparison.renamed.values()):
        yield _change(f"model {name}", "added", False, f"added ({shown(new.models[name])})")


def _model(at: str, name: str, differences: list[Difference], old: Plain) -> Iterator[Change]:
    return _changes(at, differences, sent=name in old.sent, received=name in old.received)


def _reworded(old: Json, new: Json, changed: set[str]) -> Iterator[Change]:
    """Operations and models that have other words, limits or examples, and nothing else that changed."""
    before, after = _owners(old), _owners(new)
    for owner in sorted(before.keys() & after.keys()):
        if owner not in changed and notes_of(before[owner]) != notes_of(after[owner]):
            yield _change(owner, "reworded", False, "other words, limits or notes")


def _owners(document: Json) -> dict[str, Json]:
    if not document:
        return {}
    every = walk_operations(operation_ids(document))
    rest = {key: value for key, value in document.items() if key not in ("paths", "components")}
    return {
        **{f"operation {operation['operationId']}": operation for _, _, operation in every},
        **{f"model {name}": schema for name, schema in schemas_of(document).items()},
        "document": rest,
    }
