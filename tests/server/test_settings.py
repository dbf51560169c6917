"""Settings of a server of one's own: executable, password, configuration, isolation, clients, log file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opencode_client import ArgumentError, OpencodeServer, ServerStartError, SignatureError
from tests.support.both_clients import ClientKind
from tests.support.fake_opencode import SERVE, Fake
from tests.support.fake_opencode import fake as fake  # a fixture

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake servers are shell scripts")

Variables = Callable[[], dict[str, str]]


@pytest.fixture
def executable(fake: Fake, tmp_path: Path) -> str:
    """The path of a server that writes its variables, its folder and its configuration file into a file."""
    config = 'pathlib.Path(os.environ.get("HOME", ""), ".config", "opencode", "opencode.json")'
    seen = f'{{**os.environ, "cwd": os.getcwd(), "file": {config}.read_text() if {config}.exists() else ""}}'
    write = f"import json, pathlib\npathlib.Path({str(tmp_path / 'seen')!r}).write_text(json.dumps({seen}))"
    return fake(SERVE.replace("body, wants", f"{write}\nbody, wants", 1))


@pytest.fixture
def seen(tmp_path: Path) -> Variables:
    """Reads what the server has written."""
    return lambda: json.loads((tmp_path / "seen").read_text(encoding="utf-8"))


def _started(executable: str | None = None, **options: Any) -> OpencodeServer:  # Any: those of the server
    with OpencodeServer(executable, **options) as server:
        return server


def test_the_password_is_random_without_an_argument_and_a_variable(executable: str, seen: Variables) -> None:
    first = _started(executable)
    assert first.auth == ("opencode", seen()["OPENCODE_SERVER_PASSWORD"])
    assert OpencodeServer(executable).auth not in (first.auth, None)


def test_the_password_of_the_environment_wins_over_a_random_one(
    executable: str, seen: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hunter2")
    _started(executable, isolated=True)
    assert seen()["OPENCODE_SERVER_PASSWORD"] == "hunter2"
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "")
    assert OpencodeServer(executable).auth is None


def test_the_password_of_the_argument_wins_over_variables(
    executable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hunter2")
    monkeypatch.setenv("OPENCODE_SERVER_USERNAME", "ada")
    env = {"OPENCODE_SERVER_PASSWORD": "hunter3"}
    assert OpencodeServer(executable, env=env).auth == ("ada", "hunter3")
    assert OpencodeServer(executable, env=env, password="hunter4").auth == ("ada", "hunter4")
    assert OpencodeServer(executable, env=env, password="").auth is None


def test_the_executable_is_the_argument_or_opencode_bin_or_on_the_path(
    executable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(executable), prepend=os.pathsep)
    assert _started().version == "1.2.3"
    monkeypatch.setenv("OPENCODE_BIN", "/nowhere/opencode")
    with pytest.raises(ServerStartError, match=r"OPENCODE_BIN: /nowhere/opencode does not exist. Install it"):
        _started()
    assert _started(executable).version == "1.2.3"
    monkeypatch.setenv("OPENCODE_BIN", executable)
    assert _started().executable == executable


def test_an_unusable_executable_is_an_error_that_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerStartError, match=r"opencode is not on the PATH. Install it \(`npm install"):
        _started()
    (tmp_path / "text").write_text("text", encoding="utf-8")
    with pytest.raises(ServerStartError, match=r"executable: .*/text is not an executable file"):
        _started(str(tmp_path / "text"))


@pytest.mark.parametrize("is_on_path", [True, False])
def test_the_script_of_npm_on_windows_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_on_path: bool
) -> None:
    script = tmp_path / "opencode.cmd"
    script.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerStartError, match=r"/opencode\.cmd is a script.* the path of opencode\.exe"):
        OpencodeServer(script.name if is_on_path else script).start()


def test_a_directory_that_does_not_exist_is_an_error_that_names_it(executable: str) -> None:
    with pytest.raises(ServerStartError, match="The directory /nowhere of the server does not exist"):
        _started(executable, directory="/nowhere")


def test_the_configuration_reaches_the_server_in_its_order(executable: str, seen: Variables) -> None:
    _started(executable, config={"permission": {"b": "ask", "a": "allow"}})
    assert seen()["OPENCODE_CONFIG_CONTENT"] == '{"permission": {"b": "ask", "a": "allow"}}'


def test_an_isolated_server_has_its_own_home_and_configuration_which_are_removed(
    executable: str, seen: Variables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_DATA_HOME", "OPENCODE_CONFIG", "OPENCODE_CONFIG_CONTENT"):
        monkeypatch.setenv(name, "the caller's")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of a provider")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with OpencodeServer(executable, isolated=True, config={"share": "disabled"}, directory="/") as server:
        variables = seen()
        home, temporary = Path(variables["HOME"]), Path(variables["TMPDIR"])
        assert home.parent.stat().st_mode & 0o777 == 0o700
        (home / "go").mkdir()
        (home / "go" / "module").touch()
        (home / "go").chmod(0o500)
        assert temporary.is_dir()
        assert server.directory == Path("/")
    assert json.loads(variables["file"]) == {"share": "disabled"}
    assert variables["cwd"] == "/"
    assert variables["ANTHROPIC_API_KEY"] == "of a provider"
    assert "the caller's" not in variables.values()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_variables_of_env_win_over_those_of_isolation(
    executable: str, seen: Variables, tmp_path: Path
) -> None:
    _started(
        executable, isolated=True, env={"HOME": str(tmp_path), "OPENCODE_MODELS_URL": "http://127.0.0.1:9"}
    )
    assert seen()["HOME"] == str(tmp_path)
    assert seen()["OPENCODE_MODELS_URL"] == "http://127.0.0.1:9"


def test_clients_have_the_url_and_directory_of_the_server(
    executable: str, tmp_path: Path, client_kind: ClientKind
) -> None:
    with OpencodeServer(executable, directory=tmp_path) as server:
        make: Any = server.async_client if client_kind.is_async else server.client  # Any: either client
        client = make(timeout=7)
        assert client.options.base_url == server.url
        assert client.options.directory == str(tmp_path)
        assert client.options.timeout == 7
        assert client_kind.call(client.global_.health).version == "1.2.3"
        client_kind.call(client.close)
        assert make(directory="/").options.directory == "/"
        with pytest.raises(SignatureError, match=r"there is no argument 'tiemout'. Did you mean 'timeout'"):
            make(tiemout=1)


def test_a_server_without_a_password_makes_clients_without_the_environments_password(
    executable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hunter2")
    with OpencodeServer(executable, password="") as server, server.client() as client:
        assert client.options.password is None


def test_a_server_that_does_not_run_refuses_to_make_clients(executable: str) -> None:
    server = OpencodeServer(executable)
    with pytest.raises(ServerStartError, match="does not run: use `with` or call start"):
        server.client()
    server.start().close()
    with pytest.raises(ServerStartError, match="does not run: use `with` or call start"):
        server.async_client()


def test_all_output_is_appended_to_the_log_file(
    executable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "server.log").write_text("before\n", encoding="utf-8")
    _started(executable, log_path="server.log", directory="/")
    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    assert log.startswith("before\nnoise xxx")
    assert "opencode server listening on http://127.0.0.1:" in log
    assert len(log) > 200_000


def test_a_log_file_that_cannot_be_written_is_an_error_that_names_it(executable: str, tmp_path: Path) -> None:
    with pytest.raises(ServerStartError, match=r"log_path cannot be written: .*/nowhere/server.log"):
        _started(executable, log_path=tmp_path / "nowhere" / "server.log")


def test_errors_show_no_colours_and_no_secrets(fake: Fake, tmp_path: Path) -> None:
    source = (
        "import os, sys\nprint('\\x1b[31m' + os.environ['OPENCODE_SERVER_PASSWORD'] + '\\x1b[0m key'"
        " + os.environ['OPENCODE_CONFIG_CONTENT'] + os.environ['SOME_TOKEN'])\nsys.exit(1)"
    )
    config = {"provider": {"a": {"options": {"apiKey": 'quo"ted key', "baseURL": "http://a"}}}}
    env = {"SOME_TOKEN": "token of ours"}
    with pytest.raises(ServerStartError) as caught:
        _started(fake(source), password="hunter2", config=config, env=env, log_path=tmp_path / "log")
    hidden = '*** key{"provider": {"a": {"options": {"apiKey": "***", "baseURL": "http://a"}}}}***\n'
    assert caught.value.log == hidden == (tmp_path / "log").read_text(encoding="utf-8")


def test_a_wrong_password_is_an_argument_error() -> None:
    wrong: Any = 5  # Any: what callers without types pass
    with pytest.raises(ArgumentError, match="password or OPENCODE_SERVER_USERNAME is not text"):
        OpencodeServer(password=wrong)
