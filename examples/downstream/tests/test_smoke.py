"""The program as users have it: a real server with their configuration, and a real model. It costs money."""

import os
from pathlib import Path

import pytest
from changelog import write_entry

from opencode_client import OpencodeServer

MODEL = os.environ.get("SMOKE_MODEL", "")


@pytest.mark.skipif(not MODEL, reason="SMOKE_MODEL=provider/model is not set")
def test_a_model_writes_an_entry(opencode_directory: Path) -> None:
    with OpencodeServer(directory=opencode_directory) as server, server.client() as client:
        assert write_entry(client, "HEAD", model=MODEL).text
