"""The shape of every answer of `/exchange`: HTTP 200, whatever happened, and the word `ok` or `err`."""

from __future__ import annotations

from typing import Any

Answer = dict[str, Any]


def ok(kind: str, statuses: list[Any] | None = None) -> Answer:
    """An answer without an error of the whole request."""
    response: Answer = {"type": kind}
    if statuses is not None:
        response["data"] = {"statuses": statuses}
    return {"status": "ok", "response": response}


def err(message: str) -> Answer:
    """The refusal of a whole request."""
    return {"status": "err", "response": message}


def done(action: dict[str, Any]) -> Answer:
    """The action was carried out."""
    return ok("default")
