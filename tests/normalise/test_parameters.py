"""Rules over parameters: they move into their operations, and get Python names beside their wire names."""

from __future__ import annotations

from scripts.normalise import parameters
from scripts.normalise.schema import Json
from tests.normalise.small_documents import document, obj, one_operation, only

STRING: Json = {"type": "string"}


def _parameter(name: str, place: str = "query", schema: Json = STRING, **more: object) -> Json:
    return {"name": name, "in": place, "schema": schema, **more}


def test_a_path_items_parameters_move_into_its_operations() -> None:
    shared, own = _parameter("shared"), _parameter("own")
    given = document({}, {"/a": {"parameters": [shared], "get": {"parameters": [own]}, "put": {}}})
    item = parameters.own_parameters(given)["paths"]["/a"]
    assert item == {"get": {"parameters": [own, shared]}, "put": {"parameters": [shared]}}


def test_an_operations_own_parameter_wins_over_the_path_items() -> None:
    own = _parameter("a", description="own")
    given = document({}, {"/a": {"parameters": [_parameter("a")], "get": {"parameters": [own]}}})
    assert only(parameters.own_parameters(given))["parameters"] == [own]


def _named(*given: Json, path: str = "/a") -> dict[str, Json]:
    """{Python's name: {wire, in}} of an operation with these parameters."""
    found = only(parameters.named_parameters(one_operation({"parameters": list(given)}, path)))
    assert [parameter["name"] for parameter in found["parameters"]] == list(found["x-oc"]["parameters"])
    described: dict[str, Json] = found["x-oc"]["parameters"]
    return described


def test_a_parameter_has_a_python_name_and_keeps_its_wire_name() -> None:
    described = _named(_parameter("sessionID", "path"), path="/a/{sessionID}")
    assert described == {"session_id": {"wire": "sessionID", "in": "path"}}


def test_a_parameter_keeps_only_its_description_and_schema() -> None:
    given = _parameter("pageSize", description="how many", style="form", explode=True)
    found = only(parameters.named_parameters(one_operation({"parameters": [given]})))["parameters"]
    described = {"name": "page_size", "in": "query", "schema": STRING, "description": "how many"}
    assert found == [{**described, "required": False}]


def test_a_variable_of_the_path_has_its_parameters_type() -> None:
    given = one_operation({"parameters": [_parameter("id", "path", {"type": "integer"})]}, "/a/{id}")
    [found] = only(parameters.named_parameters(given))["parameters"]
    assert found["schema"] == {"type": "integer"}


def test_parameters_that_are_already_named_keep_their_names() -> None:
    once = parameters.named_parameters(one_operation({"parameters": [_parameter("pageSize")]}))
    assert parameters.named_parameters(once) == once


def test_a_parameter_in_the_path_is_always_required() -> None:
    given = one_operation({"parameters": [_parameter("id", "path", required=False)]}, "/a/{id}")
    assert only(parameters.named_parameters(given))["parameters"][0]["required"] is True


def test_a_parameter_without_a_schema_accepts_any_type() -> None:
    given = one_operation({"parameters": [{"name": "a", "in": "query"}]})
    assert only(parameters.named_parameters(given))["parameters"][0]["schema"] == {}


def test_each_member_of_a_deep_object_is_a_parameter() -> None:
    location = _parameter("location", schema=obj(directory=STRING, workspace=STRING), style="deepObject")
    assert _named(location) == {
        "location_directory": {"wire": "location[directory]", "in": "query"},
        "location_workspace": {"wire": "location[workspace]", "in": "query"},
    }


def test_a_deep_objects_member_is_required_when_both_are() -> None:
    schema = obj("a", a=STRING, b=STRING)
    given = one_operation({"parameters": [_parameter("o", schema=schema, style="deepObject", required=True)]})
    found = only(parameters.named_parameters(given))["parameters"]
    assert [parameter["required"] for parameter in found] == [True, False]
    assert [parameter["schema"] for parameter in found] == [STRING, STRING]


def test_a_deep_object_without_members_remains_one_parameter() -> None:
    deep = _parameter("filter", schema={"type": "object", "additionalProperties": {}}, style="deepObject")
    assert list(_named(deep)) == ["filter"]


def test_of_two_parameters_with_one_name_the_query_parameter_gets_a_prefix() -> None:
    described = _named(_parameter("id", "path"), _parameter("id"), path="/a/{id}")
    assert described == {"id": {"wire": "id", "in": "path"}, "query_id": {"wire": "id", "in": "query"}}


def test_each_parameter_has_a_different_name() -> None:
    described = _named(_parameter("a"), _parameter("a", "header"), _parameter("query_a"))
    assert {(place["in"], place["wire"]) for place in described.values()} == {
        ("query", "a"),
        ("header", "a"),
        ("query", "query_a"),
    }


def test_an_undescribed_variable_of_the_path_is_a_string() -> None:
    found = only(parameters.named_parameters(one_operation({}, "/a/{b}")))
    assert found["parameters"] == [{"name": "b", "in": "path", "required": True, "schema": STRING}]


def test_a_path_parameter_that_is_missing_in_the_path_is_dropped() -> None:
    assert _named(_parameter("gone", "path")) == {}


def test_a_keyword_as_parameter_gets_an_underscore() -> None:
    assert list(_named(_parameter("from"))) == ["from_"]


def test_the_members_of_a_deep_object_by_reference_are_arguments() -> None:
    given = _parameter("location", schema={"$ref": "#/components/schemas/Location"}, style="deepObject")
    found = parameters.named_parameters(
        one_operation({"parameters": [given]}, schemas={"Location": obj("directory", directory=STRING)})
    )
    assert [one["name"] for one in only(found)["parameters"]] == ["location_directory"]
