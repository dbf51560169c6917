"""The stock peer: the package that openapi-python-client writes for a server's document without our templates.

It is generated into `.cache/bench-stock/<generator's version>/` once.
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

from scripts.recordings import document
from scripts.rooms import ROOT

Reader = Callable[[Any], object]
"""Makes a model from parsed JSON."""

STOCK = ROOT / ".cache" / "bench-stock" / version("openapi-python-client")

READ_ERRORS = (ImportError, KeyError, TypeError, ValueError, AttributeError)
"""Errors that a peer raises for data that it cannot read; pydantic's ValidationError is a ValueError."""


@frozen
class Readable:
    """The items of a list that a peer can read, by index, and the errors for the others."""

    places: tuple[int, ...]
    failures: Counter[str]

    def note(self, peer: str, total: int, what: str) -> str:
        """Return a note; "" if the peer reads everything."""
        if len(self.places) == total:
            return ""
        why = ", ".join(f"{count} {name}" for name, count in self.failures.most_common())
        return f"{peer}: {len(self.places)} of {total} {what}; the rest fails: {why}"


def readable(read: Reader, items: list[Any]) -> Readable:
    """Try which of `items` a peer can read."""
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
    """Make the package of a server's document importable, and return its name."""
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
        capture_output=True,  # dozens of warnings
    )
    fresh.rename(STOCK / name)


def stock_class(package: str, schema: str) -> Any:  # Any: code that was generated just before
    """Return the class of a component schema.

    Raises:
        ImportError: the generator did not write it.
    """
    name = ClassName(schema, "")
    return getattr(import_module(f"{package}.models.{PythonIdentifier(name, '')}"), name)


def event_key(event: Any) -> str:  # Any: an event, parsed or made by a peer
    """Return the discriminator of an event: its `type`; for a sync event also the type of the event inside."""
    kind: str = event["type"]
    return f"sync {event['syncEvent']['type']}" if kind == "sync" else kind


def stock_events(server_version: str, *, of_global: bool) -> Reader:
    """Return the fastest reader possible with the stock classes: it looks up the class by the event's type.

    It reads only the payload of an event of /global/event.
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
    """Return a reader of events of /global/event: the stock class, whose union tries one class after another."""
    read: Reader = stock_class(stock_package(server_version), "GlobalEvent").from_dict
    return read


def stock_messages(server_version: str) -> Reader:
    """Return a reader of a list of messages: the stock classes with their own unions."""
    item = stock_class(stock_package(server_version), "session_messages_response_200_item")
    return lambda messages: [item.from_dict(message) for message in messages]
