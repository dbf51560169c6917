"""One change, in one line."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Part = Literal["document", "python"]
Kind = Literal["added", "removed", "renamed", "moved", "retyped", "required", "optional", "reworded"]


@frozen(order=True)
class Change:
    """What changed where, and whether code that used it may have to change.

    `where` in the document: `operation session.list / query limit`, `model Session / time.created` (`[]` are items,
    `{}` a map's values); in Python: `client.session.list`, `models.Session.time`.
    """

    part: Part
    where: str
    kind: Kind
    breaking: bool
    text: str
