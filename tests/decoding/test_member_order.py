"""The order of members is kept. In permissions it decides: the last match wins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opencode_client.models import AgentConfig, Config, Session
from tests.support.both_clients import ClientKind
from tests.support.scripted_answers import Recorder

_PERMISSION = {
    "*": "allow",
    "webfetch": "ask",
    "bash": {"*": "allow", "rm *": "deny"},
    "my_tool": "deny",
    "edit": "ask",
}
_SESSION = {
    "version": "1", "new": 1, "time": {"updated": 2, "created": 1}, "title": "t", "directory": "/", "later": None,
    "projectID": "p", "slug": "s", "id": "ses_1",
}  # fmt: skip


def _ordered(value: object) -> str:
    return json.dumps(value)


def test_a_model_writes_its_members_in_the_order_that_was_read() -> None:
    assert _ordered(Session.from_dict(dict(_SESSION)).to_dict()) == _ordered(_SESSION)


def test_a_changed_member_keeps_its_place_and_a_new_one_is_last() -> None:
    session = Session.from_dict(dict(_SESSION))
    session.title, session.parent_id, session.agent = "u", "ses_0", "build"
    written = session.to_dict()
    assert list(written)[: len(_SESSION)] == list(_SESSION)
    assert (written["title"], {*list(written)[len(_SESSION) :]}) == ("u", {"parentID", "agent"})


def test_a_member_that_is_set_to_none_is_left_out() -> None:
    session = Session.from_dict({**_SESSION, "parentID": "ses_0"})
    session.parent_id = None
    assert _ordered(session.to_dict()) == _ordered(_SESSION)


_CONFIGS: dict[str, dict[str, Any]] = {  # Any: JSON
    "at the top": {"permission": _PERMISSION},
    "of an agent": {"agent": {"build": {"permission": _PERMISSION}, "mine": {"permission": _PERMISSION}}},
    "of a mode": {"mode": {"plan": {"permission": _PERMISSION}}},
    "of agents in another order": {"agent": {"mine": {"mode": "primary"}, "plan": {"disable": True}}},
}


@pytest.mark.parametrize("wire", _CONFIGS.values(), ids=list(_CONFIGS))
def test_permissions_are_read_and_written_in_their_order(wire: dict[str, Any]) -> None:
    assert _ordered(Config.from_dict(json.loads(json.dumps(wire))).to_dict()) == _ordered(wire)


@pytest.mark.parametrize("wire", _CONFIGS.values(), ids=list(_CONFIGS))
def test_permissions_are_sent_in_the_order_in_which_they_were_read(
    client_kind: ClientKind, wire: dict[str, Any]
) -> None:
    recorder = Recorder(wire)
    client = client_kind.mocked(recorder)
    read: Config = client_kind.call(client.config.get)
    client_kind.call(client.config.update, **{name: getattr(read, name) for name in wire})
    assert recorder.seen[-1].content == json.dumps(wire, separators=(",", ":")).encode()


def test_a_program_writes_permissions_in_its_own_order() -> None:
    config = Config(
        permission={"*": "allow", "bash": "deny"}, agent={"mine": AgentConfig(permission={"*": "deny"})}
    )
    assert _ordered(config.to_dict()["permission"]) == '{"*": "allow", "bash": "deny"}'
    read = Config.from_dict(config.to_dict())
    assert isinstance(read.permission, dict)
    read.permission["edit"] = "deny"
    assert list(read.to_dict()["permission"]) == ["*", "bash", "edit"]
