"""Work in a terminal of the server: `python terminal.py [command, or the id of a terminal]`. Ctrl-] leaves it."""

import asyncio
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

from opencode_client import AsyncOpencodeClient, AsyncPtyConnection, OpencodeError, PtyGapError

if sys.platform == "win32":
    raise SystemExit("This example takes the keyboard as POSIX systems give it; on Windows it does not run.")

import termios
import tty

LEAVE = b"\x1d"
RESIZED = b""
PLAIN_SCREEN = "\x1b[?1047l\x1b[?1000l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[0m"
"""What a program that was left takes back no more: its screen, mouse and paste modes, a hidden cursor, colours."""
KEYBOARD = sys.stdin.fileno()


@contextmanager
def raw_keyboard() -> Generator[None]:
    """Every key goes to the terminal, Ctrl-C too; at the end all is as before."""
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
    """Until the process has ended, or the terminal was left."""
    while True:
        try:
            async for text in terminal:
                show(text)
        except PtyGapError as gap:
            show(f"\r\n[{gap}]\r\n")
        else:
            return


async def pass_on(keys: asyncio.Queue[bytes], terminal: AsyncPtyConnection) -> None:
    """What is typed, in order, and the size of the screen."""
    while True:
        typed = await keys.get()
        try:
            if typed == RESIZED:
                cols, rows = os.get_terminal_size(KEYBOARD)
                await terminal.resize(rows, cols)
            else:
                await terminal.send(typed)
        except OpencodeError:
            show("\a")  # it was not UTF-8; or there is no connection, which ends `show_output`


async def work_in(terminal: AsyncPtyConnection) -> bool:
    """Whether the process has ended; else the terminal was left."""
    loop, keys = asyncio.get_running_loop(), asyncio.Queue[bytes]()
    output = asyncio.create_task(show_output(terminal))
    typing = asyncio.create_task(pass_on(keys, terminal))

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
        output.result()  # raises what went wrong
    return not output.cancelled()


async def main(what: str | None) -> int:
    """The exit code of the process; 0 when the terminal was left."""
    async with AsyncOpencodeClient(directory=".") as client:
        if what and what.startswith("pty_"):
            print("Ctrl-L has most programs show their screen again")
            # without its earlier output, whose questions (where is the cursor?) this screen would answer once more
            connection = client.pty.connect(what, cursor=-1)
        else:
            connection = client.pty.connect((await client.pty.create(command=what)).id)
        async with connection as terminal:
            with raw_keyboard():
                has_ended = await work_in(terminal)
            if not has_ended:
                print(f"left; it goes on: python terminal.py {terminal.pty_id}")
                return 0
            code = await terminal.wait(timeout=5)
            print("ended" if code is None else f"ended with {code}")
            return code or 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None)))
    except OpencodeError as error:
        sys.exit(str(error))
