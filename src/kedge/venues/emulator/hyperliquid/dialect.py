"""Hyperliquid's dialect: two paths, `/info` and `/exchange`, and the stream at `/ws`.

The account is made from the seed: a master key, which may do anything, and the key of an agent, which may trade and has no
account of its own. Any of the two signs, for the main net or the test net.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from coincurve import PrivateKey

from kedge.venues.emulator import keys
from kedge.venues.emulator.exchange import Exchange, Settings
from kedge.venues.emulator.faults import Fault, Faults, Phase, Rule
from kedge.venues.emulator.front import Addresses
from kedge.venues.emulator.house import Options
from kedge.venues.emulator.hyperliquid.account import Account
from kedge.venues.emulator.hyperliquid.answering import Answer, err, ok
from kedge.venues.emulator.hyperliquid.limits import Limits
from kedge.venues.emulator.hyperliquid.listing import ALL, COLLATERAL
from kedge.venues.emulator.hyperliquid.nonces import Nonces
from kedge.venues.emulator.hyperliquid.numerals import ms
from kedge.venues.emulator.hyperliquid.orders import HlFill, OrderBook
from kedge.venues.emulator.hyperliquid.questions import Questions
from kedge.venues.emulator.hyperliquid.recover import CLEAR, address_of_public_key, signers
from kedge.venues.emulator.hyperliquid.rules import Malformed
from kedge.venues.emulator.hyperliquid.settings import AccountSettings
from kedge.venues.emulator.hyperliquid.streams import Streams
from kedge.venues.emulator.hyperliquid.trading import Trading
from kedge.venues.emulator.wire import Reply, Request, Session
from kedge.venues.sim.fees import BaseFeesOnBuys

BALANCES = {COLLATERAL: Decimal(100_000), "HYPE": Decimal(100), "PURR": Decimal(10_000)}
FUNDING_RATE = Decimal("0.0000125")
MALFORMED = b"Failed to deserialize the JSON body into the target type"
EXPIRED_TIMES = 5
_CANCELS = frozenset({"cancel", "cancelByCloid", "noop"})


class Hyperliquid:
    """The whole venue."""

    def __init__(self, options: Options) -> None:
        self.faults = Faults(options.seed)
        timeline = options.timeline()
        settings = Settings(
            dict(BALANCES),
            options.seed,
            options.pace.step_ms,
            funding_hours=1,
            funding_rate=FUNDING_RATE,
            fees=BaseFeesOnBuys(),
        )
        markets = [(listed.instrument(), listed.price) for listed in ALL]
        self.exchange = Exchange(options.courses(markets), settings, timeline)
        self._keys = {name: keys.raw(options.seed, f"hyperliquid-{name}") for name in ("master", "agent")}
        addresses = {name: address_of_public_key(PrivateKey(key).public_key) for name, key in self._keys.items()}
        self.book = OrderBook()
        self.account = Account(self.exchange, self.book, addresses["master"], {addresses["agent"]: "bot"})
        self.limits = Limits()
        self.nonces = Nonces()
        self._pace = options.pace
        self.trading = Trading(
            self.exchange,
            self.book,
            self.account,
            self.faults,
            AccountSettings(self.exchange, self.account, self._pace),
        )
        self.questions = Questions(self.exchange, self.book, self.account, self.limits, self.faults)
        self.streams = Streams(self.exchange, self.book, self.account, self.questions, self._posted, self._pace.scale)
        self.trading.tell_order = self.streams.tell_order
        self.trading.tell_fill = self._filled

    # HTTP

    def http(self, request: Request) -> Reply:
        """`POST /info` and `POST /exchange`."""
        if request.method != "POST" or request.path not in {"/info", "/exchange"}:
            return _text(404, b"")
        if self.faults.phase is Phase.CLOSED and request.path == "/exchange":
            return _text(503, b"Service Unavailable")
        try:
            body = json.loads(request.body)
            if not isinstance(body, dict):
                raise Malformed
            answer = self._info(body) if request.path == "/info" else self._exchange(body)
        except (ValueError, RecursionError, Malformed):
            return _text(422, MALFORMED)
        if isinstance(answer, Reply):
            return answer
        return Reply(200, json.dumps(answer, separators=(",", ":")).encode(), {"content-type": "application/json"})

    def _info(self, body: dict[str, Any]) -> Any:
        kind, now = str(body.get("type")), self.exchange.now
        if not self.limits.question(kind, now):
            return _text(429, b"null")
        answer = self.questions.answer(body)
        self.limits.answered(kind, answer, now)
        return answer

    def _exchange(self, body: dict[str, Any]) -> Answer | Reply:
        action, nonce, now = body.get("action"), body.get("nonce"), self.exchange.now
        if not isinstance(action, dict) or type(nonce) is not int or not isinstance(body.get("signature"), dict):
            raise Malformed
        expires = body.get("expiresAfter")
        clocks = self._clocks()
        late = expires is not None and all(ms(clock) > expires for clock in clocks)
        batch = max((len(value) for value in action.values() if isinstance(value, list)), default=1)
        if not self.limits.action(batch, now, EXPIRED_TIMES if late else 1):
            return _text(429, b"null")
        try:
            candidates = signers({**body, "action": normalised(action)})
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise Malformed from None
        signer = next((address for address in candidates if self.account.may_sign(address)), "")
        if not signer:
            return err(f"User or API Wallet {next(iter(candidates), '0x')} does not exist.")
        if body.get("vaultAddress") is not None:
            return err(f"Vault not registered: {body['vaultAddress']}")
        bad = self.nonces.take(signer, nonce, *clocks)
        if bad:
            return err(bad)
        if late:
            return err(f"Request expired: {ms(clocks[0])} is after {expires}")
        if action.get("type") in CLEAR:
            return self._in_clear(action, signer)
        crowded = self.limits.request(batch, action.get("type") in _CANCELS, now)
        return err(crowded) if crowded else self.trading.act(action)

    def _in_clear(self, action: dict[str, Any], signer: str) -> Answer:
        """Actions that only the master may sign."""
        if signer != self.account.master:
            return err(f"User or API Wallet {signer} does not exist.")
        if action["type"] == "approveAgent":
            self.account.agents[action["agentAddress"].lower()] = action["agentName"] or ""
            return ok("default")
        if action["type"] in {"approveBuilderFee", "usdClassTransfer"}:  # one balance: there is nothing to transfer
            return ok("default")
        return err(f"Action {action['type']} is not emulated: no money leaves")

    def _clocks(self) -> list[int]:
        """The venue's clock and, where time runs at another speed, the wall clock: a client may go by either."""
        now = self.exchange.now + self.faults.skew_ns
        wall = self._pace.wall_at(now)
        return [now] if wall is None else [now, wall]

    def _posted(self, kind: str, payload: Any) -> dict[str, Any]:
        """A request that came over the stream."""
        if kind not in {"info", "action"} or not isinstance(payload, dict):
            return _refused(f"422 {MALFORMED.decode()}")
        try:
            answer = self._info(payload) if kind == "info" else self._exchange(payload)
        except Malformed:
            return _refused(f"422 {MALFORMED.decode()}")
        if isinstance(answer, Reply):
            return _refused(str(answer.status))
        return {"type": kind, "payload": answer if kind == "action" else {"type": payload.get("type"), "data": answer}}

    def _filled(self, fill: HlFill) -> None:
        self.limits.traded(fill.execution.value)
        self.streams.tell_fill(fill)

    def failure(self, rule: Rule, request: Request) -> Reply:
        """An error that a fault asks for."""
        if rule.fault is Fault.RATE_LIMIT:
            return _text(429, b"null")
        if rule.fault is Fault.BAN:
            return _text(403, b"Forbidden")
        if rule.message and rule.status == 200:
            return Reply(200, json.dumps(err(rule.message)).encode(), {"content-type": "application/json"})
        return _text(rule.status, rule.message.encode() or b"Bad Gateway")

    # streams

    def connect(self, session: Session) -> Reply | None:
        """`/ws` alone."""
        if session.path != "/ws":
            return _text(404, b"")
        self.streams.connect(session)
        return None

    def receive(self, session: Session, text: str) -> None:
        """A message."""
        self.streams.receive(session, text)

    def heard(self, session: Session, payload: bytes) -> None:
        """Protocol pings count for nothing here."""

    def closed(self, session: Session) -> None:
        """A connection is over."""
        self.streams.closed(session)

    def happen(self, rule: Rule) -> None:
        """There are no sessions to expire and no farewells; phase and skew are read where they matter."""

    def describe(self, addresses: Addresses) -> dict[str, Any]:
        """Addresses and keys; the agent's key is what a bot should hold."""
        return {
            "rest": addresses.http,
            "ws": f"{addresses.ws}/ws",
            "api_key": self.account.master,
            "api_secret": "0x" + self._keys["agent"].hex(),
            "wallet_address": self.account.master,
            "agent_address": next(iter(self.account.agents)),
            "private_key": "0x" + self._keys["master"].hex(),
        }


def normalised(action: dict[str, Any]) -> dict[str, Any]:
    """An action as the venue writes it before it hashes it: no nulls, no trailing zeros, addresses in lower case.

    Who signs something else is taken for someone else.
    """

    def entry(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: entry(key, each) for key, each in value.items() if each is not None}
        if isinstance(value, list):
            return [entry(name, each) for each in value]
        if name in {"p", "s", "triggerPx"} and isinstance(value, str) and "." in value:
            return value.rstrip("0").rstrip(".")
        if name in {"b", "cloid", "c"} and isinstance(value, str):
            return value.lower()
        return value

    if action.get("type") in CLEAR:
        return action
    return {name: entry(name, value) for name, value in action.items() if value is not None}


def build(options: Options) -> Hyperliquid:
    """A Hyperliquid as asked for."""
    return Hyperliquid(options)


def _text(status: int, body: bytes) -> Reply:
    return Reply(status, body, {"content-type": "text/plain; charset=utf-8"})


def _refused(what: str) -> dict[str, Any]:
    return {"type": "error", "payload": what}
