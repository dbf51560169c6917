"""Times of the server are converted to datetime and back."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencode_client.decoding.times import to_datetime, to_epoch_ms

_MOMENT = datetime(2026, 11, 23, 7, 15, 43, 845_000, tzinfo=UTC)
_MS = 1_795_418_143_845


@pytest.mark.parametrize(
    "time",
    [
        _MS,
        float(_MS),
        "2026-11-23T07:15:43.845Z",
        "2026-11-23T08:15:43.845+01:00",
        "2026-11-23T07:15:43.845",
        " 20261123T071543.845Z ",
        datetime(2026, 11, 23, 7, 15, 43, 845_000),  # noqa: DTZ001 # without a zone, which means UTC
        _MOMENT.astimezone(timezone(timedelta(hours=9))),
    ],
)
def test_every_form_of_a_time_returns_the_same_moment(time: float | str | datetime) -> None:
    assert to_datetime(time) == _MOMENT
    assert to_epoch_ms(time) == _MS


def test_a_datetime_keeps_its_zone() -> None:
    zone = timezone(timedelta(hours=9))
    assert to_datetime(_MOMENT.astimezone(zone)).tzinfo == zone


@given(st.datetimes(timezones=st.just(UTC)))
def test_milliseconds_are_converted_back_to_the_same_moment(moment: datetime) -> None:
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert to_datetime(to_epoch_ms(moment)) == whole


def test_a_time_before_1970_is_negative() -> None:
    assert to_epoch_ms("1969-12-31T23:59:59.999Z") == -1


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-13-01", "NaN", float("nan"), float("inf"), -float("inf")]
)
def test_a_text_or_number_that_is_not_a_time_is_a_value_error(time: float | str) -> None:
    for convert in (to_datetime, to_epoch_ms):
        with pytest.raises(ValueError, match=r"not (an ISO 8601 time|a time in epoch milliseconds)"):
            convert(time)


def test_milliseconds_too_large_for_a_datetime_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="not a time in epoch milliseconds"):
        to_datetime(10**17)


def test_dateutil_is_imported_only_for_a_text() -> None:
    code = (
        "import sys, opencode_client.decoding.times as t\n"
        "t.to_epoch_ms(t.to_datetime(1)); print('dateutil' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
