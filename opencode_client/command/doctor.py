"""Check the connection to a server: what works, what does not, and how to fix it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any

from attrs import asdict, frozen

from ..errors import (
    ArgumentError,
    AuthenticationError,
    OpencodeError,
    StreamTimeoutError,
)
from .connecting import add_connection_arguments, connected

Client = Any  # packages made from other documents lack some of these operations

_HEARTBEAT_S = 35.0
"""The longest time between two heartbeats, plus five seconds: servers 1.1 send one every 30 seconds."""
_CLOCK_S = 5.0
_START = "Start a server with `opencode serve`, or name yours with --url or OPENCODE_BASE_URL."
_BUFFERING = "Turn off buffering of text/event-stream in the proxy before the server."
_PASSWORD = (
    "Set OPENCODE_SERVER_PASSWORD to the password of the server, and OPENCODE_SERVER_USERNAME if it has one."  # noqa: S105 # a hint
)


@frozen
class Check:
    """The result of one check. `ok` is None if the check was skipped."""

    name: str
    ok: bool | None
    detail: str
    fix: str = ""


class _FailedError(Exception):
    """A check that failed. The text says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    add_connection_arguments(parser)
    parser.add_argument(
        "--quick", action="store_true", help="do not wait for a heartbeat, which takes up to 35 seconds"
    )
    parser.add_argument("--turn", action="store_true", help="also send a prompt, which may cost money")


def run(given: argparse.Namespace) -> int:
    """Print the checks. Return 0 if all of them are ok, else 1."""
    results: list[bool | None] = []
    for check in checks(given):
        results.append(check.ok)
        print(json.dumps(asdict(check)) if given.json else _line(check), flush=True)
    return 0 if all(ok for ok in results) else 1


def checks(given: argparse.Namespace) -> Iterator[Check]:
    """Yield the result of each check. If the server or the password fails, the checks after it are skipped."""
    steps: dict[str, tuple[Callable[[Client], str], str]] = {
        "server": (_server, _START),
        "password": (_password, _PASSWORD),
        "directory": (_directory, "Name a folder that exists on the server's machine with --directory."),
        "models": (_models, "Run `opencode auth login` on the server's machine, then restart the server."),
        "events": (lambda client: _events(client, quick=given.quick), _BUFFERING),
        "terminal": (_terminal, "Let the proxy before the server pass WebSockets on."),
        "clock": (_clock, "Set the clocks of both machines, for example by NTP."),
    }  # fmt: skip
    if given.turn:
        steps["turn"] = (_turn, "Read the message; the server's log may say more.")
    try:
        client = connected(given)
    except ArgumentError as error:
        yield Check("url", ok=False, detail=str(error), fix=_START)
        return
    with client:
        yield Check("url", ok=True, detail=client.options.base_url)
        is_usable = True
        for name, (step, fix) in steps.items():
            check = _checked(name, step, fix, client) if is_usable else Check(name, None, "not checked")
            is_usable = is_usable and not (name in ("server", "password") and not check.ok)
            yield check


def _checked(name: str, step: Callable[[Client], str], fix: str, client: Client) -> Check:
    try:
        return Check(name, ok=True, detail=step(client))
    except AuthenticationError as error:
        return Check(name, ok=False, detail=str(error), fix=_PASSWORD)
    except (OpencodeError, _FailedError) as error:
        return Check(name, ok=False, detail=str(error), fix=fix)


def _server(client: Client) -> str:
    try:
        info = client.check_server()
    except AuthenticationError:
        return "reached; it needs a password"
    if not info.missing:
        return f"opencode {info.version}, has every operation of this client"
    groups = Counter(name.partition(".")[0] for name in info.missing)
    named = ", ".join(f"{name} ({count})" for name, count in groups.most_common())
    return f"opencode {info.version}, lacks {len(info.missing)} operations of this client: {named}"


def _password(client: Client) -> str:
    client.path.get()
    user = client.options.username
    return "none was needed" if client.options.password is None else f"accepted, user {user!r}"


def _directory(client: Client) -> str:
    path = client.path.get()
    if not client.file.list(path="."):
        raise _FailedError(f"{path.directory} is empty or does not exist")
    return str(path.directory)


def _models(client: Client) -> str:
    providers = client.config.providers()
    count = sum(len(provider.models) for provider in providers.providers)
    if not count:
        raise _FailedError("no provider has a model that can be used")
    names = ", ".join(provider.id for provider in providers.providers)
    configured = client.config.get().model
    known = {f"{one.id}/{model}" for one in providers.providers for model in one.models}
    if configured and configured not in known:
        raise _FailedError(f"the configured model {configured} is not one of the {count} models of {names}")
    return f"{count} models of {names}; default: {configured or 'the server chooses'}"


def _events(client: Client, *, quick: bool) -> str:
    started_s = monotonic()
    with client.event.subscribe(heartbeats=True, reconnect=False) as events:
        events.get(timeout=10)
        first_s = monotonic() - started_s
        if quick:
            return f"first event after {first_s:.1f} s; did not wait for a heartbeat"
        try:
            events.get(timeout=_HEARTBEAT_S)
        except StreamTimeoutError:
            raise _FailedError(f"no heartbeat within {_HEARTBEAT_S:.0f} s after the first event") from None
    return f"first event after {first_s:.1f} s, the next after {monotonic() - started_s:.1f} s"


def _terminal(client: Client) -> str:
    started_s = monotonic()
    with client.terminal(reconnect=False, exit_code=False):
        return f"opened in {monotonic() - started_s:.1f} s"


def _clock(client: Client) -> str:
    sent = client.raw(client.global_.health).headers.get("date")
    if sent is None:
        return "the server sends no time"
    difference_s = abs((parsedate_to_datetime(sent) - datetime.now(UTC)).total_seconds())
    if difference_s > _CLOCK_S:
        raise _FailedError(f"the server's clock differs by {difference_s:.0f} s from this machine's")
    return f"differs by less than {_CLOCK_S:.0f} s"


def _turn(client: Client) -> str:
    session = client.session.create(title="opencode-client doctor")
    try:
        result = client.run("Answer with one word: ready", session_id=session.id, timeout=120)
    finally:
        client.session.delete(session.id)
    return f"answered {result.text!r} in {result.duration_s:.1f} s for {result.cost} USD"


def _line(check: Check) -> str:
    state = {True: "ok", False: "FAILED", None: "-"}[check.ok]
    fix = f"\n{'':20}{check.fix}" if check.fix else ""
    return f"{check.name:11}{state:9}{check.detail}{fix}"
