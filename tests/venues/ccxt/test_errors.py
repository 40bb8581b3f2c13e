"""ccxt's exceptions: each of its whole tree has a class, and doubt is never refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
from ccxt.base import errors as tree

from kedge.venues.answers import ErrorClass
from kedge.venues.ccxt.errors import failed

#: Sent, and nobody knows what became of it.
DOUBT = {
    "NetworkError",
    "RequestTimeout",
    "ExchangeNotAvailable",
    "OnMaintenance",
    "BadResponse",
    "NullResponse",
    "ExchangeError",
    "OperationFailed",
}
REFUSED = {
    "InsufficientFunds",
    "InvalidOrder",
    "OrderNotFound",
    "DuplicateOrderId",
    "OrderImmediatelyFillable",
    "MarketClosed",
}
OURS = {
    "AuthenticationError",
    "PermissionDenied",
    "BadRequest",
    "BadSymbol",
    "ArgumentsRequired",
    "InvalidNonce",
    "NotSupported",
}


def names(branch: dict[str, Any]) -> Iterator[str]:
    for name, below in branch.items():
        yield name
        yield from names(below)


@pytest.mark.parametrize("name", sorted(names(tree.error_hierarchy)))
def test_every_exception_has_a_class(name: str) -> None:
    made = failed(getattr(ccxt, name)("text"))
    assert made.code == name
    expected = (
        ErrorClass.UNKNOWN if name in DOUBT
        else ErrorClass.REFUSED if name in REFUSED
        else ErrorClass.OURS if name in OURS
        else ErrorClass.RETRY_LATER if name in {"RateLimitExceeded", "DDoSProtection"}
        else made.kind
    )  # fmt: skip
    assert made.kind is expected


def test_what_is_no_ccxt_exception_is_doubt() -> None:
    assert failed(KeyError("id")).kind is ErrorClass.UNKNOWN
    assert "\n" not in failed(ValueError("two\nlines")).message
