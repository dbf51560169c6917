"""The stock generator's output for a server's document: what openapi-python-client writes without our templates.

It is written to `.cache/bench-stock/<generator's version>/` when it is not there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from typing import Any

from attrs import frozen
from openapi_python_client.strings import ClassName, PythonIdentifier

from benchmarks.environment import ROOT
from scripts.recordings import document

Reader = Callable[[Any], object]
"""From parsed JSON to a model."""

STOCK = ROOT / ".cache" / "bench-stock" / version("openapi-python-client")

READ_ERRORS = (ImportError, KeyError, TypeError, ValueError, AttributeError)
"""What a peer raises for something it cannot read; pydantic's ValidationError is a ValueError."""


@frozen
class Readable:
    """What a peer reads of the data that it is given: the places in the list, and why not the rest."""

    places: tuple[int, ...]
    failures: Counter[str]

    def said(self, peer: str, total: int, what: str) -> str:
        """One line about it; empty where everything is read."""
        if len(self.places) == total:
            return ""
        why = ", ".join(f"{count} {name}" for name, count in self.failures.most_common())
        return f"{peer}: {len(self.places)} of {total} {what}; the rest fails: {why}"


def readable(read: Reader, items: list[Any]) -> Readable:
    """Which of `items` a peer reads at all."""
    places: list[int] = []
    failures: Counter[str] = Counter()
    for place, item in enumerate(items):
        try:
            read(item)
        except READ_ERRORS as error:
            failures[type(error).__name__] += 1
        else:
            places.append(place)
    return Readable(tuple(places), failures)


def stock_package(server_version: str) -> str:
    """The name of the package generated from the document of a server, importable from now on."""
    name = f"stock_{server_version.replace('.', '_')}"
    if not (STOCK / name).is_dir():
        _generate(server_version, name)
    if str(STOCK) not in sys.path:
        sys.path.insert(0, str(STOCK))
    return name


def _generate(server_version: str, name: str) -> None:
    STOCK.mkdir(parents=True, exist_ok=True)
    spec, config, fresh = STOCK / f"{name}.json", STOCK / f"{name}.config.json", STOCK / f"{name}.new"
    spec.write_text(json.dumps(document(server_version)), encoding="utf-8")
    config.write_text(
        json.dumps({"project_name_override": name, "package_name_override": name, "post_hooks": []}),
        encoding="utf-8",
    )
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run(  # noqa: S603 # our own command line
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", str(spec), "--config", str(config), "--output-path", str(fresh)),
        ],
        check=True,
        capture_output=True,  # dozens of warnings about what it leaves out
    )
    fresh.rename(STOCK / name)


def stock_class(package: str, schema: str) -> Any:  # Any: code that was generated a moment ago
    """The class of a component schema.

    Raises:
        ImportError: the generator lost it.
    """
    name = ClassName(schema, "")
    return getattr(import_module(f"{package}.models.{PythonIdentifier(name, '')}"), name)


def event_key(event: Any) -> str:  # Any: an event, parsed or made by a peer
    """What tells the events of a union apart: `type`, and for sync events the type of what they carry."""
    kind: str = event["type"]
    return f"sync {event['syncEvent']['type']}" if kind == "sync" else kind


def stock_events(server_version: str, *, of_global: bool) -> Reader:
    """Reads an event as fast as the stock classes can: the class is looked up by the event's type.

    Of an event of /global/event only the payload is read.
    """
    package = stock_package(server_version)
    table = dict(_stock_table(package, server_version, of_global=of_global))
    if of_global:
        return lambda event: table[event_key(event["payload"])](event["payload"])
    return lambda event: table[event["type"]](event)


def _stock_table(package: str, server_version: str, *, of_global: bool) -> Iterator[tuple[str, Reader]]:
    schemas = document(server_version)["components"]["schemas"]
    union = schemas["Event"]
    if of_global:
        union = schemas["GlobalEvent"]["properties"]["payload"]
        union = schemas["Event"] if "$ref" in union else union
    for place, variant in enumerate(union["anyOf"]):
        name = variant["$ref"].rpartition("/")[2] if "$ref" in variant else f"GlobalEventPayloadType{place}"
        try:
            yield (
                event_key(_constants(schemas[name] if "$ref" in variant else variant)),
                stock_class(package, name).from_dict,
            )
        except ImportError:
            continue


def _constants(schema: Any) -> Any:  # Any: an object schema, and its constant members as JSON
    return {
        name: member["const"] if "const" in member else member["enum"][0]
        for name, member in schema["properties"].items()
        if "const" in member or "enum" in member
    } | {name: _constants(member) for name, member in schema["properties"].items() if name == "syncEvent"}


def stock_global_events(server_version: str) -> Reader:
    """Reads an event of /global/event with the stock class and its own union, which tries one class after another."""
    read: Reader = stock_class(stock_package(server_version), "GlobalEvent").from_dict
    return read


def stock_messages(server_version: str) -> Reader:
    """Reads a list of messages with the stock classes and their own unions."""
    item = stock_class(stock_package(server_version), "session_messages_response_200_item")
    return lambda messages: [item.from_dict(message) for message in messages]
