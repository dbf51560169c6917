"""The package's metadata that depends on the project's address, `repository` in pyproject.toml.

hatchling runs this when it builds. Without an address there are no links, and the README's own links stay relative.
"""

from __future__ import annotations

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE_LINK = re.compile(r"\]\((?![a-z]+:|#)")


class ProjectAddress(MetadataHookInterface):
    """Adds `urls` and `readme` to the metadata."""

    def update(self, metadata: dict[str, object]) -> None:
        address = str(self.config["repository"]).rstrip("/")
        root = Path(self.root)
        readme = (root / "README.md").read_text(encoding="utf-8")
        if address:
            package = (root / "opencode_client" / "__init__.py").read_text(encoding="utf-8")
            version = re.search(r'^__version__ = "(.+)"', package, re.M)
            files = f"{address}/blob/v{version[1] if version else ''}/"
            readme = _RELATIVE_LINK.sub(f"]({files}", readme)
            metadata["urls"] = {
                "Repository": address,
                "Issues": f"{address}/issues",
                "Documentation": f"{files}README.md",
                "Changelog": f"{files}CHANGELOG.md",
            }
        else:
            metadata["urls"] = {}
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}
