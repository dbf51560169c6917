"""Readers of one `text/event-stream` response without this client, sync and async: each yields events as dicts."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Generator
from typing import Any
from urllib.parse import urlsplit

import httpx
from httpx_sse import EventSource

_READ_BYTES = 65536

Events = Generator[dict[str, Any]]
AsyncEvents = AsyncGenerator[dict[str, Any]]


def of_response(response: httpx.Response) -> Events:
    """Read the bytes from httpx, split them at empty lines, and parse each event with `json.loads`."""
    rest = b""
    for chunk in response.iter_bytes():
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            yield json.loads(block[6:])


async def of_async_response(response: httpx.Response) -> AsyncEvents:
    """`of_response`, async."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            yield json.loads(block[6:])


def of_httpx_sse(response: httpx.Response) -> Events:
    """Read events with httpx-sse, and parse each with `json.loads`."""
    for event in EventSource(response).iter_sse():
        yield json.loads(event.data)


async def of_async_httpx_sse(response: httpx.Response) -> AsyncEvents:
    """`of_httpx_sse`, async."""
    async for event in EventSource(response).aiter_sse():
        yield json.loads(event.data)


def of_socket(url: str) -> Events:
    """Read events from a bare socket. HTTP's bytes between them are skipped, not parsed."""
    with socket.create_connection(_address(url)) as connection:
        connection.sendall(_request(url))
        rest = b""
        while not rest.endswith(b"\r\n0\r\n\r\n"):
            *blocks, rest = (rest + connection.recv(_READ_BYTES)).split(b"\n\n")
            for block in blocks:
                yield json.loads(block.partition(b"data: ")[2])


async def of_async_socket(url: str) -> AsyncEvents:
    """`of_socket` with asyncio's streams."""
    reader, writer = await asyncio.open_connection(*_address(url))
    writer.write(_request(url))
    rest = b""
    try:
        while not rest.endswith(b"\r\n0\r\n\r\n"):
            *blocks, rest = (rest + await reader.read(_READ_BYTES)).split(b"\n\n")
            for block in blocks:
                yield json.loads(block.partition(b"data: ")[2])
    finally:
        writer.close()
        await writer.wait_closed()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def _request(url: str) -> bytes:
    parts = urlsplit(url)
    return f"GET {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\naccept: text/event-stream\r\n\r\n".encode()
