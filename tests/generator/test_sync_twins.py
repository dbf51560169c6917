"""Synchronous twins are made from asynchronous modules, line by line."""

from __future__ import annotations

import pytest

from scripts.sync_twins import TwinError, sync_source

_FIRST = "# The source of twin.py, which `make generate` writes.\n"


def _twin(code: str) -> str:
    return sync_source(_FIRST + code, "async_twin.py").partition("\n")[2]


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("async def f():\n    await g()\n", "def f():\n    g()\n"),
        ("async with a as b:\n    pass\n", "with a as b:\n    pass\n"),
        ("async for a in b:\n    yield a\n", "for a in b:\n    yield a\n"),
        ("x = [a async for a in b]\n", "x = [a for a in b]\n"),
        ("from collections.abc import Awaitable, Callable\n", "from collections.abc import Callable\n"),
        ("def f(a: Callable[P, Awaitable[list[T]]]) -> T: ...\n", "def f(a: Callable[P, list[T]]) -> T: ...\n"),
        ("def f(a: Awaitable[T], b: dict[str, int]): ...\n", "def f(a: T, b: dict[str, int]): ...\n"),
        ("async def __aenter__(self): ...\n", "def __enter__(self): ...\n"),
        ("from .async_caller import AsyncCaller\n", "from .caller import Caller\n"),
        ('"""Use `async with`, or `await client.close()`.\n\nTasks may share it."""\n',
         '"""Use `with`, or `client.close()`.\n\nThreads may share it."""\n'),
        ("f(x)  # an AsyncCaller awaits it\n", "f(x)  # an Caller awaits it\n"),
        ('raise E(f"takes a httpx.AsyncClient, not {type(x)}")\n', 'raise E(f"takes a httpx.Client, not {type(x)}")\n'),
    ],
)  # fmt: skip
def test_source_and_twin(source: str, twin: str) -> None:
    assert _twin(source) == twin


def test_a_twin_has_as_many_lines_as_its_source() -> None:
    source = 'async def f():\n    """One\n\n    two."""\n    return await g(\n        await h()\n    )\n'
    assert len(_twin(source).splitlines()) == len(source.splitlines())


def test_an_unlisted_async_name_is_an_error_with_its_place() -> None:
    with pytest.raises(TwinError, match=r"^async_twin.py:3: AsyncThing has no synchronous name"):
        _twin("x = 1\ny = AsyncThing()\n")


def test_an_unlisted_async_name_in_a_docstring_is_an_error() -> None:
    with pytest.raises(TwinError, match="AsyncThing"):
        _twin('"""As `AsyncThing`."""\n')


def test_a_module_without_the_mark_of_a_source_is_refused() -> None:
    with pytest.raises(TwinError, match="begin with"):
        sync_source("x = 1\n", "async_twin.py")
