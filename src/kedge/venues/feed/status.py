"""Which stream is up, as facts: only a change is told, and every change is.

A stream is one channel of one symbol. It is silent when its last data is older than its channel's bound, however well the
connection answers pings (hazard H35). One that went silent is *quiet*: a new connection alone does not make it believed
again, data does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kedge.model.facts import StreamStatus
from kedge.model.instant import NS_PER_MS
from kedge.venues.feed.talk import CHANNELS
from kedge.venues.gateway import Subscription

#: (channel, symbol)
Key = tuple[str, str]


def key_of(subscription: Subscription) -> Key:
    """Candles of several intervals are one stream to the core, and so they are here."""
    return subscription.channel, subscription.symbol


class Board:
    """The streams of one feed. The first word of each is told, be it up or down."""

    def __init__(self, streams: Iterable[Key], silence_ms_max: Mapping[str, int]) -> None:
        self._up: dict[Key, bool | None] = dict.fromkeys(streams)
        self._seen: dict[Key, int] = {}
        self._quiet: dict[Key, None] = {}
        self._bounds = {channel: bound * NS_PER_MS for channel, bound in silence_ms_max.items()}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._up)

    def is_up(self, key: Key) -> bool:
        """Whether the stream is up."""
        return self._up.get(key) is True

    def is_quiet(self, key: Key) -> bool:
        """Whether the stream went silent and has not spoken since."""
        return key in self._quiet

    def seen(self, key: Key, now: int) -> None:
        """Data of the stream came, `now` on the monotonic clock."""
        if key in self._up:
            self._seen[key] = now
            self._quiet.pop(key, None)

    def renewed(self, now: int) -> list[Key]:
        """There is a new connection: silence is counted from now on. Returns the streams that are not quiet."""
        self._seen = dict.fromkeys(self._up, now)
        return [key for key in self._up if key not in self._quiet]

    def up(self, key: Key, ts: int) -> list[StreamStatus]:
        """The stream is up."""
        return self._tell(key, ts, up=True, reason="")

    def down(self, key: Key, ts: int, reason: str) -> list[StreamStatus]:
        """The stream is down."""
        return self._tell(key, ts, up=False, reason=reason)

    def silent(self, now: int) -> list[tuple[Key, str]]:
        """The streams that have been silent too long, quiet from now on, and what to say of them."""
        found = []
        for key, seen in self._seen.items():
            bound = self._bounds.get(key[0])
            if bound is not None and now - seen > bound and (self._up[key] or key in self._quiet):
                self._quiet[key] = None
                self._seen[key] = now
                found.append((key, f"silent for {(now - seen) // NS_PER_MS} ms, more than {bound // NS_PER_MS}"))
        return found

    def _tell(self, key: Key, ts: int, *, up: bool, reason: str) -> list[StreamStatus]:
        if key not in self._up or self._up[key] is up:
            return []
        self._up[key] = up
        return [StreamStatus(ts, key[1], CHANNELS[key[0]], up, reason, ts)]
