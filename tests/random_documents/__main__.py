"""`make test-random`: random documents, and faults that are planted into the generator and have to be found.

Prints how often each kind of thing was tried and refused. Fails if anything differs, if a kind is in fewer than three
documents, or if a fault is not found. SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import sys

from tests.random_documents.documents import CASES
from tests.random_documents.faults import FAULTS
from tests.random_documents.refused import REFUSED
from tests.random_documents.run import run
from tests.random_documents.trial import Trial

_SIZE = 50
_DOCUMENTS = 40
_SHOWN = 20


def main() -> int:
    """Return 0 if nothing differs and every fault is found."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))
    print(f"SEED={seed}")
    trial = run(Trial(), documents=_DOCUMENTS, size=_SIZE, seed=seed)
    _print(trial)
    rare = [name for name in (*CASES, *(f"refused: {name}" for name in REFUSED)) if trial.documents[name] < 3]
    if rare:
        print(f"in fewer than three documents: {', '.join(rare)}")
    missed = [name for name in FAULTS if not _is_found(name, seed)]
    print(f"planted faults found: {len(FAULTS) - len(missed)} of {len(FAULTS)}")
    for name in missed:
        print(f"  not found: {name}")
    return 1 if trial.differences or rare or missed else 0


def _print(trial: Trial) -> None:
    tried, refused = trial.tried.total(), trial.refused.total()
    print(f"{tried} operations in {trial.count} documents, {trial.calls} calls")
    for name, count in sorted((trial.tried + trial.refused).items()):
        print(f"  {name}: {count} in {trial.documents[name]} documents")
    print(
        f"refused, with the place: {refused} of {tried + refused} operations ({refused / (tried + refused):.1%})"
    )
    print(f"differences: {len(trial.differences)}")
    for difference in trial.differences[:_SHOWN]:
        print(f"- {difference}")


def _is_found(name: str, seed: int) -> bool:
    with FAULTS[name]():
        trial = run(Trial(), documents=24, size=_SIZE, seed=seed, until_found=True)
    return bool(trial.differences)


if __name__ == "__main__":
    sys.exit(main())
