"""Rules of permissions, as the setting `permission` has them: the last rule that matches decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..model import JsonObject
from ..wildcards import matches_wildcard
from .state import Ask

ALLOWED = {"permission": "*", "action": "allow", "pattern": "*"}
"""The first rule of each agent."""
_EDITS = ("edit", "write")
_PARTS = re.compile(r"[;\n]|&&|\|\|?")
"""The places at which a shell command is split. Real servers parse it."""
_ASK_ALL: list[JsonObject] = [{"permission": "*", "pattern": "*", "action": "ask"}]


def rules_of(permission: Any) -> list[JsonObject]:  # Any: opencode's configuration
    """Return opencode's setting `permission` as a list of rules."""
    named: JsonObject = {"*": permission} if isinstance(permission, str) else permission or {}
    found: list[JsonObject] = []
    for name, value in named.items():
        patterns: JsonObject = {"*": value} if isinstance(value, str) else value
        found += [{"permission": name, "pattern": to, "action": action} for to, action in patterns.items()]
    return found


def action_for(rules: Sequence[JsonObject], permission: str, patterns: Sequence[str]) -> str:
    """Return `allow`, `ask` or `deny`. The last matching rule decides each pattern; the strictest decision wins."""
    actions = [_one_action(rules, permission, pattern) for pattern in patterns]
    return next((one for one in ("deny", "ask") if one in actions), "allow")


def _one_action(rules: Sequence[JsonObject], permission: str, pattern: str) -> str:
    for rule in reversed(rules):
        if matches_wildcard(permission, rule["permission"]) and matches_wildcard(pattern, rule["pattern"]):
            return str(rule["action"])
    return "allow"


def matches(ask: Ask, rules: Sequence[JsonObject]) -> bool:
    """Return True if rules allow a permission request."""
    return action_for([*_ASK_ALL, *rules], ask.info["permission"], ask.info["patterns"]) == "allow"


def wanted_by(name: str, arguments: JsonObject) -> JsonObject:
    """Return the permission that a call of a tool needs."""
    if name == "bash":
        command = str(arguments.get("command", ""))
        patterns = [one.strip() for one in _PARTS.split(command) if one.strip()]
        always = list(dict.fromkeys(f"{one.split()[0]} *" for one in patterns))
        about = {"metadata": {"command": command}, "always": always}
        return {"permission": name, "patterns": patterns, **about}
    pattern = str(arguments.get("filePath", arguments.get("subagent_type", "*")))
    kind = "edit" if name in _EDITS else name
    return {"permission": kind, "patterns": [pattern], "metadata": {}, "always": ["*"]}
