"""`explain`: the whole chain of one order, from the records alone.

    market fact → signal → sizing → every check with its figures → approved or refused → what the venue
    reported → fills → what each did to position, cash and profit

The journal knows no trading, so this reads bodies as plain JSON: a record belongs to the order when it
carries its id, when it is the cause of one that does, or when it is the signal or the sizing that led to it.
An order that protects another (a bracket's exit) names it in `parent`, and the explanation says so.
"""

from __future__ import annotations

import os
from typing import Any

import msgspec
from msgspec import Struct

from kedge.journal.errors import JournalError
from kedge.journal.read import read
from kedge.journal.record import Record

VERDICTS = ("approved", "refused")


class Line(Struct, frozen=True):
    """One record of the chain: its number, time (UTC ns), kind, body as plain data in the form of its `schema`, and what
    it is to the order.
    """

    n: int
    at: int
    kind: str
    role: str
    body: dict[str, Any]
    schema: int = 1


class Explanation(Struct, frozen=True):
    """The chain of one order, in the order of the records."""

    order_id: str
    verdict: str
    lines: tuple[Line, ...]
    children: tuple[str, ...] = ()


def explain(directory: str | os.PathLike[str], order_id: str) -> Explanation:
    """The chain of `order_id` in the journal in `directory`; `JournalError` where no record names it."""
    verdict = _verdict(directory, order_id)
    if verdict is None:
        raise JournalError(
            f"no order {order_id} in the journal; list the orders with: kedge audit show DIR --kind approved --kind refused"
        )
    record, body = verdict
    intent = body["intent"]
    wanted = {record.cause: "cause", record.n: record.kind}
    signal_n = int(intent.get("signal_n", 0))
    if signal_n:
        wanted[signal_n] = "signal"
    lines: list[Line] = []
    children: list[str] = []
    causes: dict[int, Record] = {}
    needle = order_id.encode("ascii", "replace")
    for each in read(directory):
        role = wanted.get(each.n, "")
        if not role and signal_n < each.n < record.n and each.kind == "sized" and signal_n:
            role = "sizing"
        if not role and needle in each.body:
            role = _role(each, order_id, children)
            if role == "decision" and each.cause not in wanted:
                _add_cause(causes.get(each.cause), lines, wanted)
        if role:
            lines.append(_line(each, role))
        causes = {each.n: each} if not each.cause else causes
    return Explanation(order_id, record.kind, tuple(sorted(lines, key=lambda line: line.n)), tuple(children))


def _verdict(directory: str | os.PathLike[str], order_id: str) -> tuple[Record, dict[str, Any]] | None:
    needle = f'"id":"{order_id}"'.encode("ascii", "replace")
    for record in read(directory):
        if record.kind in VERDICTS and needle in record.body:
            body = msgspec.json.decode(record.body)
            if body["intent"]["id"] == order_id:
                return record, body
    return None


def _role(record: Record, order_id: str, children: list[str]) -> str:
    """What a record that holds the id's text is to the order; empty where it only looks alike."""
    body = msgspec.json.decode(record.body)
    if body.get("order_id") == order_id:
        return "decision" if record.cause else "report"
    intent = body.get("intent")
    if isinstance(intent, dict) and intent.get("parent") == order_id:
        children.append(str(intent.get("id")))
        return "child"
    return ""


def _add_cause(cause: Record | None, lines: list[Line], wanted: dict[int, str]) -> None:
    """The fact that made us decide something about the order later, such as the candle that had it
    cancelled.
    """
    if cause is not None and cause.n not in wanted and all(line.n != cause.n for line in lines):
        wanted[cause.n] = "cause"
        lines.append(_line(cause, "cause"))


def _line(record: Record, role: str) -> Line:
    return Line(record.n, record.at, record.kind, role, msgspec.json.decode(record.body), record.schema)
