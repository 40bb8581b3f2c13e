"""Which failure means what. An order that is refused is HTTP 200 with `success: false`; only `success` tells.

    2xx          an answer, to be read by whoever asked
    400          our request was wrong: ours
    401, 403     key, token or permission: ours
    404          there is no such thing: refused
    408, 5xx     it may have happened: unknown
    429          nothing happened; come again when the venue says: retry later
    other        nobody knows what a proxy between us has done with it: unknown

`failure_reason` is `UNKNOWN_FAILURE_REASON` in successes too, so it is read in failures only, and there the specific
reason may stand in any of four fields. A body that is no JSON of the venue's is not quoted: it may be anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from kedge.model.errors import VenueError
from kedge.model.instant import NS_PER_S
from kedge.venues.answers import ErrorClass, Failed
from kedge.venues.coinbase.values import Fields
from kedge.venues.exact import decode

#: Places where a reason may stand, the most specific first.
_REASONS = "new_order_failure_reason", "edit_failure_reason", "preview_failure_reason", "error", "failure_reason"
_MESSAGE_MAX = 200

#: Reasons that blame the request itself and not the moment: sent again tomorrow it would be refused again.
_OURS = frozenset(
    {
        "UNSUPPORTED_ORDER_CONFIGURATION",
        "INVALID_PRICE_PRECISION",
        "INVALID_SIZE_PRECISION",
        "INVALID_PRODUCT_ID",
        "INVALID_SIDE",
        "INVALID_REQUEST",
        "INVALID_ARGUMENT",
        "INVALID_ORDER_CONFIG",
        "INVALID_LEDGER_BALANCE",
        "INELIGIBLE_PAIR",
        "ORDER_ENTRY_DISABLED",
        "PREVIEW_INVALID_PRICE_PRECISION",
        "PREVIEW_INVALID_SIZE_PRECISION",
        "PREVIEW_MISSING_COMMISSION_RATE",
    }
)

#: The order is there already: what we sent before had its effect.
DUPLICATE = "DUPLICATE_CLIENT_ORDER_ID"

_DEFAULT_WAIT_S = 1
_WAIT_S_MAX = 3600


def failure(status: int, headers: Mapping[str, str], body: bytes, now: int) -> Failed | None:
    """What an answer's status says; None where it is an answer to be read. `now` in UTC nanoseconds."""
    if 200 <= status < 300:
        return None
    code, message = _said(body)
    code = code or f"HTTP {status}"
    if status == 429:
        return Failed(ErrorClass.RETRY_LATER, code, message, now + _wait_s(headers) * NS_PER_S)
    if status in {400, 401, 403}:
        return Failed(ErrorClass.OURS, code, message)
    if status == 404:
        return Failed(ErrorClass.REFUSED, code, message)
    return Failed(ErrorClass.UNKNOWN, code, message)


def refusal(told: Fields) -> Failed:
    """Why an order, an edit or a cancel was refused in an answer that says `success: false`."""
    inside = told.object("error_response") if told.has("error_response") else told
    reason = _reason(inside) or _reason(told) or "UNKNOWN_FAILURE_REASON"
    details = inside.text("message", "") or inside.text("error_details", "")
    kind = ErrorClass.OURS if reason in _OURS else ErrorClass.REFUSED
    return Failed(kind, reason, _plain(details))


def _reason(told: Fields) -> str:
    said = [told.text(name, "") for name in _REASONS]
    return next((reason for reason in said if reason and not reason.startswith("UNKNOWN_")), "")


def _said(body: bytes) -> tuple[str, str]:
    """Code and message of an error's body; empty where it is not one of the venue's."""
    try:
        told = Fields(decode(body), "the error")
        if told.has("errors"):  # the older form: a list of {id, message}
            listed = told.items("errors")
            told = listed[0] if listed else told
            return _plain(told.text("id", "")), _plain(told.text("message", ""))
        code = told.text("error", "")
        details = told.text("message", "") or told.text("error_details", "")
        return _plain(details if code in {"", "unknown"} else code), _plain(details)
    except VenueError:
        return "", ""


def _plain(text: str) -> str:
    """Short and printable: it goes into journals and logs."""
    return "".join(character if character.isprintable() else "?" for character in text[:_MESSAGE_MAX])


def _wait_s(headers: Mapping[str, str]) -> int:
    """Seconds until it may be tried again, as the venue says."""
    for name in ("retry-after", "x-ratelimit-reset"):
        said = headers.get(name, "")
        if said.isascii() and said.isdigit() and len(said) < 6:
            return min(max(int(said), _DEFAULT_WAIT_S), _WAIT_S_MAX)
    return _DEFAULT_WAIT_S
