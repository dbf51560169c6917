"""The views that templates print: types, read expressions, table rows and docstrings of small documents."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from scripts.normalise import normalise
from scripts.normalise.schema import Json, schemas_of
from scripts.render.models import model_view, union_view
from scripts.render.namespaces import package_view
from scripts.render.python_types import Types, allows_null
from scripts.render.views import MemberView, MethodView, PackageView
from tests.normalise.small_documents import document, obj, ok, reference

_TEXT: Json = {"type": "string"}
_NULL: Json = {"type": "null"}
_SCHEMAS: dict[str, Json] = {
    "Dot": obj("type", type={"const": "dot"}, label=_TEXT),
    "Line": obj("type", type={"const": "line"}, next=reference("Dot")),
    "Mark": {"anyOf": [reference("Dot"), reference("Line")]},
    "Blend": {"anyOf": [_TEXT, reference("Dot")]},
    "Loose": {"anyOf": [reference("Dot"), reference("Line"), obj("x", x=_TEXT)]},
    "MaybeText": {"anyOf": [_TEXT, _NULL]},
}


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}


def _map(values: Json) -> Json:
    return {"type": "object", "additionalProperties": values}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, _NULL]}


def _normalised(schemas: dict[str, Json], paths: dict[str, Any] | None = None) -> Json:
    found = normalise(document(schemas, paths), strict=False, pins={}, observed=[]).document
    return found | {"info": {"title": "", "version": "1.2.3", "description": "abc"}}


def _types_of(schema: Json) -> tuple[Types, Json]:
    """Return the types of a document, and `schema` in a member after all rules."""
    types = Types(schemas_of(_normalised({**_SCHEMAS, "Owner": obj("it", it=schema)})))
    return types, types.components["Owner"]["properties"]["it"]


def _member(schema: Json, *, required: bool = True) -> MemberView:
    owner = obj(*(["it"] if required else []), it=schema)
    [member] = model_view("Owner", Types(schemas_of(_normalised({**_SCHEMAS, "Owner": owner})))).members
    return member


def _package(operation: Json, path: str = "/a", method: str = "get") -> PackageView:
    full: Json = {"operationId": "a.get", "responses": {"204": {"description": ""}}, **operation}
    return package_view(_normalised(_SCHEMAS, {path: {method: full}}))


def _method(operation: Json, path: str = "/a", method: str = "get") -> MethodView:
    return _package(operation, path, method).namespaces["a"].methods[0]


def _body_method(**members: Json) -> MethodView:
    body = {"content": {"application/json": {"schema": obj(**members)}}}
    return _method({"operationId": "a.set", "requestBody": body}, method="post")


@pytest.mark.parametrize(
    ("schema", "annotation", "argument"),
    [
        ({}, "Any", "Any"),
        ({"type": "integer"}, "int", "int"),
        ({"type": "number"}, "float", "float"),
        ({"type": "boolean"}, "bool", "bool"),
        ({"enum": ["b", "a", "B"]}, "Literal['a', 'B', 'b'] | str", "Literal['a', 'B', 'b']"),
        ({"enum": [2, 1]}, "Literal[1, 2] | int", "Literal[1, 2]"),
        ({"const": "it's"}, 'Literal["it\'s"] | str', 'Literal["it\'s"]'),
        ({"const": True}, "bool", "Literal[True]"),
        (_array(_TEXT), "list[str]", "Sequence[str]"),
        (_map({}), "JsonObject", "Mapping[str, Any]"),
        (_map(_array(_TEXT)), "dict[str, list[str]]", "Mapping[str, Sequence[str]]"),
        (reference("Dot"), "Dot", "Dot | JsonMapping"),
        (_array(reference("Mark")), "list[Mark]", "Sequence[Mark | JsonMapping]"),
        (_or_null(reference("Dot")), "Dot | None", "Dot | JsonMapping | None"),
        ({"anyOf": [{"const": True}, {"type": "boolean"}]}, "bool", "Literal[True] | bool"),
        (
            {"anyOf": [reference("MaybeText"), _array(_TEXT)]},
            "str | None | list[str]",
            "str | Sequence[str] | None",
        ),
        ({"anyOf": [_NULL, _TEXT, _array(_TEXT)]}, "None | str | list[str]", "str | Sequence[str] | None"),
    ],
)
def test_annotations_are_open_and_arguments_closed(schema: Json, annotation: str, argument: str) -> None:
    types, found = _types_of(schema)
    assert (types.annotation(found, opened=True), types.argument(found)) == (annotation, argument)


def test_a_builtin_that_a_member_hides_is_named_with_its_module() -> None:
    types, schema = _types_of(_map(_array(_TEXT)))
    hidden = {"dict", "list"}
    assert types.annotation(schema, opened=True, hidden=hidden) == "builtins.dict[str, builtins.list[str]]"


def test_an_unknown_variant_has_optional_members_in_python() -> None:
    first, second = (
        obj("type", type={"const": tag}, theID=_TEXT, to=to) for tag, to in (("a", _TEXT), ("b", _NULL))
    )
    schemas = {"A": first, "B": second, "U": {"anyOf": [reference("A"), reference("B")]}}
    view = union_view("U", Types(schemas_of(_normalised(schemas))))
    assert view.shared == (("the_id", "str | None"), ("to", "str | None"))
    assert view.wire_names == (("'the_id'", "'theID'"),)


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (obj("providerID", "modelID", providerID=_TEXT, modelID=_TEXT), "modelID"),
        (obj("providerID", "id", providerID=_TEXT, id=_TEXT, variant=_TEXT), "id"),
        (_or_null(obj("providerID", "id", providerID=_TEXT, id=_TEXT)), "id"),
    ],
)
def test_a_model_argument_also_accepts_a_string(model: Json, key: str) -> None:
    method = _body_method(model=model)
    assert any(parameter.startswith("model: str | ") for parameter in method.keyword)
    assert f"model='{key}'" in method.operation.arguments
    assert "structured" not in "".join(method.operation.arguments)


@pytest.mark.parametrize(
    "members", [{"model": _TEXT}, {"model": obj("a", a=_TEXT)}, {"model": {}}, {"other": _TEXT}]
)
def test_other_arguments_do_not_accept_a_model_as_a_string(members: dict[str, Json]) -> None:
    assert not any(text.startswith("model=") for text in _body_method(**members).operation.arguments)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (_TEXT, "x"),
        (_array(_map(_TEXT)), "x"),
        (reference("Dot"), "read_dot(x)"),
        (reference("Mark"), "read_mark[x['type']](x)"),
        (reference("Blend"), "read_blend.read(x)"),
        (reference("Loose"), "read_loose.read(x)"),
        (_or_null(reference("Dot")), "None if x is None else read_dot(x)"),
        (_array(_array(reference("Dot"))), "[[read_dot(item1) for item1 in array(item)] for item in array(x)]"),
        (_map(_map(reference("Dot"))),
         "{key: {key1: read_dot(item1) for key1, item1 in item.items()} for key, item in x.items()}"),
    ],
)  # fmt: skip
def test_the_expression_reads_models_at_every_depth(schema: Json, expected: str) -> None:
    types, found = _types_of(schema)
    assert types.read(found, "x") == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, True),
        (_TEXT, False),
        (_or_null(_TEXT), True),
        ({"anyOf": [_NULL, _TEXT]}, True),
        (_map({}), False),
    ],
)
def test_null_is_allowed_by_any_type_and_by_a_union_with_null(schema: Json, expected: bool) -> None:
    _, found = _types_of(schema)
    assert allows_null(found) is expected


@pytest.mark.parametrize(
    ("schema", "required", "expected"),
    [
        (_TEXT, True, ("str", "", "", "data['it']", "v0")),
        (_TEXT, False, ("str | None", "None", "", "data['it'] if 'it' in data else None", "")),
        (_or_null(_TEXT), True, ("str | None", "", "", "data['it']", "")),
        ({"const": "x"}, True, ("Literal['x'] | str", "'x'", "", "data['it']", "v0")),
        (reference("Dot"), True, ("Dot", "", "", "read_dot(data['it'])", "")),
        (reference("Mark"), True, ("Mark", "", "data['it']", "read_mark[value['type']](value)", "")),
        (_or_null(reference("Dot")), False, ("Dot | None", "None", "data['it'] if 'it' in data else None",
                                             "None if value is None else read_dot(value)", "")),
        (reference("Dot"), False, ("Dot | None", "None", "data['it'] if 'it' in data else None",
                                   "None if value is None else read_dot(value)", "")),
    ],
)  # fmt: skip
def test_a_member_is_checked_for_null_where_it_must_not_be(
    schema: Json, required: bool, expected: tuple[str, ...]
) -> None:
    member = _member(schema, required=required)
    assert (member.annotation, member.default, member.source, member.read, member.local) == expected


def test_a_tag_is_closed_and_not_checked_for_null() -> None:
    view = model_view("Dot", Types(schemas_of(_normalised(_SCHEMAS))))
    tag = view.members[0]
    assert (tag.annotation, tag.default, tag.local) == ("Literal['dot']", "'dot'", "")


def test_a_description_that_ends_with_a_quote_does_not_end_its_docstring() -> None:
    assert _member({**_TEXT, "description": 'Say "a"'}).docstring == '"""Say "a" """'


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        ([obj("type", type={"const": "a"}), obj("type", type={"const": "b"})], ("'type'", "'a'", "Variants")),
        ([obj("ok", ok={"const": True}), obj("ok", ok={"const": False})], ("'ok'", "True", "ExactVariants")),
    ],
)
def test_tags_that_are_not_text_are_compared_exactly(variants: list[Json], expected: tuple[str, ...]) -> None:
    view = union_view("Either", Types(schemas_of(_normalised({"Either": {"anyOf": variants}}))))
    assert (view.tag, view.table[0][0], view.reader_class) == expected


def test_a_long_alias_is_in_lines_that_checkers_read() -> None:
    names = [f"{letter * 40}" for letter in "ABCD"]
    schemas = {name: obj("type", type={"const": name}) for name in names}
    union = {"anyOf": [reference(name) for name in names]}
    view = union_view("Long", Types(schemas_of(_normalised({**schemas, "Long": union}))))
    assert view.quoted_alias.startswith('"""(\n        ')
    assert ast.unparse(ast.parse(ast.literal_eval(view.quoted_alias), mode="eval")) == view.alias
    assert max(map(len, view.quoted_alias.splitlines())) <= 120


def test_a_union_without_a_tag_has_no_table() -> None:
    view = union_view("Blend", Types(schemas_of(_normalised(_SCHEMAS))))
    assert (view.table, view.alias) == ((), "str | Dot")


def test_arguments_are_sent_in_the_path_the_query_and_the_body() -> None:
    body = {"content": {"application/json": {"schema": obj("note", note=_TEXT, due=_or_null(_TEXT))}}}
    query = {"name": "theLimit", "in": "query", "schema": _or_null({"type": "integer"})}
    method = _method({"parameters": [query], "requestBody": body}, "/a/{theId}", "post")
    assert method.positional == ("the_id: str",)
    assert method.keyword == ("note: str", "the_limit: int | None = None", "due: str | None | Unset = UNSET")
    assert (method.path, method.query) == (("the_id",), (("'theLimit'", "the_limit"),))
    assert method.body == (("'note'", "note"), ("'due'", "due"))
    assert "nullable=frozenset({'due'})" in method.operation.arguments


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (reference("Dot"), '{"type": ...}'),
        (_or_null(_array(_TEXT)), "a list"),
        (obj(a=_TEXT), "an object"),
        ({"type": "object", "additionalProperties": _TEXT}, "an object"),
        (reference("Blend"), None),
        (_TEXT, None),
        ({}, None),
    ],
)
def test_the_table_shows_the_form_of_members_that_are_not_text(schema: Json, expected: str | None) -> None:
    body = {"content": {"application/json": {"schema": obj(it=schema, note=_TEXT)}}}
    found = [
        one
        for one in _method({"requestBody": body}, method="post").operation.arguments
        if "structured" in one
    ]
    assert found == ([] if expected is None else [f"structured={{'it': {expected!r}}}"])


def test_a_body_that_is_not_an_object_is_one_argument() -> None:
    body = {"content": {"application/json": {"schema": _array(reference("Dot"))}}}
    method = _method({"requestBody": body}, method="post")
    assert (method.keyword, method.body, method.body_argument) == (
        ("body: Sequence[Dot | JsonMapping]",), (), "body",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ({"204": {"description": ""}}, "None"),
        (ok(reference("Dot")), "Dot"),
        (ok({}, "text/plain"), "str"),
        (ok({}, "image/png"), "bytes"),
        ({**ok(_array(_TEXT)), "404": {"description": ""}}, "list[str]"),
    ],
)
def test_a_method_returns_the_content_of_the_successful_response(responses: Json, expected: str) -> None:
    method = _method({"responses": responses})
    assert (method.returns, method.operation.returns) == (expected, expected)


def test_the_table_leaves_out_defaults() -> None:
    assert _method({}).operation.arguments[:3] == ("'a.get'", "'GET'", "'/a'")
    assert all("=" in argument for argument in _method({}).operation.arguments[3:])


def test_a_docstring_names_the_errors_that_the_statuses_raise() -> None:
    error: Json = ok(reference("Dot"))["200"]
    responses: Json = {"204": {"description": ""}} | dict.fromkeys(("404", "418", "500", "503"), error)
    raised = _method({"responses": responses}).docstring.split("Raises:")[1].split()
    assert raised[::2][:3] == ["NotFoundError:", "StatusError:", "ServerError:"]


def test_a_docstring_describes_the_operation_its_arguments_and_its_result() -> None:
    query = {"name": "limit", "in": "query", "schema": {"type": "integer"}, "description": "At most."}
    result = {"200": {**ok(_array(_TEXT))["200"], "description": "The names"}}
    method = _method({"summary": "List", "description": "All.", "parameters": [query], "responses": result})
    assert method.docstring.split("\n")[:6] == [
        '"""List.', "", "        All.", "", "        Args:", "            limit: At most.",
    ]  # fmt: skip
    assert "Returns:\n            The names." in method.docstring
    assert method.async_docstring == '"""List: as `ANamespace.get`, awaited."""'


def test_a_docstring_has_the_note_of_kinds_toml() -> None:
    paths = {"/session/{id}/message": {"post": {"operationId": "session.prompt", "responses": ok({})}}}
    [method] = package_view(_normalised({}, paths)).namespaces["session"].methods
    assert "`client.run`" in method.docstring


def test_a_description_that_repeats_the_summary_is_left_out() -> None:
    assert _method({"summary": "List", "description": "List"}).docstring.count("List") == 1


def test_a_namespace_with_operations_has_its_own_module() -> None:
    paths = {f"/{name}": {"get": {"operationId": name, "responses": ok({})}} for name in ("a.get", "a.b.get")}
    package = package_view(_normalised({}, paths))
    assert (package.parents, [child.module for child in package.client.children]) == ((), ["a"])


def test_namespaces_without_operations_are_classes_of_one_module() -> None:
    package = _package({"operationId": "a.b.get"})
    assert [(parent.path, parent.children[0].module) for parent in package.parents] == [("a", "a_b")]
    assert [(child.name, child.module) for child in package.client.children] == [("a", None)]


def test_a_namespace_without_operations_below_one_with_operations_is_imported_from_the_parents_module() -> (
    None
):
    ids = ("a.get", "a.b.c.list")
    package = package_view(
        _normalised({}, {f"/{name}": {"get": {"operationId": name, "responses": ok({})}} for name in ids})
    )
    [child] = package.namespaces["a"].children
    [parent] = package.parents
    assert (child.name, child.module, parent.path, parent.children[0].module) == ("b", "", "a.b", "a_b_c")
