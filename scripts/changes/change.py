"""One change of the report."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Part = Literal["document", "python"]
Direction = Literal["", "sent", "received", "sent and received"]
Kind = Literal["added", "removed", "renamed", "moved", "retyped", "required", "optional", "reworded"]


@frozen(order=True)
class Change:
    """One change, and whether it can break code that uses the client.

    `direction`: a breaking change is of what programs send, or of what they receive; "" for others.

    `where` in the document: `operation session.list / query limit`, `model Session / time.created` (`[]` are the items
    of an array, `{}` the values of a map). `where` in Python: `client.session.list`, `models.Session.time`.
    """

    part: Part
    where: str
    kind: Kind
    breaking: bool
    text: str
    direction: Direction = ""


def direction_of(*, sent: bool, received: bool) -> Direction:
    """Return the direction of a change that breaks requests (`sent`), responses (`received`), or both."""
    if sent:
        return "sent and received" if received else "sent"
    return "received" if received else ""
