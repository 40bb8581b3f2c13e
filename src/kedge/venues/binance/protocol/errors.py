"""Errors: from a status and a code to whose fault it is and what may have happened.

What decides is what may have happened at the venue (`kedge.venues.answers.ErrorClass`). Binance says it in three places:

    status   5xx: unknown, never a failure. 408: unknown. 429: nothing happened, come again after `Retry-After`. 418: a
             ban, and nothing may be sent until it ends. 403: its firewall. Any other 4xx: refused, the code says why.
    code     a few mean the opposite of their status: -1006 and -1007 (execution status unknown), -1008 (throttled by
             the matching engine's protection: not processed), -1003 (too many requests, banned when it says so).
    message  503 on futures is three things by its words; -2010 is every reason for which an order is not taken.

A code that stands in no table keeps its family's meaning: -11xx and -10xx are about the request itself, all others are
refusals. What came with status 200 and a negative code is a refusal too (the futures API does that in batches).

Codes whose meaning differs between the venues (-2021, -2022) are refusals on both. Sources: FACTS.md 1.9, 1.10, 2.9,
2.10; https://developers.binance.com/docs/binance-spot-api-docs/errors and .../usds-margined-futures/error-code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.venues.answers import ErrorClass, Failed
from kedge.venues.binance.protocol.numbers import lenient
from kedge.venues.exact import decode

UNKNOWN_ORDER = -2011
NO_SUCH_ORDER = -2013
ARCHIVED = -2026
NOTHING_TO_AMEND = -5027
NO_NEED_TO_CHANGE = frozenset({-4046, -4059, NOTHING_TO_AMEND})
STALE_LISTEN_KEY = -1125
DUPLICATE_ID = -4116
DUPLICATE_TEXT = "Duplicate order sent."

_UNKNOWN = frozenset({-1000, -1001, -1006, -1007})
_RETRY_LATER = frozenset({-1003, -1004, -1008, -1015, -1016, -1034})
_REFUSED_10XX = frozenset({-1010, -1013, -1014, -1020})
_OURS = frozenset({-2014, -2015, -2017, -4061, -4067, -5028})

_BANNED_UNTIL = re.compile(r"banned until (\d{13})")

#: How long nothing is sent after a 429 or 418 that does not say how long (futures document no `Retry-After`).
BACKOFF_NS = {429: 10 * NS_PER_S, 418: 120 * NS_PER_S, 403: 300 * NS_PER_S}


class Fault(Struct, frozen=True):
    """`{"code": …, "msg": …}`; code 0 where the body was none (an HTML page of a proxy, nothing at all)."""

    code: int = 0
    msg: str = ""


class _FaultBody(Struct):
    code: int
    msg: str = ""


class _RetryAfter(Struct):
    retryAfter: int = 0  # noqa: N815  (the venue's name)


_FAULT = lenient(_FaultBody)


def fault_of(body: bytes) -> Fault:
    """What the body of an error says; nothing of a body that is no error object is believed or kept."""
    try:
        found = decode(body, _FAULT, "error")
    except VenueError:
        return Fault()
    return Fault(found.code, _one_line(found.msg))


def is_fault(fault: Fault) -> bool:
    """Whether a body that came with status 200 is an error all the same; 200 is what futures call success."""
    return fault.code < 0


def kind_of(status: int, fault: Fault) -> ErrorClass:
    """What an answer with this status and code means for what happens next."""
    code, text = fault.code, fault.msg.lower()
    if status == 418 or (code == -1003 and "banned" in text):
        return ErrorClass.BANNED
    if code in _UNKNOWN or status == 408:
        return ErrorClass.UNKNOWN
    if status in {429, 403} or code in _RETRY_LATER:
        return ErrorClass.RETRY_LATER
    if status >= 500:
        # "Service Unavailable." is the one 5xx of which the futures documentation says that nothing was done
        return (
            ErrorClass.RETRY_LATER if status == 503 and text.startswith("service unavailable") else ErrorClass.UNKNOWN
        )
    if status < 400 and code >= 0:
        return ErrorClass.UNKNOWN  # neither an error nor what was asked for
    if code in _OURS or (-1199 <= code <= -1001 and code not in _REFUSED_10XX):
        return ErrorClass.OURS
    if status == 401:
        return ErrorClass.OURS
    return ErrorClass.REFUSED


def failure(status: int, headers: Mapping[str, str], body: bytes, now_ns: int) -> Failed:
    """The answer of the venue as what has failed; `now_ns` is when it came."""
    fault = fault_of(body)
    kind = kind_of(status, fault)
    retry_at = 0
    if kind in {ErrorClass.BANNED, ErrorClass.RETRY_LATER}:
        retry_at = retry_time(status, headers, fault, now_ns)
    code = str(fault.code) if fault.code else f"HTTP {status}"
    return Failed(kind, code, fault.msg or f"HTTP {status} without a message", retry_at)


def retry_time(status: int, headers: Mapping[str, str], fault: Fault, now_ns: int) -> int:
    """When it may be tried again, UTC ns; 0 where nobody says and waiting is not demanded."""
    said = headers.get("retry-after", "")
    if said.isascii() and said.isdigit() and len(said) <= 9:
        return now_ns + int(said) * NS_PER_S
    until = _BANNED_UNTIL.search(fault.msg)
    if until:
        return int(until.group(1)) * NS_PER_MS
    pause = BACKOFF_NS.get(status, BACKOFF_NS[429] if fault.code == -1003 else 0)
    return now_ns + pause if pause else 0


def ws_failure(status: int, code: int, message: str, retry_after_ms: int, now_ns: int) -> Failed:
    """An error of the WebSocket API, whose `retryAfter` is an absolute time in milliseconds."""
    fault = Fault(code, _one_line(message))
    kind = kind_of(status, fault)
    retry_at = retry_after_ms * NS_PER_MS
    if not retry_at and kind in {ErrorClass.BANNED, ErrorClass.RETRY_LATER}:
        retry_at = retry_time(status, {}, fault, now_ns)
    return Failed(kind, str(code) if code else f"status {status}", fault.msg, retry_at)


def is_duplicate(failed: Failed) -> bool:
    """Whether an order with this id works already: then this is an answer about that one (hazard H8)."""
    return failed.code == str(DUPLICATE_ID) or (failed.code == "-2010" and failed.message == DUPLICATE_TEXT)


def is_absent(failed: Failed) -> bool:
    """Whether the venue says that it does not know the order. That is no proof by itself (FACTS.md 1.11)."""
    return failed.code in {str(NO_SUCH_ORDER), str(UNKNOWN_ORDER)}


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def retry_after_of(data: msgspec.Raw) -> int:
    """`retryAfter` of an error's `data`, ms; 0 where there is none."""
    if not bytes(data):
        return 0
    try:
        return max(0, msgspec.json.decode(data, type=_RetryAfter, strict=False).retryAfter)
    except msgspec.MsgspecError:
        return 0  # the time is a convenience: without it the pause is ours
