"""Calls of the operations on the server and its workspace."""

from __future__ import annotations

from pathlib import Path

from opencode_client import OpencodeClient
from opencode_client.models import TuiPublishPromptAppend
from tests.live.recorded_calls import Record
from tests.live.scripted_turns import MCP


def walk_server(record: Record, client: OpencodeClient, nowhere: Path) -> None:
    """Call them. `nowhere` is an empty folder outside any repository."""
    _walk_existing(record, client)
    _walk_projects(record, client, nowhere)
    _walk_files(record, client)
    _walk_mcp(record, client)
    _walk_providers(record, client)
    _walk_ptys(record, client)
    _walk_tui(record, client)
    _walk_worktrees(record, client)
    _walk_workspaces(record, client)


def _walk_existing(record: Record, client: OpencodeClient) -> None:
    call = record.call
    call("global.health", client.global_.health)
    call("path.get", client.path.get)
    call("app.agents", client.app.agents)
    call("app.skills", client.app.skills)
    call("app.log", client.app.log, service="test", level="info", message="hello", extra={"a": 1})
    call("config.get", client.config.get)
    call("config.providers", client.config.providers)
    call("global.config.get", client.global_.config.get)
    call("formatter.status", client.formatter.status)
    call("lsp.status", client.lsp.status)
    call("tool.ids", client.tool.ids)
    call("tool.list", client.tool.list, provider="scripted", model="scripted-1")
    call("experimental.capabilities.get", client.experimental.capabilities.get)
    call("experimental.console.get", client.experimental.console.get)
    call("experimental.console.listOrgs", client.experimental.console.list_orgs)
    call("experimental.console.switchOrg", client.experimental.console.switch_org, account_id="a", org_id="o")


def _walk_projects(record: Record, client: OpencodeClient, nowhere: Path) -> None:
    call = record.call
    call("project.list", client.project.list)
    project = record.need("project.current", client.project.current)
    call("project.update", client.project.update, project.id, name="named", icon={"color": "red"})
    call("project.update [unknown]", client.project.update, "nope", name="named")
    call("project.directories", client.project.directories, project.id)
    call("project.initGit", client.project.init_git, directory=nowhere)
    generate_name = client.experimental.project_copy.generate_name
    call("experimental.projectCopy.generateName", generate_name, project.id, context="fix login")


def _walk_files(record: Record, client: OpencodeClient) -> None:
    call = record.call
    call("file.list", client.file.list, path=".")
    call("file.list [outside]", client.file.list, path="../..")
    call("file.list [missing]", client.file.list, path="nosuch")
    call("file.read", client.file.read, path="a.txt")
    call("file.read [missing]", client.file.read, path="nosuch.txt")
    call("file.read [outside]", client.file.read, path="../../etc")
    call("file.read [image]", client.file.read, path="img.png")
    call("file.status", client.file.status)
    call("find.text", client.find.text, pattern="hello")
    call("find.files", client.find.files, query="a.txt", type="file", limit=3)
    call("find.symbols", client.find.symbols, query="main")
    call("vcs.get", client.vcs.get)
    call("vcs.get [no repository]", client.vcs.get, directory="/")
    call("vcs.status", client.vcs.status)
    call("vcs.diff", client.vcs.diff, mode="git")
    call("vcs.diff.raw", client.vcs.diff_raw)
    patch = "--- a/src/main.py\n+++ b/src/main.py\n@@ -1,2 +1,2 @@\n def main():\n-    return {}\n+    return {}\n"
    call("vcs.apply", client.vcs.apply, patch=patch.format(42, 43))
    call("vcs.apply [back]", client.vcs.apply, patch=patch.format(43, 42))
    call("vcs.apply [does not fit]", client.vcs.apply, patch="garbage")


def _walk_mcp(record: Record, client: OpencodeClient) -> None:
    call = record.call
    call("mcp.add", client.mcp.add, name="second", config=MCP)
    nobody = {"type": "remote", "url": "http://127.0.0.1:9/mcp", "oauth": False}
    call("mcp.add [nobody there]", client.mcp.add, name="gone", config=nobody)
    call("mcp.status", client.mcp.status)
    call("command.list", client.command.list)
    call("experimental.resource.list", client.experimental.resource.list)
    call("mcp.disconnect", client.mcp.disconnect, "own")
    call("mcp.disconnect [unknown]", client.mcp.disconnect, "nope")
    call("mcp.connect", client.mcp.connect, "own")
    call("mcp.connect [unknown]", client.mcp.connect, "nope")
    call("mcp.auth.start", client.mcp.auth.start, "own")
    call("mcp.auth.start [unknown]", client.mcp.auth.start, "nope")
    call("mcp.auth.callback", client.mcp.auth.callback, "own", code="x")
    call("mcp.auth.authenticate", client.mcp.auth.authenticate, "own")
    call("mcp.auth.remove", client.mcp.auth.remove, "own")
    call("mcp.auth.remove [unknown]", client.mcp.auth.remove, "nope")


def _walk_providers(record: Record, client: OpencodeClient) -> None:
    call = record.call
    call("provider.list", client.provider.list)
    call("provider.auth", client.provider.auth)
    call("provider.oauth.authorize", client.provider.oauth.authorize, "nope", method=0)
    call("provider.oauth.callback", client.provider.oauth.callback, "nope", method=0, code="c")
    call("auth.set", client.auth.set, "zz", body={"type": "api", "key": "k"})
    call("auth.remove", client.auth.remove, "zz")


def _walk_ptys(record: Record, client: OpencodeClient) -> None:
    call = record.call
    call("pty.shells", client.pty.shells)
    pty = record.need("pty.create", client.pty.create, command="sh", title="p", env={"A": "b"})
    call("pty.create [no such program]", client.pty.create, command="/no/such")
    call("pty.list", client.pty.list)
    call("pty.get", client.pty.get, pty.id)
    call("pty.get [unknown]", client.pty.get, "pty_nope")
    call("pty.get [malformed]", client.pty.get, "bogus")
    call("pty.update", client.pty.update, pty.id, title="q", size={"rows": 5, "cols": 10})
    call("pty.update [unknown]", client.pty.update, "pty_nope", title="q")
    call("pty.connectToken", client.pty.connect_token, pty.id)
    call("pty.connectToken [unknown]", client.pty.connect_token, "pty_nope")
    call("pty.remove", client.pty.remove, pty.id)
    call("pty.remove [unknown]", client.pty.remove, "pty_nope")


def _walk_tui(record: Record, client: OpencodeClient) -> None:
    call, tui = record.call, client.tui
    call("tui.appendPrompt", tui.append_prompt, text="x")
    call("tui.submitPrompt", tui.submit_prompt)
    call("tui.clearPrompt", tui.clear_prompt)
    call("tui.openHelp", tui.open_help)
    call("tui.openModels", tui.open_models)
    call("tui.openSessions", tui.open_sessions)
    call("tui.openThemes", tui.open_themes)
    call("tui.executeCommand", tui.execute_command, command="agent_cycle")
    call("tui.showToast", tui.show_toast, message="m", variant="info")
    body = TuiPublishPromptAppend.from_dict({"type": "tui.prompt.append", "properties": {"text": "p"}})
    call("tui.publish", tui.publish, body=body)
    call("tui.selectSession [unknown]", tui.select_session, session_id="ses_nope")
    call("tui.control.response", tui.control.response, body={"x": 1})
    call("tui.control.next", tui.control.next, timeout=0.5)


def _walk_worktrees(record: Record, client: OpencodeClient) -> None:
    call = record.call
    made = record.need("worktree.create", client.worktree.create, name="made")
    call("worktree.list", client.worktree.list)
    call("worktree.reset", client.worktree.reset, body_directory=made.directory)
    call("worktree.reset [unknown]", client.worktree.reset, body_directory="/no/such")
    call("worktree.remove", client.worktree.remove, body_directory=made.directory)
    call("worktree.remove [unknown]", client.worktree.remove, body_directory="/no/such")


def _walk_workspaces(record: Record, client: OpencodeClient) -> None:
    call, workspace = record.call, client.experimental.workspace
    call("experimental.workspace.adapter.list", workspace.adapter.list)
    call("experimental.workspace.list", workspace.list)
    call("experimental.workspace.create", workspace.create, type="bogus", branch=None, extra=None)
    call("experimental.workspace.status", workspace.status)
    call("experimental.workspace.syncList", workspace.sync_list)
    call("experimental.workspace.remove", workspace.remove, "wrk_nope")


def walk_endings(record: Record, client: OpencodeClient) -> None:
    """Call the operations that end instances. They come last."""
    record.call("config.update", client.config.update, username="me")
    record.call("global.config.update", client.global_.config.update, username="me")
    record.call("instance.dispose", client.instance.dispose)
    record.call("global.dispose", client.global_.dispose)
