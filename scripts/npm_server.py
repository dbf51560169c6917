"""Getting an opencode version from npm: the platform's package, into .cache/, once.

The wrapper package `opencode-ai` is not served in every version and needs an install script, which npm 11 does not
run; the platform packages that it would install hold the executable itself.
"""

from __future__ import annotations

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
from collections.abc import Callable
from pathlib import Path

from scripts.rooms import ROOT

CACHE = ROOT / ".cache" / "opencode"
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?")
_MACHINES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "windows"}
_MB = 1_000_000


class NpmError(Exception):
    """A version could not be had from npm; the message is one line that says why."""


class NpmMissingError(NpmError):
    """There is no npm on this machine."""


def get_server(version: str, cache: Path = CACHE) -> Path:
    """The executable of `version` ("latest" is npm's), from the cache or from npm.

    Raises:
        NpmMissingError: it is not in the cache and there is no npm.
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
        _download(package, version, cache)
    if not executable.exists():
        raise NpmError(f"{package}@{version} holds no bin/{executable.name}")
    return executable


def latest_version() -> str:
    """The version that npm calls the latest of opencode; its platform packages' own tag may be ahead of it."""
    version: str = json.loads(_npm(["view", "opencode-ai", "version", "--json"], Path.cwd()))
    if not _VERSION.fullmatch(version):
        raise NpmError(f"npm says that the latest version is {version!r}")
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


def _download(package: str, version: str, cache: Path) -> None:
    """Fetch into a folder beside the target and rename: of two at once, the slower one's work is thrown away."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{version}-", dir=cache) as scratch:
        folder = Path(scratch)
        print(f"getting {package}@{version} from npm", flush=True)
        stop = _show_progress(folder)
        try:
            _npm(["pack", f"{package}@{version}", "--silent", "--cache", str(folder / "npm")], folder)
        finally:
            stop()
        archive = next(folder.glob("*.tgz"), None)
        if archive is None:
            raise NpmError(f"npm gave no archive for {package}@{version}")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        try:
            (folder / "package").rename(cache / version)
        except OSError:
            if not (cache / version).exists():
                raise
        print(f"got {package}@{version}: {archive.stat().st_size // _MB} MB", flush=True)


def _npm(arguments: list[str], cwd: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise NpmMissingError("npm is not on this machine (it comes with Node.js)")
    done = subprocess.run([npm, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if re.search(r"\b(E[A-Z0-9]+|404|code)\b", line)]
        raise NpmError(
            f"npm {' '.join(arguments)} failed: {'; '.join(lines[:3]) or done.stderr.strip()[-300:]}"
        )
    return done.stdout


def _show_progress(folder: Path, interval_s: float = 1.0) -> Callable[[], None]:
    """On a terminal a line that counts megabytes; elsewhere nothing between the first line and the last."""
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
