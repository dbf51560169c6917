"""Skip repeated work of libraries: together, a tenth of the suite's CPU time.

httpcore imports sniffio in each asynchronous request. Where it is not installed, each import searches the whole path.

hypothesis reads the constants of all imported modules of a project, in each worker. Those of the 600 generated modules
of this project are names of members and the like.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from hypothesis.internal.conjecture import providers

_GENERATED = tuple(str(Path(__file__).parents[2] / "opencode_client" / name) for name in ("api", "models"))
_NAME = "is_local_module_file"  # hypothesis does not export it
_is_local = getattr(providers, _NAME, None)


def _is_handwritten(path: str) -> bool:
    return not path.startswith(_GENERATED) and _is_local is not None and _is_local(path)


if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment] # an import of it fails at once
if _is_local is not None:
    setattr(providers, _NAME, _is_handwritten)
