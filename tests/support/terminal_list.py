"""The terminals of a scripted server: they are created, listed, renamed and removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.support.faulty_server import http
from tests.support.terminal_server import PTY_ID, PtyServer, Step, cursor, described


class TerminalList(PtyServer):
    """A server whose list of terminals has one of another program. New ones have the id PTY_ID.

    `on_create` is called after a terminal was created. It returns another response, or None for the usual one.
    """

    def __init__(self, *scripts: Iterable[Step], **options: Any) -> None:
        self.titles: dict[str, str] = {"pty_other": "Terminal 1"}
        """The titles of the terminals that run, by id."""
        self.on_create: Callable[[], bytes | None] = lambda: None
        super().__init__(*(scripts or ([cursor(0)],)), **options)
        self.answers["/pty"] = self._create_or_list
        self.answers[f"/pty/{PTY_ID}"] = self._use

    @property
    def removals(self) -> int:
        """The number of DELETE requests."""
        return [call.method for call in self.calls].count("DELETE")

    def is_clean(self) -> bool:
        """Return True if only the terminal of the other program runs, and no client is connected."""
        return [*self.titles] == ["pty_other"] and self.open == 0 and not self.listeners

    def _create_or_list(self) -> bytes:
        asked = self.calls[-1]
        if asked.method == "POST":
            self.titles[PTY_ID] = json.loads(asked.body)["title"]
            return self.on_create() or described()
        found = [json.loads(described(one).partition(b"\r\n\r\n")[2]) for one in self.titles]
        return http(json.dumps([{**one, "title": self.titles[one["id"]]} for one in found]).encode())

    def _use(self) -> bytes | None:
        asked = self.calls[-1]
        if PTY_ID not in self.titles:
            return None
        if asked.method == "PUT":
            self.titles[PTY_ID] = json.loads(asked.body)["title"]
        if asked.method == "DELETE":
            with self.changed:
                del self.titles[PTY_ID]
                self.changed.notify_all()
            return http(b"true")
        return described()
