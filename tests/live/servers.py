"""Real servers that behave the same everywhere: a scripted model, no internet, a git repository with one commit."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opencode_client.server import OpencodeServer
from opencode_client.testing import Script, ScriptedModel
from scripts.scratch_server import scratch_server

NEW = "1.18.33"
VERSIONS = ("1.1.31", NEW)

_CLOSED_PORT = "http://127.0.0.1:9"
NO_INTERNET = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _CLOSED_PORT),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
}
_SAME = {
    "SHELL": "/bin/bash",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
"""Variables of the servers' environment, the same on every machine."""
_RG = """#!{python}
import json, re, subprocess, sys
FILES = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
if "--files" in sys.argv:
    sys.exit(subprocess.run(FILES).returncode)
pattern = re.compile(sys.argv[sys.argv.index("--") + 1].encode())
for path in subprocess.run(FILES, capture_output=True, text=True).stdout.split() if "--json" in sys.argv else ():
    offset = 0
    for number, line in enumerate(open(path, "rb"), 1):
        found = list(pattern.finditer(line))
        found = [{{"match": {{"text": one[0].decode()}}, "start": one.start(), "end": one.end()}} for one in found]
        if found:
            data = dict(path={{"text": path}}, lines={{"text": line.decode()}}, line_number=number)
            print(json.dumps({{"type": "match", "data": {{**data, "absolute_offset": offset, "submatches": found}}}}))
        offset += len(line)
"""
"""A ripgrep without an index. Without one on the PATH, servers try to download it."""


@contextmanager
def scripted_server(
    version: str,
    *,
    script: Script | None = None,
    password: str = "",
    env: dict[str, str] | None = None,
    **config: Any,  # Any: opencode's configuration
) -> Generator[tuple[OpencodeServer, ScriptedModel], None, None]:
    """Start a server of `version` and its scripted model. All their files are deleted at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="opencode-live-", ignore_cleanup_errors=True) as folder,
        ScriptedModel(script=script) as model,
    ):
        home, programs = Path(folder, "home"), Path(folder, "bin")
        programs.mkdir()
        (programs / "rg").write_text(_RG.format(python=sys.executable), encoding="utf-8")
        (programs / "rg").chmod(0o755)
        settings = {
            **model.install(home, **config),
            **NO_INTERNET,
            **_SAME,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            **(env or {}),
        }
        with scratch_server(version, env=settings, password=password) as server:
            commit_files(server.directory)
            yield server, model


def commit_files(repository: Path) -> None:
    """Commit a program, a skill, a text and an image; then change the text. The repository may exist."""
    _git(repository, "init", "--quiet")
    (repository / "src").mkdir()
    (repository / "src" / "main.py").write_text("def main():\n    return 42\n", encoding="utf-8")
    skill = repository / ".opencode" / "skill" / "sk"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: sk\ndescription: a skill\n---\nDo it.\n", encoding="utf-8")
    (repository / "a.txt").write_text("hello\n", encoding="utf-8")
    (repository / "img.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    _git(repository, "add", ".")
    _git(repository, "commit", "--quiet", "--message", "first")
    (repository / "a.txt").write_text("hello\nchanged\n", encoding="utf-8")


def _git(repository: Path, *arguments: str) -> str:
    """Run git in the repository, without the caller's git settings, and return its output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(repository), *author, *arguments]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
