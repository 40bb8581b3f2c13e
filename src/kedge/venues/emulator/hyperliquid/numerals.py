"""Numbers as Hyperliquid writes them: decimal text with a fraction always (`60000.0`), read strictly."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

from kedge.model.instant import NS_PER_MS

_PLAIN = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


def shown(number: Decimal, decimals: int | None = None) -> str:
    """The text of a number, at most `decimals` after the point."""
    if decimals is not None and number.as_tuple().exponent < -decimals:  # type: ignore[operator]
        number = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0")
    else:
        text += "."
    text = text + "0" if text.endswith(".") else text
    return "0.0" if not Decimal(text) else text


def read(text: object) -> Decimal | None:
    """A number as an action must write it; None where it is none."""
    return Decimal(text) if isinstance(text, str) and _PLAIN.fullmatch(text) else None


def ms(ns: int) -> int:
    """Milliseconds of a time."""
    return ns // NS_PER_MS
