"""Asking and acting: one question or one signed action, through the toolkit that all shells share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from kedge.model.instant import NS_PER_MS
from kedge.venues.answers import Answer, Failed, Whole
from kedge.venues.exact import decode
from kedge.venues.hyperliquid.protocol.actions import Action
from kedge.venues.hyperliquid.protocol.exchange import Envelope, Sender, next_nonce, signed, weight_of
from kedge.venues.hyperliquid.protocol.info import Question, weight_of_answer
from kedge.venues.hyperliquid.protocol.refusals import Refusal
from kedge.venues.hyperliquid.protocol.replies import Reply, reply
from kedge.venues.limiter import RateRule, Urgency
from kedge.venues.shell import Call, Caller
from kedge.venues.wire.http import HttpRequest

T = TypeVar("T")

WEIGHT: Final = "weight"
RULES: Final = (RateRule(WEIGHT, 1_200, 60_000),)
TIMEOUT_MS: Final = 10_000

_JSON: Final = (("Content-Type", "application/json"),)


class Desk:
    """Sends to one venue, for one signer. Nonces never repeat, whatever the clock does."""

    def __init__(self, rest_url: str, sender: Sender, caller: Caller) -> None:
        self.sender = sender
        self.caller = caller
        self._url = rest_url.rstrip("/")
        self._nonce = 0

    @property
    def venue_ms(self) -> int:
        """The venue's time in milliseconds."""
        return self.caller.clock.venue_ns() // NS_PER_MS

    @property
    def now(self) -> int:
        """Our time, UTC ns."""
        return self.caller.clock.now_ns()

    async def ask(self, asked: Question, read: Callable[[Any], T], urgency: Urgency = Urgency.TRUST) -> Answer[T]:
        """Put a question; what `read` makes of the answer."""
        request = HttpRequest("POST", f"{self._url}/info", _JSON, asked.body)
        rows = 0

        def understand(body: bytes) -> T:
            nonlocal rows
            told: Any = decode(body)
            rows = len(told) if type(told) is list else 0
            return read(told)

        call = Call(f"info {asked.kind}", lambda _: request, understand, {WEIGHT: asked.weight}, urgency, TIMEOUT_MS)
        answer = await self.caller.ask(call)
        more = weight_of_answer(asked, rows)
        if more:  # only the answer shows what it cost
            limiter = self.caller.limiter
            limiter.learn(WEIGHT, limiter.used(WEIGHT) + more)
        return answer

    async def act(
        self,
        action: Action,
        urgency: Urgency,
        *,
        expires_in_ms: int = 0,
        nonce: int = 0,
        wait_ms_max: int | None = None,
        sending: Callable[[Envelope], None] | None = None,
    ) -> Answer[Reply]:
        """Carry out an action; a refusal of the whole request is `Failed`.

        It is signed when it may leave, under a nonce of that moment unless one is given, and does nothing later than
        `expires_in_ms` from then. `sending` is told the bytes before they go.
        """

        def build(venue_ns: int) -> HttpRequest:
            now_ms = venue_ns // NS_PER_MS
            used = nonce
            if not used:
                used = self._nonce = next_nonce(venue_ns, self._nonce)
            envelope = signed(self.sender, action, used, now_ms + expires_in_ms if expires_in_ms else None)
            if sending is not None:
                sending(envelope)
            return HttpRequest("POST", f"{self._url}/exchange", _JSON, envelope.body)

        call: Call[Reply] = Call(
            f"action {action['type']}", build, _read, {WEIGHT: weight_of(action)}, urgency, TIMEOUT_MS, wait_ms_max
        )
        answer = await self.caller.ask(call)
        if isinstance(answer, Whole) and isinstance(answer.value, Refusal):
            return Failed(answer.value.kind, "err", self.caller.clean(answer.value.message))
        return answer


def _read(body: bytes) -> Reply:
    return reply(decode(body))
