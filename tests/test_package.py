"""The public names of the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import opencode_client
from scripts.normalise.names import HANDWRITTEN


def test_every_public_name_can_be_imported() -> None:
    assert {name for name in opencode_client.__all__ if getattr(opencode_client, name) is None} == set()
    assert set(opencode_client.__all__) <= set(dir(opencode_client))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = getattr(opencode_client, "nothing")  # noqa: B009 # type checkers know that it does not exist


def test_importing_the_package_imports_no_heavy_module() -> None:
    heavy = ("httpx", "attrs", "orjson", "logging")
    code = f"import sys, opencode_client; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.documents  # checking all models takes seconds
def test_type_checkers_report_unknown_names(tmp_path: Path) -> None:
    for number, line in enumerate(
        ("from opencode_client import Typo", "from opencode_client.models import Typo")
    ):
        (tmp_path / f"user_{number}.py").write_text(line, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--no-incremental", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.count('has no attribute "Typo"') == 2


def test_no_generated_class_can_have_a_public_name() -> None:
    assert set(opencode_client.__all__) - {"to_datetime", "to_epoch_ms"} <= HANDWRITTEN
