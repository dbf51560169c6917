"""Derive scripts/normalise/observed.json: where a supported server is known to send less than openapi.json says.

From two sources: the documents of seven versions, and recorded traffic of two of them. Traffic wins: a member that
was there every time is not made optional by that version's document. `--check` fails when the file is not as derived.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

from scripts.generate import SPEC
from scripts.normalise import normalise
from scripts.normalise.schema import META, Json, reference, schemas_of
from scripts.normalise.wire import OBSERVED
from scripts.observe import Observer, Place, response_schemas
from tests.recordings import DOCUMENTED, RECORDED, answers, document, events, recording

STREAMS = {
    "event": "Event", "event2": "Event", "event3": "Event", "_events": "Event",
    "global": "GlobalEvent", "_global_events": "GlobalEvent",
    "api_event": "V2Event", "v2_api_event": "V2Event",
    "v2_session_event": "SessionDurableEvent",
}  # fmt: skip
_SOURCES = 3

MEASURED: dict[Place, dict[str, tuple[str, ...]]] = {
    # seen on running servers of versions that there is no recording of
    ("ModelApi", "url"): {"missing": ("1.2.27", "1.3.2")},
    ("Command", "template"): {"object": ("1.15.13",)},
}

Found = dict[Place, dict[str, dict[str, set[str]]]]
"""Deviations: {(class, member): {seen: {version: sources}}}."""


def observe(target: Json, version: str) -> Observer:
    """All recorded answers and events of one version, walked along the target document."""
    observer = Observer(target)
    schemas = response_schemas(target)
    for operation, tag, status, body in answers(version):
        if 200 <= status < 300 and operation in schemas:
            observer.value(schemas[operation], body, f"recorded {version}: {operation} [{tag}]")
    held = recording(version)
    for stream, name in STREAMS.items():
        if stream in held["streams"] or stream in held["other"]:
            for event in events(version, stream):
                observer.value(reference(name), event, f"recorded {version}: {stream.strip('_')}")
    return observer


def from_documents(target: Json, other: Json) -> dict[Place, set[str]]:
    """What another document says of members that the target requires: {place: missing and null}."""
    found: dict[Place, set[str]] = {}
    others = schemas_of(other)
    for name, schema in schemas_of(target).items():
        if not _is_sent(schema) or not _is_sent(others.get(name, {})):
            continue
        for member in schema.get("required", []):
            if member in schema[META].get("tags", []):
                continue
            there = others[name]["properties"].get(member)
            if there is None or member not in others[name].get("required", []):
                found.setdefault((name, member), set()).add("missing")
            elif {"type": "null"} in there.get("anyOf", []):
                found.setdefault((name, member), set()).add("null")
    return found


def _is_sent(schema: Json) -> bool:
    meta = schema.get(META, {})
    return meta.get("kind") == "object" and bool(meta.get("open"))


def derive() -> list[Json]:
    """The entries of observed.json."""
    target = normalise(json.loads(SPEC.read_text(encoding="utf-8")), strict=True, observed=[]).document
    found: Found = {}

    def note(place: Place, seen: str, version: str, sources: set[str]) -> None:
        found.setdefault(place, {}).setdefault(seen, {}).setdefault(version, set()).update(sources)

    whole: dict[str, set[Place]] = {}
    for version in RECORDED:
        observer = observe(target, version)
        whole[version] = observer.whole
        for place, kinds in observer.deviations.items():
            for seen, sources in kinds.items():
                note(place, seen, version, sources)
    for version in DOCUMENTED:
        other = normalise(document(version), strict=False, observed=[]).document
        for place, told in from_documents(target, other).items():
            if place not in whole.get(version, set()):
                for seen in told:
                    note(place, seen, version, {"document"})
    for place, measured in {**MEASURED, **_timestamps(target)}.items():
        for seen, versions in measured.items():
            for version in versions:
                note(place, seen, version, {"measured live"})
    return [_entry(place, kinds) for place, kinds in sorted(found.items())]


def _timestamps(target: Json) -> dict[Place, dict[str, tuple[str, ...]]]:
    """`session.next.*` events bear ISO texts on /event and /global/event, milliseconds on /api/event."""
    names = [name for name in schemas_of(target) if name.startswith("SessionNext") and name.endswith("Data")]
    timed = [name for name in names if "timestamp" in schemas_of(target)[name].get("properties", {})]
    return {(name, "timestamp"): {"string": ("1.15.13", "1.18.33")} for name in timed}


def _entry(place: Place, kinds: dict[str, dict[str, set[str]]]) -> Json:
    versions = {version for by_version in kinds.values() for version in by_version}
    sources = {source for by_version in kinds.values() for told in by_version.values() for source in told}
    return {
        "model": place[0],
        "member": place[1],
        "seen": sorted(kinds),
        "versions": [version for version in DOCUMENTED if version in versions],
        "source": sorted(sources)[:_SOURCES],
    }


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare it."""
    entries = derive()
    text = "[\n" + ",\n".join(f"  {json.dumps(entry)}" for entry in entries) + "\n]\n"
    print(
        f"{len(entries)} entries; by version: {dict(Counter(v for entry in entries for v in entry['versions']))}"
    )
    if "--check" in arguments:
        same = OBSERVED.read_text(encoding="utf-8") == text
        print(
            "observed.json is as derived"
            if same
            else "observed.json differs: python -m scripts.derive_observed"
        )
        return 0 if same else 1
    OBSERVED.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
