"""What live tests share: the caller's settings of opencode, which are for other servers, are not there."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


@pytest.fixture(scope="package", autouse=True)
def _without_the_callers_settings() -> Generator[None, None, None]:
    with pytest.MonkeyPatch.context() as patch:
        settings = [name for name in os.environ if name.startswith("OPENCODE_")]
        for name in settings:
            patch.delenv(name)
        yield
