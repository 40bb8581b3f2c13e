"""Answers of `/exchange`.

    Statuses   one status for each order, cancel or change of the request
    Done       the action was carried out and there is nothing to tell
    Refusal    the whole request was refused (`kedge.venues.hyperliquid.protocol.refusals`)

A batch that fails before it is looked at answers with one error for all of it, so there may be fewer statuses than
orders: `Statuses.of` gives each order its own. `filled` of a status tells what was matched at once, which may be less
than was asked for; what then rests is told by nothing but the fills and the open orders.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.venues.hyperliquid.protocol.figures import mapping, price, sequence, size, text, whole
from kedge.venues.hyperliquid.protocol.refusals import Refusal, refusal


class Resting(Struct, frozen=True, gc=False):
    """The order works in the book."""

    oid: int
    cloid: str = ""


class Filled(Struct, frozen=True, gc=False):
    """So much was matched at once."""

    oid: int
    total: Decimal
    average: Decimal
    cloid: str = ""


class Waiting(Struct, frozen=True, gc=False):
    """The order waits for its trigger, or for its parent's fill (`waitingForTrigger`, `waitingForFill`)."""

    what: str


class Success(Struct, frozen=True, gc=False):
    """The cancel was carried out."""


Status = Resting | Filled | Waiting | Success | Refusal


class Statuses(Struct, frozen=True, gc=False):
    """One answer for each thing asked, or one for all."""

    kind: str
    statuses: tuple[Status, ...]

    def of(self, place: int, asked: int) -> Status:
        """The status of the order in `place` of `asked`."""
        if len(self.statuses) == asked:
            return self.statuses[place]
        if len(self.statuses) == 1 and type(self.statuses[0]) is Refusal:
            return self.statuses[0]
        raise VenueError(f"{len(self.statuses)} statuses for {asked} of {self.kind}")


class Done(Struct, frozen=True, gc=False):
    """Carried out."""

    kind: str = "default"


Reply = Statuses | Done | Refusal


def reply(answer: Any) -> Reply:
    """What an answer of `/exchange` says; `VenueError` where it is none."""
    given = mapping(answer, "answer")
    status = given.get("status")
    if status == "err":
        return refusal(_sentence(given.get("response")))
    if status != "ok":
        raise VenueError(f"status is {status!r:.40}, neither ok nor err")
    response = mapping(given.get("response"), "response")
    kind = text(response.get("type"), "response type")
    if kind == "default":
        return Done()
    data = response.get("data")
    if type(data) is dict and "statuses" in data:
        return Statuses(kind, tuple(_status(entry) for entry in sequence(data["statuses"], "statuses")))
    if kind in {"order", "cancel", "batchModify", "modify"}:
        raise VenueError(f"an answer of {kind} without statuses")
    return Done(kind)


def _status(entry: Any) -> Status:
    if type(entry) is str:
        if entry == "success":
            return Success()
        if entry.startswith("waitingFor"):
            return Waiting(text(entry, "status"))
        raise VenueError(f"order status {entry!r:.60} is unknown")
    given = mapping(entry, "order status")
    if "error" in given:
        return refusal(_sentence(given["error"]))
    if "resting" in given:
        resting = mapping(given["resting"], "resting")
        return Resting(whole(resting.get("oid"), "oid"), _cloid(resting))
    if "filled" in given:
        filled = mapping(given["filled"], "filled")
        return Filled(
            whole(filled.get("oid"), "oid"),
            size(filled.get("totalSz"), "totalSz"),
            price(filled.get("avgPx"), "avgPx"),
            _cloid(filled),
        )
    raise VenueError(f"order status {list(given)!r:.80} is unknown")


def _sentence(given: Any) -> str:
    return given if type(given) is str else f"{given!r:.200}"


def _cloid(given: dict[str, Any]) -> str:
    cloid = given.get("cloid")
    return "" if cloid is None else text(cloid, "cloid")
