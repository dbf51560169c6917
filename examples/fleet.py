"""Run 200 turns in 40 repositories on a Dask cluster of 4 workers. In the middle, kill a worker and a server.

`python fleet.py [turns] [repositories] [workers]` needs opencode on the PATH or in OPENCODE_BIN, git, and
`pip install 'opencode-client[dask]'`. The model is scripted, so no key is needed. For several machines, start
`dask scheduler` and `dask worker` there, and pass the scheduler's address to `Client`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

from distributed import Client, LocalCluster

from opencode_client import OpencodeError, TurnSpec
from opencode_client.fleet import OpencodePlugin, run_turns
from opencode_client.testing import Reply, ScriptedModel

OFFLINE = {
    f"OPENCODE_DISABLE_{name}": "1"
    for name in ("AUTOUPDATE", "DEFAULT_PLUGINS", "LSP_DOWNLOAD", "MODELS_FETCH")
}


def make_repository(folder: Path) -> str:
    """Make a git repository with one file, and return its path."""
    git = ["git", "-C", str(folder), "-c", "user.name=example", "-c", "user.email=example@localhost"]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)
    (folder / "README.md").write_text(f"# {folder.name}\n", encoding="utf-8")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message=first"], check=True)
    return str(folder)


def processes(dask_worker: Any) -> tuple[int, int]:
    """Return the process ids of a worker and of its server. Runs on the worker."""
    return os.getpid(), dask_worker.plugins["opencode"].server().pid


def answer(request: dict[str, Any]) -> Reply:
    """Answer after a second."""
    return Reply(text=f"{len(request['messages'])} messages", delay_s=1.0)


def main(turns: int, repositories: int, workers: int) -> None:
    """Run the turns and print a table."""
    with tempfile.TemporaryDirectory() as folder, ScriptedModel(script=answer) as model:
        sources = [make_repository(Path(folder, f"repository-{number}")) for number in range(repositories)]
        specs = [
            TurnSpec(
                "Describe this.", key=f"turn {number}", directory=sources[number % repositories], timeout=300
            )
            for number in range(turns)
        ]
        make: Any = LocalCluster  # dask has few types
        connect: Any = Client
        cluster = make(n_workers=workers, threads_per_worker=4, dashboard_address=":0")
        started = monotonic()
        with cluster, connect(cluster) as dask:
            plugin = OpencodePlugin(config=model.config(), env=OFFLINE)
            dask.register_plugin(plugin)
            print(f"{workers} servers started in {monotonic() - started:.1f} s")
            pids = list(dask.run(processes).values())
            results, count = Path(folder, "results.jsonl"), Counter[str]()
            started = monotonic()
            for number, outcome in enumerate(run_turns(dask, specs, results=results, progress=True)):
                count[str(outcome.error) if outcome.error else "answered"] += 1
                if number == turns // 4:
                    os.kill(pids[0][0], signal.SIGKILL)  # a worker: its server dies with it
                if number == turns // 2:
                    os.kill(pids[1][1], signal.SIGKILL)  # the server of another worker
            took_s = monotonic() - started
        keys = [json.loads(line)["key"] for line in results.open() if '"outcome"' in line]
        prompts = sum("Describe this." in json.dumps(one["messages"][-1]) for one in model.requests)
    print(
        f"{len(keys)} outcomes of {len(set(keys))} turns in {took_s:.0f} s; {prompts} requests for answers to the model"
    )
    for text, times in count.most_common():
        print(f"{times:5}  {text}")


if __name__ == "__main__":
    try:
        main(*[int(text) for text in sys.argv[1:]] or [200, 40, 4])
    except OpencodeError as error:
        sys.exit(str(error))
