"""`run_turns`: one outcome for each turn, each prompt sent at most once. Workers are threads, with a fake server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from opencode_client import ArgumentError, TurnSpec, fleet
from opencode_client.fleet import FleetError, OpencodePlugin, run_turns
from opencode_client.testing import FakeServer

_STARTED: list[_Server] = []


class _Server(FakeServer):
    """A fake server in place of the worker's `OpencodeServer`."""

    def __init__(self, **options: Any) -> None:  # Any: as OpencodeServer takes them
        self.options: Any = options
        super().__init__(password=options["password"])
        _STARTED.append(self)


@pytest.fixture
def dask(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a cluster of one worker with two threads, in this process. It has few types."""
    monkeypatch.setattr(fleet, "OpencodeServer", _Server)
    _STARTED.clear()
    make: Any = Client  # Any: it has no types
    with make(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=":0") as client:
        client.register_plugin(OpencodePlugin(config={"model": "a/b"}))
        yield client


def _prompts() -> list[str]:
    return [call.json["parts"][0]["text"] for one in _STARTED for call in one.calls("session.prompt")]


def _specs(count: int, **options: Any) -> list[TurnSpec]:  # Any: see TurnSpec
    return [TurnSpec(f"prompt {number}", key=str(number), **options) for number in range(count)]


def test_each_turn_has_one_outcome_and_one_prompt(dask: Any) -> None:
    outcomes = list(run_turns(dask, _specs(7)))
    assert sorted((one.spec.key, one.result and one.result.text) for one in outcomes) == [
        (str(number), f"echo: prompt {number}") for number in range(7)
    ]
    assert sorted(_prompts()) == [f"prompt {number}" for number in range(7)]
    (options,) = [one.options for one in _STARTED]
    assert options == {"isolated": True, "config": {"model": "a/b"}, "password": options["password"]}


def test_a_task_that_runs_again_reports_its_claim_and_sends_nothing(dask: Any) -> None:
    run: Any = fleet._run  # pyright: ignore[reportPrivateUsage] # a task that runs again
    first, *_ = run_turns(dask, _specs(1))
    assert first.result is not None
    again = [dask.submit(run, "job/1", _specs(1)[0], pure=False).result() for _ in range(2)]
    assert again[0].result is not None
    assert "may have been sent" in str(again[1].error)
    assert _prompts() == ["prompt 0"] * 2


def test_a_dead_server_is_started_again(dask: Any) -> None:
    list(run_turns(dask, _specs(1)))
    _STARTED[0].die()
    (outcome,) = run_turns(dask, _specs(1))
    assert outcome.result is not None
    assert len(_STARTED) == 2
    assert _STARTED[0].options == _STARTED[1].options


def test_after_the_cost_limit_nothing_is_sent(dask: Any) -> None:
    outcomes = list(run_turns(dask, _specs(30), max_cost=1e-9))
    unsent = [one for one in outcomes if isinstance(one.error, FleetError)]
    assert len(outcomes) == 30
    assert len(_prompts()) == 30 - len(unsent) < 10
    assert {str(one.error).partition(":")[0] for one in unsent} == {"not sent"}


def test_a_second_run_continues_after_the_first_one(dask: Any, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    list(run_turns(dask, _specs(2), results=results))
    entries = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert sorted(one["key"] for one in entries if "outcome" not in one) == ["0", "1"]
    assert sorted(one["outcome"]["text"] for one in entries if "outcome" in one) == [
        "echo: prompt 0",
        "echo: prompt 1",
    ]
    with results.open("a", encoding="utf-8") as file:
        file.write('{"key": "2"}\n{"key": "3", "outc')  # claimed, and cut off
    outcomes = {one.spec.key: one for one in run_turns(dask, _specs(4), results=results)}
    assert outcomes.keys() == {"2", "3"}
    assert "may have been sent" in str(outcomes["2"].error)
    assert outcomes["3"].result is not None
    assert list(run_turns(dask, _specs(4), results=results)) == []


def test_leaving_starts_no_more_turns(dask: Any) -> None:
    for _ in run_turns(dask, _specs(50)):
        break
    sent = len(_prompts())
    list(run_turns(dask, _specs(1)))  # after all earlier tasks
    assert sent <= len(_prompts()) <= 10


def _repository(folder: Path) -> str:
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)
    (folder / "a.txt").write_text("first", encoding="utf-8")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "first"], check=True)
    return f"git+file://{folder}@main"


def test_a_clone_is_made_for_a_turn_and_removed_after_it(dask: Any, tmp_path: Path) -> None:
    source = _repository(tmp_path)
    (outcome,) = run_turns(dask, _specs(1, directory=source))
    assert outcome.result is not None
    (prompt,) = _STARTED[0].calls("session.prompt")
    assert "opencode-clone-" in prompt.query["directory"]
    assert not Path(prompt.query["directory"]).exists()
    (dispose,) = _STARTED[0].calls("instance.dispose")
    assert dispose.query["directory"] == prompt.query["directory"]


def test_a_failed_disposal_of_a_directory_loses_no_result(dask: Any, tmp_path: Path) -> None:
    list(run_turns(dask, _specs(1)))  # starts the server
    _STARTED[0].fail("instance.dispose")
    (outcome,) = run_turns(dask, [TurnSpec("prompt 1", key="1", directory=_repository(tmp_path))])
    assert outcome.result is not None
    assert outcome.result.text == "echo: prompt 1"


@pytest.mark.parametrize("secret", ["user:secret@", ""])
def test_a_clone_that_fails_is_an_error_without_the_password(dask: Any, secret: str) -> None:
    (outcome,) = run_turns(dask, _specs(1, directory=f"git+http://{secret}127.0.0.1:9/x@main"))
    assert str(outcome.error).startswith("not sent: git clone failed:")
    assert "secret" not in str(outcome.error)
    assert _prompts() == []


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([TurnSpec("a")], r"specs\[0\]: key takes a text of its own, not None"),
        ([TurnSpec("a", key="k"), TurnSpec("b", key="k")], r"specs\[1\]: key takes"),
        ([TurnSpec("a", key="k", directory="git+https://host/path")], r"git\+https://host/path@REVISION"),
        ([TurnSpec("a", key="k", directory="git+https://host/path@--upload-pack=x")], "REVISION"),
        ([TurnSpec("a", key="k", model="x")], r"specs\[0\] with the key 'k': "),
        (["a"], r"specs\[0\]: run_many takes TurnSpecs"),
    ],
)
def test_a_wrong_spec_is_an_error_before_a_prompt_is_sent(dask: Any, specs: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        run_turns(dask, specs)


def test_without_the_plugin_each_turn_is_an_error(dask: Any) -> None:
    dask.unregister_worker_plugin("opencode")
    (outcome,) = run_turns(dask, _specs(1))
    assert "register an OpencodePlugin" in str(outcome.error)
