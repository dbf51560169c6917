"""Let hypothesis build documents, and try them."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.random_documents.documents import documents
from tests.random_documents.oracle import Json
from tests.random_documents.refused import REFUSED
from tests.random_documents.trial import Trial

_BATCHES = 8
"""Documents of one batch have the same refused kinds."""


def run(trial: Trial, *, documents: int, size: int, seed: int, until_found: bool = False) -> Trial:
    """Try documents with `size` operations each, and return the trial.

    until_found: stop at the first difference.
    """
    kinds = sorted(REFUSED)
    for batch in range(_BATCHES):
        count = documents // _BATCHES + (batch < documents % _BATCHES)
        if count and not (until_found and trial.differences):
            _run_batch(trial, count, size, kinds[batch::_BATCHES], seed + batch, until_found)
    return trial


def _run_batch(trial: Trial, count: int, size: int, refused: list[str], seed: int, until_found: bool) -> None:
    @seeded(seed)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    @given(documents(size, refused), st.integers(0, 2**32))
    def try_one(document: Json, number: int) -> None:
        if not (until_found and trial.differences):
            trial.run(document, number)

    try_one()
