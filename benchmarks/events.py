"""Making typed events from parsed JSON, relative to `json.loads` of the same recorded events.

A program that follows a stream reads an event just after parsing it, and then drops it. So events are parsed in
batches, which is not timed, and each batch is read at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from attrs import frozen

from benchmarks.measure import BASE, Contender, Row, Steps, interleave
from benchmarks.peers import Reader, readable, stock_events, stock_global_events
from benchmarks.pydantic_models import Models
from opencode_client.decoding.json_text import loads
from opencode_client.models.event import read_event
from opencode_client.models.global_event import read_global_event
from scripts.recordings import events

TARGET = 0.5
_BATCH = 50
"""Events to a batch: few enough to stay in the processor's cache, enough to make the clock's cost small."""


@frozen
class Stream:
    """A recorded stream: its events parsed, and as JSON texts."""

    version: str
    name: str
    parsed: list[Any]
    texts: list[str]

    @property
    def of_global(self) -> bool:
        """Return True if its events are wrapped in an object with the directory."""
        return self.name == "global"

    def ours(self) -> Reader:
        """Return this client's reader of one event."""
        return read_global_event if self.of_global else read_event.read

    def peers(self, models: Models) -> dict[str, Reader]:
        """Return the readers of the peers, by the names of their columns."""
        found = {"stock, by type": stock_events(self.version, of_global=self.of_global)}
        if self.of_global:
            found["stock's union"] = stock_global_events(self.version)
        found["pydantic"] = models.reader("GlobalEvent" if self.of_global else "Event")
        return found


def rows(versions: Sequence[str], *, rounds: int) -> list[Row]:
    """Return two rows for each server version: /event and /global/event."""
    made: list[Row] = []
    for version in versions:
        models = Models(version)
        for name in ("event", "global"):
            parsed = events(version, name)
            texts = [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in parsed]
            made.append(_row(Stream(version, name, parsed, texts), models, rounds=rounds))
    return made


def _row(stream: Stream, models: Models, *, rounds: int) -> Row:
    contenders = [
        Contender(BASE, _parse(json.loads, stream.texts)),
        Contender("ours", _read(stream.ours(), stream.texts)),
        Contender("orjson alone", _parse(loads, stream.texts)),
    ]
    notes: list[str] = []
    for peer, read in stream.peers(models).items():
        reads = readable(read, stream.parsed)
        note = reads.note(peer, len(stream.parsed), "events")
        texts, base = [stream.texts[place] for place in reads.places], BASE
        if note:
            base = f"{BASE} for {peer}"
            contenders.append(Contender(base, _parse(json.loads, texts)))
            notes.append(note)
        contenders.append(Contender(peer, _read(read, texts), base))
    ratios = interleave(contenders, rounds=rounds, warm=True)
    notes.insert(0, f"orjson.loads alone: {ratios.pop('orjson alone')}")
    path = "/global/event" if stream.of_global else "/event"
    return Row(f"{stream.version} {path}, {len(stream.parsed)} events", TARGET, ratios, notes)


def _parse(parse: Callable[[Any], object], texts: list[str]) -> Steps:
    return lambda: (partial(_each, parse, batch) for batch in _batches(texts))


def _read(read: Reader, texts: list[str]) -> Steps:
    return lambda: (partial(_each, read, [loads(text) for text in batch]) for batch in _batches(texts))


def _batches(texts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts[start : start + _BATCH]


def _each(read: Callable[[Any], object], items: list[Any]) -> None:
    for item in items:
        read(item)
