"""Executables for tests, on POSIX."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def write_program(path: Path, source: str) -> None:
    """Write an executable at `path` that runs this Python source. It has the standard library alone and starts fast."""
    module = path.with_name(f"{path.name}_program.py")
    module.write_text(source, encoding="utf-8")
    # a shell starts Python, because `#!` allows no spaces in the interpreter's path
    command = f"exec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(module))}"
    path.write_text(f'#!/bin/sh\n{command} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
