"""What the generated namespaces derive from: `client.session` and its like hold nothing but who makes the calls."""

from __future__ import annotations

from .caller import AsyncCaller, Caller


class Namespace:
    """Operations under one name. Got from an `OpencodeClient`, as good as the client is, thread-safe like it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller


class AsyncNamespace:
    """Operations under one name. Got from an `AsyncOpencodeClient`, as good as the client is."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller
