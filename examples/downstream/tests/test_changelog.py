"""The program with a fake server."""

import pytest
from changelog import EntryError, write_entry

from opencode_client import OpencodeClient
from opencode_client.testing import FakeServer, Reply, ToolCall


def bash(command: str) -> Reply:
    """Return a reply of the model that runs a command."""
    return Reply(tools=[ToolCall(name="bash", arguments={"command": command, "description": command})])


def test_the_entry_is_the_answer_of_the_agent(
    opencode_fake: FakeServer, opencode_sync_client: OpencodeClient
) -> None:
    opencode_fake.say(bash("git log v1.0..HEAD"), "- Fixed a bug.\n")
    entry = write_entry(opencode_sync_client, "v1.0")
    assert entry.text == "- Fixed a bug."
    assert entry.cost > 0
    opencode_fake.assert_prompted_once("Read `git log v1.0..HEAD`, and write the entry of the changelog.")


def test_other_commands_are_rejected(opencode_fake: FakeServer, opencode_sync_client: OpencodeClient) -> None:
    opencode_fake.say(bash("git push"), "- Fixed a bug.")
    with pytest.raises(EntryError, match="the agent wrote nothing"):
        write_entry(opencode_sync_client, "v1.0")


def test_an_error_of_the_provider_is_an_error(
    opencode_fake: FakeServer, opencode_sync_client: OpencodeClient
) -> None:
    opencode_fake.say(Reply(status=401, error="bad key"))
    with pytest.raises(EntryError, match=r"the agent failed: .*bad key"):
        write_entry(opencode_sync_client, "v1.0")


def test_an_error_of_the_server_is_an_error(
    opencode_fake: FakeServer, opencode_sync_client: OpencodeClient
) -> None:
    opencode_fake.fail("session.create", 503)
    with pytest.raises(EntryError, match=r"the agent failed: .*503"):
        write_entry(opencode_sync_client, "v1.0")
