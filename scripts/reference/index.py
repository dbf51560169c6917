"""Write the index page. The rows of seed.toml come first and keep their order; the rest is from the document."""

from __future__ import annotations

from scripts.reference.markdown import code, fenced, table
from scripts.reference.tasks import tasks
from scripts.reference.view import MODELS_PAGE, REALTIME_PAGE, View

COMMAND = "python scripts/gen-opencode-api-docs.py"
DEFAULT_URL = "http://host.docker.internal:34917/doc"


def index_page(view: View) -> list[str]:
    """The page's lines, without the first line, which names the generator."""
    words = view.words
    argument = "[URL或openapi.json路径]" if view.language == "zh" else "[URL or path of an openapi.json]"
    version = f"opencode {view.version}" if view.version else "OpenAPI " + code(view.document["openapi"])
    themes = [
        [f"[{words.realtime}]({REALTIME_PAGE})", words.realtime_about],
        [f"[{words.models}]({MODELS_PAGE})", words.models_about],
    ]
    rows = [
        [
            f"[{view.title(entry)}]({entry.module.file})",
            f"[{code(entry.name)}]({entry.link})",
            view.row(entry),
            view.status(entry),
            view.short_call(entry),
        ]
        for entry in view.entries
    ]
    return [
        *(f"# {words.title}", "", words.about, "", *tasks(view), f"## {words.common}", ""),
        *(f"- {point}" for point in words.common_points),
        f"- {words.source.format(version=version, count=len(view.entries))}",
        *("", f"## {words.again}", "", *fenced(f"{COMMAND} {argument}", "bash"), ""),
        *(words.again_text.format(url=DEFAULT_URL), "", "---", "", f"## {words.by_theme}", ""),
        *table(words.theme_heads, themes),
        *("", "---", "", f"## {words.contents}", "", words.contents_about.format(package=view.package), ""),
        *table(words.contents_heads, rows),
    ]
