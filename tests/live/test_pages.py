"""Run the Python blocks of the pages for users, each page in order, against a real server with a scripted model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opencode_client._spec import OPENCODE_VERSION, OPERATIONS
from opencode_client.server import OpencodeServer
from scripts.npm_server import get_server
from tests.live.doc_prompts import CONFIG, script
from tests.live.servers import scripted_server
from tests.support.doc_examples import blocks, missing_outputs, pages_that_import_the_client

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]  # 15 turns on a busy machine

_PRINTED = {
    "README.md": ["echo: Say hello.\n2.5e-05 Tokens(input=11, output=7, ", "[bash: ls]\nTwo files."],
    "docs/turns.md": [
        "It returns 42.\nAnswers. 7 2.5e-05 ",
        "\na.txt - echo: Review a.txt.\n",
        "\n['echo: Review a.txt.', 'echo: Review src/main.py.']\n",
        "\nThe second one is shorter.\n",
        "\nFalse ['It has no tests.']\n",
        "\n[bash: echo 2 passed]\nAll tests pass.\nstop, 3 messages\n",
        "\nWhich file? ['a.txt']\nmay I bash echo changed >> a.txt\nI changed a.txt.\n",
        "\nsomebody asks: Which file?\nno longer waits: True\n"
        "somebody asks: bash echo changed >> a.txt\nI changed a.txt.\n",
        "\nbash once\nIt is fixed.\nso far: 1, 2, 3\nFalse\nAll tests pass.\n",
        "\nlook around (@general subagent) True\nI looked around.\n",
        "\n[('modified', 'a.txt', 1)]\nTurnAuthenticationError 401 False\n('scripted/scripted-1',)\n",
    ],
    "docs/terminals.md": [
        "It ran: 42\n",
        "\nexit code 3\n",
        "seen so far: typed\nagain: typed\nafter it: part two\n",
        f"{[*range(20)]}\n",
    ],
    "docs/client.md": [
        "\necho: Say hello.\nuser ['text']\nassistant ['step-start', 'text', 'step-finish']\n",
        "\nRenamed 200 ",
        f"\n{OPENCODE_VERSION} {len(OPERATIONS)} True\n",
    ],
    "docs/errors.md": [
        "session.get: 404 Not Found: Session not found: ses_none (client.session.list() lists those of one directory)\n"
        "404 NotFoundErrorBody("
    ],
    "docs/quick-start.md": [
        "[bash: echo 2 passed]\nAll tests pass.",
        "\nAnswers.\n",
        "\nscripted ['scripted-1']\n",
    ],
    "docs/migration.md": ["echo: Say hello.\necho: Say hello.\n"],
}
"""Texts that the pages print, beside those in comments behind prints."""


@pytest.fixture(scope="module")
def shared_server() -> Iterator[OpencodeServer]:
    with scripted_server(OPENCODE_VERSION, script=script, password="secret", **CONFIG) as (server, _):
        yield server


@pytest.fixture
def server(shared_server: OpencodeServer, monkeypatch: pytest.MonkeyPatch) -> OpencodeServer:
    """A server whose URL, password, executable and directory are those of this process."""
    monkeypatch.chdir(shared_server.directory)
    Path("a.txt").write_text("hello\nchanged\n", encoding="utf-8")
    monkeypatch.setenv("OPENCODE_BASE_URL", shared_server.url)
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "secret")
    monkeypatch.setenv("PATH", f"{Path(get_server(OPENCODE_VERSION)).parent}{os.pathsep}{os.environ['PATH']}")
    return shared_server


@pytest.mark.parametrize("page", pages_that_import_the_client())
@pytest.mark.usefixtures("server")
def test_the_blocks_of_a_page_run_and_print_the_output_that_it_shows(
    page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = blocks(page)
    exec("\n".join(code), {"__name__": page})  # noqa: S102 # the page is ours
    printed = capsys.readouterr().out.replace("\r", "\n")
    assert [text for text in _PRINTED.get(page, []) if text not in printed] == [], printed
    assert missing_outputs(code, printed) == [], printed
