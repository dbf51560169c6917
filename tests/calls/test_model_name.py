"""The argument `model` as "provider/model"."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from opencode_client import ArgumentError, BadRequestError
from opencode_client.models import ModelRef, SessionPromptModel, SubtaskPartInput
from tests.support.both_clients import ClientKind


def _subtask(model: Any) -> SubtaskPartInput:  # Any: text, a mapping, a model
    return SubtaskPartInput(prompt="p", description="d", agent="a", model=model)


_OPERATIONS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {  # Any: any client, any model, any result
    "session.create": (lambda c, model: c.session.create(model=model), "id"),
    "session.prompt": (lambda c, model: c.session.prompt("ses_1", parts=[], model=model), "modelID"),
    "session.prompt_async": (
        lambda c, model: c.session.prompt_async("ses_1", parts=[], model=model),
        "modelID",
    ),
    "session.shell": (
        lambda c, model: c.session.shell("ses_1", agent="a", command="b", model=model),
        "modelID",
    ),
    "v2.session.create": (lambda c, model: c.v2.session.create(model=model), "id"),
    "v2.session.switch_model": (lambda c, model: c.v2.session.switch_model("ses_1", model=model), "id"),
    "a subtask of session.prompt": (
        lambda c, model: c.session.prompt("ses_1", parts=[_subtask(model)]),
        "modelID",
    ),
    "a subtask of session.prompt_async": (
        lambda c, model: c.session.prompt_async("ses_1", parts=[_subtask(model)]),
        "modelID",
    ),
}
every_operation = pytest.mark.parametrize("name", _OPERATIONS)


def _sent(client_kind: ClientKind, name: str, model: object) -> Any:  # Any: JSON
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if (
            request.method == "GET"
        ):  # the client requests the version before operations that older servers lack
            return httpx.Response(200, json={"healthy": True, "version": "1.18.33"})
        seen.append(request)
        return httpx.Response(400)

    call, _ = _OPERATIONS[name]
    client = client_kind.mocked(answer)
    with pytest.raises(BadRequestError):
        client_kind.call(lambda: call(client, model))
    [request] = seen
    content = json.loads(request.content)
    return content["model"] if "model" in content else content["parts"][0]["model"]


@every_operation
@pytest.mark.parametrize(
    ("text", "provider", "model"),
    [
        ("anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("openrouter/meta/llama", "openrouter", "meta/llama"),
        ("a/b/", "a", "b/"),
    ],
)
def test_a_text_is_split_at_its_first_slash(
    client_kind: ClientKind, name: str, text: str, provider: str, model: str
) -> None:
    assert _sent(client_kind, name, text) == {"providerID": provider, _OPERATIONS[name][1]: model}


@every_operation
def test_a_model_and_a_mapping_are_accepted(client_kind: ClientKind, name: str) -> None:
    key = _OPERATIONS[name][1]
    model = (
        ModelRef(id="m", provider_id="p")
        if key == "id"
        else SessionPromptModel(model_id="m", provider_id="p")
    )
    expected = {"providerID": "p", key: "m"}
    assert [_sent(client_kind, name, given) for given in (model, expected)] == [expected, expected]


@every_operation
@pytest.mark.parametrize(
    "given", ["", "gpt-5", "/gpt-5", "openai/", " / ", "x" * 100, 3, True, b"a/b", ["a", "b"]]
)
def test_a_value_without_a_provider_or_a_model_is_an_error(
    client_kind: ClientKind, name: str, given: Any
) -> None:  # Any: anything
    call, key = _OPERATIONS[name]
    client = client_kind.mocked(lambda _: httpx.Response(400))
    with pytest.raises(ArgumentError) as raised:
        client_kind.call(lambda: call(client, given))
    shown = repr(f"{given[:60]}..." if given == "x" * 100 else given)
    assert str(raised.value).endswith(
        f': model takes "provider/model", such as "anthropic/claude-sonnet-4-5", '
        f'or {{"providerID": ..., "{key}": ...}}, not {shown}'
    )
