"""Connections age: ping frames at their period, an end for those who do not answer, and for all after 24 hours."""

from __future__ import annotations

from collections.abc import Iterable

from kedge.model.instant import NS_PER_S
from kedge.venues.emulator.timeline import Timeline
from kedge.venues.emulator.wire import Session

LIFETIME_S = 24 * 3_600


class Heartbeat:
    """Pings every `period_s`; a connection whose last pong is older than `patience_s` ends. `scale` stretches all of it."""

    def __init__(
        self, timeline: Timeline, sessions: Iterable[Session], period_s: int, patience_s: int, scale: int
    ) -> None:
        self._timeline = timeline
        self._sessions = sessions
        self._patience = patience_s * NS_PER_S * scale
        self._lifetime = LIFETIME_S * NS_PER_S * scale
        timeline.every(period_s * NS_PER_S * scale, self._beat)

    def heard(self, session: Session, payload: bytes) -> None:
        """A pong: it counts only with the payload that was sent last."""
        if payload == session.state.get("ping"):
            session.state["unanswered"] = 0

    def _beat(self) -> None:
        now = self._timeline.now
        for session in list(self._sessions):
            unanswered = session.state.get("unanswered")
            if now - session.opened >= self._lifetime:
                session.close(1001)
            elif isinstance(unanswered, int) and unanswered and now - unanswered >= self._patience:
                session.close(1008)
            else:
                payload = str(now // 1_000_000).encode()
                session.state["ping"] = payload
                session.state["unanswered"] = unanswered or now
                session.ping(payload)
