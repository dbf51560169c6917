"""Clients whose requests and responses a test can inspect."""

from __future__ import annotations

import json
from functools import partial
from operator import attrgetter
from typing import Any

import httpx
import pytest

from opencode_client._spec import OPENCODE_VERSION
from tests.support.both_clients import ClientKind
from tests.support.contract_oracle import (
    SCOPE,
    Answer,
    Endpoint,
    Sample,
)
from tests.support.contract_values import DOCUMENT

HEALTH = Answer(200, "application/json", {"healthy": True, "version": OPENCODE_VERSION})
SERVED = Answer(200, "application/json", DOCUMENT)
BYTES, TEXT = b"\x00\xff<\n", "\x00\ufffd<\n"


class _RequestSentError(Exception):
    """Ends a call when its request has been sent."""


class Wire:
    """Sync or async clients, and the requests and responses between them and a scripted server.

    `warned` has the members about which readers logged a warning: they are not as documented.
    """

    def __init__(self, client_kind: ClientKind, warned: set[tuple[str, str]]) -> None:
        self.client_kind = client_kind
        self.warned = warned
        self.requests: list[httpx.Request] = []
        self.answer: Answer | None = HEALTH
        self.plain = self._client()
        self.strict = self.plain.with_options(strict=True)
        self.located = self.plain.with_options(**SCOPE)
        self.elsewhere = self.plain.with_options(directory="/elsewhere", workspace="wrk_other")
        self.configured = self._client(username="me", password="pä:ss", headers={"x-all": "1"})

    def __repr__(self) -> str:
        return "async" if self.client_kind.is_async else "sync"  # what pytest shows when a test fails

    def _client(self, **options: Any) -> Any:  # Any: either client, whose methods are found by their names
        client = self.client_kind.mocked(self._take, max_retries=0, **options)
        self.answer = HEALTH
        self.client_kind.call(client.check_server)  # newer operations ask for the version first
        return client

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.answer is None:
            raise _RequestSentError
        answer = SERVED if request.url.path == "/doc" else self.answer
        media, value = answer.media, answer.value
        content = json.dumps(value).encode() if media == "application/json" else BYTES if media else b""
        headers = {"content-type": media} if media else {}
        return httpx.Response(answer.status, headers=headers, content=content)

    def some_of(self, answers: list[Answer]) -> list[Answer]:
        """Return all answers for sync clients. Async clients read with the same code: one of each status is enough."""
        if not self.client_kind.is_async:
            return answers
        return list({(answer.status, answer.media): answer for answer in answers}.values())

    def call(
        self, client: Any, endpoint: Endpoint, sample: Sample, answer: Answer | None
    ) -> Any:  # Any: as above
        """Return what the method returns for this response."""
        self.answer = answer
        self.requests.clear()
        return self.client_kind.call(partial(method_of(client, endpoint), *sample.arguments, **sample.named))

    def sent(self, client: Any, endpoint: Endpoint, sample: Sample) -> httpx.Request:  # Any: either client
        """Return the one request that the method makes. There is no response."""
        with pytest.raises(_RequestSentError):
            self.call(client, endpoint, sample, None)
        [request] = self.requests
        return request


def method_of(client: Any, endpoint: Endpoint) -> Any:  # Any: either client, any method
    """The client's method for an operation."""
    return attrgetter(endpoint.attribute)(client)
