"""`python -m scripts.lowest`: print the oldest supported version of each dependency, as requirements for pip."""

from __future__ import annotations

import tomllib

from scripts.rooms import ROOT

if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print("\n".join(requirement.replace(">=", "==") for requirement in project["dependencies"]))
