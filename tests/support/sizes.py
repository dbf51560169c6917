"""Sizes of a test: a small one for the offline suite, and the full one for `make test-stress`."""

from __future__ import annotations

import pytest


def small_and_full(name: str, small: float, full: float) -> pytest.MarkDecorator:
    """Run a test twice, with `name` as its size. Only `make test-stress` runs it with the full size."""
    sizes = [pytest.param(small, id="small"), pytest.param(full, id="full", marks=pytest.mark.stress)]
    return pytest.mark.parametrize(name, sizes)
