"""`python -m scripts.lowest`: the oldest versions of its dependencies that this package says it works with."""

from __future__ import annotations

import tomllib

from scripts.rooms import ROOT


def lowest() -> list[str]:
    """Requirements for pip: `attrs==23.2`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [requirement.replace(">=", "==") for requirement in project["dependencies"]]


if __name__ == "__main__":
    print("\n".join(lowest()))
