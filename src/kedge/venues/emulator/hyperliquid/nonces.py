"""Nonces: the venue's guard against acting twice on the same bytes.

Of each signer the hundred highest are kept. A new one must be among none of them, larger than the smallest, and within
two days before and one day after the venue's time.
"""

from __future__ import annotations

from kedge.model.instant import NS_PER_MS

KEPT = 100
PAST_MS = 2 * 86_400_000
FUTURE_MS = 86_400_000


class Nonces:
    """The nonces of every signer."""

    def __init__(self) -> None:
        self._used: dict[str, list[int]] = {}

    def take(self, signer: str, nonce: int, *clocks: int) -> str:
        """Use a nonce that is on time by one of the clocks (UTC ns); the venue's words where it will not have it."""
        used = self._used.setdefault(signer, [])
        if nonce in used:
            return f"Invalid nonce: duplicate nonce {nonce}"
        times = [now // NS_PER_MS for now in clocks]
        if not any(now_ms - PAST_MS < nonce < now_ms + FUTURE_MS for now_ms in times):
            return f"Invalid nonce: {nonce} is not within two days before and one day after {times[0]}"
        if len(used) >= KEPT and nonce < used[0]:
            return f"Invalid nonce: {nonce} is smaller than the {KEPT} kept, the smallest is {used[0]}"
        used.append(nonce)
        used.sort()
        del used[:-KEPT]
        return ""
