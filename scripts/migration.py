"""Look up each name of docs/migration.md in the packages that it names: `python -m scripts.migration`.

Installs the packages from npm and PyPI into build/migration. Reads the names in backquotes of tables whose first
column is `here`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.rooms import ROOT

_PAGE = ROOT / "docs" / "migration.md"
_WORK = ROOT / "build" / "migration"
_OWN = "here"
_PACKAGE = re.compile(r"^\| (.+?) \| (npm|PyPI): `(.+?)` \| (\S+) \|", re.MULTILINE)
_JAVASCRIPT = """
import * as sdk from %s
const client = sdk.createOpencodeClient({ baseUrl: "http://127.0.0.1:9" })
const find = (name) => name.split(".").slice(1).reduce((value, part) => value?.[part], client)
const missing = (name) => (name.startsWith("client.") ? find(name) : sdk[name]) === undefined
console.log(JSON.stringify(%s.filter(missing)))
"""
_PYTHON = """
import importlib, json, operator
sdk = importlib.import_module(%r)
client = getattr(sdk, %r)(base_url="http://127.0.0.1:9")
def missing(name):
    try:
        operator.attrgetter(name.removeprefix("client."))(client if name.startswith("client.") else sdk)
    except AttributeError:
        return True
print(json.dumps([name for name in %r if missing(name)]))
"""


def tables(page: str) -> dict[str, list[str]]:
    """Return the names under each heading of the page's tables. A heading of two packages, such as `a, b`, is both."""
    names: dict[str, list[str]] = {}
    headings: list[str] = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells or cells[0] == _OWN:
            headings = cells
        elif headings:
            for heading, cell in zip(headings, cells, strict=True):
                for name in heading.split(", "):
                    names.setdefault(name, []).extend(re.findall(r"`([\w.]+)`", cell))
    return names


def missing_names(page: str) -> Iterator[str]:
    """Yield a line for each name that its package does not have.

    Raises:
        CalledProcessError: a package cannot be installed, or has no client.
    """
    names = tables(page)
    packages = _PACKAGE.findall(page)
    python = _install(packages)
    yield from _missing(
        _OWN, [sys.executable, "-c", _PYTHON % ("opencode_client", "OpencodeClient", names[_OWN])]
    )
    for heading, index, package, version in packages:
        if index == "npm":
            code = _JAVASCRIPT % (json.dumps(package), json.dumps(names[heading]))
            command = ["node", "--input-type=module", "--eval", code]
        else:
            module = "opencode" if package == "opencode-python-sdk" else package.replace("-", "_")
            command = [python, "-c", _PYTHON % (module, "Opencode", names[heading])]
        yield from _missing(f"{package} {version}", command)


def _install(packages: list[tuple[str, str, str, str]]) -> str:
    """Install the packages, and return the Python that has those of PyPI."""
    _WORK.mkdir(parents=True, exist_ok=True)
    (_WORK / "package.json").write_text("{}", encoding="utf-8")
    node = {
        f"{'/'.join(name.split('/')[:2])}@{version}" for _, index, name, version in packages if index == "npm"
    }
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", *sorted(node)], cwd=_WORK, check=True
    )
    subprocess.run([sys.executable, "-m", "venv", str(_WORK / "venv")], check=True)
    python = str(_WORK / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    wheels = [f"{name}=={version}" for _, index, name, version in packages if index == "PyPI"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wheels], check=True)
    return python


def _missing(where: str, command: list[str]) -> Iterator[str]:
    cwd = ROOT if where == _OWN else _WORK
    done = subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True)
    for name in json.loads(done.stdout):
        yield f"{where} has no {name}"


def main(page: Path = _PAGE) -> int:
    """Return 0 if each package has its names."""
    missing = list(missing_names(page.read_text(encoding="utf-8")))
    print(*missing, sep="\n", end="\n" if missing else "")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
