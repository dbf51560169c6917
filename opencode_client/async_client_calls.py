# The source of client_calls.py, which `make generate` writes.
"""The part of `AsyncOpencodeClient` with `raw`, `paginate`, `send`, `wait_until_ready` and `check_server`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from .api import AsyncNamespaces
from .calls.namespace import AsyncNamespace
from .calls.options import Timeout, checked_seconds
from .calls.unset import UNSET, Unset
from .errors import ArgumentError
from .signatures import explain_calls

if TYPE_CHECKING:
    from .calls.async_paginator import AsyncPaginator
    from .calls.paging import Page
    from .calls.raw import Response
    from .calls.server_info import ServerInfo

P = ParamSpec("P")
T = TypeVar("T")


@explain_calls
class AsyncClientCalls(AsyncNamespaces):
    """Calls that are not operations. The base class of `AsyncOpencodeClient`."""

    async def raw(
        self, method: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Response[T]:
        """Call an operation of this client, or `send`, and return its value with status and headers.

        `(await client.raw(client.session.list, limit=3)).headers["content-type"]`

        Raises:
            ArgumentError: `method` is not an operation of an `AsyncOpencodeClient`, or is a stream or terminal.
            OpencodeError: the call failed; these are the operation's errors.
        """
        own = _owner_of(method)._caller  # pyright: ignore[reportPrivateUsage] # ours
        caller = own.with_options(own.options)
        caller.keeps_response = True
        from .calls.raw import Response, check_single, rebound

        pending: Any = rebound(method, caller)(*args, **kwargs)
        check_single(pending)
        value: T = await pending
        response = caller.response
        assert response is not None  # noqa: S101 # the caller keeps it
        return Response(value, response.status_code, dict(response.headers), response.content)

    @overload
    def paginate(
        self, method: Callable[P, Awaitable[list[T]]], /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncPaginator[T]: ...
    @overload
    def paginate(
        self, method: Callable[P, Awaitable[Page[T]]], /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncPaginator[T]: ...
    def paginate(
        self, method: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Any:  # Any: see the overloads
        """Iterate over the items of all pages of an operation, each item once.

        `async for message in client.paginate(client.session.messages, session.id, limit=50): ...`

        `limit` is the number of items in a page, 100 by default. `session.messages` yields the newest message first.
        Lists of sessions begin with the last updated one. Operations of `v2` keep their `order`, and
        `v2.session.history` yields the oldest item first. Items that the server adds during the iteration may be
        missing, and so may sessions that it updates. If the server has no pages (`session.list`; `session.messages` of
        1.1.x), the list is read again with a larger limit. `missing` of the result has the ids of messages that the
        server cannot return.

        Raises:
            ArgumentError: the operation has no pages (the message lists those that do), or an argument is wrong.
            OpencodeError: during the iteration, if a call fails.
        """
        from .calls.async_paginator import AsyncPaginator
        from .calls.paging import start

        own, paging = start(method, AsyncNamespace, args, kwargs)
        caller = own.with_options(own.options)
        caller.keeps_response = True
        return AsyncPaginator[Any](caller, paging)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        json: object = UNSET,
        timeout: Timeout | Unset = UNSET,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # Any: the caller knows what the route returns
        """Send a request to any route, and return the JSON of its response; None for an empty body.

        Use it for routes, parameters and members that are not in the server's document. A documented operation keeps
        its rules, for example `turn_timeout`. For other paths the method decides: GET, PUT and DELETE are retried after
        a broken connection. The client's `directory` and `workspace` are sent in the query (under `/api/` as
        `location[...]`), unless `query` contains them.

        `client.send("POST", f"/session/{session.id}/message", json={"parts": [], "newMember": 1})`

        Args:
            method: HTTP method.
            path: Path below the base URL, percent-encoded, without a query.
            query: Parameters of the query. A list repeats its name; None leaves a parameter out.
            json: Body: JSON or a model. Default: no body.

        Raises:
            ArgumentError: an argument is wrong, or the path is that of an event stream.
            ResponseDecodeError: the response is not JSON. `error.body` has its bytes.
            UnsupportedOperationError: the server does not have this route.
            OpencodeError: the call failed, as for operations.
        """
        from .routes import call_of

        operation, arguments = call_of(method, path, query, json)
        arguments.timeout, arguments.headers = timeout, headers
        return await self._caller.call(operation, arguments)

    async def wait_until_ready(self, *, timeout: float | None = 60.0) -> None:
        """Wait until the server responds. Use it for a server that another program has just started.

        Args:
            timeout: Seconds to wait. None: no limit.

        Raises:
            RequestTimeoutError: the server did not respond in time. `__cause__` is the error of the last try.
            AuthenticationError: the password is missing or wrong.
            UnsupportedServerError: the server at this URL is not opencode 1.x.
            ForbiddenError: a proxy refuses the request.
            ArgumentError: the timeout is wrong.

        Source: `GET /global/health`, repeated after 0.1 seconds if there is no response, or the status is 429 or 5xx.
        """
        await self._caller.server_check.wait(checked_seconds("timeout", timeout))

    async def check_server(self) -> ServerInfo:
        """Return the server's version and its operations.

        Raises:
            UnsupportedServerError: the server at this URL is not opencode 1.x.
            AuthenticationError: the password is missing or wrong.
            RequestError: no response.

        Source: `GET /global/health` and `GET /doc`. If the document lists almost no operations (servers 1.14.34 to
            1.14.41), they come from a table of versions.
        """
        return await self._caller.server_check.info()


def _owner_of(method: Callable[..., object]) -> AsyncNamespace | AsyncClientCalls:
    owner: object = getattr(method, "__self__", None)
    if isinstance(owner, AsyncNamespace):
        return owner
    if isinstance(owner, AsyncClientCalls) and method.__name__ == "send":
        return owner
    raise ArgumentError("raw takes an operation, such as client.session.list, and then its arguments")
