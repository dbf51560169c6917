"""Build the documentation site and check its links: `python -m scripts.site build/site-tools/bin/zensical`."""

from __future__ import annotations

import subprocess
import sys

from scripts.rooms import ROOT
from scripts.site.builder import HTML, build
from scripts.site.check import broken_links
from scripts.site.pages import LinkError
from scripts.site.translations import link_translations


def main(executable: str) -> int:
    """Return 0 if the site is built and all its links lead somewhere."""
    try:
        build(executable)
    except (LinkError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    link_translations(HTML)
    broken = broken_links(HTML)
    print(*broken, sep="\n", end="\n" if broken else "", file=sys.stderr)
    print(f"{len(list(HTML.rglob('*.html')))} pages in {HTML.relative_to(ROOT)}, {len(broken)} broken links")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
