"""The scripted model, with the requests of a server to its provider."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from opencode_client import ArgumentError
from opencode_client.models import EventSessionIdle, Message, MessageWithParts, Session, UnknownPart
from opencode_client.models.event import read_event
from opencode_client.parts import PartReaders
from opencode_client.testing import Reply, ScriptedModel, ToolCall, partial

_ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}], "tools": [{}], "stream": True}


def _ask(model: ScriptedModel, **more: Any) -> list[dict[str, Any]]:
    """Return the chunks of one answer, without the closing [DONE], which it checks."""
    answer = httpx.post(
        f"{model.url}/v1/chat/completions", json={**_ASKED, **more}, trust_env=False, timeout=5
    )
    *events, done = [
        line.removeprefix("data: ") for line in answer.raise_for_status().text.split("\n\n") if line
    ]
    assert done == "[DONE]"
    return [json.loads(event) for event in events]


def _deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in chunks]


def _text(chunks: list[dict[str, Any]]) -> str:
    return "".join(delta.get("content") or "" for delta in _deltas(chunks))


def test_replies_are_sent_in_order_and_then_the_model_echoes() -> None:
    with ScriptedModel("one") as model:
        model.say("two")
        assert [_text(_ask(model)) for _ in range(3)] == ["one", "two", "echo: hello"]


def test_a_reply_closes_its_connection_with_a_header() -> None:
    with ScriptedModel() as model, httpx.Client(trust_env=False) as client:
        answer = client.post(f"{model.url}/v1/chat/completions", json=_ASKED)
    assert answer.headers["connection"] == "close"  # otherwise a server may send its next request on it


def test_a_text_is_sent_in_the_given_number_of_chunks() -> None:
    with ScriptedModel(Reply(text="abcdefg", chunks=3)) as model:
        assert [d["content"] for d in _deltas(_ask(model)) if d.get("content")] == ["abc", "def", "g"]


def test_reasoning_is_sent_before_the_text_and_tools_after_it() -> None:
    reply = Reply(reasoning="hm", text="so", tools=[ToolCall(name="bash", arguments={"command": "ls"})])
    with ScriptedModel(reply) as model:
        chunks = _ask(model)
    kinds = [next(iter(delta)) for delta in _deltas(chunks)[1:-1]]
    assert kinds == ["reasoning_content", "content", "tool_calls"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert _deltas(chunks)[3]["tool_calls"][0]["function"] == {
        "name": "bash",
        "arguments": '{"command": "ls"}',
    }


def test_the_arguments_of_a_tool_may_be_invalid_json() -> None:
    with ScriptedModel(Reply(tools=[ToolCall(name="bash", arguments="{nope")])) as model:
        assert _deltas(_ask(model))[1]["tool_calls"][0]["function"]["arguments"] == "{nope"


def test_usage_is_in_the_last_chunk() -> None:
    with ScriptedModel(Reply(input_tokens=3, output_tokens=4)) as model:
        assert _ask(model)[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def test_an_error_has_its_status_message_and_headers() -> None:
    with ScriptedModel(Reply(status=429, error="slow down", headers={"retry-after": "1"})) as model:
        answer = httpx.post(f"{model.url}/v1/chat/completions", json=_ASKED, trust_env=False)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.json()["error"]["message"] == "slow down"


def test_a_cut_reply_breaks_its_connection() -> None:
    with ScriptedModel(Reply(text="half", cut=True)) as model, pytest.raises(httpx.RemoteProtocolError):
        _ask(model)


def test_a_script_that_returns_none_uses_the_queue() -> None:
    def script(request: dict[str, Any]) -> Reply | None:
        return Reply(text="scripted") if "please" in request["messages"][-1]["content"] else None

    with ScriptedModel(Reply(text="queued"), script=script) as model:
        polite = [{"role": "user", "content": "please"}]
        assert [_text(_ask(model, messages=polite)), _text(_ask(model))] == ["scripted", "queued"]


def test_opencodes_own_requests_use_no_reply() -> None:
    with ScriptedModel(Reply(text="mine")) as model:
        assert _text(_ask(model, tools=[])) == "Scripted title"
        assert _text(_ask(model)) == "mine"
        assert len(model.requests) == 1


def test_the_echo_repeats_the_last_user_message_in_parts() -> None:
    parts = [
        {"role": "user", "content": [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]}
    ]
    with ScriptedModel() as model:
        assert (
            _text(_ask(model, messages=[*parts, {"role": "assistant", "content": "no"}])) == "echo: in parts"
        )


def test_without_a_user_message_the_echo_is_empty() -> None:
    with ScriptedModel() as model:
        assert _text(_ask(model, messages=[{"role": "system", "content": "be brief"}])) == "echo: "


_NEVER = {
    "before it begins": Reply(text="never", first_delay_s=60),
    "between its chunks": Reply(text="never", delay_s=60),
    "before it ends": Reply(text="never", hang=True),
}


@pytest.mark.parametrize("reply", _NEVER.values(), ids=list(_NEVER))
def test_closing_ends_a_hanging_reply(reply: Reply) -> None:
    failed = threading.Event()
    model = ScriptedModel(reply)

    def ask() -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            _ask(model)
        failed.set()

    with model:
        asking = threading.Thread(target=ask)
        asking.start()
        deadline = time.monotonic() + 5
        while not model.requests and time.monotonic() < deadline:
            time.sleep(0.01)  # the model has no event for a request that came
    assert failed.wait(5)
    asking.join()


def test_a_model_can_be_closed_twice() -> None:
    model = ScriptedModel()
    model.close()
    model.close()


def test_the_configuration_makes_it_the_only_provider(tmp_path: Path) -> None:
    with ScriptedModel() as model:
        environment = model.install(tmp_path, permission={"bash": "ask"})
        written = json.loads(
            (tmp_path / ".config" / "opencode" / "opencode.json").read_text(encoding="utf-8")
        )
        assert written["enabled_providers"] == ["scripted"]
        assert written["provider"]["scripted"]["options"]["baseURL"] == f"{model.url}/v1"
        assert written["permission"] == {"bash": "ask"}
        assert environment["HOME"] == str(tmp_path)
        assert httpx.get(f"{environment['OPENCODE_MODELS_URL']}/api.json", trust_env=False).json() == {}


def test_a_partial_model_is_read_without_a_warning(warned: pytest.LogCaptureFixture) -> None:
    session = partial(Session, {"id": "ses_1", "time": {"created": 1}})
    assert (session.id, session.time.created) == ("ses_1", 1)
    assert session.to_dict() == {"id": "ses_1", "time": {"created": 1}}
    assert not warned.records


def test_a_partial_member_of_a_union_is_read_without_a_warning(warned: pytest.LogCaptureFixture) -> None:
    event = partial(read_event, {"type": "session.idle", "properties": {"sessionID": "ses_1"}})
    assert isinstance(event, EventSessionIdle)
    assert event.properties.session_id == "ses_1"
    assert not warned.records


@pytest.mark.parametrize(
    "data",
    [
        {"info": {"role": "user", "session_id": "ses_1"}},
        {"parts": [{"type": "text"}, {"type": "text", "session_id": "ses_1"}]},
    ],
)
def test_a_python_name_inside_a_partial_model_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="takes the server's name 'sessionID', not 'session_id'"):
        partial(MessageWithParts, data)
    with pytest.raises(ArgumentError, match="takes the server's name 'sessionID', not 'session_id'"):
        partial(read_event, {"type": "session.idle", "properties": {"session_id": "ses_1"}})


def test_a_member_of_a_newer_server_in_a_partial_model_is_kept() -> None:
    data = {"title": "Review", "titles": ["Review"]}  # not misspelt: the other one is there, too
    assert partial(Session, data).to_dict() == data


def test_free_form_objects_in_a_partial_model_may_have_any_names() -> None:
    data = {"id": "ses_1", "metadata": {"project_id": 1}, "mood": "new"}
    assert partial(Session, data).to_dict() == data


@pytest.mark.parametrize(
    "model", [int, dict, UnknownPart, PartReaders, list[Session], Message, "Session", None]
)
def test_partial_refuses_a_class_that_is_not_a_model(model: Any) -> None:  # Any: anything
    with pytest.raises(ArgumentError, match=r"^partial takes the class of a model, or the reader of a union"):
        partial(model, {})


@pytest.mark.parametrize("data", [None, [], "ses_1", 3])
def test_partial_refuses_data_that_is_not_an_object(data: Any) -> None:  # Any: anything
    with pytest.raises(ArgumentError, match=r"^partial takes a JSON object as data, not "):
        partial(Session, data)


def test_after_a_partial_model_other_models_still_warn(warned: pytest.LogCaptureFixture) -> None:
    partial(Session, {"id": "ses_1"})
    Session.from_dict({"id": "ses_1"})
    assert "Session.title is missing" in warned.text
