"""`client.paginate`: the items of all pages, each once, from servers with and without pages."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from opencode_client import ArgumentError, BadRequestError, ServerError, SessionSnapshot
from opencode_client._spec import PAGES
from opencode_client.models import MessageWithParts, Session
from tests.support import paged
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, answer_late, http


@pytest.mark.parametrize("total", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("has_before", [True, False])
def test_messages_are_yielded_once_from_new_to_old(
    client_kind: ClientKind, total: int, has_before: bool
) -> None:
    client = client_kind.mocked(paged.messages(total, has_before=has_before))
    items = paged.all_items(client_kind, client.paginate(client.session.messages, "ses_1", limit=3))
    assert paged.numbers(items) == list(reversed(range(total)))


def test_a_page_is_requested_with_the_cursor_of_the_header(client_kind: ClientKind) -> None:
    server = paged.messages(7)
    client = client_kind.mocked(server, directory="/r")
    paged.all_items(client_kind, client.paginate(client.session.messages, "ses_1", limit=3))
    assert server.column("before") == [None, "4=", "1="]
    assert server.column("limit") == ["3", "3", "3"]
    assert server.column("directory") == ["/r"] * 3


def test_without_a_header_a_full_page_is_read_again_with_a_larger_limit(client_kind: ClientKind) -> None:
    server = paged.messages(7, has_before=False)
    client = client_kind.mocked(server)
    paged.all_items(client_kind, client.paginate(client.session.messages, "ses_1", limit=3))
    assert server.column("limit") == ["3", "6", "12"]


def test_after_a_cursor_a_full_page_without_a_header_is_the_last(client_kind: ClientKind) -> None:
    server = paged.messages(6)
    client = client_kind.mocked(server)
    paged.all_items(client_kind, client.paginate(client.session.messages, "ses_1", limit=3))
    assert server.column("before") == [None, "3="]


def test_paging_begins_at_the_given_cursor(client_kind: ClientKind) -> None:
    client = client_kind.mocked(paged.messages(7))
    items = paged.all_items(
        client_kind, client.paginate(client.session.messages, "ses_1", limit=3, before="5=")
    )
    assert paged.numbers(items) == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("total", [0, 1, 3, 4, 100, 250])
def test_sessions_are_read_with_a_larger_limit_until_all_are_there(
    client_kind: ClientKind, total: int
) -> None:
    client = client_kind.mocked(paged.sessions(total))
    for options in ({"limit": 3}, {}):
        items = paged.all_items(client_kind, client.paginate(client.session.list, **options))
        assert paged.numbers(items) == list(range(total))


def test_start_is_sent_as_a_filter_with_each_page(client_kind: ClientKind) -> None:
    server = paged.sessions(5)
    client = client_kind.mocked(server)
    paged.all_items(client_kind, client.paginate(client.session.list, limit=3, start=7))
    assert server.column("start") == ["7", "7"]


def test_sessions_created_during_paging_cause_no_repeats(client_kind: ClientKind) -> None:
    def respond(query: dict[str, str], number: int) -> httpx.Response:
        newest = 9 + number  # one more before each request
        return httpx.Response(
            200, json=[paged.session(n) for n in range(newest, -1, -1)][: int(query["limit"])]
        )

    client = client_kind.mocked(paged.Server(respond))
    numbers = paged.numbers(paged.all_items(client_kind, client.paginate(client.session.list, limit=2)))
    assert len(numbers) == len(set(numbers))
    assert set(numbers) >= set(range(10))


def test_sessions_with_the_same_time_at_the_end_of_a_page_are_yielded_once(client_kind: ClientKind) -> None:
    times = [50, 40, 40, 40, 40, 40, 30]

    def respond(query: dict[str, str], _: int) -> httpx.Response:
        before = int(query.get("cursor", 99))
        page = [paged.session(n, time={"updated": t}) for n, t in enumerate(times) if t < before]
        limit = int(query["limit"])
        header = {"x-next-cursor": str(page[limit - 1]["time"]["updated"])} if len(page) > limit else {}
        return httpx.Response(200, json=page[:limit], headers=header)

    client = client_kind.mocked(paged.Server(respond))
    items = paged.all_items(client_kind, client.paginate(client.experimental.session.list, limit=2))
    assert paged.numbers(items) == list(range(7))


@pytest.mark.parametrize("name", ["data", "items"])  # 1.15.13: items
@pytest.mark.parametrize("has_last_cursor", [True, False])
def test_v2_pages_by_the_cursor_in_its_body(
    client_kind: ClientKind, name: str, has_last_cursor: bool
) -> None:
    def respond(query: dict[str, str], _: int) -> httpx.Response:
        first = int(query.get("cursor", 0))
        page = [paged.session(n) for n in range(first, min(first + 2, 5))]
        has_more = has_last_cursor or first + 2 < 5
        cursor = {"next": str(first + 2) if has_more else None, "previous": None}
        return httpx.Response(200, json={name: page, "cursor": cursor})

    server = paged.Server(respond)
    client = client_kind.mocked(server)
    filters = {"order": "asc", "search": "s", "directory": "/d"}
    items = paged.all_items(client_kind, client.paginate(client.v2.session.list, limit=2, **filters))
    assert paged.numbers(items) == [0, 1, 2, 3, 4]
    assert [server.column(name)[:3] for name in filters] == [
        [value, None, None] for value in filters.values()
    ]


def test_filters_are_sent_again_with_a_cursor_from_a_header(client_kind: ClientKind) -> None:
    def respond(query: dict[str, str], number: int) -> httpx.Response:
        header = {} if number else {"x-next-cursor": "5"}
        return httpx.Response(200, json=[paged.session(number)], headers=header)

    server = paged.Server(respond)
    client = client_kind.mocked(server)
    pages = client.paginate(client.experimental.session.list, limit=1, roots=True, search="s")
    assert paged.numbers(paged.all_items(client_kind, pages)) == [0, 1]
    assert (server.column("roots"), server.column("search")) == (["true"] * 2, ["s"] * 2)


def test_v2_history_continues_after_the_last_sequence_number(client_kind: ClientKind) -> None:
    def respond(query: dict[str, str], _: int) -> httpx.Response:
        after = int(query.get("after", -1))
        events = [
            {"id": f"evt_{n}", "type": "x", "durable": {"seq": 2 * n}} for n in range(5) if 2 * n > after
        ]
        return httpx.Response(200, json={"data": events[:2], "hasMore": len(events) > 2})

    client = client_kind.mocked(paged.Server(respond))
    items = paged.all_items(client_kind, client.paginate(client.v2.session.history, "ses_1", limit=2))
    assert [item.to_dict()["id"] for item in items] == [f"evt_{n}" for n in range(5)]


@pytest.mark.parametrize("limit", [1, 3, 4, 100])
@pytest.mark.parametrize("bad", [0, 2, 6])
def test_an_unreadable_message_is_skipped_and_reported_as_missing(
    client_kind: ClientKind, limit: int, bad: int
) -> None:
    client = client_kind.mocked(paged.messages(8, bad=bad))
    pages = client.paginate(client.session.messages, "ses_1", limit=limit)
    numbers = paged.numbers(paged.all_items(client_kind, pages))
    assert numbers == [7, 6, 5, 4, 3, 2, 1] + ([] if bad == 0 else [0])
    assert pages.missing == (("msg_0",) if bad == 0 else ())


def test_the_missing_message_is_logged(client_kind: ClientKind, caplog: pytest.LogCaptureFixture) -> None:
    client = client_kind.mocked(paged.messages(2, bad=0))
    paged.all_items(client_kind, client.paginate(client.session.messages, "ses_1"))
    assert "session.messages: the server cannot return the session's first message" in caplog.text


def test_a_missing_message_without_an_answer_has_no_id(client_kind: ClientKind) -> None:
    client = client_kind.mocked(paged.messages(1, bad=0))
    pages = client.paginate(client.session.messages, "ses_1")
    assert paged.all_items(client_kind, pages) == []
    assert pages.missing == ("",)


def test_another_bad_request_is_raised(client_kind: ClientKind) -> None:
    bad = httpx.Response(400, json={"name": "BadRequest", "data": {"message": "no", "kind": "Query"}})
    client = client_kind.mocked(paged.Server(lambda _, __: bad))
    with pytest.raises(BadRequestError):
        paged.all_items(client_kind, client.paginate(client.session.messages, "ses_1"))


def test_after_an_error_iterating_again_repeats_the_request(client_kind: ClientKind) -> None:
    working = paged.messages(5)

    def respond(query: dict[str, str], number: int) -> httpx.Response:
        if number == 1:
            return httpx.Response(500)
        url = httpx.URL("http://h/session/ses_1/message", params=query)
        return working(httpx.Request("GET", url))

    client = client_kind.mocked(paged.Server(respond))
    pages = client.paginate(client.session.messages, "ses_1", limit=3)
    with pytest.raises(ServerError):
        paged.all_items(client_kind, pages)
    assert paged.numbers(paged.all_items(client_kind, pages)) == [1, 0]


def test_a_second_reader_raises_and_no_item_is_lost(client_kind: ClientKind) -> None:
    page = http(json.dumps([paged.session(0), paged.session(1)]).encode())
    with FaultyServer([answer_late(page, 0.2)]) as server:
        client = client_kind.client(server.url)
        pages = client.paginate(client.session.list)
        read = pages.__anext__ if client_kind.is_async else pages.__next__

        def second() -> Any:  # Any: a coroutine of the async client
            return _fails_async(read) if client_kind.is_async else _fails(read)

        first, _ = client_kind.meanwhile(read, lambda: server.await_requests(1), second)
        assert paged.numbers([first, *paged.all_items(client_kind, pages)]) == [0, 1]


def _fails(read: Callable[[], Any]) -> None:
    with pytest.raises(ArgumentError, match="another thread or task reads it"):
        read()


async def _fails_async(read: Callable[[], Any]) -> None:
    with pytest.raises(ArgumentError, match="another thread or task reads it"):
        await read()


def test_nothing_is_sent_before_the_first_item_is_needed(client_kind: ClientKind) -> None:
    server = paged.messages(1)
    client = client_kind.mocked(server)
    client.paginate(client.session.messages, "ses_1")
    assert not server.queries


def test_a_view_pages_with_its_own_directory(client_kind: ClientKind) -> None:
    server = paged.sessions(1)
    client = client_kind.mocked(server)
    paged.all_items(client_kind, client.paginate(client.with_options(directory="/v").session.list))
    assert server.column("directory") == ["/v"]


_WRONG: list[tuple[Callable[[Any], object], str]] = [  # Any: either client
    (lambda client: client.paginate(client.session.delete, "ses_1"), r"client\.session\.delete"),
    (lambda client: client.paginate(client.find.files, query="a"), r"client\.find\.files"),
    (lambda client: client.paginate(client.event.subscribe), r"\w*EventNamespace\.subscribe"),
    (lambda client: client.paginate(client.pty.connect, "pty_1"), r"\w*PtyNamespace\.connect"),
    (lambda client: client.paginate(client.v2.session.events, "ses_1"), r"\w*V2SessionNamespace\.events"),
    (lambda client: client.paginate(client.check_server), r"\w*ClientCalls\.check_server"),
    (lambda client: client.paginate(len, "x"), "len"),
]


@pytest.mark.parametrize(("call", "name"), _WRONG)
def test_the_error_for_an_operation_without_pages_lists_the_operations_with_pages(
    client_kind: ClientKind, call: Callable[[Any], Any], name: str
) -> None:
    beginning = "paginate takes an operation that pages, and then its arguments, not "
    with pytest.raises(ArgumentError, match=f"^{beginning}{name}; these page: ") as caught:
        call(client_kind.client())
    for name in PAGES:
        assert f"client.{name}" in str(caught.value)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "3", math.inf, math.nan])
def test_a_wrong_limit_is_an_error(client_kind: ClientKind, limit: Any) -> None:
    client = client_kind.client()
    with pytest.raises(ArgumentError, match=r"session\.list: limit takes a whole number from 1 on"):
        client.paginate(client.session.list, limit=limit)


def test_resync_skips_an_unreadable_message(client_kind: ClientKind) -> None:
    messages = paged.messages(4, bad=0)

    def server(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/session/ses_1":
            return httpx.Response(200, json=paged.session(1, directory="/r"))
        if path == "/session/ses_1/message":
            return messages((request.url.params.get("limit") and request) or _with_limit(request))
        return httpx.Response(200, json={} if path == "/session/status" else [])

    found = client_kind.call(client_kind.mocked(server).resync, "ses_1")
    assert (paged.numbers(found.messages), found.missing) == ([1, 2, 3], ("msg_0",))


def _with_limit(request: httpx.Request) -> httpx.Request:
    return httpx.Request("GET", request.url.copy_merge_params({"limit": 1000}))


@pytest.mark.parametrize("finish", [{"finish": "stop"}, {"finish": "tool-calls", "structured": {"a": 1}}])
def test_a_missing_message_counts_as_the_prompt_of_the_turn(finish: dict[str, Any]) -> None:
    time = {"created": 1, "completed": 2}
    answer = paged.message(1) | {
        "info": {"id": "msg_1", "role": "assistant", "parentID": "msg_0", "time": time, **finish}
    }
    session = Session.from_dict(paged.session(1))
    snapshot = SessionSnapshot(session, None, [MessageWithParts.from_dict(answer)], [], [], (), ("msg_0",))
    assert snapshot.turn({"prompt": "1"}) == "over"
