"""Facts about classes: names of members, modules and imports."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import members, unions
from scripts.normalise.schema import Json
from tests.normalise.small_documents import document, namer, obj, ok, one_operation, reference, schemas_in

STRING: Json = {"type": "string"}
A, B = reference("A"), reference("B")


def _class(schema: Json) -> dict[str, Any]:
    found = members.name_members(document({"S": schema}), namer())
    meta: dict[str, Any] = schemas_in(found)["S"]["x-oc"]
    return meta


def test_members_have_python_names() -> None:
    assert _class(obj(sessionID=STRING, **{"from": STRING}))["members"] == {
        "sessionID": "session_id",
        "from": "from_",
    }


@pytest.mark.parametrize(("member", "shadows"), [("list", ["list"]), ("str", ["str"]), ("title", [])])
def test_a_member_with_the_name_of_a_builtin_type_is_marked(member: str, shadows: list[str]) -> None:
    assert _class(obj(**{member: STRING}))["shadows"] == shadows


def test_a_class_keeps_its_pointer_into_the_servers_document() -> None:
    assert _class({**obj(), "x-pointer": "#/components/schemas/S"})["pointer"] == "#/components/schemas/S"


def test_a_hidden_enum_is_not_a_class() -> None:
    given = document({"E": {"type": "string", "enum": ["a", "b"]}})
    assert members.name_members(given, namer()) == given


def test_two_members_of_one_python_name_are_reported() -> None:
    names = namer()
    members.name_members(document({"S": obj(aB=STRING, a_b=STRING)}), names)
    assert len(names.report) == 1


def _open(operation: Json, schemas: Json) -> list[str]:
    given = members.name_members(one_operation(operation, schemas=schemas), namer())
    found = schemas_in(members.open_what_is_read(given))
    return [name for name, schema in found.items() if schema["x-oc"]["open"]]


def _body(schema: Json) -> Json:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def _parameter(schema: Json) -> Json:
    return {"parameters": [{"name": "a", "in": "query", "schema": schema}]}


def test_a_class_in_a_response_is_open() -> None:
    assert _open({"responses": ok(A)}, {"A": obj()}) == ["A"]


@pytest.mark.parametrize("sent", [_body(A), _parameter(A)])
def test_a_class_only_in_requests_is_closed(sent: Json) -> None:
    assert _open(sent, {"A": obj()}) == []


@pytest.mark.parametrize("sent", [_body(A), _parameter(A)])
def test_a_class_in_a_request_and_a_response_is_open(sent: Json) -> None:
    assert _open({**sent, "responses": ok(A)}, {"A": obj()}) == ["A"]


def test_classes_inside_a_sent_class_are_closed() -> None:
    assert _open(_body(A), {"A": obj(b={"type": "array", "items": B}), "B": obj()}) == []


def test_classes_inside_a_response_are_open_even_when_sent() -> None:
    schemas = {"A": obj(b=B), "B": obj(), "Body": {**obj(b=B), "x-oc": {"kind": "body"}}}
    assert _open({**_body(reference("Body")), "responses": ok(A)}, schemas) == ["A", "B"]


def test_the_body_of_an_error_is_open() -> None:
    response = {"404": {"description": "", "x-oc": {"errors": {"404": ["A"]}}}}
    assert _open({**_body(A), "responses": response}, {"A": obj()}) == ["A"]


def test_a_class_that_no_operation_names_is_open() -> None:
    assert _open({}, {"A": obj()}) == ["A"]


def test_classes_that_contain_each_other_cause_no_endless_loop() -> None:
    assert _open({"responses": ok(A)}, {"A": obj(b=B), "B": obj(a=A)}) == ["A", "B"]


def _placed(schemas: Json, *shared: str, operation: Json | None = None) -> dict[str, Any]:
    marked = {
        name: {"x-pointer": f"#/components/schemas/{name}", **schema} for name, schema in schemas.items()
    }
    given = document(marked) if operation is None else one_operation(operation, schemas=marked)
    found = unions.discriminate(given, namer())
    for rule in (unions.hide_maps_and_enums, members.open_what_is_read):
        found = rule(members.name_members(found, namer()))
    return schemas_in(members.assign_modules(members.name_members(found, namer()), shared))


def _modules(schemas: Json, *shared: str, operation: Json | None = None) -> dict[str, str]:
    found = _placed(schemas, *shared, operation=operation)
    return {name: schema["x-oc"].get("module") for name, schema in found.items()}


def _inline(schema: Json, pointer: str) -> Json:
    return {**schema, "x-pointer": f"#/components/schemas/{pointer}"}


def test_a_component_that_two_classes_use_has_its_own_module() -> None:
    assert _modules({"S": obj(a=A), "T": obj(a=A), "A": obj()}) == {"S": "s", "T": "t", "A": "a"}


def test_a_component_that_one_class_uses_is_in_the_module_of_that() -> None:
    assert _modules({"S": obj(a=A), "A": obj(b=B), "B": obj()}) == {"S": "s", "A": "s", "B": "s"}


def test_components_that_use_each_other_are_in_one_module() -> None:
    assert len(set(_modules({"S": obj(a=A), "A": obj(s=reference("S"))}).values())) == 1


@pytest.mark.parametrize("operation", [{"responses": ok(A)}, _body(A), _body(reference("Body"))])
def test_a_component_of_an_operation_has_its_own_module(operation: Json) -> None:
    schemas = {"S": obj(a=A), "A": obj(), "Body": {**obj(a=A), "x-oc": {"kind": "body"}}}
    assert _modules(schemas, operation=operation)["A"] == "a"


@pytest.mark.parametrize(("count", "shared"), [(10, True), (11, False)])
def test_the_variants_of_a_small_union_are_in_its_module(count: int, shared: bool) -> None:
    schemas = {f"V{number}": obj("type", type={"const": str(number)}) for number in range(count)}
    found = _modules({**schemas, "U": {"anyOf": [reference(name) for name in schemas]}})
    assert set(found.values()) == ({"u"} if shared else {"u", *map(str.lower, schemas)})


def test_classes_that_only_error_responses_use_share_a_module() -> None:
    operation: Json = {"responses": ok(A), "x-oc": {"errors": {"404": ["A", "B"], "409": ["C"]}}}
    found = _modules({"A": obj(), "B": obj(), "C": obj(a=A)}, operation=operation)
    assert found == {"A": "a", "B": "error_bodies", "C": "error_bodies"}


def test_components_in_a_circle_cause_no_endless_loop() -> None:
    order = {"A": "C", "C": "B", "B": "A"}
    users = {name: obj(x=reference(used)) for used, name in order.items()}
    assert set(_modules({name: users[name] for name in ("A", "C", "B")})) == {"A", "B", "C"}


def test_an_inline_class_that_one_module_uses_is_in_that_module() -> None:
    schemas = {
        "Session": obj(time=reference("SessionTime")),
        "SessionTime": _inline(obj(), "Session/properties/time"),
    }
    assert _modules(schemas)["SessionTime"] == "session"


def test_an_inline_class_that_two_modules_use_has_its_own_module() -> None:
    inner = reference("Data")
    schemas = {"A": obj(d=inner), "B": obj(d=inner), "Data": _inline(obj(), "A/properties/d")}
    assert _modules(schemas)["Data"] == "data"


def test_a_class_of_same_toml_is_in_the_module_of_the_class_it_is_named_after() -> None:
    inner = reference("AData")
    schemas = {"A": obj(d=inner), "B": obj(d=inner), "AData": _inline(obj(), "A/properties/d")}
    assert _modules(schemas, "AData") == {"A": "a", "B": "b", "AData": "a"}


def test_a_class_of_same_toml_with_another_name_has_its_own_module() -> None:
    inner = reference("Data")
    schemas = {"A": obj(d=inner), "B": obj(d=inner), "Data": _inline(obj(), "A/properties/d")}
    assert _modules(schemas, "Data")["Data"] == "data"


def test_an_inline_class_follows_its_only_user() -> None:
    schemas = {
        "A": obj(b=reference("AB")),
        "ABC": _inline(obj(), "A/properties/b/properties/c"),
        "AB": _inline(obj(c=reference("ABC")), "A/properties/b"),
    }
    assert _modules(schemas)["ABC"] == "a"


def test_a_class_inside_a_hidden_map_is_in_its_users_module() -> None:
    by_id = {"type": "object", "additionalProperties": reference("SById")}
    found = _modules(
        {"S": obj(by_id=by_id), "SById": _inline(obj(), "S/properties/by_id/additionalProperties")}
    )
    assert found["SById"] == "s"


def test_names_that_differ_in_case_have_two_modules() -> None:
    found = _modules({"LLMEvent": obj(), "LlmEvent": obj()})
    assert len(set(found.values())) == 2


def test_the_last_class_of_a_module_lists_its_contents() -> None:
    schemas = {
        "Session": obj(time=reference("SessionTime")),
        "SessionTime": _inline(obj(), "Session/properties/time"),
    }
    found = _placed(schemas)
    assert "render" not in found["Session"]["x-oc"]
    assert found["SessionTime"]["x-oc"]["render"] == {
        "classes": ["Session", "SessionTime"], "runtime": [], "types": []
    }  # fmt: skip


def test_a_module_reads_with_the_readers_of_others() -> None:
    rendered = _placed({"S": obj(a=A), "T": obj(a=A), "A": obj(), "B": obj()})["S"]["x-oc"]["render"]
    assert rendered == {"classes": ["S"], "runtime": [("a", "read_a")], "types": [("a", "A")]}


def test_a_union_needs_only_the_readers_in_its_table() -> None:
    schemas = {name: obj("type", type={"const": name}) for name in ("A", "B")}
    rendered = _placed({**schemas, "T": obj(a=A, b=B), "U": {"anyOf": [A, B]}})["U"]["x-oc"]["render"]
    assert rendered == {"classes": ["U"], "runtime": [], "types": [("a", "A"), ("b", "B")]}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def test_an_alias_that_contains_itself_lists_the_aliases_of_the_circle() -> None:
    schemas = {
        "A": obj(s=reference("S")),
        "S": obj(u=reference("U")),
        "U": {"anyOf": [A, _list(reference("V")), _list(reference("U"))]},
        "V": {"anyOf": [A, STRING, _list(reference("U"))]},
        "W": {"anyOf": [A, reference("V")]},
    }
    found = {name: schema["x-oc"] for name, schema in _placed(schemas).items()}
    assert {name: found[name]["circular"] for name in ("U", "V", "W")} == {
        "U": ["U", "V"],
        "V": ["U"],
        "W": [],
    }
    assert {name: found[name]["uses"] for name in ("U", "V")} == {"U": [("a", "A")], "V": [("a", "A")]}


def test_a_class_inside_nested_hidden_maps_is_found() -> None:
    inner = {"type": "object", "additionalProperties": A}
    holder = obj(b=B, m={"type": "object", "additionalProperties": inner})
    schemas = {"S": holder, "T": holder, "A": obj(), "B": obj()}
    assert _placed(schemas)["S"]["x-oc"]["render"]["types"] == [("a", "A"), ("b", "B")]


def test_a_class_that_is_used_twice_does_not_hide_other_classes() -> None:
    holder = obj(b=B, a=A, again=A, gone=reference("Gone"))
    rendered = _placed({"S": holder, "T": holder, "A": obj(), "B": obj()})["S"]
    assert rendered["x-oc"]["render"]["types"] == [("a", "A"), ("b", "B")]


def test_a_module_imports_the_classes_of_others() -> None:
    found = _placed({"S": obj(a=A), "T": obj(a=A), "A": obj()})
    assert ("a", "A") in {tuple(each) for each in found["S"]["x-oc"]["render"]["types"]}


def test_a_unions_rows_have_the_modules_of_their_classes() -> None:
    schemas = {name: obj("type", type={"const": name}) for name in ("A", "B")}
    rows = _placed({**schemas, "T": obj(a=A, b=B), "U": {"anyOf": [A, B]}})["U"]["x-oc"]["table"]
    assert [(row["class"], row["module"]) for row in rows] == [("A", "a"), ("B", "b")]


def test_the_second_level_rows_of_a_union_have_the_modules_of_their_classes() -> None:
    schemas = {name: obj("type", "k", type={"const": "x"}, k={"const": name}) for name in ("A", "B")}
    schemas["C"] = obj("type", type={"const": "c"})
    schemas["T"] = obj(a=A, b=B, c=reference("C"))
    [row, last] = _placed({**schemas, "U": {"anyOf": [A, B, reference("C")]}})["U"]["x-oc"]["table"]
    assert [(leaf["class"], leaf["module"]) for leaf in row["table"]] == [("A", "a"), ("B", "b")]
    assert last["module"] == "c"


def test_a_union_has_the_module_of_its_variant_without_a_tag() -> None:
    schemas = {name: obj("type", type={"const": name}) for name in ("A", "B")}
    schemas |= {"C": obj(x=STRING), "T": obj(c=reference("C"))}
    found = _placed({**schemas, "U": {"anyOf": [A, B, reference("C")]}})
    assert found["U"]["x-oc"]["otherwise_module"] == "c"


def test_a_body_has_no_module() -> None:
    assert _modules({"Body": {**obj(), "x-oc": {"kind": "body"}}}) == {"Body": None}
