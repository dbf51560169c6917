"""Derive scripts/normalise/observed.json: members that a supported server does not send as documented.

The sources are the documents of seven versions and the recorded traffic of two. Traffic wins: a member that was
always sent stays required, whatever that version's document has. `--check` fails if the file is out of date.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from opencode_client.model import is_object
from scripts.generate import SPEC
from scripts.normalise import normalise
from scripts.normalise.schema import META, Json, reference, referenced, schemas_of
from scripts.normalise.wire import OBSERVED
from scripts.observe import Observer, Place, response_schemas
from scripts.recordings import DOCUMENTED, RECORDED, answers, document, recording

STREAMS = {
    "event": "Event", "event2": "Event", "event3": "Event", "_events": "Event",
    "global": "GlobalEvent", "_global_events": "GlobalEvent",
    "api_event": "V2Event", "v2_api_event": "V2Event", "_v2_events/api": "V2Event",
    "v2_session_event": "SessionDurableEvent", "_v2_events/session": "SessionDurableEvent",
}  # fmt: skip
"""The class of the events in each recorded stream; `a/b` is b inside a."""

_SOURCES = 3


@frozen
class Measured:
    """A deviation measured on servers of versions without a recording."""

    seen: str
    versions: tuple[str, ...]
    reason: str


MEASURED: dict[Place, Measured] = {
    ("ModelApi", "url"): Measured(
        "missing", ("1.2.27", "1.3.2"), "config.providers and provider.list leave it out"
    ),
    ("Command", "template"): Measured("object", ("1.15.13",), "an MCP prompt's template is {}"),
}

Found = dict[Place, dict[str, dict[str, set[str]]]]
"""Deviations: {(class, member): {seen: {version: sources}}}."""


def recorded_events(version: str) -> Iterator[tuple[str, str, Any]]:  # Any: an event as it came
    """Yield every recorded event of a version as (stream, class, event)."""
    held = recording(version)
    for stream, name in STREAMS.items():
        for room in ("streams", "other"):
            timed: Any = held[room]  # Any: as recorded
            for key in stream.split("/"):
                timed = timed.get(key, []) if is_object(timed) else []
            for _, event in timed:
                yield f"{room}/{stream}", name, event


def observe(target: Json, version: str) -> Observer:
    """Compare all recorded responses and events of one version with the target document."""
    observer = Observer(target)
    schemas = response_schemas(target)
    for operation, tag, status, body in answers(version):
        if 200 <= status < 300 and operation in schemas:
            observer.value(schemas[operation], body, f"recorded {version}: {operation} [{tag}]")
    for stream, name, event in recorded_events(version):
        observer.value(reference(name), event, f"recorded {version}: {stream}")
    return observer


def skipped(target: Json, version: str) -> list[str]:
    """Return a line for each recorded success that cannot be compared: no JSON, or another kind of JSON."""
    schemas = response_schemas(target)
    observer = Observer(target)
    lines: list[str] = []
    for operation, exchanges in recording(version)["operations"].items():
        for exchange in exchanges:
            status, body = exchange["response"].get("status"), exchange["response"].get("json")
            if operation not in schemas or not (isinstance(status, int) and 200 <= status < 300):
                continue
            if body is None or not observer.fits(schemas[operation], body):
                why = "no JSON or null" if body is None else "of another kind"
                lines.append(f"{version}: {operation} [{exchange['tag']}]: {why}")
    return lines


def from_documents(target: Json, other: Json) -> dict[Place, set[str]]:
    """Return the required members of the target that another document has as missing or null."""
    found: dict[Place, set[str]] = {}
    others = schemas_of(other)
    deciding = deciding_members(target)
    for name, there in counterparts(target, other).items():
        for member in schemas_of(target)[name].get("required", []):
            if (name, member) in deciding:
                continue
            held = others[there]["properties"].get(member)
            if held is None or member not in others[there].get("required", []):
                found.setdefault((name, member), set()).add("missing")
            elif {"type": "null"} in held.get("anyOf", []):
                found.setdefault((name, member), set()).add("null")
    return found


def counterparts(target: Json, other: Json) -> dict[str, str]:
    """Return for each class that servers send the class of the other document in the same place.

    The same place is the response of the same operation; else the class of the same name is taken. `SnapshotFileDiff`
    was called `FileDiff` up to 1.3.2, and today's `FileDiff` did not exist.
    """
    here, there = schemas_of(target), schemas_of(other)
    answered = response_schemas(other)
    pairs = {
        name: found
        for operation, schema in response_schemas(target).items()
        if operation in answered
        for name, found in _same_place(schema, answered[operation])
        if _is_sent(here.get(name, {})) and _is_sent(there.get(found, {}))
    }
    taken = set(pairs.values())
    names = {name: name for name in here if name not in taken and _is_sent(here[name])}
    return {name: name for name in names if _is_sent(there.get(name, {}))} | pairs


def _same_place(schema: Json, other: Json) -> list[tuple[str, str]]:
    """Return the classes of two responses, or of their items."""
    while "items" in schema and "items" in other:
        schema, other = schema["items"], other["items"]
    name, found = referenced(schema), referenced(other)
    return [(name, found)] if name is not None and found is not None else []


def deciding_members(target: Json) -> set[Place]:
    """Return the members that identify a union's variants: without them a variant is not recognised."""
    found: set[Place] = set()
    for name, schema in schemas_of(target).items():
        meta = schema.get(META, {})
        found |= {(name, tag) for tag in meta.get("tags", [])}
        for row in meta.get("table", []):
            found |= {(inner["class"], row["path"][0]) for inner in row.get("table", [])}
    return found


def _is_sent(schema: Json) -> bool:
    meta = schema.get(META, {})
    return meta.get("kind") == "object" and bool(meta.get("open"))


def derive() -> list[Json]:
    """Return the entries of observed.json."""
    target = target_document()
    found: Found = {}
    for version in DOCUMENTED:
        other = normalise(document(version), strict=False, observed=[]).document
        for place, seen, source in _of_version(target, other, version):
            found.setdefault(place, {}).setdefault(seen, {}).setdefault(version, set()).add(source)
    return [_entry(place, kinds) for place, kinds in sorted(found.items())]


def target_document() -> Json:
    """Return openapi.json, normalised without observed deviations."""
    return normalise(json.loads(SPEC.read_text(encoding="utf-8")), strict=True, observed=[]).document


def _of_version(target: Json, other: Json, version: str) -> Iterator[tuple[Place, str, str]]:
    """Yield every deviation of one version as (place, seen, source)."""
    observer = observe(target, version) if version in RECORDED else Observer(target)
    for place, kinds in observer.deviations.items():
        for seen, sources in kinds.items():
            yield from ((place, seen, source) for source in sources)
    for place, kinds_there in from_documents(target, other).items():
        if place not in observer.whole:
            yield from ((place, seen, "document") for seen in kinds_there)
    for place, measured in {**MEASURED, **_timestamps(target)}.items():
        if version in measured.versions and place[0] in schemas_of(other):
            yield place, measured.seen, f"measured live: {measured.reason}"


def _timestamps(target: Json) -> dict[Place, Measured]:
    """Return the times of `session.next.*`: ISO texts on /event and /global/event, milliseconds on /api/event."""
    names = [name for name in schemas_of(target) if name.startswith("SessionNext") and name.endswith("Data")]
    timed = [name for name in names if "timestamp" in schemas_of(target)[name].get("properties", {})]
    seen = Measured("string", ("1.15.13", "1.18.33"), "an ISO text on /event and /global/event")
    return {(name, "timestamp"): seen for name in timed}


def _entry(place: Place, kinds: dict[str, dict[str, set[str]]]) -> Json:
    by_source: dict[str, set[str]] = {}
    for by_version in kinds.values():
        for version, sources in by_version.items():
            by_source.setdefault(version, set()).update(sources)
    versions = [version for version in DOCUMENTED if version in by_source]
    first = [
        min(by_source[version], key=lambda source: (not source.startswith("recorded"), source))
        for version in versions
    ]
    rest = sorted({source for sources in by_source.values() for source in sources})
    return {
        "model": place[0],
        "member": place[1],
        "seen": sorted(kinds),
        "versions": versions,
        "source": list(dict.fromkeys([*first, *rest]))[:_SOURCES],
    }


def summary(entries: list[Json]) -> list[str]:
    """Return the counts by version and by source, and the recordings that could not be compared."""
    by_version = Counter(version for entry in entries for version in entry["versions"])
    kinds = [{source.split()[0].rstrip(":") for source in entry["source"]} for entry in entries]
    by_source = Counter(kind for entry in kinds for kind in entry)
    return [
        f"{len(entries)} entries; by version: {dict(by_version)}; by source: {dict(by_source)}",
        *(f"skipped {line}" for version in RECORDED for line in skipped(target_document(), version)),
    ]


def main(arguments: list[str]) -> int:
    """Write the file, or compare it with `--check`."""
    entries = derive()
    text = "[\n" + ",\n".join(f"  {json.dumps(entry)}" for entry in entries) + "\n]\n"
    print("\n".join(summary(entries)))
    if "--check" in arguments:
        same = OBSERVED.read_text(encoding="utf-8") == text
        print(
            "observed.json is up to date"
            if same
            else "observed.json differs: python -m scripts.derive_observed"
        )
        return 0 if same else 1
    OBSERVED.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
