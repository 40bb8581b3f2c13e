"""ccxt's exceptions, sorted by what may have happened at the venue.

They form a tree, and a venue's error becomes the most specific one that ccxt knows; so the class nearest to the leaf
decides. What ccxt cannot name is a bare `ExchangeError`: the venue said something that nobody has looked at. We do not know
what it means either, so an order that is answered like that may be alive.

A class is ccxt's opinion; the venue's own words go first. Where they say that the status is unknown it is, whatever ccxt
made of it, and where they speak of a duplicate the order is there already (hazards H1, H8).

An answer that ccxt could not read raises whatever Python raises. That too is an answer to a request that was sent.
"""

from __future__ import annotations

import re
from typing import Final

from kedge.venues.answers import ErrorClass, Failed

#: The nearest of these in an exception's ancestry counts. By name: ccxt is an extra.
CLASSES: Final[dict[str, ErrorClass]] = {
    "RateLimitExceeded": ErrorClass.RETRY_LATER,
    "DDoSProtection": ErrorClass.RETRY_LATER,
    "InvalidNonce": ErrorClass.OURS,
    "AuthenticationError": ErrorClass.OURS,
    "ArgumentsRequired": ErrorClass.OURS,
    "BadRequest": ErrorClass.OURS,
    "NotSupported": ErrorClass.OURS,
    "InvalidProxySettings": ErrorClass.OURS,
    "InsufficientFunds": ErrorClass.REFUSED,
    "InvalidOrder": ErrorClass.REFUSED,
    "OperationRejected": ErrorClass.REFUSED,
    "InvalidAddress": ErrorClass.REFUSED,
    "BaseError": ErrorClass.UNKNOWN,
}

#: The order is there already.
DUPLICATE: Final = "DuplicateOrderId"
NOT_FOUND: Final = "OrderNotFound"

#: What reading an answer may raise that is no ccxt exception.
UNREADABLE: Final = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)

_MESSAGE_MAX: Final = 200
_DOUBTFUL: Final = re.compile(r"status\W{1,3}(?:is )?unknown|unknown (?:order |execution )?status", re.IGNORECASE)
_DOUBLED: Final = re.compile(
    r"duplicat\w*[\W_]{1,3}(?:sent\b|order|client|cl_?ord)|(?:order|client\w*|id)\W{1,3}(?:is )?(?:a )?duplicat"
    r"|(?:order|client)[\w ]{0,20}\bid\w*\W{1,3}(?:is |has )?(?:already (?:exist|used|in use|been used)|been used)",
    re.IGNORECASE,
)


def failed(error: BaseException, clean: str = "", refusal: str = "") -> Failed:
    """What an exception means. `clean` is its text without secrets; `refusal` is how a venue says that nothing happened, for
    reasons that ccxt cannot name.
    """
    kind = next(
        (CLASSES[base.__name__] for base in type(error).__mro__ if base.__name__ in CLASSES), ErrorClass.UNKNOWN
    )
    code, said = type(error).__name__, clean or str(error)
    if code == "ExchangeError" and refusal and re.search(refusal, said):
        kind = ErrorClass.REFUSED
    if _DOUBTFUL.search(said):
        kind = ErrorClass.UNKNOWN
    elif kind in {ErrorClass.REFUSED, ErrorClass.OURS} and _DOUBLED.search(said):
        code = DUPLICATE
    text = "".join(character if character.isprintable() else "?" for character in said)
    return Failed(kind, code, text[:_MESSAGE_MAX])
