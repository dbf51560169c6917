"""Download an opencode version from npm into .cache/, once.

It downloads the platform's package, such as `opencode-linux-x64`, which contains the executable. The wrapper package
`opencode-ai` does not exist for every version and needs an install script, which npm 11 does not run.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Generator
from pathlib import Path

from scripts.rooms import CACHE

_VERSION = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?", re.ASCII)
_MACHINES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "windows"}
_MB = 1_000_000


class NpmError(Exception):
    """A version cannot be downloaded from npm; the message gives the reason in one line."""


class NpmMissingError(NpmError):
    """There is no npm on this machine."""


def get_server(version: str, cache: Path = CACHE) -> Path:
    """Return the executable of `version` (or of npm's "latest"), from the cache or from npm.

    Raises:
        NpmMissingError: the version is not in the cache and there is no npm.
        NpmError: no such version, no package for this machine, or npm failed.
    """
    if version != "latest" and not _VERSION.fullmatch(version):
        raise NpmError(f"not a version: {version!r}; versions look like 1.18.33, or `latest`")
    if version == "latest":
        version = latest_version()
    package = platform_package()
    executable = (
        cache / version / "bin" / ("opencode.exe" if package.startswith("opencode-windows") else "opencode")
    )
    if not executable.exists():
        _find_npm()  # before anything is written
        cache.mkdir(parents=True, exist_ok=True)
        with _exclusive(cache / f".{version}.lock"):
            if not executable.exists():  # another process may have downloaded it meanwhile
                _download(package, version, cache)
    if not executable.exists():
        raise NpmError(f"{package}@{version} contains no bin/{executable.name}")
    return executable


def latest_version() -> str:
    """The latest version of `opencode-ai`; the `latest` tag of the platform packages can be newer."""
    version: str = json.loads(_npm(["view", "opencode-ai", "version", "--json"], Path.cwd()))
    if not _VERSION.fullmatch(version):
        raise NpmError(f"npm returned an invalid latest version: {version!r}")
    return version


def platform_package() -> str:
    """The npm package for this machine, such as `opencode-linux-x64`.

    Raises:
        NpmError: opencode has none.
    """
    system, machine = _SYSTEMS.get(platform.system()), _MACHINES.get(platform.machine())
    if system is None or machine is None:
        raise NpmError(f"opencode has no package for {platform.system()} on {platform.machine()}")
    baseline = "-baseline" if system == "linux" and machine == "x64" and not _has_avx2() else ""
    musl = "-musl" if system == "linux" and platform.libc_ver()[0] != "glibc" else ""
    return f"opencode-{system}-{machine}{baseline}{musl}"


def _has_avx2(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    return not cpuinfo.exists() or "avx2" in cpuinfo.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def _exclusive(lock: Path) -> Generator[None, None, None]:
    """Hold a lock, which the system releases if the process dies; Windows has no flock, so no lock there."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another process that downloads {lock.stem.removeprefix('.')}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download(package: str, version: str, cache: Path) -> None:
    """Download into a temporary folder and rename it; if two do so at once, the slower one's copy is deleted."""
    with tempfile.TemporaryDirectory(prefix=f".{version}-", dir=cache) as scratch:
        folder = Path(scratch)
        print(f"downloading {package}@{version} from npm", flush=True)
        stop = _show_progress(folder)
        try:
            _npm(["pack", f"{package}@{version}", "--ignore-scripts", "--cache", str(folder / "npm")], folder)
        finally:
            stop()
        archive = next(folder.glob("*.tgz"), None)
        if archive is None:
            raise NpmError(f"npm wrote no archive for {package}@{version}")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        try:
            (folder / "package").rename(cache / version)
        except OSError:
            if not (cache / version).exists():
                raise
        print(f"downloaded {package}@{version}: {archive.stat().st_size // _MB} MB", flush=True)


def _find_npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise NpmMissingError("npm is not on this machine (it comes with Node.js)")
    return npm


def _npm(arguments: list[str], cwd: Path) -> str:
    command = [_find_npm(), *arguments]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        raise NpmError(f"npm {' '.join(arguments[:2])} failed: {_reason(done.stderr)}")
    return done.stdout


def _reason(stderr: str) -> str:
    """npm's error in one line: its code and message, without its advice and the path of its log."""
    errors = [
        line.removeprefix("npm error ") for line in stderr.splitlines() if line.startswith("npm error ")
    ]
    words = [line.strip() for line in errors if not line.startswith(("A complete log", "404 Note"))]
    return "; ".join(words[:2]) or ascii(stderr.strip()[-300:])


def _show_progress(folder: Path, interval_s: float = 1.0) -> Callable[[], None]:
    """Count megabytes on a terminal, in one line; print nothing elsewhere. Returns a function that stops it."""
    if not sys.stdout.isatty() or os.environ.get("CI"):
        return lambda: None
    done = threading.Event()

    def count() -> None:
        while not done.wait(interval_s):
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            print(f"\r  {size // _MB} MB", end="", flush=True)
        print("\r", end="")

    thread = threading.Thread(target=count, daemon=True)
    thread.start()

    def stop() -> None:
        done.set()
        thread.join()

    return stop
