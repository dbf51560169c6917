"""The committed documents of servers, as parameters of tests."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.recordings import DOCUMENTED

_EDGES = (DOCUMENTED[0], DOCUMENTED[-1])


def each_document(offline: tuple[str, ...] = ()) -> list[Any]:  # Any: parameter sets of pytest
    """Return all documents; one worker runs all tests of a document. Those not `offline` have the mark `documents`."""
    return [
        pytest.param(
            version,
            marks=[
                pytest.mark.xdist_group(version),
                *([] if version in offline else [pytest.mark.documents]),
            ],
        )
        for version in DOCUMENTED
    ]


every_document = pytest.mark.parametrize("version", each_document(_EDGES))
"""The offline suite runs a test with the oldest and the newest document, `make test-documents` with the others."""
