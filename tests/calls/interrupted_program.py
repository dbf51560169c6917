"""A program that is interrupted thousands of times while it makes calls. `test_interrupts.py` runs it.

Arguments: the server's URL and the number of interrupts. It prints the number of interrupted calls, and ends with an
error if a call after an interrupt does not end.
"""

from __future__ import annotations

import faulthandler
import random
import signal
import sys
import threading

from opencode_client import OpencodeClient, OpencodeError

_LONGEST_S = 10.0
_THREADS = 4


def main(url: str, interrupts: int) -> None:
    client = OpencodeClient(url, timeout=_LONGEST_S / 2, max_retries=0)
    # imports all that a call needs: after an interrupt, CPython's import lock can stay locked for ever
    client.session.get("ses_first")
    ended = threading.Event()
    failed: list[BaseException] = []

    def work(number: int) -> None:
        while not ended.is_set():
            try:
                if client.session.get(f"ses_{number}").id != f"ses_{number}":
                    failed.append(ValueError("the answer to another call"))
            except OpencodeError as error:
                failed.append(error)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(_THREADS)]
    for thread in threads:
        thread.start()
    interrupted = _interrupt_calls(client, interrupts)
    for number in range(200):  # more than there are connections
        assert client.session.get(f"ses_end{number}").id == f"ses_end{number}"
    ended.set()
    for thread in threads:
        thread.join(_LONGEST_S)
        assert not thread.is_alive(), "a call in another thread does not end"
    assert not failed, failed
    client.close()
    print(interrupted)


def _interrupt_calls(client: OpencodeClient, interrupts: int) -> int:
    interrupted = 0
    for number in range(interrupts):
        faulthandler.dump_traceback_later(_LONGEST_S, exit=True)
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1.5e-3))  # noqa: S311 # no secret
                while True:
                    assert client.session.get(f"ses_m{number}").id == f"ses_m{number}"
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupted += 1
    faulthandler.cancel_dump_traceback_later()
    return interrupted


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    sys.setswitchinterval(1e-4)
    main(sys.argv[1], int(sys.argv[2]))
