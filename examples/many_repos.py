"""Run one prompt on each Python file of many directories: `python many_repos.py "Review this file." repo1 repo2 ...`.

Needs `pip install 'opencode-client[cli]'`, for the progress. Ctrl-C stops the turns that run.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from opencode_client import OpencodeClient, OpencodeError, TurnSpec


def specs(prompt: str, directories: Sequence[str]) -> Iterator[TurnSpec]:
    """Yield a turn for each file. The next directory is not read before its turns can start."""
    for directory in directories:
        for file in sorted(Path(directory).rglob("*.py")):
            yield TurnSpec(prompt, key=file, directory=directory, files=[file], timeout=900, max_cost=0.5)


def main(prompt: str, *directories: str) -> None:
    count, failed, cost = 0, 0, 0.0
    with OpencodeClient() as client:
        client.check_server()
        with client.run_many(specs(prompt, directories), concurrency=8, progress=True) as outcomes:
            for outcome in outcomes:
                count += 1
                cost += outcome.cost
                if outcome.result is not None:
                    print(f"{outcome.spec.key}: {outcome.result.text}")
                else:
                    failed += 1
                    print(f"{outcome.spec.key}: failed: {outcome.error}")
    print(f"{count} turns, {failed} failed, {cost:.4f} USD")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except OpencodeError as error:
        sys.exit(str(error))
