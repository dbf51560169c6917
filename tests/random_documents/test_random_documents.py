"""Generated clients work as random documents describe. `make test-random` tries larger ones."""

from __future__ import annotations

import random

import pytest

from tests.random_documents.faults import FAULTS
from tests.random_documents.oracle import Reading
from tests.random_documents.run import run
from tests.random_documents.trial import Trial


def test_clients_of_25_small_documents_send_and_read_as_described() -> None:
    trial = run(Trial(), documents=25, size=4, seed=random.randrange(2**32))  # noqa: S311 # no secret
    assert trial.differences == []
    assert (trial.count, trial.refused.total()) == (25, 25)


@pytest.mark.parametrize("name", ["discriminators are not obeyed"])
def test_a_planted_fault_is_found(name: str) -> None:
    with FAULTS[name]():
        assert run(Trial(), documents=24, size=8, seed=1, until_found=True).differences


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"oneOf": [{"type": "integer"}, {"enum": ["a"]}]}, "a", "b"),
        ({"enum": [1]}, 1, True),
        ({"allOf": [{"properties": {"a": {"type": "number"}}}, {"properties": {"a": {"type": "integer"}}}]},
         {"a": 1}, {"a": 1.5}),
    ],
)  # fmt: skip
def test_the_oracle_knows_valid_values(schema: object, good: object, bad: object) -> None:
    reading = Reading({"components": {}})
    assert (reading.fits(schema, good), reading.fits(schema, bad)) == (True, False)
    values = [reading.value(schema, random.Random(seed)) for seed in range(20)]  # noqa: S311 # as above
    assert all(reading.fits(schema, value) for value in values)
