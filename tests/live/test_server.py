"""Real servers of one's own: configuration, isolation, instances, many at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from opencode_client import OpencodeServer
from opencode_client.models import EventServerInstanceDisposed, GlobalEvent
from opencode_client.testing import Reply, ScriptedModel
from scripts.npm_server import get_server
from tests.live.client_pairs import until
from tests.support.processes import is_empty, is_gone

pytestmark = pytest.mark.live

_VERSIONS = ("1.1.31", "1.3.2", "1.18.33")


@pytest.fixture(scope="module")
def model() -> Generator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


def _server(
    version: str, model: ScriptedModel, folder: Path, **options: Any
) -> OpencodeServer:  # Any: those of the server
    """Return an isolated server without the internet."""
    env = {"OPENCODE_MODELS_URL": model.url, "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1"}
    config = model.config(username="configured")
    return OpencodeServer(
        get_server(version), directory=folder, isolated=True, env=env, config=config, **options
    )


@pytest.mark.parametrize("version", _VERSIONS)
def test_an_isolated_server_runs_a_turn_with_its_configuration_and_leaves_no_files(
    version: str, model: ScriptedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "opencode.json").write_text('{"username": "of the project"}', encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENCODE_CONFIG_CONTENT", "not read")
    model.say(Reply(text="Hello!"))
    with _server(version, model, tmp_path, log_path=tmp_path / "log") as server, server.client() as client:
        assert (server.version, client.config.get().username) == (version, "configured")
        assert client.run("hi", timeout=60).text == "Hello!"
        places = client.path.get()
        assert Path(places.state).is_relative_to(Path(places.config).parents[1])
        assert Path(places.directory) == tmp_path
    assert not Path(places.config).parents[1].exists()
    assert not (tmp_path / "home").exists()
    assert "opencode server listening on" in (tmp_path / "log").read_text(encoding="utf-8")


def test_the_api_operations_of_an_isolated_server_have_its_configuration(
    model: ScriptedModel, tmp_path: Path
) -> None:
    with _server("1.18.33", model, tmp_path) as server, server.client() as client:
        until(lambda: "scripted-1" in [one.id for one in client.v2.model.list().data])


@pytest.mark.parametrize("version", _VERSIONS)
def test_an_attached_server_disposes_instances_and_still_runs(
    version: str, model: ScriptedModel, tmp_path: Path
) -> None:
    used = tmp_path / "a b"
    used.mkdir()
    with _server(version, model, tmp_path) as server, server.client() as client:
        user, password = server.auth or ("", "")
        client.session.list(directory=used)
        with client.global_.event() as events:
            attached = OpencodeServer.attach(
                server.url, username=user, password=password, dispose_on_exit=[used]
            )
            with attached:
                assert attached.version == version
            while not isinstance(event := events.get(timeout=30), GlobalEvent) or not isinstance(
                event.payload, EventServerInstanceDisposed
            ):
                pass
        assert event.payload.properties.directory == str(used)
        assert client.global_.health().version == version


@pytest.mark.skipif(sys.platform != "linux", reason="what is left of a process is read from /proc")
def test_a_killed_program_leaves_no_server_and_no_folder(model: ScriptedModel, tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom opencode_client import OpencodeServer\n"
        "server = OpencodeServer(sys.argv[1], isolated=True).start()\n"
        "server.client().session.create()\nprint(server.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path), "OPENCODE_MODELS_URL": model.url}
    command = [sys.executable, "-c", program, str(get_server("1.3.2"))]
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    assert is_gone(int(done.stdout))
    assert is_empty(tmp_path)


def test_ten_real_servers_start_at_once(model: ScriptedModel, tmp_path: Path) -> None:
    def use(_: int) -> tuple[str, int]:
        with _server("1.1.31", model, tmp_path) as server, server.client() as client:
            client.session.create()
            return server.url, server.pid or 0

    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(use, range(10)))
    assert len(set(found)) == 10
    assert not [pid for _, pid in found if os.path.exists(f"/proc/{pid}/cmdline")]
