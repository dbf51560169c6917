"""Derive scripts/normalise/observed.json: where a supported server is known to send less than openapi.json says.

From two sources: the documents of seven versions, and recorded traffic of two of them. Traffic wins: a member that
was there every time is not made optional by that version's document. `--check` fails when the file is not as derived.
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
"""What the events of each recorded stream are; `a/b` is b inside a."""

_SOURCES = 3


@frozen
class Measured:
    """A deviation seen on running servers of versions that there is no recording of."""

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
    """Every recorded event of a version as (stream, class, event)."""
    held = recording(version)
    for stream, name in STREAMS.items():
        for room in ("streams", "other"):
            timed: Any = held[room]  # Any: as recorded
            for key in stream.split("/"):
                timed = timed.get(key, []) if is_object(timed) else []
            for _, event in timed:
                yield f"{room}/{stream}", name, event


def observe(target: Json, version: str) -> Observer:
    """All recorded answers and events of one version, walked along the target document."""
    observer = Observer(target)
    schemas = response_schemas(target)
    for operation, tag, status, body in answers(version):
        if 200 <= status < 300 and operation in schemas:
            observer.value(schemas[operation], body, f"recorded {version}: {operation} [{tag}]")
    for stream, name, event in recorded_events(version):
        observer.value(reference(name), event, f"recorded {version}: {stream}")
    return observer


def skipped(target: Json, version: str) -> list[str]:
    """The recorded successes that say nothing of any class: no JSON came, or JSON of another kind."""
    schemas = response_schemas(target)
    observer = Observer(target)
    told: list[str] = []
    for operation, exchanges in recording(version)["operations"].items():
        for exchange in exchanges:
            status, body = exchange["response"].get("status"), exchange["response"].get("json")
            if operation not in schemas or not (isinstance(status, int) and 200 <= status < 300):
                continue
            if body is None or not observer.fits(schemas[operation], body):
                why = "no JSON or null" if body is None else "of another kind"
                told.append(f"{version}: {operation} [{exchange['tag']}]: {why}")
    return told


def from_documents(target: Json, other: Json) -> dict[Place, set[str]]:
    """What another document says of members that the target requires: {place: missing and null}."""
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
    """For classes that servers send: the class that the other document has in that place.

    That is what it answers to the same operation, else the class of that name: `SnapshotFileDiff` was `FileDiff` up to
    1.3.2, and what is `FileDiff` now was not there.
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
    """The classes that two answers are, or are lists of."""
    while "items" in schema and "items" in other:
        schema, other = schema["items"], other["items"]
    name, found = referenced(schema), referenced(other)
    return [(name, found)] if name is not None and found is not None else []


def deciding_members(target: Json) -> set[Place]:
    """Members that tell the variants of a union apart: where one is missing, the variant is not chosen at all."""
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
    """The entries of observed.json."""
    target = target_document()
    found: Found = {}
    for version in DOCUMENTED:
        other = normalise(document(version), strict=False, observed=[]).document
        for place, seen, source in _of_version(target, other, version):
            found.setdefault(place, {}).setdefault(seen, {}).setdefault(version, set()).add(source)
    return [_entry(place, kinds) for place, kinds in sorted(found.items())]


def target_document() -> Json:
    """openapi.json, normalised without what was observed."""
    return normalise(json.loads(SPEC.read_text(encoding="utf-8")), strict=True, observed=[]).document


def _of_version(target: Json, other: Json, version: str) -> Iterator[tuple[Place, str, str]]:
    """Every deviation of one version as (place, seen, source)."""
    observer = observe(target, version) if version in RECORDED else Observer(target)
    for place, kinds in observer.deviations.items():
        for seen, sources in kinds.items():
            yield from ((place, seen, source) for source in sources)
    for place, told in from_documents(target, other).items():
        if place not in observer.whole:
            yield from ((place, seen, "document") for seen in told)
    for place, measured in {**MEASURED, **_timestamps(target)}.items():
        if version in measured.versions and place[0] in schemas_of(other):
            yield place, measured.seen, f"measured live: {measured.reason}"


def _timestamps(target: Json) -> dict[Place, Measured]:
    """`session.next.*` events bear ISO texts on /event and /global/event, milliseconds on /api/event."""
    names = [name for name in schemas_of(target) if name.startswith("SessionNext") and name.endswith("Data")]
    timed = [name for name in names if "timestamp" in schemas_of(target)[name].get("properties", {})]
    seen = Measured("string", ("1.15.13", "1.18.33"), "an ISO text on /event and /global/event")
    return {(name, "timestamp"): seen for name in timed}


def _entry(place: Place, kinds: dict[str, dict[str, set[str]]]) -> Json:
    told: dict[str, set[str]] = {}
    for by_version in kinds.values():
        for version, sources in by_version.items():
            told.setdefault(version, set()).update(sources)
    versions = [version for version in DOCUMENTED if version in told]
    first = [
        min(told[version], key=lambda source: (not source.startswith("recorded"), source))
        for version in versions
    ]
    rest = sorted({source for sources in told.values() for source in sources})
    return {
        "model": place[0],
        "member": place[1],
        "seen": sorted(kinds),
        "versions": versions,
        "source": list(dict.fromkeys([*first, *rest]))[:_SOURCES],
    }


def summary(entries: list[Json]) -> list[str]:
    """Counts by version and by kind of source, and what the recordings hold that was no use."""
    by_version = Counter(version for entry in entries for version in entry["versions"])
    kinds = [{source.split()[0].rstrip(":") for source in entry["source"]} for entry in entries]
    by_source = Counter(kind for told in kinds for kind in told)
    return [
        f"{len(entries)} entries; by version: {dict(by_version)}; by source: {dict(by_source)}",
        *(f"skipped {line}" for version in RECORDED for line in skipped(target_document(), version)),
    ]


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare it."""
    entries = derive()
    text = "[\n" + ",\n".join(f"  {json.dumps(entry)}" for entry in entries) + "\n]\n"
    print("\n".join(summary(entries)))
    if "--check" in arguments:
        same = OBSERVED.read_text(encoding="utf-8") == text
        print(
            "observed.json is as derived"
            if same
            else "observed.json differs: python -m scripts.derive_observed"
        )
        return 0 if same else 1
    OBSERVED.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
