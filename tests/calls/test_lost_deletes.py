"""A DELETE whose response was lost is sent again. A 404 then means that the first one was successful."""

from __future__ import annotations

import pytest

from opencode_client import NotFoundError
from tests.support.both_clients import Action, Client, ClientKind
from tests.support.faulty_server import FaultyServer, Step, answer, cut, http, read_and_reset
from tests.support.retry_cases import busy
from tests.support.retry_cases import waits as waits  # a fixture

_NOT_FOUND = http(b'{"name": "NotFoundError", "data": {"message": "Session not found: ses_1"}}', 404)
_LOST = {
    "closed": cut(b""),
    "reset": read_and_reset,
    "502": answer(http(status=502)),
    "504": answer(http(status=504)),
}
every_loss = pytest.mark.parametrize("lost", _LOST.values(), ids=list(_LOST))


def _delete(client: Client) -> object:
    return client.session.delete("ses_1")


def _disconnect(client: Client) -> object:
    return client.mcp.auth.remove("github")


@every_loss
def test_a_404_after_a_lost_response_of_a_delete_returns_success(client_kind: ClientKind, lost: Step) -> None:
    with FaultyServer([lost], [answer(_NOT_FOUND)]) as server:
        assert client_kind.run(server.url, _delete) is True
    assert [seen.method for seen in server.requests] == ["DELETE"] * 2


@every_loss
def test_a_404_after_a_lost_response_has_a_note_if_the_value_is_unknown(
    client_kind: ClientKind, lost: Step
) -> None:
    with FaultyServer([lost], [answer(_NOT_FOUND)]) as server:
        error = client_kind.error(server.url, _disconnect)
    assert isinstance(error, NotFoundError)
    assert error.__notes__ == ["An earlier try, whose response was lost, may have done it."]


_NOT_DONE: list[tuple[Action, list[list[Step]]]] = [
    (_delete, [[answer(_NOT_FOUND)]]),
    (_delete, [[busy("0"), answer(_NOT_FOUND)]]),
    (lambda client: client.session.get("ses_1"), [[cut(b"")], [answer(_NOT_FOUND)]]),
]


@pytest.mark.parametrize(("call", "scripts"), _NOT_DONE, ids=["first try", "not accepted", "not a DELETE"])
def test_a_404_without_an_earlier_lost_delete_raises_not_found(
    client_kind: ClientKind, call: Action, scripts: list[list[Step]]
) -> None:
    with FaultyServer(*scripts) as server:
        error = client_kind.error(server.url, call)
    assert isinstance(error, NotFoundError)
    assert not hasattr(error, "__notes__")
