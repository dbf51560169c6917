"""Everything that this package raises.

OpencodeError
├── ServerStartError         `opencode serve` did not come up; with the end of its log
└── ResponseDecodeError      what the server sent is not what its document says (also a ValueError)
"""

from __future__ import annotations


class OpencodeError(Exception):
    """The root of every error of this package."""


class ResponseDecodeError(OpencodeError, ValueError):
    """What the server sent is not what its document says.

    `model` is the class that was read, `path` the JSON path to the value, `expected` and `got` say what it is.
    """

    def __init__(self, model: str, path: str, expected: str, got: str) -> None:
        super().__init__(model, path, expected, got)
        self.model = model
        self.path = path
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.model}: {self.path}: expected {self.expected}, got {self.got}"


class ServerStartError(OpencodeError):
    """`opencode serve` did not come up. `log` is the end of what it wrote."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message, log)
        self.log = log

    def __str__(self) -> str:
        return f"{self.args[0]}\n{self.log}".rstrip()
