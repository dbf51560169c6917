"""The examples of operations: each runs with the fake server, and the reference shows its lines."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from opencode_client.testing import FakeServer
from scripts.reference.examples import EXAMPLES, example_of
from tests.support.reference_examples import prepare_example
from tests.support.reference_pages import NEWEST, pages, pages_of, small_document


@pytest.mark.parametrize("operation", EXAMPLES)
def test_an_example_runs(operation: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {"permission": {"bash": "ask"}}
    with FakeServer(directory=tmp_path, config=config) as fake, fake.client() as client:
        prepare_example(operation, client, fake, tmp_path)
        EXAMPLES[operation](client)
    assert capsys.readouterr().out or operation == "GET /session/status"  # nothing is busy


def test_the_section_of_an_operation_shows_its_example() -> None:
    for language, head in (("zh", "示例"), ("en", "Example")):
        page = pages(NEWEST)[f"{language}/08-session.md"]
        section = page.split("## `POST /session/{sessionID}/message`\n")[1].split("\n---\n")[0]
        assert f"**{head}**\n\n```python\n{example_of('POST /session/{sessionID}/message')}\n```" in section


def test_an_example_is_whole_python_with_its_imports() -> None:
    for operation in EXAMPLES:
        assert ast.parse(example_of(operation)).body
    assert example_of("GET /event").startswith("from opencode_client import StreamGap\n")
    assert example_of("GET /formatter") == ""


def test_another_servers_operation_has_no_example() -> None:
    given = small_document(("get", "/event", {"operationId": "other.event"}))
    assert "**Example**" not in pages_of(given, "en")["17-event.md"]


def test_no_line_of_code_is_wider_than_100_characters() -> None:
    code = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
    blocks = [block for text in pages(NEWEST).values() for block in code.findall(text)]
    assert [line for block in blocks for line in block.splitlines() if len(line) > 100] == []
    assert len(blocks) > 300
