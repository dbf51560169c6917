"""The names in docs/migration.md exist in the packages that the page names."""

from __future__ import annotations

import re
from operator import attrgetter

import pytest

import opencode_client
from opencode_client import OpencodeClient
from scripts.migration import missing_names, tables
from scripts.rooms import ROOT

_PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")


def test_this_package_has_the_names_of_its_column() -> None:
    names = tables(_PAGE)["here"]
    assert len(names) > 40
    with OpencodeClient() as client:
        for name in names:
            attrgetter(name.removeprefix("client."))(
                client if name.startswith("client.") else opencode_client
            )


def test_each_column_has_names_of_a_package() -> None:
    packages = set(re.findall(r"^\| (.+?) \| (?:npm|PyPI): ", _PAGE, re.MULTILINE))
    assert set(tables(_PAGE)) == {"here", *packages}


@pytest.mark.package
@pytest.mark.timeout(600)
def test_the_other_packages_have_the_names_and_a_wrong_name_is_found() -> None:
    wrong = (
        "| `client.abort` | `client.session.halt` | `client.halt` | `client.session.stop` | `client.stop` |\n"
    )
    table = "\n| here | JS v1 | JS v2 | opencode-ai | opencode-python-sdk |\n|---|---|---|---|---|\n"
    assert list(missing_names(f"{_PAGE}\n{table}{wrong}")) == [
        "@opencode-ai/sdk 1.18.33 has no client.session.halt",
        "@opencode-ai/sdk/v2 1.18.33 has no client.halt",
        "opencode-ai 0.1.0a36 has no client.session.stop",
        "opencode-python-sdk 0.2.3 has no client.stop",
    ]
