"""Plain data as text: maps by sorted key, decimals canonical, so that equal data have equal text.

It is what two folds of the same records are compared by; the journal has its own, stricter form.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256

from kedge.model.money import canonical


def text_of(value: object) -> str:
    """Dicts, lists, tuples and leaves as one text, the same for equal data."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{text_of(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(text_of, value)) + "]"
    return canonical(value) if isinstance(value, Decimal) else str(value)


def digest_of(value: object) -> str:
    """SHA-256 of that text."""
    return sha256(text_of(value).encode()).hexdigest()
