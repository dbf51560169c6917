"""Work in a terminal of the server: `python terminal.py [command or terminal id]`. Press Ctrl-] to leave it."""

import asyncio
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

from opencode_client import AsyncOpencodeClient, AsyncPtyConnection, OpencodeError, PtyGapError

if sys.platform == "win32":
    raise SystemExit("This example needs a POSIX keyboard; it does not run on Windows.")

import termios
import tty

LEAVE = b"\x1d"
RESIZED = b""
PLAIN_SCREEN = "\x1b[?1047l\x1b[?1000l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[0m"
"""Resets the screen, mouse and paste modes, the cursor and the colours. A program that you leave does not do it."""
KEYBOARD = sys.stdin.fileno()


@contextmanager
def raw_keyboard() -> Generator[None]:
    """Send every key to the terminal, also Ctrl-C. Restore the keyboard at the end."""
    before = termios.tcgetattr(KEYBOARD)
    try:
        tty.setraw(KEYBOARD)
        yield
    finally:
        show(f"{PLAIN_SCREEN}\r\n")
        termios.tcsetattr(KEYBOARD, termios.TCSAFLUSH, before)


def show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


async def show_output(terminal: AsyncPtyConnection) -> None:
    """Show output until the process has ended."""
    while True:
        try:
            async for text in terminal:
                show(text)
        except PtyGapError as gap:
            show(f"\r\n[{gap}]\r\n")
        else:
            return


async def send_keys(keys: asyncio.Queue[bytes], terminal: AsyncPtyConnection) -> None:
    """Send the typed keys in order, and the size of the screen when it changes."""
    while True:
        typed = await keys.get()
        try:
            if typed == RESIZED:
                cols, rows = os.get_terminal_size(KEYBOARD)
                await terminal.resize(rows, cols)
            else:
                await terminal.send(typed)
        except OpencodeError:
            show("\a")  # not UTF-8, or the connection is lost: then `show_output` ends, too


async def work_in(terminal: AsyncPtyConnection) -> bool:
    """Return True after the process has ended, False after the user left the terminal."""
    loop, keys = asyncio.get_running_loop(), asyncio.Queue[bytes]()
    output = asyncio.create_task(show_output(terminal))
    typing = asyncio.create_task(send_keys(keys, terminal))

    def read_keys() -> None:
        typed = os.read(KEYBOARD, 65536) or LEAVE
        if LEAVE in typed:
            output.cancel()
        else:
            keys.put_nowait(typed)

    loop.add_reader(KEYBOARD, read_keys)
    loop.add_signal_handler(signal.SIGWINCH, keys.put_nowait, RESIZED)
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, output.cancel)
    keys.put_nowait(RESIZED)
    try:
        await asyncio.wait([output])
    finally:
        loop.remove_reader(KEYBOARD)
        typing.cancel()
    if not output.cancelled():
        output.result()  # raises the error of `show_output`
    return not output.cancelled()


async def main(target: str | None) -> int:
    """Return the exit code of the process, or 0 if the user left the terminal."""
    async with AsyncOpencodeClient(directory=".") as client:
        if target and target.startswith("pty_"):
            print("Press Ctrl-L: most programs then draw their screen again")
            # only new output: this screen would answer questions in old output again (where is the cursor?)
            connection = client.pty.connect(target, cursor=-1)
        else:
            connection = client.pty.connect((await client.pty.create(command=target)).id)
        async with connection as terminal:
            with raw_keyboard():
                has_ended = await work_in(terminal)
            if not has_ended:
                print(f"left; it still runs: python terminal.py {terminal.pty_id}")
                return 0
            code = await terminal.wait(timeout=5)
            print("ended" if code is None else f"ended with {code}")
            return code or 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None)))
    except OpencodeError as error:
        sys.exit(str(error))
