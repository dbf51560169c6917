"""The command `opencode-client`. Each subcommand is a module with `add_arguments` and `run`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ..errors import OpencodeError
from . import doctor, events, generate

_SUBCOMMANDS = {"doctor": doctor, "events": events, "generate": generate}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, by default those of the process, and return its exit code."""
    parser = argparse.ArgumentParser(prog="opencode-client", description="Tools for opencode_client.")
    subcommands = parser.add_subparsers(title="subcommands", metavar="NAME", required=True)
    for name, module in _SUBCOMMANDS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        subcommand = subcommands.add_parser(name, help=summary, description=summary)
        module.add_arguments(subcommand)
        subcommand.set_defaults(run=module.run)
    given = parser.parse_args(arguments)
    try:
        code: int = given.run(given)
    except KeyboardInterrupt:
        print("opencode-client: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the program that reads the output has ended, as `head` does
        # without this, Python prints the error when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OpencodeError as error:
        print(f"opencode-client: {error}", file=sys.stderr)
        return 1
    return code
