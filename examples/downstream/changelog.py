"""Let an agent write the entry of a changelog for the last commits: `python changelog.py v1.0`."""

import sys

from attrs import frozen

from opencode_client import OpencodeClient, OpencodeError, PermissionPolicy

RULES: PermissionPolicy = {"*": "reject", "bash": {"*": "reject", "git log *": "once"}}


@frozen
class Entry:
    """The entry, and what it cost in USD."""

    text: str
    cost: float


class EntryError(Exception):
    """There is no entry. The message gives the reason."""


def write_entry(client: OpencodeClient, since: str, *, model: str | None = None) -> Entry:
    """Return the entry for the commits since a tag.

    Raises:
        EntryError: the agent failed, or wrote nothing.
    """
    prompt = f"Read `git log {since}..HEAD`, and write the entry of the changelog."
    try:
        result = client.run(prompt, permissions=RULES, model=model, timeout=300, max_cost=0.5)
    except OpencodeError as error:
        raise EntryError(f"the agent failed: {error}") from error
    if not result.text.strip():
        raise EntryError("the agent wrote nothing")
    return Entry(result.text.strip(), result.cost)


def main(since: str) -> None:
    """Print the entry."""
    with OpencodeClient(directory=".") as client:
        print(write_entry(client, since).text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except (EntryError, OpencodeError) as error:
        sys.exit(str(error))
