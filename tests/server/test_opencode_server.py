"""Starting and ending a server, with programs that behave as `opencode serve` does at its worst."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opencode_client.errors import ArgumentError, ServerStartError
from opencode_client.server import OpencodeServer
from tests.support.fake_opencode import BODY, DETACHED, SERVE, Fake
from tests.support.fake_opencode import fake as fake  # a fixture
from tests.support.faulty_server import FaultyServer, answer, http
from tests.support.processes import is_gone

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="what is left of a process is read from /proc"
)


def _child(server: OpencodeServer) -> int:
    return int(server.log.partition("child ")[2].split()[0])


def test_a_started_server_has_url_port_pid_and_version(fake: Fake) -> None:
    with OpencodeServer(fake(SERVE)) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert server.pid
        assert server.version == "1.2.3"


def test_close_ends_the_server_and_its_children(fake: Fake) -> None:
    with OpencodeServer(fake(SERVE)) as server:
        pid, child = server.pid, _child(server)
    assert pid
    assert is_gone(pid)
    assert is_gone(child)


def test_close_ends_a_server_that_ignores_sigterm(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.server.process._GRACE_S", 0.2)
    with OpencodeServer(
        fake(f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SERVE}")
    ) as server:
        pid = server.pid
    assert pid
    assert is_gone(pid)


def test_a_server_can_be_closed_twice(fake: Fake) -> None:
    server = OpencodeServer(fake(SERVE)).start()
    server.close()
    server.close()


def test_a_server_that_ends_at_the_start_is_an_error_with_its_code_and_log(fake: Fake) -> None:
    with pytest.raises(ServerStartError, match="ended with exit code 3\nport in use") as caught:
        OpencodeServer(fake("import sys\nprint('port in use', file=sys.stderr)\nsys.exit(3)")).start()
    assert caught.value.log == "port in use\n"


def test_a_server_that_never_listens_is_an_error_and_is_ended(fake: Fake, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    source = (
        f"import os, pathlib, time\npathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    )
    with pytest.raises(ServerStartError, match=r"was not listening after 1\.5 s"):
        OpencodeServer(fake(source), startup_timeout_s=1.5).start()
    assert is_gone(int(mark.read_text(encoding="utf-8")))


def test_a_missing_executable_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ServerStartError, match=r"executable: .*/nothing-here does not exist. Install it"):
        OpencodeServer(tmp_path / "nothing-here").start()


def test_a_relative_executable_starts_at_the_working_directory(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(SERVE)
    monkeypatch.chdir(tmp_path)
    with OpencodeServer("./opencode", directory="/") as server:
        assert server.version == "1.2.3"


def test_no_repr_and_no_command_line_contains_the_password(fake: Fake) -> None:
    with OpencodeServer(fake(SERVE), password="hunter2") as server:
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert server.version == "1.2.3"
        assert b"hunter2" not in command
        assert "hunter2" not in repr(server)


def test_the_server_ends_when_its_program_is_killed(fake: Fake) -> None:
    code = (
        "import sys; from opencode_client.server import OpencodeServer\n"
        f"server = OpencodeServer({fake(SERVE)!r}).start(); print(server.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout
        pid = int(program.stdout.readline())
        program.kill()
    assert is_gone(pid)


def test_the_server_ends_when_its_program_ends_without_closing_it(fake: Fake) -> None:
    code = f"from opencode_client.server import OpencodeServer\nprint(OpencodeServer({fake(SERVE)!r}).start().pid)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert is_gone(int(done.stdout))


def test_start_waits_for_a_server_that_listens_late(fake: Fake) -> None:
    with OpencodeServer(fake(f"import time\ntime.sleep(0.5)\n{SERVE}")) as server:
        assert server.version == "1.2.3"


def test_close_ends_children_in_their_own_sessions(fake: Fake) -> None:
    with OpencodeServer(fake(DETACHED)) as server:
        child = _child(server)
    assert is_gone(child)


def test_children_in_their_own_sessions_end_when_the_program_is_killed(fake: Fake) -> None:
    code = (
        "import sys; from opencode_client.server import OpencodeServer\n"
        f"server = OpencodeServer({fake(DETACHED)!r}).start()\n"
        "print(server.log.partition('child ')[2].split()[0], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout
        child = int(program.stdout.readline())
        program.kill()
    assert is_gone(child)


def test_the_end_of_a_server_is_detected_while_its_child_holds_the_log_open(fake: Fake) -> None:
    source = (
        "import subprocess, sys\nprint('boom', flush=True)\n"
        "subprocess.Popen(['sleep', '20'], start_new_session=True)\nsys.exit(3)"
    )
    with pytest.raises(ServerStartError, match="ended with exit code 3\nboom"):
        OpencodeServer(fake(source), startup_timeout_s=5).start()


def test_a_running_server_that_closes_its_output_is_an_error(fake: Fake) -> None:
    source = "import os, time\nos.close(1); os.close(2)\ntime.sleep(20)"
    with pytest.raises(ServerStartError, match="was not listening after 1 s"):
        OpencodeServer(fake(source), startup_timeout_s=1).start()


def test_a_health_response_that_is_not_json_is_an_error_that_shows_it(fake: Fake) -> None:
    html = SERVE.replace(BODY, 'b"<!doctype html>"')
    with pytest.raises(ServerStartError, match=r"is not an opencode server: .* gave 200 .*<!doctype html>"):
        OpencodeServer(fake(html)).start()


def _elsewhere(url: str) -> str:
    """A program that prints the address of another server as its own."""
    return f"import time\nprint('opencode server listening on {url} ', flush=True)\ntime.sleep(600)"


def test_a_server_that_refuses_the_password_has_no_version(fake: Fake) -> None:
    with (
        FaultyServer([answer(http(b"", 401))]) as http_server,
        OpencodeServer(fake(_elsewhere(http_server.url))) as server,
    ):
        assert (server.url, server.version) == (http_server.url, "")


def test_the_health_request_is_repeated_after_a_503(fake: Fake) -> None:
    health = b'{"healthy": true, "version": "1.2.3"}'
    with (
        FaultyServer([answer(http(b"", 503))], [answer(http(health))]) as http_server,
        OpencodeServer(fake(_elsewhere(http_server.url))) as server,
    ):
        assert server.version == "1.2.3"
        assert http_server.connections == 2


def test_the_error_for_a_server_that_stays_unready_has_its_status(fake: Fake) -> None:
    message = r"listened, but GET /global/health gave 503 for 1 s"
    with (
        FaultyServer([answer(http(b"", 503))]) as http_server,
        pytest.raises(ServerStartError, match=message),
    ):
        OpencodeServer(fake(_elsewhere(http_server.url)), startup_timeout_s=1).start()


def test_the_log_keeps_its_last_65536_bytes(fake: Fake) -> None:
    with OpencodeServer(fake(SERVE)) as server:
        assert len(server.log) == 65_536


def test_starting_twice_is_an_error_and_the_server_still_runs(fake: Fake) -> None:
    with OpencodeServer(fake(SERVE)) as server:
        with pytest.raises(ServerStartError, match="was started or closed before"):
            server.start()
        assert server.pid


def test_the_password_of_the_environment_is_used(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hunter2")
    with OpencodeServer(fake(SERVE)) as server:
        assert server.version == "1.2.3"


def _locals_of(error: BaseException | None) -> str:
    """Return the local variables of all frames of our package and below it, as crash reports show them."""
    shown: list[str] = []
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            if __file__ != trace.tb_frame.f_code.co_filename:
                shown += map(repr, trace.tb_frame.f_locals.values())
            trace = trace.tb_next
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(shown)


@pytest.mark.parametrize("source", [None, "import sys; sys.exit(1)"], ids=["no executable", "ends"])
def test_no_attribute_and_no_local_variable_of_an_error_contains_the_password(
    fake: Fake, tmp_path: Path, source: str | None
) -> None:
    server = OpencodeServer(fake(source or ""), password="hunter2")
    if source is None:
        (tmp_path / "opencode").chmod(0o600)
    with pytest.raises(ServerStartError) as caught:
        server.start()
    assert "hunter2" not in repr(vars(server))
    assert "hunter2" not in _locals_of(caught.value)
    assert (server.auth or ("", ""))[1] == "hunter2"


@pytest.mark.parametrize("env", [{"A": "b\0c"}, {"A=B": "c"}, {"A": 1}], ids=["zero", "name", "number"])
def test_an_invalid_environment_variable_is_an_error(fake: Fake, env: Any) -> None:
    with pytest.raises(ArgumentError, match="env: no process can have the variable 'A"):
        OpencodeServer(fake(SERVE), env=env)


_WRONG: dict[str, tuple[dict[str, Any], str]] = {  # Any: what callers without types pass
    "a password in bytes": (
        {"env": {"OPENCODE_SERVER_PASSWORD": "\udcff"}},
        "password .* is not text in UTF-8",
    ),
    "an executable": ({"executable": 5}, "executable takes a path, not int"),
    "a directory": ({"directory": 5}, "directory takes a path, not int"),
    "a log": ({"log_path": 5}, "log_path takes a path, not int"),
    "a configuration": ({"config": "{}"}, "config takes a dict, as in opencode.json, not str"),
    "no JSON": ({"config": {"a": {1}}}, "config is not JSON: Object of type set"),
    "two configurations": (
        {"config": {}, "env": {"OPENCODE_CONFIG_CONTENT": "{}"}},
        "are both the configuration: give one of them",
    ),
    "a number as a directory to dispose of": (
        {"dispose_on_exit": [5]},
        "dispose_on_exit takes directories",
    ),
    "no time": ({"startup_timeout_s": float("nan")}, "startup_timeout_s takes seconds, not nan"),
    "a time as text": ({"startup_timeout_s": "5"}, "startup_timeout_s takes seconds, not '5'"),
}


@pytest.mark.parametrize(("arguments", "message"), _WRONG.values(), ids=list(_WRONG))
def test_a_wrong_argument_is_an_error_that_names_it(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        OpencodeServer(**arguments)


def test_a_health_response_nested_too_deeply_is_an_error(fake: Fake) -> None:
    deep = SERVE.replace(BODY, 'b"[" * 100_000 + b"]" * 100_000')
    with pytest.raises(ServerStartError, match="is not an opencode server"):
        OpencodeServer(fake(deep)).start()


def test_a_variable_given_as_none_is_removed(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hunter2")
    with OpencodeServer(fake(SERVE), env={"OPENCODE_SERVER_PASSWORD": None}) as server:
        assert server.auth is None


def test_a_password_that_the_server_writes_is_not_in_the_log(fake: Fake) -> None:
    telling = SERVE.replace('print("child"', 'print(os.environ["OPENCODE_SERVER_PASSWORD"])\nprint("child"')
    with OpencodeServer(fake(telling), password="hunter2") as server:
        assert "hunter2" not in server.log


def test_a_forked_child_that_exits_does_not_end_the_server(fake: Fake) -> None:
    code = (
        "import os, sys; from opencode_client.server import OpencodeServer\n"
        f"server = OpencodeServer({fake(SERVE)!r}).start()\n"
        "if (child := os.fork()) == 0: sys.exit()\n"
        "os.waitpid(child, 0)\n"
        "print(open(f'/proc/{server.pid}/stat').read().split()[2])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "S"


@pytest.mark.parametrize(
    ("hostname", "asked"),
    [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")],  # noqa: S104 # a test's
)
def test_the_url_of_a_server_on_all_addresses_is_loopback(fake: Fake, hostname: str, asked: str) -> None:
    with OpencodeServer(fake(SERVE), hostname=hostname) as server:
        assert server.url == f"http://{asked}:{server.port}"
