"""How a stream's connection begins, and the sockets under it: how one that waits is ended from outside."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any

import httpx

from opencode_client.requests import Prepared
from opencode_client.responses import is_web_page

logger: logging.Logger = logging.getLogger("opencode_client.streams")  # where its users look


class Wire:
    """The sockets under a connection, as soon as there are any; shut down from any thread or task."""

    def __init__(self) -> None:
        self._sockets: list[Any] = []  # Any: a socket, or asyncio's stand-in for one
        self._is_down = False

    def connected(self, name: str, info: dict[str, Any]) -> None:
        """httpcore's trace: what a connection was made of."""
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._take(info["return_value"])

    async def aconnected(self, name: str, info: dict[str, Any]) -> None:
        """The same for the asynchronous transport, which awaits it."""
        self.connected(name, info)

    def answered(self, request: httpx.Request, response: httpx.Response, watchdog_s: float | None) -> None:
        """An answer has begun, perhaps on a connection that was there before; the trace would only cost time now."""
        request.extensions.pop("trace", None)
        request.extensions["timeout"]["read"] = watchdog_s
        stream = response.extensions.get("network_stream")
        if stream is not None:
            self._take(stream)

    def _take(self, stream: Any) -> None:  # Any: httpcore's stream of either world
        self._sockets.append(stream.get_extra_info("socket"))
        if self._is_down:
            self.shut_down()

    def shut_down(self) -> None:
        """End the connection both ways: whoever reads from it reads its end."""
        self._is_down = True
        for each in self._sockets:
            with suppress(OSError):  # it is closed already
                each.shutdown(socket.SHUT_RDWR)


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
