"""Typed Python client for the OpenCode server. Names are imported when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencode_client.errors import OpencodeError as OpencodeError
    from opencode_client.errors import ResponseDecodeError as ResponseDecodeError
    from opencode_client.errors import ServerStartError as ServerStartError
    from opencode_client.server import OpencodeServer as OpencodeServer
    from opencode_client.times import to_datetime as to_datetime
    from opencode_client.times import to_epoch_ms as to_epoch_ms

__all__ = [
    "OpencodeError",
    "OpencodeServer",
    "ResponseDecodeError",
    "ServerStartError",
    "to_datetime",
    "to_epoch_ms",
]

_HOMES = {
    "OpencodeError": "errors",
    "OpencodeServer": "server",
    "ResponseDecodeError": "errors",
    "ServerStartError": "errors",
    "to_datetime": "times",
    "to_epoch_ms": "times",
}


if not TYPE_CHECKING:  # or checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
