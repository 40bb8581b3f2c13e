"""A request refused: HTTP status, code and message as Binance writes them. Raised and caught inside one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """`{"code": code, "msg": message}` with an HTTP status; `data` where an answer has both."""

    def __init__(self, code: int, message: str, status: int = 400, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data

    def body(self) -> dict[str, Any]:
        """The JSON object."""
        told: dict[str, Any] = {"code": self.code, "msg": self.message}
        if self.data is not None:
            told["data"] = self.data
        return told


def missing(name: str) -> Refused:
    """-1102."""
    return Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def not_required(name: str) -> Refused:
    """-1106."""
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def invalid_symbol() -> Refused:
    """-1121."""
    return Refused(-1121, "Invalid symbol.")


def filter_failure(name: str) -> Refused:
    """-1013: the filter is told in the message."""
    return Refused(-1013, f"Filter failure: {name}")


def rejected(message: str) -> Refused:
    """-2010: what was wrong is told by the message alone."""
    return Refused(-2010, message)


def unknown_order() -> Refused:
    """-2011, to a cancel."""
    return Refused(-2011, "Unknown order sent.")


def no_order() -> Refused:
    """-2013, to a query."""
    return Refused(-2013, "Order does not exist.")
