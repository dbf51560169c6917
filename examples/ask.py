"""Let an agent work unattended in this directory: `python ask.py "Fix the failing test"`.

It may edit files and run the tests. All other permissions and all questions are rejected.
"""

import sys

from opencode_client import OpencodeClient, OpencodeError, PermissionPolicy, TurnError

RULES: PermissionPolicy = {
    "*": "reject",
    "edit": "once",
    "bash": {"*": "reject", "pytest *": "once", "git diff *": "once"},
}

with OpencodeClient(directory=".") as client:
    try:
        result = client.run(" ".join(sys.argv[1:]), permissions=RULES, timeout=900, max_steps=50)
    except OpencodeError as error:
        if isinstance(error, TurnError) and error.partial:
            print(error.partial.text)
        sys.exit(f"failed: {error}")
print(result.text)
for call in result.tool_calls:
    print(f"[{call.tool}: {call.state.status}]")
for reply in result.replies:
    if reply.decision == "reject":
        print("rejected:", reply.ask)
print(f"{result.cost + result.subagent_cost:.4f} USD, {result.duration_s:.1f} s, session {result.session_id}")
