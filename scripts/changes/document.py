"""Changes between two documents: operations with their parameters, bodies and responses, and models.

A change is breaking when it can break code that uses the Python client: something that users call, send or read is
gone or has another type. A new enum value, a new variant among several and a new error status are not breaking.
"""

from __future__ import annotations

from collections.abc import Iterator

from scripts.changes.change import Change, Direction, Kind, direction_of
from scripts.changes.contents import Contents, Media, media_of, notes_of, parameters, read_contents
from scripts.changes.forms import kind_of, short_type
from scripts.changes.schemas import Comparison, Difference
from scripts.normalise.names import pascal
from scripts.normalise.schema import Json, operations, plain_text, schemas_of


def compare_documents(old: Json, new: Json) -> list[Change]:
    """Return every change from `old` to `new` once; {} is an empty document."""
    before, after = read_contents(old), read_contents(new)
    comparison = Comparison(before.models, after.models)
    found = [*_operations(before, after, comparison), *_models(before, after, comparison)]
    changed = {change.where.split(" / ")[0] for change in found}
    return sorted([*found, *_reworded(_owners(old, before), _owners(new, after), changed)])


def _change(where: str, kind: Kind, breaking: bool, text: str, direction: Direction = "") -> Change:
    return Change(
        "document", _one_line(where), kind, breaking, _one_line(text), direction if breaking else ""
    )


def _one_line(text: str) -> str:
    """Escape line breaks and control characters: a name in a document must not add lines to the report."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in plain_text(text)
    )


def _changes(
    owner: str, differences: list[Difference], *, sent: bool = False, received: bool = False
) -> Iterator[Change]:
    for d in differences:
        direction = direction_of(sent=sent and d.narrower, received=received and d.wider)
        where = f"{owner} / {d.path}" if d.path else owner
        yield _change(where, d.kind, bool(direction), d.text, direction)


def _operations(old: Contents, new: Contents, comparison: Comparison) -> Iterator[Change]:
    new_ids = {
        operation[:2]: name for name, operation in new.operations.items() if name not in old.operations
    }
    renamed: set[str] = set()
    for name, (method, path, operation) in old.operations.items():
        owner = f"operation {name}"
        found = name if name in new.operations else new_ids.get((method, path))
        if found is None:
            yield _change(owner, "removed", True, f"removed ({method} {path})")
            continue
        if found != name:
            renamed.add(found)
            yield _change(owner, "renamed", True, f"renamed to operation {found}")
        to_method, to_path, other = new.operations[found]
        if (to_method, to_path) != (method, path):
            yield _change(owner, "moved", False, f"{method} {path} -> {to_method} {to_path}")
        yield from _operation(f"operation {found}", operation, other, comparison)
    for name, (method, path, _) in new.operations.items():
        if name not in old.operations and name not in renamed:
            yield _change(f"operation {name}", "added", False, f"added ({method} {path})")


def _operation(owner: str, old: Json, new: Json, comparison: Comparison) -> Iterator[Change]:
    if old.get("deprecated", False) != new.get("deprecated", False):
        text = "is deprecated now" if new.get("deprecated") else "is no longer deprecated"
        yield _change(owner, "reworded", False, text)
    yield from _parameters(owner, old, new, comparison)
    yield from _body(owner, media_of(old.get("requestBody")), media_of(new.get("requestBody")), comparison)
    yield from _response(owner, old["responses"], new["responses"], comparison)
    yield from _errors(owner, old["responses"], new["responses"], comparison)


def _parameters(owner: str, old: Json, new: Json, comparison: Comparison) -> Iterator[Change]:
    before, after = parameters(old), parameters(new)
    for key in before | after:
        name, parameter = after.get(key) or before[key]
        path = f"{key[0]} {name}"
        schema, is_required = parameter["schema"], bool(parameter.get("required"))
        if key not in after:
            yield _change(f"{owner} / {path}", "removed", True, f"removed ({short_type(schema)})", "sent")
        elif key not in before:
            text = f"added, {'required' if is_required else 'optional'} ({short_type(schema)})"
            yield _change(f"{owner} / {path}", "added", is_required, text, "sent")
        else:
            if bool(before[key][1].get("required")) != is_required:
                kind: Kind = "required" if is_required else "optional"
                yield _change(f"{owner} / {path}", kind, is_required, f"is {kind} now", "sent")
            yield from _changes(owner, comparison.schemas(before[key][1]["schema"], schema, path), sent=True)


def _body(owner: str, old: Media, new: Media, comparison: Comparison) -> Iterator[Change]:
    if old is None or new is None:
        if new is not None:
            schema = comparison.new.get(short_type(new[1]), new[1])
            is_required = kind_of(schema) != "object" or bool(schema.get("required"))
            yield _change(f"{owner} / body", "added", is_required, f"added ({short_type(new[1])})", "sent")
        elif old is not None:
            yield _change(f"{owner} / body", "removed", True, f"removed ({short_type(old[1])})", "sent")
        return
    if old[0] != new[0]:
        yield _change(f"{owner} / body", "retyped", True, f"{old[0]} -> {new[0]}", "sent")
    yield from _changes(owner, comparison.schemas(old[1], new[1], "body"), sent=True)


def _response(owner: str, old: Json, new: Json, comparison: Comparison) -> Iterator[Change]:
    """Compare the return values of a call: the first success with content, or nothing."""
    before, after = _success(old), _success(new)
    if before is None or after is None or before[0] != after[0]:
        texts = [
            short_type(m[1]) if m and "json" in m[0] else m[0] if m else "nothing" for m in (before, after)
        ]
        if texts[0] != texts[1]:
            yield _change(
                f"{owner} / response", "retyped", before is not None, " -> ".join(texts), "received"
            )
        return
    yield from _changes(owner, comparison.schemas(before[1], after[1], "response"), received=True)


def _success(responses: Json) -> Media:
    found = [media_of(response) for status, response in sorted(responses.items()) if status[0] in "2d"]
    return next((media for media in found if media), None)


def _errors(owner: str, old: Json, new: Json, comparison: Comparison) -> Iterator[Change]:
    """Compare error responses; added or removed statuses break nobody: each status has its error class anyway."""
    before, after = ({status for status in responses if status[0] in "45"} for responses in (old, new))
    sides: tuple[tuple[Kind, set[str]], ...] = (("added", after - before), ("removed", before - after))
    for kind, statuses in sides:
        if statuses:
            yield _change(f"{owner} / errors", kind, False, f"{', '.join(sorted(statuses))} {kind}")
    for status in sorted(before & after):
        bodies = media_of(old[status]), media_of(new[status])
        if bodies[0] and bodies[1]:
            differences = comparison.schemas(bodies[0][1], bodies[1][1], f"error {status}")
            yield from _changes(owner, differences, received=True)
        elif bodies[0] or bodies[1]:
            text = " -> ".join(short_type(body[1]) if body else "no body" for body in bodies)
            yield _change(f"{owner} / error {status}", "retyped", bodies[0] is not None, text, "received")


def _models(old: Contents, new: Contents, comparison: Comparison) -> Iterator[Change]:
    """Yield the changes of all models.

    Models that kept their name come first, because their references show which models were renamed. A rename is
    breaking only if the name of the class changes.
    """
    for name in old.models:
        if name in new.models:
            yield from _model(f"model {name}", name, comparison.models(name, name), old)
    for name, to in comparison.renamed.items():
        yield _change(
            f"model {name}",
            "renamed",
            pascal(name) != pascal(to),
            f"renamed to model {to}",
            _direction(name, old),
        )
        yield from _model(f"model {to}", name, comparison.models(name, to), old)
    for name in old.models.keys() - new.models.keys() - comparison.renamed.keys():
        yield _change(
            f"model {name}",
            "removed",
            True,
            f"removed ({short_type(old.models[name])})",
            _direction(name, old),
        )
    for name in new.models.keys() - old.models.keys() - set(comparison.renamed.values()):
        yield _change(f"model {name}", "added", False, f"added ({short_type(new.models[name])})")


def _direction(name: str, contents: Contents) -> Direction:
    return direction_of(sent=name in contents.sent, received=name in contents.received)


def _model(owner: str, name: str, differences: list[Difference], old: Contents) -> Iterator[Change]:
    return _changes(owner, differences, sent=name in old.sent, received=name in old.received)


def _reworded(old: dict[str, Json], new: dict[str, Json], changed: set[str]) -> Iterator[Change]:
    """Operations and models in which only descriptions, limits or examples changed."""
    for owner in sorted(old.keys() & new.keys() - changed):
        if notes_of(old[owner]) != notes_of(new[owner]):
            yield _change(owner, "reworded", False, "descriptions, limits or examples changed")


def _owners(document: Json, contents: Contents) -> dict[str, Json]:
    """Return the parts of a document by name: `operation <id>`, `model <name>`, and `document` for the rest.

    Parts are as the server sent them, before the rules changed them. The rest is all but `paths` and `components`.
    """
    if not document:
        return {}
    served = (operation for _, _, operation in operations(document))
    return {
        **{f"operation {name}": o for name, o in zip(contents.operations, served, strict=True)},
        **{f"model {name}": schema for name, schema in schemas_of(document).items()},
        "document": {key: value for key, value in document.items() if key not in ("paths", "components")},
    }
