"""Compare the generator's own templates with those that ours were written against (hashes in upstream.toml).

python -m scripts.upstream           # print a line for each difference; exit with 1 if there is one
python -m scripts.upstream --diff    # print the changed lines too; downloads the old version
python -m scripts.upstream --write   # store the hashes of the installed generator, once ours are adapted
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from scripts.rooms import ROOT

GENERATOR = "openapi-python-client"
OURS = ROOT / "custom_templates"
HASHES = OURS / "upstream.toml"
_PACKAGE = "openapi_python_client"


def templates() -> dict[str, str]:
    """Return the installed generator's own templates by path."""
    return _texts(files(_PACKAGE) / "templates", "")


def _texts(folder: Traversable, above: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            found |= _texts(item, f"{above}{item.name}/")
        elif item.name.endswith(".jinja"):
            found[above + item.name] = item.read_text(encoding="utf-8")
    return found


def digest(text: str) -> str:
    """Return the hash of a template."""
    return hashlib.sha256(text.encode()).hexdigest()


def differences(kept: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return "changed", "new" or "gone" for each template that differs from its hash in `kept`."""
    found: dict[str, str] = {}
    for name in sorted(kept.keys() | now.keys()):
        if name not in now:
            found[name] = "gone"
        elif name not in kept:
            found[name] = "new"
        elif kept[name] != digest(now[name]):
            found[name] = "changed"
    return found


def report_lines(found: Mapping[str, str]) -> list[str]:
    """Return a line for each changed template that one of ours replaces, then one line for all others."""
    ours = [name for name in found if (OURS / name).exists()]
    others = [f"{name} ({what})" for name, what in found.items() if name not in ours]
    lines = [f"{found[name]}: {name}, replaced by custom_templates/{name}" for name in ours]
    return lines + ([f"not replaced by ours: {', '.join(others)}"] if others else [])


def read_hashes(file: Path | None = None) -> tuple[str, dict[str, str]]:
    """Return the generator's version that ours were written against, and the hashes of its templates."""
    held = tomllib.loads((file or HASHES).read_text(encoding="utf-8"))
    return held["version"], held["sha256"]


def hashes_file(version: str, now: Mapping[str, str]) -> str:
    """Return the text of upstream.toml."""
    lines = [f'"{name}" = "{digest(text)}"' for name, text in sorted(now.items())]
    head = f"# The templates of {GENERATOR} that ours were written against; `python -m scripts.upstream --write`."
    return "\n".join([head, f'version = "{version}"', "", "[sha256]", *lines]) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if no template changed."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.upstream", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--diff", action="store_true", help="show what changed, from the old version's wheel")
    parser.add_argument("--write", action="store_true", help="store the installed generator's hashes")
    given = parser.parse_args(arguments)
    installed, now = metadata.version(GENERATOR), templates()
    if given.write:
        HASHES.write_text(hashes_file(installed, now), encoding="utf-8", newline="\n")
        return 0
    version, kept = read_hashes()
    found = differences(kept, now)
    print(
        f"{GENERATOR} {version} -> {installed}" if found else f"{GENERATOR} {installed}: no template changed"
    )
    print("\n".join(report_lines(found)), end="\n" if found else "")
    if found and given.diff:
        print(_diff(_released(version), now, list(found)))
    return 1 if found else 0


def _diff(old: Mapping[str, str], new: Mapping[str, str], names: list[str]) -> str:
    lines: list[str] = []
    for name in names:
        before, after = (texts.get(name, "").splitlines(keepends=True) for texts in (old, new))
        lines += difflib.unified_diff(before, after, f"old/{name}", f"new/{name}")
    return "".join(lines)


def _released(version: str) -> dict[str, str]:
    """Return the templates of a released version, from the package index."""
    with tempfile.TemporaryDirectory(prefix="opencode-client-") as folder:
        command = ("pip", "download", "--quiet", "--no-deps", "--dest", folder, f"{GENERATOR}=={version}")
        subprocess.run([sys.executable, "-m", *command], check=True)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            within = f"{_PACKAGE}/templates/"
            names = [
                name for name in archive.namelist() if name.startswith(within) and name.endswith(".jinja")
            ]
            return {name.removeprefix(within): archive.read(name).decode() for name in names}


if __name__ == "__main__":
    sys.exit(main())
