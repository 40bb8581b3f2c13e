"""`SentWishes`: what was sent lately, so that the same wish again within the window is known for a duplicate (C10).

Wishes are kept in two generations. When the young one is older than the window it becomes the old one, and what was old
is forgotten: whatever was sent within the window is remembered, and nothing from before two of them.
"""

from __future__ import annotations

from kedge.model.order import OrderIntent

#: What an order asks for, without its id: what makes two intents the same wish.
Fingerprint = tuple[object, ...]


def fingerprint(intent: OrderIntent) -> Fingerprint:
    """What makes two intents the same wish."""
    return (
        intent.strategy,
        intent.symbol,
        intent.side,
        intent.order_type,
        intent.quantity,
        intent.price,
        intent.stop_price,
    )


class SentWishes:
    """When each wish was last sent; times are UTC ns and never fall."""

    __slots__ = ("_began", "_intent", "_latest", "_old", "_print", "_young")

    def __init__(self) -> None:
        self._young: dict[Fingerprint, int] = {}
        self._old: dict[Fingerprint, int] = {}
        self._began = 0
        self._latest = -1
        self._intent: OrderIntent | None = None
        self._print: Fingerprint = ()

    def last_sent(self, intent: OrderIntent, since: int) -> int | None:
        """When the same wish was last sent, if after `since`; most are sent long after any other, and need no look."""
        if self._latest <= since:
            return None
        print_ = self._fingerprint(intent)
        last = self._young.get(print_)
        if last is None:
            last = self._old.get(print_)
        return last if last is not None and last > since else None

    def remember(self, intent: OrderIntent, now: int, window_ns: int) -> None:
        """A wish was sent; it is known for `window_ns` at least."""
        age = now - self._began
        if age > window_ns:  # what the young one holds was sent within a window of its beginning
            self._old = self._young if age <= 2 * window_ns else {}
            self._young, self._began = {}, now
        self._young[self._fingerprint(intent)] = self._latest = now

    def _fingerprint(self, intent: OrderIntent) -> Fingerprint:
        """Of the intent asked about last it is known: what is judged and approved is then sent."""
        if self._intent is not intent:
            self._intent, self._print = intent, fingerprint(intent)
        return self._print
