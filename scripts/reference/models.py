"""The page of models: every component of the document that is not an event."""

from __future__ import annotations

from scripts.normalise.schema import schemas_of
from scripts.reference.markdown import anchor, code, prose
from scripts.reference.pages import field_table
from scripts.reference.untrusted import object_at, text_at
from scripts.reference.view import INDEX_PAGE, MODELS_PAGE, View


def models_page(view: View) -> list[str]:
    """The page's lines, without the first line, which names the generator."""
    lines = [
        f"# {view.words.models}",
        "",
        f"[← {view.words.back}]({INDEX_PAGE})",
        "",
        view.words.models_about,
    ]
    schemas = schemas_of(view.document)
    here = {name: view.homes[name].split("#") for name in sorted(schemas, key=str.casefold)}
    links = [f"[{code(name)}](#{target})" for name, (page, target) in here.items() if page == MODELS_PAGE]
    lines += ["", f"**{view.words.on_this_page}**", "", " · ".join(links)]
    for name in sorted(schemas, key=str.casefold):
        page, target = view.homes[name].split("#")
        if page == MODELS_PAGE:
            lines += ["", anchor(target), "", f"## {code(name)}", "", *_model(view, name)]
    return lines


def _model(view: View, name: str) -> list[str]:
    schema = object_at(schemas_of(view.document), name)
    description = prose(view.catalogue.text(text_at(schema, "description")))
    lines = [description, ""] if description else []
    fields = view.shapes.members(schema)
    if object_at(schema, "properties") and fields:
        texts = [
            view.text((f"{name}.{field.name}",), view.shapes.description(field.schema), field.schema)
            for field in fields
        ]
        return [*lines, *field_table(view, fields, texts)]
    return [*lines, view.shapes.type(schema)]
