"""Run openapi-python-client with our templates, which get `package` beside what it gives them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from pathlib import Path

from jinja2 import StrictUndefined
from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError

from scripts.normalise.schema import META, Json, schemas_of, with_schemas
from scripts.render.namespaces import package_view

TEMPLATES = Path(__file__).resolve().parents[2] / "custom_templates"


class GeneratorWarningError(Exception):
    """The generator could not read the document, or left a part of it out. The message has all its warnings."""


def run(document: Json, settings: Json, package: Path) -> None:
    """Write the generator's files for a normalised document into the new folder `package`.

    Raises:
        GeneratorWarningError: the generator warned, or could not read the document.
    """
    config = Config.from_sources(
        ConfigFile(**settings),
        MetaType.NONE,
        document_source=package,
        file_encoding="utf-8",
        overwrite=False,
        output_path=package,
    )
    data = GeneratorData.from_dict(_with_python_names(document), config=config)
    if isinstance(data, GeneratorError):
        raise GeneratorWarningError(_text([data]))
    project = Project(openapi=data, config=config, custom_template_path=TEMPLATES)
    project.env.undefined = StrictUndefined
    project.env.globals["package"] = package_view(document)  # pyright: ignore[reportArgumentType] # any value may
    with contextlib.redirect_stdout(io.StringIO()):  # it prints the folder's name
        errors = project.build()
    if errors:
        raise GeneratorWarningError(_text(errors))


def _with_python_names(document: Json) -> Json:
    """Give members their Python names: the generator would give some of them the same, such as `+1` and `-1`.

    Only the templates read members, and these from `document`.
    """

    def renamed(schema: Json) -> Json:
        names: dict[str, str] = schema.get(META, {}).get("members", {})
        members: Json = schema.get("properties", {})
        if schema.get(META, {}).get("kind") not in ("body", "object"):
            return schema
        required = [names[name] for name in schema.get("required", ())]
        return {
            **schema,
            "properties": {names[n]: member for n, member in members.items()},
            "required": required,
        }

    return with_schemas(document, {name: renamed(schema) for name, schema in schemas_of(document).items()})


def _text(errors: Iterable[GeneratorError]) -> str:
    return "\n".join(f"{error.header}\n{error.detail or ''}" for error in errors)
