"""A server without opencode, for tests: its address, its clients, its faults, and the requests that it received."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Self

from ..async_client import AsyncOpencodeClient
from ..client import OpencodeClient
from ..errors import ArgumentError
from ..model import JsonObject
from ..routes import documented
from ..signatures import explain_calls
from .ask_operations import AskOperations
from .connections import Listener, Request, Response, Stream, json_response
from .events import Events
from .fake_calls import FakeCall, FakeTransport, Fault, text_of
from .files import Files
from .message_operations import MessageOperations
from .replies import Replies, Reply, Script, failed
from .routing import ROUTES, Call, RefusalError, Route, directory_of, document, find, operation_of
from .server_operations import ServerOperations
from .session_operations import SessionOperations
from .state import State
from .terminals import Terminals, TerminalScript, repeat
from .tools import Replacement, Tools
from .turns import Turns

HANDLERS = (ServerOperations, SessionOperations, MessageOperations, AskOperations, Files)
_PROMPTS = ("session.prompt", "session.prompt_async", "session.command")
_DOCUMENT = "/doc"
_USER = "opencode"


@explain_calls
class FakeServer(Replies):
    """An opencode server without opencode, in this process: real HTTP, event streams and WebSockets on 127.0.0.1.

        with FakeServer("Hello.") as fake, fake.client() as client:
            assert client.run("Hi.").text == "Hello."
            fake.assert_prompted_once()

    Opened by `with` or `async with`, or by `start`; closed at their end, or by `close`. Not reusable. Any thread may
    use it. Turns are scripted as with `ScriptedModel`, which makes the same turns with a real server: each response of
    the model is what `script` returns, or the next reply of the queue, or an echo of the prompt. The fake runs the
    tools: `bash`, `read`, `write`, `todowrite`, `question` and `task` work in `directory`, like those of opencode.

    For an operation that the fake does not have, it responds with 404 and a body that names FakeServer.

    Args:
        replies: The first replies of the queue. A string is a reply with this text. See `say`.
        script: Function that gets each request to the model, and returns its reply.
        version: The fake has the responses and events of this version. Tests compare it with real 1.3.2 and 1.18.33.
        directory: Directory of clients that name none, with the files that they read. Default: the working directory.
        config: opencode's configuration, such as `{"permission": {"bash": "ask"}}`. Used: `permission`, `command`,
            `agent`.
        password: Password for Basic authentication, with the user `opencode`. Default: none.
        tools: Functions that replace tools, by name. Each gets the arguments, and returns the output.
        terminal: Function that plays the program of a terminal. Default: a program that repeats what it reads.
    """

    def __init__(
        self,
        *replies: Reply | str,
        script: Script | None = None,
        version: str = "1.18.33",
        directory: str | os.PathLike[str] | None = None,
        config: JsonObject | None = None,
        password: str | None = None,
        tools: Mapping[str, Replacement] | None = None,
        terminal: TerminalScript = repeat,
    ) -> None:
        super().__init__(*replies, script=script)
        self.version: str = version
        self.directory: str = os.path.abspath(directory or ".")
        self._events = Events(version)
        self._state = State(version, self._events)
        self._password = password
        config = config or {}
        self._turns = Turns(self._state, self, Tools(self._state, config.get("permission"), tools or {}))
        self._terminals = Terminals(self._state, terminal)
        handlers = [kind(self._state, self._turns, config) for kind in HANDLERS]
        self._handlers, owners = handlers[0], (*handlers, self._terminals)
        self._owners = {type(one).__name__: one for one in owners}
        self._changed = threading.Condition()
        self._calls: list[FakeCall] = []
        self._faults: list[Fault] = []
        self._listener = Listener(self._respond)
        self.url: str = self._listener.url

    @property
    def heartbeat_s(self) -> float:
        """The seconds without an event after which an event stream sends a heartbeat."""
        return self._events.heartbeat_s

    @heartbeat_s.setter
    def heartbeat_s(self, seconds: float) -> None:
        self._events.heartbeat_s = seconds

    def client(self, **options: Any) -> OpencodeClient:  # Any: options of the client
        """Return a client for this server. You close it, for example with `with`."""
        return OpencodeClient(self.url, **self._with_password(options))

    def async_client(self, **options: Any) -> AsyncOpencodeClient:  # Any: as above
        """Return an async client for this server. You close it, for example with `async with`."""
        return AsyncOpencodeClient(self.url, **self._with_password(options))

    def _with_password(self, options: JsonObject) -> JsonObject:
        return {"password": self._password or "", **options}

    @property
    def transport(self) -> FakeTransport:
        """A transport for httpx that calls this server without a network. It has no event streams or terminals."""
        return FakeTransport(self._answer)

    def calls(self, operation: str | None = None) -> list[FakeCall]:
        """Return the requests so far, in order. `operation`: only those of one operation, such as `session.prompt`."""
        with self._changed:
            return [call for call in self._calls if operation in (None, call.operation)]

    def wait_for_call(self, operation: str, *, times: int = 1, timeout: float = 10.0) -> FakeCall:
        """Wait until an operation was called `times` times, and return the last of these calls.

        Raises:
            TimeoutError: there were fewer calls within `timeout` seconds.
            ArgumentError: the server's document does not have this operation.
        """
        _check_operation(operation)
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.calls(operation)) >= times, timeout):
                called = (
                    ", ".join(dict.fromkeys(call.operation or call.path for call in self._calls)) or "nothing"
                )
                raise TimeoutError(
                    f"{operation} was not called {times} times in {timeout} s; called: {called}"
                )
        return self.calls(operation)[times - 1]

    def assert_prompted_once(self, text: str | None = None) -> None:
        """Check that one prompt was sent, and that its text is `text`. None: any text.

        Raises:
            AssertionError: no prompt was sent, or several, or another text.
        """
        sent = [call for call in self.calls() if call.operation in _PROMPTS]
        texts = [text_of(call) for call in sent]
        if len(sent) != 1 or text not in (None, texts[0]):
            wanted = "one prompt" if text is None else f"one prompt, {text!r}"
            raise AssertionError(f"expected {wanted}; the server got {len(sent)}: {texts}")

    def fail(
        self,
        operation: str,
        status: int = 500,
        *,
        times: int = 1,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Let the next calls of an operation fail. `body` is JSON; default: the body of an unexpected server error."""
        body = {"name": "UnknownError", "data": {"message": "fault of FakeServer"}} if body is None else body
        _check_operation(operation)
        self._faults.append(Fault(operation, times, response=json_response(body, status, headers)))

    def delay(self, operation: str, seconds: float, *, times: int = 1) -> None:
        """Let the next calls of an operation wait for some seconds before they do anything."""
        _check_operation(operation)
        self._faults.append(Fault(operation, times, delay_s=seconds))

    def cut(self, operation: str, *, times: int = 1) -> None:
        """Break the connections of the next calls of an operation. These calls have no effect."""
        _check_operation(operation)
        self._faults.append(Fault(operation, times, cut=True))

    def cut_streams(self) -> None:
        """Break the event streams that are open. Clients may connect again."""
        self._events.end(cleanly=False)

    def lose_events(self, kind: str | None = None, *, times: int = 1) -> None:
        """Do not send the next events of a type, such as `session.idle`; by default, the next events of any type."""
        self._events.lost.extend([kind] * times)

    def send_event(self, kind: str, **properties: Any) -> None:  # Any: JSON
        """Send an event of any type to the streams of the fake's directory and of all directories."""
        self._events.publish(kind, self.directory, **properties)

    def wait_for_turns(self) -> None:
        """Wait until no turn runs, and all events of turns are sent. Sessions may look idle before that."""
        self._turns.join()

    def die(self) -> None:
        """End like a server that was killed: all connections break, and new ones are refused."""
        self.close()

    def start(self) -> Self:
        """Begin to serve, and return the server. Earlier requests wait for this."""
        self._listener.start()
        return self

    def close(self) -> None:
        """End all turns, terminals and connections. May be called again."""
        self._state.close()
        self._terminals.close()
        self._listener.close()
        self._turns.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def _respond(self, request: Request) -> Response | Stream:
        route, ids = find(request)
        call = FakeCall(
            operation=route.operation if route else operation_of(request),
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            json=_json(request),
        )
        with self._changed:
            self._calls.append(call)
            fault = next((one for one in self._faults if one.operation == call.operation and one.times), None)
            if fault is not None:
                fault.times -= 1
            self._changed.notify_all()
        if fault is not None:
            self._state.sleep(fault.delay_s)
            if fault.cut:
                return lambda peer: peer.reset()
            if fault.response is not None:
                return fault.response
        return self._handle(request, route, ids)

    def _handle(self, request: Request, route: Route | None, ids: tuple[str, ...]) -> Response | Stream:
        if not self._is_allowed(request):
            return self._unauthorized()
        if request.path == _DOCUMENT:
            return json_response(document(self.version))
        if route is None:
            text = f"FakeServer does not have {operation_of(request)} ({request.method} {request.path})"
            return json_response({"name": "NotFoundError", "data": {"message": text}}, 404)
        handler = ROUTES[route]
        owner = self._owners[handler.__qualname__.partition(".")[0]]
        try:
            value = handler(owner, Call(request, ids, directory_of(request, self.directory)))
        except RefusalError as error:
            value = error.args[0]
        except (ValueError, RecursionError) as error:  # the body is not JSON
            value = self._handlers.failed(str(error)).args[0]
        except Exception as error:  # noqa: BLE001 # without a response, the caller would see a broken connection
            text = failed(f"FakeServer's {route.operation}", error)
            value = json_response({"name": "UnknownError", "data": {"message": text}}, 500)
        return value if isinstance(value, Response) or callable(value) else json_response(value)

    def _answer(self, request: Request) -> Response:
        """Respond to a request of the transport."""
        answer = self._respond(request)
        if isinstance(answer, Response):
            answer.sent()
            return answer
        text = "FakeServer: event streams and terminals need its URL; the transport does not have them"
        return json_response({"name": "UnknownError", "data": {"message": text}}, 501)

    def _is_allowed(self, request: Request) -> bool:
        if not self._password:
            return True
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if self._state.is_new and "auth_token" in request.query:
            kind, encoded = "basic", request.query["auth_token"]
        if "ticket" in request.query and request.path.endswith("/connect"):
            return True  # the terminal checks it
        expected = base64.b64encode(f"{_USER}:{self._password}".encode()).decode()
        return kind.lower() == "basic" and encoded == expected

    def _unauthorized(self) -> Response:
        headers = {"www-authenticate": 'Basic realm="Secure Area"'}
        if self._state.is_new:
            return Response(b"", 401, headers)
        return Response(b"Unauthorized", 401, {**headers, "content-type": "application/octet-stream"})


def _check_operation(operation: str) -> None:
    """Raise ArgumentError if the server's document does not have this operation."""
    known = [one.id for one, _ in documented()]
    if operation not in known:
        close = get_close_matches(operation, known)
        hint = f"; did you mean {' or '.join(close)}?" if close else ", such as session.prompt"
        raise ArgumentError(f"FakeServer: {operation!r} is not the id of an operation{hint}")


def _json(request: Request) -> Any:
    try:
        return request.json
    except (ValueError, RecursionError):
        return None
