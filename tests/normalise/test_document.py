"""The rules together, over the seven committed documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import orjson
import pytest

from scripts.normalise import Normalised, normalise, rules
from scripts.normalise.keywords import mark_pointers
from scripts.normalise.names import HANDWRITTEN, Namer, pascal, read_pins
from scripts.normalise.same import read_same
from scripts.normalise.schema import (
    COMPONENTS,
    META,
    Json,
    map_roots,
    operations,
    referenced,
    schemas_of,
    token,
    walk,
)
from scripts.normalise.wire import read_observed
from scripts.recordings import DOCUMENTED, document
from tests.support.documents import every_document
from tests.support.recorded_payloads import normalised

_served = cache(document)  # shared by the tests of this file, which change nothing


@cache
def _normalised(version: str) -> Normalised:
    return normalise(_served(version), strict=False)


def _result(version: str) -> Json:
    return _normalised(version).document


def _all_schemas(found: Json) -> Iterator[Json]:
    roots: list[Json] = []

    def collect(_: str, schema: Json) -> Json:
        roots.append(schema)
        return schema

    map_roots(found, collect)
    for root in roots:
        yield from walk(root)


def _described(operation: Json) -> Json:
    described: Json = next(iter(operation["responses"].values()))[META]
    return described


@every_document
def test_no_operation_is_lost(version: str) -> None:
    served = sorted(operation["operationId"] for _, _, operation in operations(_served(version)))
    assert (
        sorted(_described(operation)["operation"] for _, _, operation in operations(_result(version)))
        == served
    )


@every_document
def test_no_response_status_is_lost(version: str) -> None:
    served = {o["operationId"]: set(o["responses"]) for _, _, o in operations(_served(version))}
    assert {
        _described(o)["operation"]: set(o["responses"]) for _, _, o in operations(_result(version))
    } == served


@every_document
def test_no_parameter_is_lost(version: str) -> None:
    def wire_names(operation: Json) -> set[tuple[str, str]]:
        return {
            (described["in"], described["wire"].split("[")[0])
            for described in _described(operation)["parameters"].values()
        }

    served = {
        o["operationId"]: {
            (p["in"], p["name"].split("[")[0]) for p in o.get("parameters", []) if p["name"] != "*"
        }
        for _, _, o in operations(_served(version))
    }
    found = {
        _described(o)["operation"]: (_described(o), wire_names(o)) for _, _, o in operations(_result(version))
    }
    for name, expected in served.items():
        described, names = found[name]
        assert names - ({("path", "path")} if described.get("wildcard") else set()) == expected, name


def _class_name(component: str) -> str:
    name = read_pins().get(COMPONENTS + token(component)) or pascal(component)
    return read_same().get(name, name)


@every_document
def test_no_component_schema_is_lost(version: str) -> None:
    found = schemas_of(_result(version))
    assert [name for name in schemas_of(_served(version)) if _class_name(name) not in found] == []


@every_document
def test_no_member_of_a_component_is_lost(version: str) -> None:
    found = schemas_of(_result(version))
    for name, schema in schemas_of(_served(version)).items():
        if schema.get("type") == "object" and schema.get("properties"):
            kept = found[_class_name(name)]["properties"]
            assert set(schema["properties"]) == set(kept), name


@every_document
def test_every_reference_leads_to_a_component(version: str) -> None:
    found = schemas_of(_result(version))
    assert {
        name for part in _all_schemas(_result(version)) if (name := referenced(part))
    } - found.keys() == set()


@every_document
def test_every_class_name_is_an_identifier_that_is_not_hand_written(version: str) -> None:
    names = schemas_of(_result(version)).keys()
    assert [name for name in names if not name.isidentifier() or pascal(name) != name] == []
    assert names & HANDWRITTEN == set()


@every_document
def test_every_member_and_parameter_name_is_an_identifier(version: str) -> None:
    classes = [schema.get(META, {}).get("members", {}) for schema in schemas_of(_result(version)).values()]
    parameters = [_described(operation)["parameters"] for _, _, operation in operations(_result(version))]
    names = [name for members in classes for name in members.values()] + [
        n for described in parameters for n in described
    ]
    assert [name for name in names if not name.isidentifier()] == []


@every_document
def test_no_two_members_of_a_class_have_one_name(version: str) -> None:
    for name, schema in schemas_of(_result(version)).items():
        members = list(schema.get(META, {}).get("members", {}).values())
        assert len(members) == len(set(members)), name


@every_document
def test_no_keyword_remains_that_the_templates_do_not_know(version: str) -> None:
    gone = {
        "oneOf",
        "allOf",
        "nullable",
        "prefixItems",
        "patternProperties",
        "not",
        "default",
        "format",
        "pattern",
    }
    assert {key for part in _all_schemas(_result(version)) for key in part if key in gone} == set()


@every_document
def test_the_given_document_is_unchanged(version: str) -> None:
    _normalised(version)
    assert _served(version) == document(version)


@pytest.mark.documents
def test_a_pointer_has_the_same_class_in_every_version() -> None:
    names: dict[str, set[str]] = {}
    for version in DOCUMENTED:
        for name, schema in schemas_of(_result(version)).items():
            if "x-pointer" in schema:
                names.setdefault(schema["x-pointer"], set()).add(name)
    assert {pointer: found for pointer, found in names.items() if len(found) > 1} == {}


def test_the_classes_of_a_document_do_not_depend_on_the_order_of_its_components() -> None:
    served = _served("1.1.31")
    turned = {**served, "components": {"schemas": dict(reversed(schemas_of(served).items()))}}
    found = schemas_of(normalise(turned, strict=False).document)
    assert found.keys() == schemas_of(_result("1.1.31")).keys()


def test_the_committed_document_has_no_collision() -> None:
    assert normalised()  # it would raise an error if names collided


@every_document
def test_no_committed_document_has_a_collision(version: str) -> None:
    assert _normalised(version).report == ()


def test_every_pin_is_used_by_a_committed_document() -> None:
    pointers: set[str] = set()
    for version in DOCUMENTED:
        pointers |= {
            part["x-pointer"] for part in _all_schemas(mark_pointers(_served(version))) if "x-pointer" in part
        }
    assert read_pins().keys() - pointers == set()


@cache
def _steps(version: str) -> list[tuple[str, Callable[[Json], Json], Json, bool]]:
    """Each rule: its name, its result, and True if it did not change the given document."""
    found, steps = _served(version), list[tuple[str, Callable[[Json], Json], Json, bool]]()
    for rule in rules(Namer(read_pins(), True, read_same()), read_observed()):
        name: str = getattr(rule, "func", rule).__name__
        before, made = orjson.dumps(found), rule(found)
        steps.append((name, rule, made, orjson.dumps(found) == before))
        found = made
    return steps


oldest_and_newest = pytest.mark.parametrize(
    "version", [pytest.param("1.1.31", marks=pytest.mark.documents), "1.18.33"]
)


@oldest_and_newest
def test_no_rule_changes_its_input(version: str) -> None:
    assert [name for name, _, _, pure in _steps(version) if not pure] == []


@oldest_and_newest
def test_no_rule_changes_its_own_result(version: str) -> None:
    assert [name for name, rule, made, _ in _steps(version) if rule(made) != made] == []
