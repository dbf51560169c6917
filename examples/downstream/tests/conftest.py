"""The fixtures of opencode_client, and permissions as users have them."""

from typing import Any

import pytest

pytest_plugins = ["opencode_client.pytest_plugin"]


@pytest.fixture(scope="session")
def opencode_config() -> dict[str, Any]:
    """Configuration for the real server and for the fake."""
    return {"permission": {"bash": "ask"}}
