"""Unions become pseudo-models with a table; aliases and maps are replaced at their uses."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import unions
from scripts.normalise.schema import Json
from scripts.normalise.support import UnsupportedDocumentError
from tests.normalise.small_documents import (
    document,
    namer,
    obj,
    ok,
    one_operation,
    only,
    reference,
    schemas_in,
)

STRING: Json = {"type": "string"}
NULL: Json = {"type": "null"}
A, B, C = reference("A"), reference("B"), reference("C")


def _const(value: object) -> Json:
    return {"const": value}


@pytest.mark.parametrize(
    "alias",
    [
        {"type": "array", "items": A},
        {"type": "object", "additionalProperties": A},
        {"type": "string", "enum": ["a", "b"]},
        {"anyOf": [STRING, NULL]},
        STRING,
    ],
)
def test_references_to_an_alias_become_its_schema(alias: Json) -> None:
    found = schemas_in(unions.inline_aliases(document({"A": obj(), "L": alias, "S": obj(m=reference("L"))})))
    assert found["S"]["properties"]["m"] == alias


def test_an_alias_is_kept_as_a_pseudo_model_with_its_notes() -> None:
    alias = {**STRING, "description": "d", "x-pointer": "#/components/schemas/L"}
    assert schemas_in(unions.inline_aliases(document({"L": alias})))["L"] == {
        "type": "object",
        "properties": {"v0": alias},
        "required": ["v0"],
        "description": "d",
        "x-pointer": "#/components/schemas/L",
        "x-oc": {"kind": "alias"},
    }


def test_an_alias_of_an_alias_is_followed() -> None:
    schemas = {"L": {"type": "array", "items": reference("T")}, "T": STRING}
    given = one_operation({"responses": ok(reference("L"))}, schemas=schemas)
    assert only(unions.inline_aliases(given))["responses"] == ok({"type": "array", "items": STRING})


def test_a_union_of_aliases_is_an_alias() -> None:
    schemas = {"U": {"anyOf": [reference("L"), NULL]}, "L": {"type": "array", "items": STRING}}
    assert schemas_in(unions.inline_aliases(document(schemas)))["U"]["x-oc"] == {"kind": "alias"}


@pytest.mark.parametrize(
    "union",
    [
        [A, STRING],
        [{"type": "array", "items": A}, STRING],
        [{"type": "object", "additionalProperties": A}, STRING],
        [{"anyOf": [A, STRING]}, NULL],
        [reference("Gone"), NULL],
        [reference("U"), NULL],
    ],
)
def test_a_union_with_classes_is_not_an_alias(union: list[Json]) -> None:
    given = document({"A": obj(), "U": {"anyOf": union}, "S": obj(m=reference("U"))})
    assert unions.inline_aliases(given) == given


def test_an_alias_of_itself_causes_no_endless_loop() -> None:
    given = document({"L": {"type": "array", "items": reference("L")}})
    assert "x-oc" in schemas_in(unions.inline_aliases(given))["L"]


def test_a_component_that_is_a_reference_is_replaced_by_its_target() -> None:
    found = schemas_in(unions.lone_references(document({"A": B, "B": C, "C": obj(), "S": obj(m=A)})))
    assert found == {"C": obj(), "S": obj(m=C)}


def test_components_that_refer_to_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(UnsupportedDocumentError, match=r"\n  /components/schemas/[AB]: .* leads to itself"):
        unions.lone_references(document({"A": B, "B": A, "S": obj(m=A)}))


def test_a_long_chain_of_references_is_followed_to_its_end() -> None:
    row = {f"R{number}": reference(f"R{number + 1}") for number in range(20)}
    found = unions.lone_references(document({**row, "R20": obj(), "S": obj(m=reference("R0"))}))
    assert schemas_in(found) == {"R20": obj(), "S": obj(m=reference("R20"))}


def test_a_nested_constant_is_a_tag() -> None:
    schemas = {"Sync": obj(event=A), "A": obj("type", type=_const("a.1"), n=_const(1), free=_const("x"))}
    found = schemas_in(unions.nested_tables(document(schemas)))
    assert found["Sync"]["x-item"] == {"event": {"type": "a.1"}}


def _meta(schemas: Json, union: list[Json], name: str = "U") -> dict[str, Any]:
    given = document({**schemas, name: {"anyOf": union}})
    found = unions.discriminate(unions.nested_tables(given), namer())
    meta: dict[str, Any] = schemas_in(found)[name]["x-oc"]
    return meta


def test_the_generator_gets_a_union_as_an_object_with_its_variants_as_members() -> None:
    found = schemas_in(unions.discriminate(document({"U": {"anyOf": [A, STRING]}, "A": obj()}), namer()))["U"]
    assert found == {**obj("v0", "v1", v0=A, v1=STRING), "x-oc": {"kind": "mixed"}}


def test_variants_are_identified_by_a_constant_of_each() -> None:
    schemas = {"A": obj("type", type=_const("a"), n=_const(1)), "B": obj("type", type=_const("b"))}
    assert _meta(schemas, [A, B]) == {
        "kind": "union",
        "unknown": "UnknownU",
        "tag": "type",
        "tag_member": "type",
        "table": [
            {"value": "a", "class": "A", "constants": {}},
            {"value": "b", "class": "B", "constants": {}},
        ],
        "otherwise": None,
    }


def test_the_other_constants_of_a_variant_are_checked_too() -> None:
    schemas = {"A": obj("type", "v", type=_const("a"), v=_const(1)), "B": obj("type", type=_const("b"))}
    assert _meta(schemas, [A, B])["table"][0]["constants"] == {"v": 1}


def test_every_value_of_an_enum_leads_to_its_variant() -> None:
    schemas = {"A": obj("type", type={"enum": ["a", "b"]}), "B": obj("type", type=_const("c"))}
    assert [(row["value"], row["class"]) for row in _meta(schemas, [A, B])["table"]] == [
        ("a", "A"),
        ("b", "A"),
        ("c", "B"),
    ]


def test_objects_without_the_tag_belong_to_the_single_variant_without_it() -> None:
    schemas = {"A": obj("type", type=_const("a")), "B": obj("type", type=_const("b")), "C": obj(x=STRING)}
    assert _meta(schemas, [A, B, C])["otherwise"] == "C"


def test_an_optional_constant_is_not_a_tag() -> None:
    schemas = {"A": obj(type=_const("a")), "B": obj(type=_const("b"))}
    assert _meta(schemas, [A, B])["kind"] == "mixed"


def test_type_is_a_tag_before_all_others() -> None:
    schemas = {name: obj("role", "type", role=_const(name), type=_const(name.lower())) for name in ("A", "B")}
    assert _meta(schemas, [A, B])["tag"] == "type"


def test_variants_with_one_tag_are_identified_by_a_second_constant() -> None:
    schemas = {
        "A": obj("type", "mode", type=_const("x"), mode=_const("a")),
        "B": obj("type", "mode", type=_const("x"), mode=_const("b")),
        "C": obj("type", type=_const("c")),
    }
    row = _meta(schemas, [A, B, C])["table"][0]
    assert row["path"] == ["mode"]
    assert row["table"] == [
        {"value": "a", "class": "A", "constants": {}},
        {"value": "b", "class": "B", "constants": {}},
    ]


def test_the_other_constants_of_variants_of_one_tag_are_checked_too() -> None:
    inner = {"type": _const("x"), "v": _const(1)}
    schemas = {
        "A": obj("type", "mode", "v", mode=_const("a"), **inner),
        "B": obj("type", "mode", mode=_const("b"), **inner),
        "C": obj("type", type=_const("c")),
    }
    row = _meta(schemas, [A, B, C])["table"][0]
    assert [leaf["constants"] for leaf in row["table"]] == [{"v": 1}, {}]


def test_variants_with_one_tag_are_identified_by_a_nested_constant() -> None:
    schemas: Json = {
        name: obj("type", type=_const("sync"), event=reference(f"In{name}")) for name in ("A", "B")
    }
    schemas |= {f"In{name}": obj("type", type=_const(f"{name}.1")) for name in ("A", "B")}
    schemas["C"] = obj("type", type=_const("c"))
    row = _meta(schemas, [A, B, C])["table"][0]
    assert row["path"] == ["event", "type"]
    assert row["table"] == [
        {"value": "A.1", "class": "A", "constants": {}},
        {"value": "B.1", "class": "B", "constants": {}},
    ]


def test_a_union_in_a_union_is_one_union() -> None:
    schemas = {
        "A": obj("type", type=_const("a")),
        "B": obj("type", type=_const("b")),
        "C": obj("type", type=_const("c")),
        "V": {"anyOf": [A, B]},
    }
    assert [row["class"] for row in _meta(schemas, [reference("V"), C, A])["table"]] == ["A", "B", "C"]


def test_a_union_with_a_table_inside_a_union_is_flattened() -> None:
    schemas = {
        "U": {"anyOf": [A, B]},
        "A": obj("type", type=_const("a")),
        "B": obj("type", type=_const("b")),
        "C": obj("type", type=_const("c")),
    }
    assert [row["class"] for row in _meta(schemas, [reference("U"), C], "V")["table"]] == ["A", "B", "C"]


def test_a_union_defined_before_its_inner_unions_is_flattened() -> None:
    schemas = {
        "W": {"anyOf": [reference("V"), C]},
        "V": {"anyOf": [reference("U"), B]},
        "U": {"anyOf": [A, NULL]},
    }
    found = schemas_in(unions.discriminate(document(schemas), namer()))
    assert list(found["W"]["properties"].values()) == [A, NULL, B, C]


@pytest.mark.parametrize("other", [STRING, reference("E"), reference("Gone")])
def test_a_union_with_something_besides_objects_has_no_table(other: Json) -> None:
    schemas: Json = {name: obj("type", type=_const(name)) for name in ("A", "B")}
    schemas["E"] = {"type": "string", "enum": ["a", "b"]}
    assert _meta(schemas, [A, B, other]) == {"kind": "mixed"}


def test_a_constant_that_all_variants_share_is_not_a_tag() -> None:
    schemas = {name: obj("type", "mode", type=_const("x"), mode=_const(name)) for name in ("A", "B")}
    assert _meta(schemas, [A, B])["tag"] == "mode"


def test_a_member_without_a_constant_is_not_a_tag() -> None:
    schemas = {name: obj("first", "last", first=STRING, last=_const(name)) for name in ("A", "B")}
    assert _meta(schemas, [A, B])["tag"] == "last"


def test_a_constant_that_every_variant_has_is_a_tag_before_one_that_one_lacks() -> None:
    schemas: Json = {name: obj("type", "name", type=_const(name), name=_const(name)) for name in ("A", "B")}
    schemas["C"] = obj("name", name=_const("c"))
    assert _meta(schemas, [A, B, C])["tag"] == "name"


def test_a_nested_constant_that_one_variant_lacks_is_not_a_tag() -> None:
    schemas: Json = {
        "A": obj("type", type=_const("sync"), event=reference("InA")),
        "B": obj("type", type=_const("sync")),
        "C": obj("type", type=_const("c")),
        "InA": obj("type", type=_const("a.1")),
    }
    assert _meta(schemas, [A, B, C])["kind"] == "mixed"


def test_a_union_of_any_type_in_a_union_is_one_union() -> None:
    schemas = {"A": obj(a=STRING), "U": {"anyOf": [A, STRING]}, "V": {"anyOf": [reference("U"), NULL]}}
    found = schemas_in(unions.discriminate(document(schemas), namer()))
    assert list(found["V"]["properties"].values()) == [A, STRING, NULL]


def test_a_pin_names_the_unknown_variant_of_a_union() -> None:
    schemas = {name: obj("type", type=_const(name)) for name in ("A", "B")}
    given = document({**schemas, "U": {"anyOf": [A, B], "x-pointer": "#/u"}})
    found = unions.discriminate(given, namer(pins={"#/u#unknown": "Other"}))
    assert schemas_in(found)["U"]["x-oc"]["unknown"] == "Other"


def test_a_union_of_events_shares_the_unknown_event() -> None:
    schemas = {name: obj("type", type=_const(name), properties=STRING) for name in ("A", "B")}
    assert _meta(schemas, [A, B])["unknown"] == "UnknownEvent"


def test_members_that_a_table_looks_up_are_marked() -> None:
    schemas = {"A": obj("type", "v", type=_const("a"), v=_const(1)), "B": obj("type", type=_const("b"))}
    found = schemas_in(unions.discriminate(document({**schemas, "U": {"anyOf": [A, B]}}), namer()))
    assert found["A"]["x-oc"] == {"tags": ["type", "v"]}


def test_members_of_nested_classes_that_a_table_looks_up_are_marked() -> None:
    schemas: Json = {
        name: obj("type", type=_const("sync"), event=reference(f"In{name}")) for name in ("A", "B")
    }
    schemas |= {f"In{name}": obj("type", type=_const(f"{name}.1")) for name in ("A", "B")}
    schemas |= {"C": obj("type", type=_const("c")), "U": {"anyOf": [A, B, C]}}
    found = schemas_in(unions.discriminate(unions.nested_tables(document(schemas)), namer()))
    assert [found[name]["x-oc"] for name in ("InA", "InB", "A", "C")] == [{"tags": ["type"]}] * 4


def _hidden(member: Json) -> dict[str, Any]:
    return schemas_in(unions.hide_maps_and_enums(document({"A": obj(), "S": obj(m=member)})))


def test_a_map_becomes_a_reference_to_a_hidden_component() -> None:
    found = _hidden({"type": "object", "additionalProperties": A})
    name = next(iter(found))
    assert name.startswith("Map")
    assert found[name] == {"type": "object", "additionalProperties": A, "x-oc": {"kind": "map"}}
    assert found["S"]["properties"]["m"] == reference(name)


def test_an_enum_becomes_a_reference_to_a_hidden_component() -> None:
    found = _hidden({"type": "string", "enum": ["a", "b"], "description": "d"})
    name = next(iter(found))
    assert name.startswith("InlineEnum")
    assert found[name] == {"type": "string", "enum": ["a", "b"]}


def test_equal_maps_share_a_component() -> None:
    mapping: Json = {"type": "object", "additionalProperties": A}
    found = unions.hide_maps_and_enums(document({"S": obj(a=mapping, b={**mapping, "description": "d"})}))
    assert len(schemas_in(found)) == 2


def test_equal_enums_share_a_component_in_any_order_of_keywords() -> None:
    one: Json = {"type": "string", "enum": ["a", "b"]}
    found = unions.hide_maps_and_enums(document({"S": obj(a=one, b=dict(reversed(one.items())))}))
    assert len(schemas_in(found)) == 2


def test_a_map_of_maps_is_hidden_inside_out() -> None:
    inner: Json = {"type": "object", "additionalProperties": {}}
    found = _hidden({"type": "object", "additionalProperties": inner})
    first, second = list(found)[:2]
    assert found[second]["additionalProperties"] == reference(first)
