"""Starting a process with its supervisor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from opencode_client.server.process_group import end, launch, release, remove

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the launcher is a shell script, which Windows lacks"
)


def test_the_program_has_its_whole_environment_and_no_input(tmp_path: Path) -> None:
    program = "import os, sys; print(os.environ['A.B'], os.environ['A'], repr(sys.stdin.read()), os.getcwd())"
    env = {**os.environ, "A.B": "c d", "A": "$e"}
    process, supervisor = launch([sys.executable, "-I", "-c", program], tmp_path, env, None)
    assert supervisor is not None
    with supervisor, process:
        release(process)
        assert process.stdout is not None
        assert process.stdout.read() == f"c d $e '' {tmp_path}\n".encode()
        end(process, 1.0)
        supervisor.kill()


def test_a_folder_is_removed_while_its_programs_remove_parts_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / "cache").mkdir(parents=True)
    change_mode = os.chmod

    def after_another_program(place: str, mode: int) -> None:
        if place.endswith("cache"):
            os.rmdir(place)
        change_mode(place, mode)

    monkeypatch.setattr(os, "chmod", after_another_program)
    remove(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_program_that_is_not_released_does_not_run(tmp_path: Path) -> None:
    process, supervisor = launch(["touch", str(tmp_path / "ran")], tmp_path, os.environ, None)
    assert supervisor is not None
    with supervisor:
        assert process.communicate()[0] == b""  # closes its input, as the end of this program does
        supervisor.kill()
    assert list(tmp_path.iterdir()) == []
