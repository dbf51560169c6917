"""The fixtures of the pytest plugin, in sessions of pytest with a fake executable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.executables import write_program
from tests.support.fake_opencode import SERVE

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake servers are shell scripts")

_SERVE = (
    SERVE.replace('"x" * 200_000', '"x"')
    .replace("    else:\n", '    else:\n        answer = b"true" if b"/instance/dispose" in head else body\n')
    .replace("len(body) + body", "len(answer) + answer")
)
"""A server that responds to `instance.dispose`, too."""

_PLUGINS = ("-p", "no:cacheprovider", "-p", "no:httpserver", "-W", "error")
_ANYIO = ("-p", "anyio.pytest_plugin")
_ASYNCIO = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")


@pytest.fixture(autouse=True)
def _project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that uses the plugin, on a machine without opencode."""
    pytester.makeconftest('pytest_plugins = ["opencode_client.pytest_plugin"]')
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    folders = [one for one in os.environ["PATH"].split(os.pathsep) if not Path(one, "opencode").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))


@pytest.fixture
def executable(tmp_path: Path) -> str:
    """The path of a server that adds its process id to the file `starts` beside it."""
    mark = f"import os\nopen({str(tmp_path / 'starts')!r}, 'a').write(f'{{os.getpid()}} ')\n"
    write_program(tmp_path / "opencode", mark + _SERVE)
    return str(tmp_path / "opencode")


def _run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    # a session in this process would leave two copies of the modules that it is the first to import
    return pytester.runpytest_subprocess(*_PLUGINS, *options)


_USES_SERVER = """
    def test_version(opencode_server):
        assert opencode_server.version == "1.2.3"

    def test_directory(opencode_sync_client, opencode_directory):
        assert opencode_sync_client.options.directory == str(opencode_directory)
        assert opencode_sync_client.global_.health().version == "1.2.3"
"""


def test_the_tests_of_a_session_share_one_server(
    pytester: pytest.Pytester, executable: str, tmp_path: Path
) -> None:
    _run(pytester, _USES_SERVER, f"--opencode-bin={executable}").assert_outcomes(passed=2)
    assert len((tmp_path / "starts").read_text(encoding="utf-8").split()) == 1


def test_the_option_wins_over_opencode_bin_which_wins_over_the_path(
    pytester: pytest.Pytester, executable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(executable), prepend=os.pathsep)
    _run(pytester, _USES_SERVER).assert_outcomes(passed=2)
    monkeypatch.setenv("OPENCODE_BIN", "/nowhere/opencode")
    _run(pytester, _USES_SERVER).assert_outcomes(skipped=2)
    _run(pytester, _USES_SERVER, f"--opencode-bin={executable}").assert_outcomes(passed=2)


def test_without_opencode_tests_are_skipped_with_a_reason(pytester: pytest.Pytester) -> None:
    done = _run(pytester, _USES_SERVER, "-rs")
    done.assert_outcomes(skipped=2)
    reason = (
        "no opencode for the fixture opencode_server: opencode is not on the PATH. Install it (`npm install"
    )
    assert reason in done.stdout.str()
    assert "--opencode-bin" in done.stdout.str()


def test_without_opencode_tests_fail_if_it_is_required(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_REQUIRE_SERVER", "1")
    done = _run(pytester, _USES_SERVER)
    done.assert_outcomes(errors=2)
    assert "OPENCODE_REQUIRE_SERVER=1, but no opencode for the fixture" in done.stdout.str()


def test_a_server_that_does_not_start_is_an_error(pytester: pytest.Pytester, tmp_path: Path) -> None:
    write_program(tmp_path / "opencode", "import sys; print('boom'); sys.exit(3)")
    done = _run(pytester, _USES_SERVER, f"--opencode-bin={tmp_path / 'opencode'}")
    done.assert_outcomes(errors=2)
    assert "opencode ended with exit code 3" in done.stdout.str()


def test_a_test_changes_from_the_fake_to_a_server_by_one_fixture(pytester: pytest.Pytester) -> None:
    source = """
        def test_turn(opencode_fake, opencode_sync_client):
            opencode_fake.say("Hello.")
            assert opencode_sync_client.run("Hi.").text == "Hello."
            opencode_fake.assert_prompted_once("Hi.")

        def test_other_turn(opencode_fake, opencode_sync_client):
            assert opencode_sync_client.run("Hi.").text == "echo: Hi."
    """
    _run(pytester, source).assert_outcomes(passed=2)
    done = _run(pytester, source.replace("opencode_fake", "opencode_model"), "-rs")
    done.assert_outcomes(skipped=2)


def test_the_model_begins_each_test_without_replies(pytester: pytest.Pytester) -> None:
    source = """
        import httpx

        def ask(model):
            body = {"tools": [{}], "messages": [{"role": "user", "content": "Hi"}]}
            return httpx.post(f"{model.url}/v1/chat/completions", json=body).text

        def test_first(opencode_model):
            opencode_model.say("One", "Two")
            assert "One" in ask(opencode_model)

        def test_second(opencode_model):
            assert opencode_model.requests == []
            assert "echo: Hi" in ask(opencode_model)
    """
    _run(pytester, source).assert_outcomes(passed=2)


def test_the_directory_is_a_git_workspace_of_one_test(pytester: pytest.Pytester) -> None:
    source = """
        import subprocess

        def test_log(opencode_directory, monkeypatch):
            log = subprocess.run(["git", "log", "--format=%s"], cwd=opencode_directory, stdout=subprocess.PIPE)
            assert log.stdout == b"first\\n"
            (opencode_directory / "a.txt").touch()

        def test_empty(opencode_directory):
            assert [file.name for file in opencode_directory.iterdir()] == [".git"]
    """
    _run(pytester, source).assert_outcomes(passed=2)


def test_the_configuration_is_a_fixture_to_override(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        from opencode_client.testing import Reply, ToolCall

        @pytest.fixture(scope="session")
        def opencode_config():
            return {"permission": {"bash": "deny"}}

        def test_permission(opencode_fake, opencode_sync_client):
            opencode_fake.say(Reply(tools=[ToolCall(name="bash", arguments={"command": "ls", "description": "a"})]))
            result = opencode_sync_client.run("Hi.")
            assert [call.state.status for call in result.tool_calls] == ["error"]
    """
    _run(pytester, source).assert_outcomes(passed=1)


_ASYNC_TEST = """
    import pytest

    @pytest.fixture
    async def session(opencode_async_client):
        return await opencode_async_client.session.create()

    {mark}
    async def test_turn(opencode_fake, opencode_async_client, session):
        opencode_fake.say("Hello.")
        assert (await opencode_async_client.run("Hi.", session_id=session.id)).text == "Hello."

    class TestMethods:
        {mark}
        async def test_turn(self, opencode_fake, opencode_async_client):
            assert (await opencode_async_client.run("Hi.")).text == "echo: Hi."
"""


@pytest.mark.parametrize(
    ("mark", "options"),
    [
        ("", (*_ASYNCIO, "-o", "asyncio_mode=auto")),
        ("@pytest.mark.asyncio", _ASYNCIO),
        ("@pytest.mark.anyio", (*_ANYIO, *_ASYNCIO)),
        ("@pytest.mark.asyncio", (*_ANYIO, *_ASYNCIO)),
    ],
    ids=["asyncio auto", "asyncio strict", "anyio of both", "asyncio of both"],
)
def test_the_async_client_works_with_plugins(
    pytester: pytest.Pytester, mark: str, options: tuple[str, ...]
) -> None:
    source = _ASYNC_TEST.format(mark=mark)
    if mark == "@pytest.mark.asyncio":
        source = source.replace("@pytest.fixture", "import pytest_asyncio\n\n    @pytest_asyncio.fixture", 1)
    outcomes = _run(pytester, source, *options).parseoutcomes()
    outcomes.pop("skipped", None)  # old versions of anyio also start them with trio
    assert outcomes == {"passed": 2}


def test_the_async_client_is_closed_in_the_event_loop_of_the_test(pytester: pytest.Pytester) -> None:
    source = """
        import asyncio
        import pytest

        @pytest.mark.asyncio(loop_scope="session")
        async def test_turn(opencode_fake, opencode_async_client):
            await opencode_async_client.run("Hi.")
            assert len(asyncio.all_tasks()) > 1

        @pytest.mark.asyncio(loop_scope="session")
        async def test_no_task_is_left():
            assert len(asyncio.all_tasks()) == 1
    """
    _run(pytester, source, *_ASYNCIO).assert_outcomes(passed=2)


def test_a_test_with_trio_is_skipped(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.fixture(params=["asyncio", ("asyncio", {"use_uvloop": False}), "trio"])
        def anyio_backend(request):
            return request.param

        @pytest.mark.anyio
        async def test_health(opencode_fake, opencode_async_client):
            await opencode_async_client.global_.health()
    """
    _run(pytester, source, *_ANYIO).assert_outcomes(passed=2, skipped=1)


def test_each_worker_of_xdist_has_its_server(
    pytester: pytest.Pytester, executable: str, tmp_path: Path
) -> None:
    pytester.makepyfile(_USES_SERVER)
    options = ("-p", "xdist.plugin", "-n", "2", "--dist", "each", f"--opencode-bin={executable}")
    pytester.runpytest_inprocess(*_PLUGINS, *options, "--tx", "2*popen").assert_outcomes(passed=4)
    assert len((tmp_path / "starts").read_text(encoding="utf-8").split()) == 2


def test_the_plugin_imports_neither_the_client_nor_httpx() -> None:
    program = (
        "import sys, opencode_client.pytest_plugin\n"
        "print([name for name in ('httpx', 'attrs', 'opencode_client.client') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
