"""The program with a real server and a scripted model: `opencode_model` in place of `opencode_fake`."""

from changelog import write_entry
from test_changelog import bash

from opencode_client import OpencodeClient
from opencode_client.testing import ScriptedModel


def test_the_entry_is_the_answer_of_the_agent(
    opencode_model: ScriptedModel, opencode_sync_client: OpencodeClient
) -> None:
    opencode_model.say(bash("git log HEAD"), "- Fixed a bug.\n")
    entry = write_entry(opencode_sync_client, "HEAD~1")
    assert entry.text == "- Fixed a bug."
    assert entry.cost > 0
    output = opencode_model.requests[-1]["messages"][-1]
    assert output["role"] == "tool"
    assert "first" in str(output["content"])  # the commit of `opencode_directory`
