"""The operations of a fake server on the server itself: configuration, providers, agents, projects, event streams."""

from __future__ import annotations

import re
from typing import Any

from ..model import JsonObject
from .connections import Stream
from .events import PROJECT
from .handlers import Handlers
from .replies import COST, LIMITS, MODEL
from .routing import Call, on
from .state import now_ms

AGENTS = {
    "build": ("The default agent. Executes tools based on configured permissions.", "primary"),
    "plan": ("Plan mode. Disallows all edit tools.", "primary"),
    "general": ("General-purpose agent for researching complex questions.", "subagent"),
    "explore": ("Fast agent specialized for exploring codebases.", "subagent"),
}
"""The agents that every server has: their descriptions and modes."""


class ServerOperations(Handlers):
    """Handles calls for the server itself."""

    @on("global.health", "GET", "/global/health")
    def health(self, _: Call) -> Any:
        return {"healthy": True, "version": self.state.version}

    @on("global.event", "GET", "/global/event")
    def global_event(self, _: Call) -> Stream:
        return lambda peer: self.state.events.serve(peer, None)

    @on("event.subscribe", "GET", "/event")
    def event(self, call: Call) -> Stream:
        return lambda peer: self.state.events.serve(peer, call.directory)

    @on("instance.dispose", "POST", "/instance/dispose")
    def dispose(self, call: Call) -> Any:
        self.state.events.publish("server.instance.disposed", call.directory, directory=call.directory)
        self.state.events.end(directory=call.directory, cleanly=True)
        return True

    @on("global.config.get", "GET", "/global/config")
    @on("config.get", "GET", "/config")
    def config_get(self, _: Call) -> Any:
        return {"model": MODEL, "small_model": MODEL, "username": "fake", **self.config}

    @on("config.providers", "GET", "/config/providers")
    def config_providers(self, _: Call) -> Any:
        return {"providers": [self._provider()], "default": {"scripted": "scripted-1"}}

    @on("provider.list", "GET", "/provider")
    def providers(self, _: Call) -> Any:
        return {
            "all": [self._provider()],
            "default": {"scripted": "scripted-1"},
            "connected": ["scripted"],
        }

    def _provider(self) -> JsonObject:
        kinds = dict.fromkeys(("text", "audio", "image", "video", "pdf"), False) | {"text": True}
        abilities = dict.fromkeys(("temperature", "reasoning", "attachment", "toolcall"), True)
        cost = {"input": COST["input"], "output": COST["output"]}
        cache = {"read": COST["cache_read"], "write": COST["cache_write"]}
        api = {"id": "scripted-1", "npm": "@ai-sdk/openai-compatible"} | (
            {"url": ""} if self.state.is_new else {}
        )
        model: JsonObject = {
            "id": "scripted-1", "providerID": "scripted", "api": api, "name": "Scripted", "family": "",
            "capabilities": {**abilities, "input": kinds, "output": kinds, "interleaved": False},
            "cost": {**cost, "cache": cache}, "limit": LIMITS, "status": "active", "options": {}, "headers": {},
            "release_date": "", "variants": {one: {"reasoningEffort": one} for one in ("low", "medium", "high")},
        }  # fmt: skip
        about = {"id": "scripted", "name": "Scripted", "source": "config", "env": list[str]()}
        options = {"baseURL": "http://127.0.0.1:9/v1", "apiKey": "not-a-secret"}
        return {**about, "options": options, "models": {"scripted-1": model}}

    @on("path.get", "GET", "/path")
    def path(self, call: Call) -> Any:
        home = dict.fromkeys(("home", "state", "config"), call.directory)
        return {**home, "worktree": call.directory, "directory": call.directory}

    @on("app.agents", "GET", "/agent")
    def agents(self, _: Call) -> Any:
        shown = dict(AGENTS)
        for name, about in self.config.get("agent", {}).items():
            shown.setdefault(name, (about.get("description", ""), about.get("mode", "all")))
        more: JsonObject = {"permission": [], "options": {}}
        return [
            {"name": name, "description": text, "mode": mode, "native": name in AGENTS, **more}
            for name, (text, mode) in shown.items()
        ]

    @on("command.list", "GET", "/command")
    def commands(self, _: Call) -> Any:
        return [
            {
                "name": name,
                "source": "command",
                "hints": re.findall(r"\$ARGUMENTS|\$\d", one["template"]),
                **one,
            }
            for name, one in self.config.get("command", {}).items()
        ]

    @on("project.current", "GET", "/project/current")
    def project(self, call: Call) -> Any:
        times = dict.fromkeys(("created", "updated"), now_ms())
        return {"id": PROJECT, "worktree": call.directory, "vcs": "git", "time": times, "sandboxes": []}

    @on("project.list", "GET", "/project")
    def projects(self, call: Call) -> Any:
        return [self.project(call)]
