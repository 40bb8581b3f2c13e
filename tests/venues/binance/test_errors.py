"""Errors: what each means for what happens next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.instant import NS_PER_S
from kedge.venues.answers import ErrorClass, Failed
from kedge.venues.binance.protocol.errors import failure, is_absent, is_duplicate, ws_failure

NOW = 1_700_000_000 * NS_PER_S
E = ErrorClass
THROTTLED = (
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."
)


def fail(status: int, code: int, message: str = "text", **headers: str) -> Failed:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return failure(status, named, b'{"code":%d,"msg":"%s"}' % (code, message.encode()), NOW)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        # the outcome is unknown, whatever the status says
        (400, -1006, "An unexpected response was received from the message bus. Execution status unknown.", E.UNKNOWN),
        (
            400,
            -1007,
            "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
            E.UNKNOWN,
        ),
        (408, -1007, "Timeout", E.UNKNOWN),
        (500, -1000, "An unknown error occurred while processing the request.", E.UNKNOWN),
        (502, 0, "", E.UNKNOWN),
        (504, 0, "", E.UNKNOWN),
        (503, 0, "Unknown error, please check your request or try again later.", E.UNKNOWN),
        # of 5xx, these two say that nothing was done
        (503, 0, "Service Unavailable.", E.RETRY_LATER),
        (503, -1008, THROTTLED, E.RETRY_LATER),
        # too much
        (429, -1003, "Too many requests", E.RETRY_LATER),
        (429, -1015, "Too many new orders", E.RETRY_LATER),
        (403, 0, "", E.RETRY_LATER),
        (418, -1003, "Way too many requests; IP banned until 1700000500000.", E.BANNED),
        (400, -1003, "Way too much request weight used; IP banned until 1700000500000.", E.BANNED),
        # our own fault
        (400, -1021, "Timestamp for this request is outside of the recvWindow.", E.OURS),
        (400, -5028, "Timestamp for this request is outside of the ME recvWindow.", E.OURS),
        (400, -1022, "Signature for this request is not valid.", E.OURS),
        (400, -1102, "Mandatory parameter 'timestamp' was not sent", E.OURS),
        (401, -2015, "Invalid API-key, IP, or permissions for action.", E.OURS),
        (400, -1121, "Invalid symbol.", E.OURS),
        # refused
        (400, -1013, "Filter failure: LOT_SIZE", E.REFUSED),
        (400, -2010, "Account has insufficient balance for requested action.", E.REFUSED),
        (400, -2010, "Duplicate order sent.", E.REFUSED),
        (400, -2011, "Unknown order sent.", E.REFUSED),
        (400, -2013, "Order does not exist.", E.REFUSED),
        (400, -2021, "Order would immediately trigger.", E.REFUSED),
        (400, -4164, "Order's notional must be no smaller than 5", E.REFUSED),
        (
            400,
            -5022,
            "Due to the order could not be executed as maker, the Post Only order will be rejected.",
            E.REFUSED,
        ),
        (400, -4999, "a code of tomorrow", E.REFUSED),
    ],
)
def test_a_code_means(status: int, code: int, message: str, kind: ErrorClass) -> None:
    failed = fail(status, code, message)
    assert failed.kind is kind
    assert failed.code == (str(code) if code else f"HTTP {status}")


@given(st.integers(500, 599), st.integers(-9_999, 0))
def test_a_5xx_is_never_a_failure(status: int, code: int) -> None:
    """Whatever code comes with it, a 5xx is unknown, or says itself that nothing was done."""
    assert fail(status, code).kind not in {E.REFUSED, E.OURS}


@given(st.integers(400, 499), st.binary(max_size=200))
def test_no_body_is_too_odd(status: int, body: bytes) -> None:
    failed = failure(status, {}, body, NOW)
    assert failed.message
    assert "\n" not in failed.message


@pytest.mark.parametrize(
    ("failed", "seconds"),
    [
        (fail(429, -1003, retry_after="17"), 17),
        (fail(418, -1003, retry_after="3600"), 3_600),
        (fail(418, -1003, "banned until 1700000500000."), 500),
        (fail(429, -1015), 10),
        (fail(418, -1003), 120),
        (fail(429, -1003, retry_after="soon"), 10),
        (fail(429, -1003, retry_after="9" * 30), 10),
    ],
)
def test_when_to_come_again(failed: Failed, seconds: int) -> None:
    assert failed.retry_at == NOW + seconds * NS_PER_S


def test_the_websocket_api_says_an_absolute_time() -> None:
    failed = ws_failure(418, -1003, "banned", 1_700_000_077_000, NOW)
    assert (failed.kind, failed.retry_at) == (E.BANNED, NOW + 77 * NS_PER_S)


def test_a_refusal_needs_no_waiting() -> None:
    assert fail(400, -2010).retry_at == 0


def test_a_duplicate_is_known_by_code_on_one_venue_and_by_text_on_the_other() -> None:
    assert is_duplicate(fail(400, -2010, "Duplicate order sent."))
    assert is_duplicate(fail(400, -4116, "clientOrderId is duplicated"))
    assert not is_duplicate(fail(400, -2010, "Account has insufficient balance for requested action."))


def test_absence_is_said_two_ways() -> None:
    assert is_absent(fail(400, -2011))
    assert is_absent(fail(400, -2013))
    assert not is_absent(fail(400, -2026))
