"""UNSET, the default of arguments for which the server accepts null: None sends null, UNSET sends nothing."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias


class _Unset(Enum):
    UNSET = b"UNSET"
    """Bytes, which JSON does not have: UNSET inside a body is an error, and is not sent as a text."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


Unset: TypeAlias = Literal[_Unset.UNSET]
"""The type of UNSET."""

UNSET: Final = _Unset.UNSET
"""The argument is not given."""
