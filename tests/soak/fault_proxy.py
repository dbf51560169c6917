"""A proxy on loopback for many connections, each with a fault of its own. It counts the prompts that it receives."""

from __future__ import annotations

import asyncio
import math
import socket
from collections import Counter
from contextlib import suppress
from random import Random

from tests.support.acceptor import RESET_ON_CLOSE
from tests.support.prompt_proxy import LONGEST_MARK, MARK

_PIECE_BYTES = 65_536
_SLOW_BYTES = 2_048
_SLOW_PAUSE_S = 0.1
_FATES = (*["none"] * 12, *["cut", "reset"] * 3, "blackhole", "slow")
"""The faults from which each connection draws one."""
_EXPONENTS = (1.0, 5.5)
"""A fault comes after 10 to 300,000 bytes of responses: small numbers are as likely as large ones."""


class FaultProxy:
    """Carries connections to a port on loopback. `calm` ends those with faults, and lets new ones pass.

    A cut or reset ends a connection in the middle of its bytes. A blackhole carries no more bytes and ends when the
    client does. A slow connection carries 20 KB a second.
    """

    def __init__(self, upstream_port: int, seed: int) -> None:
        self.url = ""
        self.prompts: Counter[str] = Counter()
        """The number of requests with each key of a prompt."""
        self.faults: Counter[str] = Counter()
        """The number of connections that met each fault."""
        self._port = upstream_port
        self._random = Random(seed)  # noqa: S311 # not for secrets
        self._is_calm = False
        self._faulty: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen, until the event loop ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=2048)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def calm(self) -> None:
        """End all connections with faults, and make no more faults."""
        self._is_calm = True
        for writer in self._faulty:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:  # the server is being restarted
            self.faults["refused"] += 1
            writer.close()
            return
        fate = "none" if self._is_calm else self._random.choice(_FATES)
        if fate != "none":
            self._faulty.add(writer)
        frozen = asyncio.Event()
        upward = asyncio.create_task(self._carry_requests(reader, up_writer, frozen))
        with suppress(OSError):
            await self._carry_responses(up_reader, writer, fate)
            if fate == "blackhole":
                frozen.set()
                await upward
        writer.close()
        upward.cancel()
        up_writer.close()
        self._faulty.discard(writer)

    async def _carry_requests(
        self, reader: asyncio.StreamReader, up: asyncio.StreamWriter, frozen: asyncio.Event
    ) -> None:
        last = b""
        with suppress(OSError):
            while data := await reader.read(_PIECE_BYTES):
                found = [*MARK.finditer(last + data)]
                self.prompts.update(one[1].decode() for one in found)
                last = (last + data)[found[-1].end() if found else 0 :][-LONGEST_MARK:]
                if not frozen.is_set():
                    up.write(data)
                    await up.drain()
        if not frozen.is_set():
            up.close()

    async def _carry_responses(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fate: str
    ) -> None:
        """Carry the bytes up to the fault, and make it. Return when the server has ended, too."""
        slow = fate == "slow"
        left = (
            int(10 ** self._random.uniform(*_EXPONENTS))
            if fate in {"cut", "reset", "blackhole"}
            else math.inf
        )
        self.faults[fate] += slow
        while data := await reader.read(_SLOW_BYTES if slow else _PIECE_BYTES):
            part = data if len(data) < left else data[: int(left)]
            writer.write(part)
            await writer.drain()
            left -= len(data)
            if left <= 0:
                self.faults[fate] += 1
                if fate == "reset":
                    one = writer.get_extra_info("socket")
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                return
            if slow and not self._is_calm:
                await asyncio.sleep(_SLOW_PAUSE_S)
