"""The namespaces as attributes of the client's class, for `create_autospec`."""

from __future__ import annotations

import asyncio
import inspect
from unittest.mock import create_autospec

import pytest

from opencode_client import AsyncOpencodeClient, OpencodeClient


def test_an_autospec_has_the_operations_with_their_arguments() -> None:
    client = create_autospec(OpencodeClient, instance=True)
    client.session.list.return_value = []
    assert client.session.list(limit=3) == []
    client.session.list.assert_called_once_with(limit=3)
    with pytest.raises(TypeError, match="no_such"):
        client.session.list(no_such=3)
    with pytest.raises(TypeError, match="session_id"):
        client.v2.session.revert.stage()
    with pytest.raises(AttributeError):
        client.session.no_such_operation  # noqa: B018 # the look-up raises


def test_an_autospec_of_the_class_makes_clients_with_operations() -> None:
    factory = create_autospec(OpencodeClient)
    factory.return_value.session.get.return_value = "session"
    assert factory("http://127.0.0.1:1").session.get("ses_1") == "session"
    with pytest.raises(TypeError):
        factory().session.get()


def test_an_autospec_of_the_async_client_has_operations_to_await() -> None:
    client = create_autospec(AsyncOpencodeClient, instance=True)
    client.session.list.return_value = []
    assert asyncio.run(client.session.list(limit=3)) == []
    client.session.list.assert_awaited_once_with(limit=3)
    assert not inspect.isawaitable(client.event.subscribe())


def test_a_client_makes_each_namespace_once() -> None:
    client = OpencodeClient("http://127.0.0.1:1")
    assert client.session is client.session
    assert client.v2.session.revert is client.v2.session.revert
