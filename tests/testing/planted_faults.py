"""Plant faults into the fake server, one at a time, and let the scenarios find them.

python -m tests.testing.planted_faults
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

FAULTS: list[tuple[str, str, str]] = [
    ("state", "0xFFFFFFFFFFFF - number if", "number if"),
    ("state", 'self.publish(one, "session.idle")', "pass"),
    ("state", '"time": {"created": now, "updated": now}', '"time": {"created": now}'),
    ("step", "/ 1e6", "/ 1e3"),
    ("step", '"tool-calls" if calls else "stop"', '"stop"'),
    ("step", 'field="text"', 'field="content"'),
    ("step", "attempt=attempt, message", "attempt=attempt - 1, message"),
    ("step", "(is_over or not calls) and not session.is_open", "is_over or not calls"),
    ("events", 'wrapped["project"] = PROJECT', "pass"),
    ("tools", "The user rejected permission to use", "The user refused to use"),
    ("tools", "call.stops = ask.message is None", "call.stops = True"),
    ("turns", 'part["type"] == "text" or name != "metadata"', 'name != "metadata"'),
    ("session_operations", " (fork #{", " (copy #{"),
    ("session_operations", 'query["search"].lower() in', 'query["search"] in'),
    ("session_operations", "if self.state.is_new:\n            self.session(call)", "self.session(call)"),
    ("message_operations", "self.turns.send(session, call.body)\n        return Response(status=204)",
     "self.turns.send(session, call.body)\n        return Response(status=200)"),
    ("message_operations", 'call.body.get("noReply")', 'call.body.get("no_reply")'),
    ("ask_operations", '"permission.replied"', '"permission.answered"'),
    ("files", '.removesuffix("\\n")', ""),
    ("terminals", "exitCode=code or 0", "exitCode=0"),
    # the second series
    ("step", "text if self._state.is_new else text.rstrip()", "text"),
    ("step", "_RETRIED = (408, 409, 429)", "_RETRIED = (429,)"),
    ("step", "_FIRST_RETRY_S * 2 ** (attempt - 1)", "_FIRST_RETRY_S * 2 ** attempt"),
    ("step", "if is_first and session", "if session"),
    ("turns", '"retryCount": 2', '"retryCount": 1'),
    ("turns", 'body.get("agent") or "build"', 'body.get("agent") or session.info.get("agent") or "build"'),
    ("turns", "dict(found[-1] if found else MODEL_IDS)", "dict(MODEL_IDS)"),
    ("tools", "next(one for one in left if one.is_ready)", "left[0]"),
    ("tools", 'sum(one["status"] != "completed" for', "sum(True for"),
    ("rules", 'f"{one.split()[0]} *"', 'f"{one} *"'),
    ("rules", 'one for one in ("deny", "ask")', 'one for one in ("ask", "deny")'),
    ("rules", "for rule in reversed(rules)", "for rule in rules"),
    ("tools", '"exists": exists', '"exists": False'),
    ("ask_operations", "[one for one in others if matches(one, approved)]", "others"),
    ("ask_operations", '{} if answers is None else {"answers": answers}', "{}"),
    ("session_operations", "self.state.touch(session, revert=None)", "pass"),
    ("session_operations", "self.delete(evolve(call, ids=(child.id,)))", "pass"),
    ("session_operations", 'if message.id == call.body.get("messageID"):', "if False:"),
    ("session_operations", '"start" in query', '"begin" in query'),
    ("message_operations", '"message.removed", messageID=call.ids[1]', '"message.removed", messageID=session.id'),
    ("message_operations", '< before["id"]', '<= before["id"]'),
    ("files", '(one["type"] != "directory", one["name"])', 'one["name"]'),
    ("files", "offset += len(line)", "offset += 1"),
    ("terminals", "end if cursor == -1 else max(cursor, 0)", "max(cursor, 0)"),
    ("terminals", "one.tickets.remove(ticket)", "pass"),
    ("server_operations", 'about.get("mode", "all")', 'about.get("mode", "primary")'),
    ("server_operations", "directory=call.directory, cleanly=True", "directory=call.directory, cleanly=False"),
    ("events", '"seq": number', '"seq": number + 1'),
    ("model_requests", 'state.get("output", state.get("error", ""))', 'state.get("output", "")'),
    ("state", "for one in (session, *children)", "for one in (session,)"),
]  # fmt: skip
"""Modules of the fake, texts in them, and what replaces these texts. Written before any of them was tried."""


_MOST_S = 240


def plant(number: int) -> None:
    """Let the import of a module read the fault."""
    name, old, new = FAULTS[number]
    read = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        if fullname != f"opencode_client.testing.{name}":
            return read(self, fullname)
        source = Path(self.path).read_text(encoding="utf-8")
        assert old in source, (name, old)
        return compile(source.replace(old, new), self.path, "exec")

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment] # this process is only for the fault


def try_fault(number: int) -> str:
    """Return the version and the scene that find a fault, each time."""
    plant(number)
    from tests.testing.scenarios import VERSIONS, differences, play_fake, recorded  # after it is planted

    def finds(version: str, names: Sequence[str]) -> str:
        """Return the first scene that differs, or the error."""
        try:
            played = play_fake(version, names)
        except Exception as error:  # noqa: BLE001 # any error finds the fault
            return type(error).__name__
        return next((name for name in played if differences({name: recorded(version)[name]}, played)), "")

    for version in VERSIONS:
        found = finds(version, ())
        if found and finds(version, [found] if found in recorded(version) else ()):  # not by chance
            return f"{version} {found}"
    return ""


def _run(number: int) -> bool:
    command = [sys.executable, "-m", __spec__.name, str(number)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_MOST_S)
    except subprocess.TimeoutExpired:
        print(f"found: {FAULTS[number]}: nothing ends", flush=True)
        return True
    found = done.stdout.strip() or done.stderr.strip()[-200:]
    print(f"{'found' if done.returncode == 0 else 'MISSED'}: {FAULTS[number]}: {found}", flush=True)
    return done.returncode == 0


def main() -> int:
    """Try one fault, or all of them. Return 0 if all are found."""
    if len(sys.argv) > 1:
        found = try_fault(int(sys.argv[1]))
        print(found)
        return 0 if found else 1
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(_run, range(len(FAULTS))))
    print(f"{sum(results)} of {len(results)} faults found")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
