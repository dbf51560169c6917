"""The types of the public names. `make types` checks this file; its tests run the same code."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, assert_type

from opencode_client import (
    AsyncOpencodeClient,
    AsyncPaginator,
    AsyncTurn,
    NotFoundError,
    OpencodeClient,
    OpencodeError,
    OpencodeServer,
    OutgoingRequest,
    Paginator,
    Response,
    ServerInfo,
    Turn,
    TurnResult,
)
from opencode_client.model import JsonObject, OpencodeModel, UnknownEvent
from opencode_client.models import (
    AssistantMessage,
    Event,
    EventMessagePartDelta,
    EventPermissionAsked,
    EventSessionIdle,
    Message,
    MessageWithParts,
    Part,
    PermissionRequest,
    ProviderAuthAuthorization,
    QuestionRequest,
    Session,
    SessionPromptResponse,
    SessionsResponse,
    SessionV2Info,
    SubtaskPartInput,
    TextPart,
    TextPartInput,
    ToolPart,
    UnknownPart,
    V2Event,
)
from opencode_client.models.event import read_event
from opencode_client.models.message import read_message
from opencode_client.models.part import read_part


def _text_of(part: Part) -> str:
    if part.type == "text":
        assert_type(part, TextPart)
        return part.text
    if isinstance(part, UnknownPart):
        assert_type(part.tag, str | None)
        return part.tag or ""
    return part.type


def _described(event: Event) -> str:
    match event:
        case EventMessagePartDelta(properties=properties):
            assert_type(properties.delta, str)
            return properties.delta
        case EventSessionIdle():
            assert_type(event.id, str | None)
            return "idle"
        case UnknownEvent():
            return f"unknown {event.tag}"
        case _:
            return event.type


def _author(message: Message) -> str:
    return message.agent if isinstance(message, AssistantMessage) else message.role


def test_a_tag_narrows_a_union_that_has_an_unknown_variant() -> None:
    wire: list[JsonObject] = [{"type": "text", "text": "hi"}, {"type": "new"}, {"type": "snapshot"}]
    assert [_text_of(read_part.read(part)) for part in wire] == ["hi", "new", "snapshot"]


def test_events_match_by_class() -> None:
    delta = {"sessionID": "s", "messageID": "m", "partID": "p", "field": "text", "delta": "x"}
    wire: list[JsonObject] = [
        {"id": "1", "type": "message.part.delta", "properties": delta},
        {"id": "2", "type": "session.idle", "properties": {"sessionID": "s"}},
        {"id": "3", "type": "brand.new", "properties": {}},
        {"id": "4", "type": "server.connected", "properties": {}},
    ]
    assert [_described(read_event.read(event)) for event in wire] == [
        "x",
        "idle",
        "unknown brand.new",
        "server.connected",
    ]


def test_an_unknown_message_has_a_role() -> None:
    assert _author(read_message.read({"role": "narrator"})) == "__unknown__"


def test_members_have_the_documents_types() -> None:
    session = Session(
        id="s",
        slug="",
        project_id="",
        directory="/",
        title="",
        version="",
        time=Session.from_dict(_SESSION).time,
    )
    assert_type(session.parent_id, str | None)
    assert_type(session.metadata, dict[str, Any] | None)
    assert_type(session.time.created, int)
    assert_type(TextPartInput(text="hi").type, Literal["text"])
    assert session.to_dict()["time"] == {"created": 1, "updated": 1}


_SESSION: JsonObject = {
    "id": "s", "slug": "", "projectID": "", "directory": "/", "title": "", "version": "",
    "time": {"created": 1, "updated": 1},
}  # fmt: skip


def calls(client: OpencodeClient) -> None:
    session = client.session.create(title="review", metadata={"a": [1]})
    assert_type(session, Session)
    given = (TextPartInput(text="hi"), {"type": "text", "text": "hi"})
    assert_type(client.session.prompt(session.id, parts=given, timeout=None), SessionPromptResponse)
    assert_type(client.session.list(limit=3, directory=Path("/repo")), list[Session])
    assert_type(client.session.abort(session.id, headers={"a": "b"}), bool)
    assert_type(client.provider.oauth.authorize("p", method=0), ProviderAuthAuthorization)
    assert_type(client.v2.session.list(limit=20), SessionsResponse)
    assert_type(client.v2.fs.read("a/b.png"), bytes)
    assert_type(client.raw(client.session.list, limit=3), Response[list[Session]])
    assert_type(client.raw(client.session.list, limit=3).value, list[Session])
    assert_type(client.check_server(), ServerInfo)
    assert_type(client.with_options(timeout=None, directory=None, turn_timeout=600), OpencodeClient)
    for message in client.paginate(client.session.messages, session.id, limit=50):
        assert_type(message, MessageWithParts)
    for listed in client.paginate(client.v2.session.list, order="asc"):
        assert_type(listed, SessionV2Info)
    assert_type(client.paginate(client.session.list), Paginator[Session])
    title: str = client.send("GET", "/session/ses_1", query={"new": 1})["title"]
    sent = client.raw(client.send, "POST", "/plugin", json=[title, TextPartInput(text="hi")])
    assert_type(sent.status, int)
    client.wait_until_ready(timeout=30)
    with client as same:
        assert_type(same, OpencodeClient)


def show(message: MessageWithParts) -> str:
    assert_type(message.tool_calls, list[ToolPart])
    assert_type(message.reasoning, str)
    return message.text


def texts(client: OpencodeClient) -> str:
    session_id = client.session.create().id
    messages = client.session.messages(session_id)
    assert_type(messages, list[MessageWithParts])
    assert_type([message.info.id for message in messages], list[str | None])
    assert_type([message.info.session_id for message in messages], list[str | None])
    assert_type([part.id for message in messages for part in message.parts], list[str | None])
    every = [
        *messages,
        client.session.message(session_id, "msg_1"),
        client.session.prompt(session_id, parts=[]),
        client.session.shell(session_id, agent="build", command="ls"),
    ]
    assert_type(every, list[MessageWithParts])
    command = client.session.command(session_id, command="init", arguments="")
    assert_type(command.info, AssistantMessage)
    assert_type([one.text for one in (*every, command)], list[str])
    all_of_them: list[MessageWithParts] = [*every, command]
    assert_type([one.info.id for one in all_of_them], list[str | None])
    return show(command) + show(SessionPromptResponse(info=command.info, parts=[]))


def decide(request: PermissionRequest) -> bool:
    return request.permission == "bash" and request.tool is not None


def ids(events: list[Event], newer: list[V2Event]) -> list[str | None]:
    print([(event.data, event.durable, event.location, event.metadata) for event in newer])
    print([event.properties for event in events])
    return [event.id for event in (*events, *newer)]


def permissions(client: OpencodeClient) -> list[bool]:
    with client.event.subscribe() as events:
        asked = [decide(event.properties) for event in events if isinstance(event, EventPermissionAsked)]
        asked += [decide(event.properties) for event in events if event.type == "permission.asked"]
    return [*asked, *map(decide, client.permission.list())]


def headers_of(request: QuestionRequest) -> list[str]:
    return [question.header for question in request.questions]


def questions(client: OpencodeClient) -> list[list[str]]:
    with client.event.subscribe() as events:
        asked = [
            event.properties
            for event in events
            if event.type == "question.asked" or event.type == "question.v2.asked"
        ]
    newer = client.v2.session.question.list("ses_1").data
    return [headers_of(one) for one in (*asked, *client.question.list(), *newer)]


def models(client: OpencodeClient) -> None:
    model = client.app.agents()[0].model
    client.session.prompt("ses_1", parts=[], model=model)
    client.session.shell("ses_1", agent="build", command="ls", model=model)
    client.run("hi", model=model)
    for message in client.session.messages("ses_1"):
        if message.info.role == "user":
            client.session.prompt("ses_1", parts=[], model=message.info.model)
    for one in ("anthropic/claude-sonnet-4-5", model):
        subtask = SubtaskPartInput(prompt="p", description="d", agent="build", model=one)
        client.session.prompt("ses_1", parts=[subtask])
    session = client.session.create(model=client.session.get("ses_1").model)
    client.v2.session.create(model=session.model)
    client.session.prompt("ses_1", parts=[], model="anthropic/claude-sonnet-4-5")
    client.v2.session.switch_model("ses_1", model="anthropic/claude-sonnet-4-5")


class Answer:
    """A class for structured output, as pydantic's models are."""


def structured_output(client: OpencodeClient) -> None:
    assert_type(client.run("hi", output=Answer), TurnResult[Answer])
    assert_type(client.run("hi"), TurnResult[Any])
    with client.turn("hi", output=Answer) as turn:
        assert_type(turn.result(), TurnResult[Answer])
        assert_type(turn.result().structured, Answer | None)
    plain: Turn = client.turn("hi", permissions="ask", output={"type": "object"})
    assert_type(plain.result(), TurnResult[Any])


async def awaited_structured_output(client: AsyncOpencodeClient) -> None:
    assert_type(await client.run("hi", output=Answer), TurnResult[Answer])
    async with client.turn("hi", output=Answer) as turn:
        assert_type(await turn.result(), TurnResult[Answer])
    joined: AsyncTurn = client.follow("ses_1")
    assert_type(await joined.result(), TurnResult[Any])


async def awaited_calls(client: AsyncOpencodeClient) -> None:
    assert_type(await client.session.create(title="review"), Session)
    assert_type(await client.raw(client.session.list, limit=3), Response[list[Session]])
    assert_type(await client.check_server(), ServerInfo)
    async for message in client.paginate(client.session.messages, "ses_1", limit=50):
        assert_type(message, MessageWithParts)
    async for listed in client.paginate(client.v2.session.list):
        assert_type(listed, SessionV2Info)
    assert_type(client.paginate(client.session.list), AsyncPaginator[Session])
    titles: list[str] = [one["title"] for one in await client.send("GET", "/session")]
    sent = await client.raw(client.send, "POST", "/plugin", json=titles)
    assert_type(sent.headers["x-next-cursor"], str)
    async with client as same:
        assert_type(same, AsyncOpencodeClient)


def mistakes(client: OpencodeClient) -> None:
    """Calls with errors that type checkers must find: an ignore without an error is itself an error."""
    client.session.get()  # type: ignore[call-arg] # the id is missing
    client.session.get(session_id=1)  # type: ignore[arg-type] # the id is a text
    client.session.list(order="newest")  # type: ignore[call-arg] # no such argument
    client.session.list(scope="everything")  # type: ignore[arg-type] # not one of the allowed values
    client.session.prompt("ses_1", parts="hi")  # type: ignore[arg-type] # not a sequence of parts
    client.raw(client.session.list, limit="x")  # type: ignore[arg-type] # raw checks the method's arguments
    client.paginate(client.session.messages, 1)  # type: ignore[call-overload] # paginate does, too
    client.paginate(client.session.get, "ses_1")  # type: ignore[call-overload] # no list
    client.sessions.list()  # type: ignore[attr-defined] # no such namespace


def failures(client: OpencodeClient) -> OpencodeModel | None:
    try:
        client.session.update("ses_1", title="x", time={"archived": None})
    except NotFoundError as error:
        assert_type(error.status, int)
        assert_type(error.body, bytes)
        return error.error
    except OpencodeError as error:
        print(error)
    return None


def test_clients_of_a_server_accept_all_options() -> None:
    server = OpencodeServer.attach("http://127.0.0.1:1")
    with server.client(headers=lambda _: {"x-a": "b"}, observer=None) as client:
        assert_type(client, OpencodeClient)
    assert_type(server.async_client(headers=_headers, observer=None), AsyncOpencodeClient)


async def _headers(_: OutgoingRequest) -> dict[str, str]:
    return {"x-a": "b"}
