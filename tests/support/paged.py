"""Servers that send lists in pages, for tests of `paginate`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx

from tests.support.both_clients import ClientKind

POISON = "Expected OutputFormatJsonSchema, got {...}"


def message(number: int, **info: object) -> dict[str, Any]:
    return {"info": {"id": f"msg_{number}", "role": "user", **info}, "parts": []}


def session(number: int, **members: object) -> dict[str, Any]:
    return {"id": f"ses_{number}", **members}


class Server:
    """A fake server of 1.18.33. `respond` gets the query, and the number of the request from 0."""

    def __init__(self, respond: Callable[[dict[str, str], int], httpx.Response]) -> None:
        self.queries: list[dict[str, str]] = []
        self._respond = respond

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/global/health":
            return httpx.Response(200, json={"healthy": True, "version": "1.18.33"})
        self.queries.append(dict(request.url.params))
        return self._respond(self.queries[-1], len(self.queries) - 1)

    def column(self, name: str) -> list[str | None]:
        """Return a parameter of each request; None where it was not sent."""
        return [query.get(name) for query in self.queries]


def messages(total: int, *, has_before: bool = True, bad: int | None = None) -> Server:
    """A server with messages 0 to `total`; it cannot send the last page if the message `bad` is in it."""

    def respond(query: dict[str, str], _: int) -> httpx.Response:
        limit, end = int(query["limit"]), int(query.get("before", total))
        first = max(0, end - limit)
        if bad is not None and first == 0 and bad < end:
            data = {"message": POISON, "kind": "Body"}
            return httpx.Response(400, json={"name": "BadRequest", "data": data})
        page = [message(n, **({"parentID": f"msg_{n - 1}"} if n % 2 else {})) for n in range(first, end)]
        headers = {"x-next-cursor": str(first) + "="} if first > 0 and has_before else {}
        return httpx.Response(200, json=page, headers=headers)

    def readable(query: dict[str, str], number: int) -> httpx.Response:
        return respond({name: value.removesuffix("=") for name, value in query.items()}, number)

    return Server(readable)


def sessions(total: int) -> Server:
    def respond(query: dict[str, str], _: int) -> httpx.Response:
        return httpx.Response(200, json=[session(n) for n in range(min(total, int(query["limit"])))])

    return Server(respond)


async def _collected(items: AsyncIterator[Any], into: list[Any]) -> None:
    async for item in items:
        into.append(item)


def all_items(client_kind: ClientKind, paginator: Any) -> list[Any]:
    """Return all items, read with `for` or `async for`."""
    if not client_kind.is_async:
        return list(paginator)
    found: list[Any] = []
    client_kind.call(_collected, paginator, found)
    return found


def numbers(items: Iterable[Any]) -> list[int]:
    ids = (item.info.id if hasattr(item, "info") else item.id for item in items)
    return [int(one.partition("_")[2]) for one in ids]
