"""Errors for sync objects that are used like async ones, and the reverse: `with` for `async with`, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from .errors import ArgumentError

if TYPE_CHECKING:  # type checkers report the wrong use themselves

    class SyncWith:
        """A base class for objects that `with` opens."""

    class AsyncWith:
        """A base class for objects that `async with` opens."""

    class SyncOnly:
        """A base class for terminals of an `OpencodeClient`."""

    class AsyncOnly:
        """A base class for terminals of an `AsyncOpencodeClient`."""

else:

    def _refuse(self: object, *_: object) -> NoReturn:
        is_async = isinstance(self, AsyncWith)
        client = "AsyncOpencodeClient" if is_async else "OpencodeClient"
        prefix = "async " if is_async else ""
        name = type(self).__name__
        is_of = "" if name == client else f": this {name} is of an {client}"
        raise ArgumentError(f"{name}: use `{prefix}with` and `{prefix}for`{is_of}")

    class SyncWith:
        """A base class for objects that `with` opens."""

        __slots__ = ()
        __aenter__ = __aexit__ = _refuse

    class AsyncWith:
        """A base class for objects that `async with` opens."""

        __slots__ = ()
        __enter__ = __exit__ = _refuse

    class SyncOnly(SyncWith):
        """A base class for terminals of an `OpencodeClient`. Not for streams: other libraries check for `__aiter__`."""

        __aiter__ = _refuse

    class AsyncOnly(AsyncWith):
        """A base class for terminals of an `AsyncOpencodeClient`. Not for streams, as `SyncOnly`."""

        __iter__ = __await__ = _refuse
