"""Which templates of the generator changed since ours were written: upstream.toml holds their hashes.

python -m scripts.upstream           # a line for each that differs in the installed generator; 1 if any does
python -m scripts.upstream --diff    # the same with the differences, from the old version's wheel
python -m scripts.upstream --write   # keep those of the installed generator, when ours have followed
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
    """The texts of the installed generator's own templates, by their paths among them."""
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
    """Of a template; line ends do not count."""
    return hashlib.sha256(text.encode()).hexdigest()


def differences(kept: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """What became of each template whose hash in `kept` is not that of its text in `now`: changed, new or gone."""
    found: dict[str, str] = {}
    for name in sorted(kept.keys() | now.keys()):
        if name not in now:
            found[name] = "gone"
        elif name not in kept:
            found[name] = "new"
        elif kept[name] != digest(now[name]):
            found[name] = "changed"
    return found


def told(found: Mapping[str, str]) -> list[str]:
    """The differences in lines: first each template that one of ours replaces, then all others in one."""
    ours = [name for name in found if (OURS / name).exists()]
    others = [f"{name} ({what})" for name, what in found.items() if name not in ours]
    lines = [f"{found[name]}: {name}, in whose place stands custom_templates/{name}" for name in ours]
    return lines + ([f"none of ours replaces: {', '.join(others)}"] if others else [])


def read_hashes(file: Path | None = None) -> tuple[str, dict[str, str]]:
    """The version of the generator that the templates were written against, and the hashes of its own."""
    held = tomllib.loads((file or HASHES).read_text(encoding="utf-8"))
    return held["version"], held["sha256"]


def written(version: str, now: Mapping[str, str]) -> str:
    """The file's content."""
    lines = [f'"{name}" = "{digest(text)}"' for name, text in sorted(now.items())]
    head = f"# The templates of {GENERATOR} that ours were written against; `python -m scripts.upstream --write`."
    return "\n".join([head, f'version = "{version}"', "", "[sha256]", *lines]) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0 where every template is as it was."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.upstream", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--diff", action="store_true", help="show what changed, from the old version's wheel")
    parser.add_argument("--write", action="store_true", help="keep the installed generator's hashes")
    given = parser.parse_args(arguments)
    installed, now = metadata.version(GENERATOR), templates()
    if given.write:
        HASHES.write_text(written(installed, now), encoding="utf-8", newline="\n")
        return 0
    version, kept = read_hashes()
    found = differences(kept, now)
    print(
        f"{GENERATOR} {version} -> {installed}"
        if found
        else f"{GENERATOR} {installed}: as when ours were written"
    )
    print("\n".join(told(found)), end="\n" if found else "")
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
    """The templates in a version's wheel, from the package index."""
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
