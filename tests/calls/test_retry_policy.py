"""The rule for retries and their delays, without a server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from opencode_client import (
    ArgumentError,
    ConnectError,
    ConnectionLostError,
    OpencodeError,
    RequestTimeoutError,
    StatusError,
)
from opencode_client.calls.operation import Operation
from opencode_client.calls.retry_policy import retry_after_s, retry_delay

_READ: Operation[object] = Operation("session.list", "GET", "/session")
_PROMPT: Operation[object] = Operation("session.prompt", "POST", "/session/{sessionID}/message")
_CONSUMING: Operation[object] = Operation("tui.control.next", "GET", "/tui/control/next", consumes=True)
_OCTOBER_S = 1_445_412_480.0
"""Wed, 21 Oct 2015 07:28:00 GMT."""


def _request_error(kind: type[ConnectError | ConnectionLostError | RequestTimeoutError]) -> OpencodeError:
    return kind("broken", operation="session.list", method="GET", url="http://server/session")


def _status_error(status: int, **headers: str) -> StatusError:
    lower_case = {name.replace("_", "-"): value for name, value in headers.items()}
    return StatusError(
        "no",
        operation="session.list",
        method="GET",
        url="http://server",
        status=status,
        headers=lower_case,
        body=b"",
    )


_UNREACHED = _request_error(ConnectError)
_LOST = _request_error(ConnectionLostError)


def _delay(error: OpencodeError, operation: Operation[object] = _READ, attempt: int = 1) -> float | None:
    return retry_delay(operation, error, attempt, 3)


@pytest.mark.parametrize("operation", [_READ, _PROMPT, _CONSUMING])
def test_requests_that_were_never_sent_are_retried(operation: Operation[object]) -> None:
    assert _delay(_UNREACHED, operation) is not None


@pytest.mark.parametrize("operation", [_PROMPT, _CONSUMING])
@pytest.mark.parametrize("error", [_LOST, _status_error(503), _status_error(429, retry_after="1")])
def test_unrepeatable_requests_that_may_have_run_are_not_retried(
    operation: Operation[object], error: OpencodeError
) -> None:
    assert _delay(error, operation) is None


@pytest.mark.parametrize("error", [_LOST, *map(_status_error, (408, 429, 502, 503, 504))])
def test_repeatable_requests_are_retried_after_temporary_errors(error: OpencodeError) -> None:
    assert _delay(error) is not None


@pytest.mark.parametrize(
    "error",
    [
        *map(_status_error, (400, 404, 500, 501)),
        _request_error(RequestTimeoutError),
        ArgumentError("no path"),
    ],
)
def test_permanent_errors_are_not_retried(error: OpencodeError) -> None:
    assert _delay(error) is None


@pytest.mark.parametrize("error", [_UNREACHED, _LOST, _status_error(429, retry_after="1")])
def test_max_retries_limits_the_retries(error: OpencodeError) -> None:
    assert _delay(error, attempt=3) is not None
    assert _delay(error, attempt=4) is None


@pytest.mark.parametrize(
    "error", [_UNREACHED, _LOST, _status_error(503), _status_error(503, retry_after="x")]
)
@pytest.mark.parametrize(("attempt", "longest_s"), [(1, 0.5), (2, 1.0), (4, 4.0), (5, 8.0), (9, 8.0)])
@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.5, 0.75)])
def test_delays_double_up_to_eight_seconds_and_half_of_each_is_random(
    monkeypatch: pytest.MonkeyPatch,
    error: OpencodeError,
    attempt: int,
    longest_s: float,
    chance: float,
    share: float,
) -> None:
    monkeypatch.setattr("random.random", lambda: chance)
    assert retry_delay(_READ, error, attempt, 9) == longest_s * share


@pytest.mark.parametrize(
    ("retry_after", "delay_s"), [("2.5", 2.5), ("60", 60.0), ("60.5", None), ("-1", 0.0)]
)
def test_the_delay_is_retry_after_up_to_a_minute(retry_after: str, delay_s: float | None) -> None:
    assert _delay(_status_error(503, retry_after=retry_after)) == delay_s


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2015 09:28:10 +0200", 10.0),
        ("Wednesday, 21-Oct-15 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2015 07:27:50 GMT", 0.0),
    ],
)
def test_retry_after_s_returns_the_seconds_until_a_date(
    monkeypatch: pytest.MonkeyPatch, date: str, seconds: float
) -> None:
    monkeypatch.setattr("opencode_client.calls.retry_policy.time", lambda: _OCTOBER_S)
    assert retry_after_s(date) == seconds


@pytest.fixture
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone that is not the one of HTTP's dates; Windows keeps its own."""
    if sys.platform == "win32":
        yield
        return
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_new_york")
def test_a_date_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.calls.retry_policy.time", lambda: _OCTOBER_S)
    assert retry_after_s("Wed Oct 21 07:28:10 2015") == 10.0


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "-inf", "1, 2", "Wed, 99 Foo 2015"])
def test_a_retry_after_without_a_number_or_date_is_none(value: str) -> None:
    assert retry_after_s(value) is None
