"""Getting a version from npm, with a fake `npm`."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts import npm_server
from scripts.npm_server import NpmError, NpmMissingError, get_server, latest_version, platform_package
from tests.support.executables import write_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake npm is a POSIX script")

_PACK = """
import io, pathlib, sys, tarfile
if sys.argv[1] == "view": print('"1.19.3"'); sys.exit()
with open(LOG, "a") as log: log.write(" ".join(sys.argv[1:3]) + "\\n")
with tarfile.open("package.tgz", "w:gz") as tar:
    entry = tarfile.TarInfo("package/bin/opencode"); entry.size = 4; entry.mode = 0o755
    tar.addfile(entry, io.BytesIO(b"real"))
"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, with a fake `npm` that writes its calls into the file `calls`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    _install(folder, f"LOG = {str(tmp_path / 'calls')!r}\n{_PACK}")
    return folder


def _install(folder: Path, source: str) -> None:
    write_program(folder / "npm", source)


def _but_locks(cache: Path) -> list[str]:
    return [entry.name for entry in cache.iterdir() if entry.suffix != ".lock"]


def test_the_executable_is_the_one_in_the_platform_package(npm: Path, tmp_path: Path) -> None:
    executable = get_server("1.2.3", tmp_path / "cache")
    assert executable == tmp_path / "cache" / "1.2.3" / "bin" / "opencode"
    assert os.access(executable, os.X_OK)
    assert (tmp_path / "calls").read_text(encoding="utf-8") == f"pack {platform_package()}@1.2.3\n"


def test_a_downloaded_version_is_not_fetched_again(npm: Path, tmp_path: Path) -> None:
    first = get_server("1.2.3", tmp_path / "cache")
    (npm / "npm").unlink()
    assert get_server("1.2.3", tmp_path / "cache") == first


def test_concurrent_calls_all_get_the_version_and_leave_no_files(npm: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(get_server, ["1.2.3"] * 4, [tmp_path / "cache"] * 4))
    assert len(found) == 1
    assert _but_locks(tmp_path / "cache") == ["1.2.3"]


def test_concurrent_calls_fetch_a_version_once(npm: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(get_server, ["1.2.3"] * 4, [tmp_path / "cache"] * 4))
    assert (tmp_path / "calls").read_text(encoding="utf-8").count("pack") == 1


def test_latest_version_returns_the_version_from_npm(npm: Path) -> None:
    assert latest_version() == "1.19.3"


@pytest.mark.parametrize(
    "version", ["", "../x", "1.2", "1.2.3; rm -rf /", "--help", "1.2.3/../..", "next", "１.２.３"]
)
def test_an_invalid_version_is_not_passed_to_npm(npm: Path, tmp_path: Path, version: str) -> None:
    with pytest.raises(NpmError, match="not a version"):
        get_server(version, tmp_path / "cache")
    assert not (tmp_path / "calls").exists()


def test_a_missing_npm_is_an_error_that_names_it(npm: Path, tmp_path: Path) -> None:
    (npm / "npm").unlink()
    with pytest.raises(NpmMissingError, match="npm is not on this machine"):
        get_server("1.2.3", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_an_unknown_version_is_an_error_with_the_message_of_npm(npm: Path, tmp_path: Path) -> None:
    _install(npm, "import sys; sys.exit('npm warn old\\nnpm error code E404\\nnpm error 404 Not Found')")
    with pytest.raises(NpmError, match=r"failed: code E404; 404 Not Found$"):
        get_server("9.9.9", tmp_path / "cache")
    assert _but_locks(tmp_path / "cache") == []


@pytest.mark.parametrize(
    ("system", "machine", "libc", "avx2", "package"),
    [
        ("Linux", "x86_64", "glibc", True, "opencode-linux-x64"),
        ("Linux", "x86_64", "glibc", False, "opencode-linux-x64-baseline"),
        ("Linux", "x86_64", "", True, "opencode-linux-x64-musl"),
        ("Linux", "x86_64", "", False, "opencode-linux-x64-baseline-musl"),
        ("Linux", "aarch64", "glibc", False, "opencode-linux-arm64"),
        ("Darwin", "arm64", "", False, "opencode-darwin-arm64"),
        ("Windows", "AMD64", "", True, "opencode-windows-x64"),
    ],
)
def test_every_platform_has_its_package(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, libc: str, avx2: bool, package: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.libc_ver", lambda: (libc, ""))
    monkeypatch.setattr(npm_server, "_has_avx2", lambda: avx2)
    assert platform_package() == package


def test_a_platform_without_a_package_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    with pytest.raises(NpmError, match="Plan9"):
        platform_package()
