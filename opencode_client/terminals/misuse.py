"""Errors for terminals that are used in the way of the other client: `with` for `async with`, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ..errors import ArgumentError

if TYPE_CHECKING:  # type checkers report the wrong use themselves

    class SyncOnly:
        """A base class for terminals of an `OpencodeClient`."""

    class AsyncOnly:
        """A base class for terminals of an `AsyncOpencodeClient`."""

else:

    def _refuse(self: object, *_: object) -> NoReturn:
        is_async = isinstance(self, AsyncOnly)
        name = "AsyncOpencodeClient" if is_async else "OpencodeClient"
        prefix = "async " if is_async else ""
        raise ArgumentError(f"use {prefix}`with ... as terminal` and `{prefix}for`: the client is an {name}")

    class SyncOnly:
        """A base class for terminals of an `OpencodeClient`."""

        __aenter__ = __aexit__ = __aiter__ = _refuse

    class AsyncOnly:
        """A base class for terminals of an `AsyncOpencodeClient`."""

        __enter__ = __exit__ = __iter__ = __await__ = _refuse
