"""What an error means: the venue's own words, sorted by what is to be done.

Errors have no codes, only sentences, and most come with HTTP 200: an order's own in the place of its status, the whole
request's as `{"status":"err"}`. A sentence that is not known here refuses: the venue looked and said no. Only two leave
it open what happened: a nonce that was used already (the first of the two requests may have acted), and an answer that
is no answer (5xx, or something else than JSON).

Sources: Hyperliquid API documentation, "Error responses" and "Rate limits"; FACTS.md section 3.5.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from kedge.venues.answers import ErrorClass

#: A cancel of an order that is gone, or never was: which of the two must be asked.
GONE: Final = "Order was never placed, already canceled, or filled"
DUPLICATE_NONCE: Final = "duplicate nonce"
NO_MATCH: Final = "could not immediately match"

_BY_WORDS: Final = (
    (DUPLICATE_NONCE, ErrorClass.UNKNOWN),
    ("Too many cumulative requests", ErrorClass.RETRY_LATER),
    ("rate limit", ErrorClass.RETRY_LATER),
    ("does not exist", ErrorClass.OURS),
    ("Invalid signature", ErrorClass.OURS),
    ("Invalid nonce", ErrorClass.OURS),
    ("nonce too", ErrorClass.OURS),
    ("Must deposit", ErrorClass.OURS),
    ("Failed to deserialize", ErrorClass.OURS),
    ("not authorized", ErrorClass.OURS),
)


class Refusal(Struct, frozen=True, gc=False):
    """An error sentence and its class."""

    kind: ErrorClass
    message: str


def refusal(message: str) -> Refusal:
    """What an error sentence of an order or of a whole request means."""
    shown = message if message.isprintable() else ascii(message)
    lowered = message.lower()
    for words, kind in _BY_WORDS:
        if words.lower() in lowered:
            return Refusal(kind, shown[:300])
    return Refusal(ErrorClass.REFUSED, shown[:300])


def of_http_status(status: int) -> ErrorClass | None:
    """What an HTTP status means by itself; None where the body says it (2xx)."""
    if 200 <= status < 300:
        return None
    if status == 429:
        return ErrorClass.RETRY_LATER
    if status == 418:
        return ErrorClass.BANNED
    if status >= 500 or status < 400 or status == 408:
        return ErrorClass.UNKNOWN
    return ErrorClass.OURS
