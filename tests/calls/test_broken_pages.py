"""Wrong pages of a server: `paginate` raises an error or continues, and always ends."""

from __future__ import annotations

import httpx
import pytest

from opencode_client import ResponseDecodeError
from tests.support import paged
from tests.support.both_clients import ClientKind


def test_a_page_without_items_is_an_error(client_kind: ClientKind) -> None:
    client = client_kind.mocked(paged.Server(lambda _, __: httpx.Response(200, json={"cursor": {}})))
    with pytest.raises(ResponseDecodeError, match=r"v2\.session\.list: \$\.data"):
        paged.all_items(client_kind, client.paginate(client.v2.session.list))


WRONG_PAGES: list[tuple[dict[str, object], str]] = [
    ({"data": [paged.session(1)], "cursor": {"next": {}}}, "cursor.next"),
    ({"data": [paged.session(1)], "hasMore": True}, "data[-1].durable.seq"),
    ({"data": [{"durable": 5}], "hasMore": True}, "data[-1].durable.seq"),
    ({"data": [{"durable": {"seq": []}}], "hasMore": True}, "data[-1].durable.seq"),
    ({"data": [None], "hasMore": True}, "data[-1].durable.seq"),
]


@pytest.mark.parametrize(("body", "path"), WRONG_PAGES)
def test_a_page_with_a_wrong_cursor_is_an_error(
    client_kind: ClientKind, body: dict[str, object], path: str
) -> None:
    client = client_kind.mocked(paged.Server(lambda _, __: httpx.Response(200, json=body)))
    with pytest.raises(ResponseDecodeError) as caught:
        paged.all_items(client_kind, client.paginate(client.v2.session.list))
    assert f"$.{path}" in str(caught.value)


def test_items_that_are_not_objects_are_kept(client_kind: ClientKind) -> None:
    client = client_kind.mocked(paged.Server(lambda _, __: httpx.Response(200, json={"data": [1, None]})))
    assert paged.all_items(client_kind, client.paginate(client.v2.session.list)) == [1, None]


def test_a_cursor_of_many_digits_is_sent_unchanged(client_kind: ClientKind) -> None:
    def respond(_: dict[str, str], number: int) -> httpx.Response:
        return httpx.Response(
            200, json=[paged.message(number)], headers=[{"x-next-cursor": "9" * 5000}, {}][number]
        )

    server = paged.Server(respond)
    client = client_kind.mocked(server)
    assert len(paged.all_items(client_kind, client.paginate(client.session.messages, "ses_1", limit=1))) == 2
    assert server.column("before") == [None, "9" * 5000]


def test_new_cursors_without_new_items_raise_an_error(client_kind: ClientKind) -> None:
    def respond(_: dict[str, str], number: int) -> httpx.Response:
        return httpx.Response(200, json={"data": [paged.session(1)], "cursor": {"next": str(number)}})

    server = paged.Server(respond)
    client = client_kind.mocked(server)
    with pytest.raises(ResponseDecodeError, match="the same ones, page after page"):
        paged.all_items(client_kind, client.paginate(client.v2.session.list))
    assert len(server.queries) == 12


def test_a_repeated_cursor_ends_the_pages(client_kind: ClientKind) -> None:
    page = {"data": [paged.session(1)], "cursor": {"next": "same"}}
    client = client_kind.mocked(paged.Server(lambda _, __: httpx.Response(200, json=page)))
    assert paged.numbers(paged.all_items(client_kind, client.paginate(client.v2.session.list))) == [1]
