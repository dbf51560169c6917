"""How a stream's connection begins, and what is under it: how one that waits is ended from outside."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

import httpx

from ..calls.request_builder import Prepared
from ..calls.response import is_web_page
from ..calls.sockets import end

logger: logging.Logger = logging.getLogger(__package__)


class Wire:
    """What httpcore calls the streams under a connection, as soon as there are any; ended from any thread."""

    def __init__(self) -> None:
        self._streams: list[Any] = []  # Any: httpcore's stream of either world
        self._is_down = False

    def connected(self, name: str, info: dict[str, Any]) -> None:
        """httpcore's trace: what a connection was made of."""
        self._keep(name, info)
        if self._is_down:
            self.shut_down()

    async def aconnected(self, name: str, info: dict[str, Any]) -> None:
        """The same for the asynchronous transport, which awaits it."""
        self._keep(name, info)
        if self._is_down:
            await self.ashut_down()

    def answered(self, request: httpx.Request, response: httpx.Response, watchdog_s: float | None) -> None:
        """An answer has begun, perhaps on a connection that was there before; the trace would only cost time now."""
        self._keep_answer(request, response, watchdog_s)
        if self._is_down:
            self.shut_down()

    async def aanswered(
        self, request: httpx.Request, response: httpx.Response, watchdog_s: float | None
    ) -> None:
        """The same, awaited."""
        self._keep_answer(request, response, watchdog_s)
        if self._is_down:
            await self.ashut_down()

    def _keep(self, name: str, info: dict[str, Any]) -> None:
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.append(info["return_value"])

    def _keep_answer(
        self, request: httpx.Request, response: httpx.Response, watchdog_s: float | None
    ) -> None:
        request.extensions.pop("trace", None)
        request.extensions["timeout"]["read"] = watchdog_s
        stream = response.extensions.get("network_stream")
        if stream is not None:
            self._streams.append(stream)

    def shut_down(self) -> None:
        """End the connection both ways: whoever reads from it reads its end."""
        self._is_down = True
        for stream in self._streams:
            end(stream.get_extra_info("socket"))

    async def ashut_down(self) -> None:
        """The same on an event loop, for any of its tasks."""
        self._is_down = True
        for stream in self._streams:
            await stream.aclose()


def traced(prepared: Prepared, trace: Callable[..., object], head_s: float | None) -> httpx.Request:
    phases = {**prepared.http.extensions["timeout"], "read": head_s}
    prepared.http.extensions = {"timeout": phases, "trace": trace}
    return prepared.http


def is_stream(prepared: Prepared, response: httpx.Response) -> bool:
    """Whether an answer is the stream that was asked for."""
    return response.status_code == 200 and not is_web_page(prepared.operation, response)


def begun(prepared: Prepared, started: float) -> None:
    """Say how long a stream took to begin."""
    took_ms = 1e3 * (perf_counter() - started)
    logger.debug("%s: the stream began after %.1f ms", prepared.operation.id, took_ms)
