"""The page of examples/web in headless Chromium: `make test-web` on the fake server, VERSION="1.18.33" on a real one.

Writes screenshots of a desktop and of a phone to build/web. Without Chromium it prints a message and ends with 0.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

from opencode_client import OpencodeClient
from opencode_client.model import JsonObject
from opencode_client.server import OpencodeServer
from opencode_client.testing import FakeServer, Reply, ToolCall
from scripts.rooms import ROOT
from tests.live.client_pairs import until
from tests.live.doc_prompts import CONFIG, script
from tests.live.servers import scripted_server
from tests.support.web_example import web_example

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SHOTS = ROOT / "build" / "web"
_SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
_ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic", "--remote-debugging-port=0"),
]
_WAIT_S = 60
_ANSWER = (
    "I ran the tests, and all of them pass. The parser reads <b>empty files</b> now:\n\n"
    "    if not text:\n        return []\n\nA test for it is in tests/test_parser.py."
)


class Page:
    """A page of Chromium, over its DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0

    def call(self, method: str, **parameters: Any) -> JsonObject:  # Any: JSON
        """Call a method of the protocol, and return its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(_WAIT_S))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: JsonObject = answer["result"]
                return result

    def run(self, code: str) -> Any:  # Any: JSON
        """Return the value of an expression, after its promise."""
        value = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in value, value
        return value["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true. It is evaluated after each change of the page."""
        self.run(
            "new Promise((done, fail) => {"
            f"const look = () => {{ try {{ if ({condition}) done(true) }} catch {{}} }};"
            "new MutationObserver(look).observe(document, "
            "{ subtree: true, childList: true, attributes: true, characterData: true });"
            f"setTimeout(() => fail({json.dumps(condition)}), {_WAIT_S * 1000}); look(); }})"
        )

    def open(self, url: str) -> None:
        """Open a page, and wait until its script has run."""
        self.call("Page.enable")
        self.call("Page.navigate", url=url)
        while self.run("location.href + document.readyState") != f"{url}/complete":
            pass

    def ask(self, prompt: str) -> None:
        """Type a prompt, and press Enter."""
        self.run("document.querySelector('textarea').focus()")
        self.call("Input.insertText", text=prompt)
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13
            )

    def size(self, name: str) -> None:
        """Take the size of a desktop or of a phone."""
        width, height = _SIZES[name]
        more = {"deviceScaleFactor": 1, "mobile": name == "phone"}
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, **more)

    def shoot(self, name: str) -> None:
        """Write a screenshot for each size. Nothing may be wider than the screen."""
        for size, (width, _) in _SIZES.items():
            self.size(size)
            self.run("scrollTo(0, document.body.scrollHeight)")
            assert self.run("document.documentElement.scrollWidth") <= width, f"{name} is wider than a {size}"
            data = self.call("Page.captureScreenshot")["data"]
            (_SHOTS / f"{name}-{size}.png").write_bytes(base64.b64decode(data))


@contextmanager
def browser(program: str) -> Generator[Page]:
    """Start Chromium with an empty profile. Yields its page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [program, *_ARGUMENTS, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload] # DEVNULL is an int
            try:
                port_file = Path(profile, "DevToolsActivePort")
                until(lambda: port_file.exists() and "\n" in port_file.read_text())
                port = port_file.read_text().splitlines()[0]
                with urlopen(f"http://127.0.0.1:{port}/json") as listed:
                    pages = [one for one in json.load(listed) if one["type"] == "page"]
                with connect(pages[0]["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
                    yield Page(socket)
            finally:
                process.terminate()


def _script(request: JsonObject) -> Reply | None:
    messages = request["messages"]
    last_prompt = [one for one in messages if one["role"] == "user"][-1]
    if "Mend the parser." not in json.dumps(last_prompt):
        return script(request)
    if messages[-1]["role"] == "user":
        command = "echo tests/test_parser.py: 12 tests of empty and short files passed && echo in 0.31 s"
        call = ToolCall(name="bash", arguments={"command": command, "description": "run the tests"})
        return Reply(text="I look at the tests first.", reasoning="Empty files come first.", tools=[call])
    return Reply(text=_ANSWER, chunks=20, delay_s=0.02)


def check(page: Page, url: str, client: OpencodeClient, directory: Path) -> None:
    """Use the page like a user."""
    page.open(url)
    page.ask("Mend the parser.")
    page.wait("document.querySelectorAll('.permission button').length === 3")
    page.shoot("permission")
    page.run("document.querySelector('.permission button').click()")
    page.wait("document.querySelector('.end')")
    assert page.run("document.querySelector('main').innerText.includes('<b>empty files</b>')")
    assert page.run("document.querySelector('main b') === null")
    assert page.run("document.querySelector('.tool summary').textContent.startsWith('✓ bash')")
    assert page.run("document.querySelector('.permission') === null")
    page.run("document.querySelector('.tool').open = true")
    page.shoot("answer")
    print("ok: a streamed answer, a tool, a permission once; texts are no HTML")

    page.ask("Think, then run the tests.")
    page.wait("document.querySelector('.permission')")
    page.run("document.querySelectorAll('.permission button')[2].click()")
    page.wait(
        "document.querySelectorAll('.end, .error').length === 2 && !document.querySelector('#send').disabled"
    )
    assert page.run("[...document.querySelectorAll('.tool summary')].at(-1).textContent.startsWith('✗ bash')")
    print("ok: a permission that is rejected")

    page.ask("Count to a million.")
    page.wait("document.querySelector('main').innerText.includes('1, 2, 3')")
    page.run("document.querySelector('#stop').click()")
    page.wait("document.querySelector('main').lastChild.textContent === 'stopped'")
    until(lambda: not client.session.status(directory=directory))
    print("ok: Stop aborts the turn")

    page.ask("Use the wrong key.")
    page.wait("document.querySelector('main').lastChild.textContent.includes('bad key')")
    page.shoot("failure")
    page.ask("Count to a million.")
    page.wait("document.querySelector('main').innerText.match(/1, 2, 3/g)?.length === 2")
    page.call("Page.navigate", url="about:blank")
    until(lambda: not client.session.status(directory=directory))
    print("ok: a closed page aborts the turn")


@contextmanager
def serving(version: str | None) -> Generator[tuple[FakeServer | OpencodeServer, Path]]:
    """Start a server of npm, or the fake one without a version. Yields it with its directory."""
    if version:
        with scripted_server(version, script=_script, **CONFIG) as (server, _):
            yield server, server.directory
    else:
        with tempfile.TemporaryDirectory() as folder:
            directory = Path(folder).resolve()
            with FakeServer(script=_script, directory=directory, config=CONFIG) as fake:
                yield fake, directory


def main(version: str | None) -> int:
    """Return 0 if all is well, or if there is no Chromium."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        print(f"skipped: no Chromium: set CHROMIUM, or install one of {', '.join(_NAMES)}")
        return 0
    _SHOTS.mkdir(parents=True, exist_ok=True)
    with (
        serving(version) as (server, directory),
        web_example(server.url, directory) as url,
        server.client() as client,
        browser(program) as page,
    ):
        check(page, url, client, directory)
    print(f"screenshots: {_SHOTS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(next(iter(sys.argv[1:]), None)))
