"""Responses for clients without a network, and records of their requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from tests.support.both_clients import Handler

SESSION = {
    "id": "ses_1", "slug": "a", "projectID": "p", "directory": "/r", "title": "t", "version": "1", "new": 1,
    "time": {"created": 1, "updated": 2},
}  # fmt: skip


def page() -> httpx.Response:
    return httpx.Response(200, text="<!doctype html>", headers={"content-type": "text/html;charset=utf-8"})


def answer(value: Any, status: int = 200) -> Handler:
    content = json.dumps(value).encode()  # httpx would send no body for None
    return lambda _: httpx.Response(status, content=content, headers={"content-type": "application/json"})


class Recorder:
    """Gives every request the same response, and keeps the requests."""

    def __init__(self, value: Any = None) -> None:
        self.value = value
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(200, json=self.value)

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.seen]


def versions(version: str, **routes: Callable[[], httpx.Response]) -> Recorder:
    """A server of a version, which answers other paths as `routes` say, with a web page by default."""

    class Server(Recorder):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            if request.url.path == "/global/health":
                return httpx.Response(200, json={"healthy": True, "version": version})
            return routes.get(request.url.path.strip("/").replace("/", "_"), page)()

    return Server()


def empty_page() -> httpx.Response:
    return httpx.Response(200, json={"data": [], "cursor": {}})
