"""The Hyperliquid emulator by itself: what a client of ours never does, and the rules that only show at their edges.

Requests are signed here with `coincurve` over hashes of the emulator's own packing; that these are the venue's is proven by
the published vectors and the SDKs (`tests/clients`).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from coincurve import PrivateKey

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.venues.emulator.faults import Fault, Phase, Rule
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.house import Options, build
from kedge.venues.emulator.hyperliquid import recover
from kedge.venues.emulator.hyperliquid.dialect import Hyperliquid
from kedge.venues.emulator.hyperliquid.nonces import Nonces
from kedge.venues.emulator.hyperliquid.numerals import shown
from kedge.venues.emulator.pace import STEPPED_START_NS, Pace
from kedge.venues.emulator.wire import Reply, Request, Session

GTC = {"limit": {"tif": "Gtc"}}
IOC = {"limit": {"tif": "Ioc"}}


class Client:
    """Speaks to one emulator without a socket."""

    def __init__(self, seed: int = 1, pace: Pace | None = None) -> None:
        venue = build("hyperliquid", Options(seed, pace or Pace.of(0, STEPPED_START_NS)))
        assert isinstance(venue, Hyperliquid)
        self.venue = venue
        self.front = Front(venue)
        self.told = venue.describe(Addresses("http://x", "ws://x"))
        self.user = self.told["wallet_address"]
        self._nonce = STEPPED_START_NS // NS_PER_MS
        for market in venue.exchange.markets.values():
            market.frozen = True

    def http(self, path: str, body: Any) -> Reply:
        served = self.front.serve(Request("POST", path, body=json.dumps(body).encode()))
        assert served.reply is not None
        return served.reply

    def act(self, action: dict[str, Any], key: str = "api_secret", nonce: int = 0, **more: Any) -> Any:
        self._nonce += 1
        nonce = nonce or self._nonce
        expires = more.get("expiresAfter")
        digest = recover._agent_hash(b"b", recover._connection(action, nonce, None, expires))
        body = {"action": action, "nonce": nonce, "signature": self.sign(digest, key), "vaultAddress": None, **more}
        reply = self.http("/exchange", body)
        return json.loads(reply.body) if reply.status == 200 else reply.status

    def sign(self, digest: bytes, key: str) -> dict[str, Any]:
        raw = PrivateKey(bytes.fromhex(self.told[key].removeprefix("0x"))).sign_recoverable(digest, hasher=None)
        return {"r": hex(int.from_bytes(raw[:32])), "s": hex(int.from_bytes(raw[32:64])), "v": raw[64] + 27}

    def order(self, *orders: dict[str, Any]) -> Any:
        told = self.act({"type": "order", "orders": list(orders), "grouping": "na"})
        return told["response"]["data"]["statuses"] if told["status"] == "ok" else told["response"]

    def ask(self, kind: str, **fields: Any) -> Any:
        return json.loads(self.http("/info", {"type": kind, **fields}).body)

    def status(self, oid: int) -> str:
        return str(self.ask("orderStatus", user=self.user, oid=oid)["order"]["status"])

    def best(self, coin: str, *, asks: bool) -> Decimal:
        found = self.venue.exchange.tapes[coin].best(asks=asks)
        assert found is not None
        return found[0]

    def wait(self, seconds: float) -> None:
        self.front.advance(self.front.timeline.now + int(seconds * NS_PER_S))

    def listen(self, *subscriptions: dict[str, Any]) -> tuple[Session, list[Any]]:
        session = self.front.open("/ws", "", {})
        assert isinstance(session, Session)
        for subscription in subscriptions:
            self.front.receive(session, json.dumps({"method": "subscribe", "subscription": subscription}))
        return session, [json.loads(text) for text in heard(session) if text.startswith("{")]


def heard(session: Session) -> list[str]:
    texts = [payload.decode() for _, payload in session.frames]
    session.frames.clear()
    return texts


def limit(coin: int, buy: bool, price: Any, size: Any, kind: Any = None, **more: Any) -> dict[str, Any]:
    p, s = (format(Decimal(str(each)).normalize(), "f") for each in (price, size))
    return {"a": coin, "b": buy, "p": p, "s": s, "r": more.pop("reduce", False), "t": kind or GTC, **more}


@pytest.mark.parametrize(
    ("number", "text"),
    [("60000", "60000.0"), ("0.10", "0.1"), ("0", "0.0"), ("-0.00", "0.0"), ("1E+2", "100.0"), ("-1.50", "-1.5")],
)
def test_numbers_always_have_a_fraction(number: str, text: str) -> None:
    assert shown(Decimal(number)) == text
    assert shown(Decimal("0.123456789"), 6) == "0.123457"


def test_nonces_are_kept_a_hundred_and_bounded_in_time() -> None:
    nonces, day, now_ms = Nonces(), 86_400_000, STEPPED_START_NS // NS_PER_MS
    assert nonces.take("a", now_ms, STEPPED_START_NS) == ""
    assert "duplicate nonce" in nonces.take("a", now_ms, STEPPED_START_NS)
    assert nonces.take("b", now_ms, STEPPED_START_NS) == ""
    assert "within two days" in nonces.take("a", now_ms - 2 * day, STEPPED_START_NS)
    assert "within two days" in nonces.take("a", now_ms + day, STEPPED_START_NS)
    for n in range(1, 100):
        assert nonces.take("a", now_ms + n, STEPPED_START_NS) == ""
    assert nonces.take("a", now_ms - 1, STEPPED_START_NS) != ""
    assert nonces.take("a", now_ms + 500, STEPPED_START_NS) == ""
    assert "smaller than" in nonces.take("a", now_ms, STEPPED_START_NS)  # forgotten, and yet not taken again


def test_a_trade_with_oneself_ends_the_order_that_rests() -> None:
    at = Client()
    bid = at.best("BTC", asks=False)
    (resting,) = at.order(limit(0, False, bid + 1, "0.01"))
    (taken,) = at.order(limit(0, True, bid + 1, "0.01", IOC))
    assert "could not immediately match" in taken["error"]
    assert at.status(resting["resting"]["oid"]) == "selfTradeCanceled"
    assert at.ask("userFills", user=at.user) == []


def test_a_gtc_order_that_fills_in_part_says_so_and_rests() -> None:
    at = Client()
    ask = at.best("ETH", asks=True)
    size = at.venue.exchange.tapes["ETH"].asks[ask]
    (status,) = at.order(limit(1, True, ask, size + 2))
    assert Decimal(status["filled"]["totalSz"]) == size
    (shown_order,) = at.ask("openOrders", user=at.user)
    assert Decimal(shown_order["sz"]) == 2
    assert at.venue.exchange.tapes["ETH"].bids[ask] == 2


def test_orders_hold_margin_and_it_is_given_back() -> None:
    at = Client()
    bid = at.best("BTC", asks=False)
    free = Decimal(at.ask("clearinghouseState", user=at.user)["withdrawable"])
    (status,) = at.order(limit(0, True, bid - 100, 1))
    left = Decimal(at.ask("clearinghouseState", user=at.user)["withdrawable"])
    assert free - left == (bid - 100) / 20
    at.act({"type": "cancel", "cancels": [{"a": 0, "o": status["resting"]["oid"]}]})
    assert Decimal(at.ask("clearinghouseState", user=at.user)["withdrawable"]) == free


def test_a_position_too_large_for_the_account_is_liquidated() -> None:
    at = Client()
    at.act({"type": "updateLeverage", "asset": 0, "isCross": True, "leverage": 40})
    ask = at.best("BTC", asks=True)
    bought = Decimal(0)
    while bought < 60:  # through several books
        (status,) = at.order(limit(0, True, ask + 40, 15, IOC))
        if "filled" not in status:
            break
        bought += Decimal(status["filled"]["totalSz"])
        at.front.push_price("BTC", ask)
    assert bought > 30
    session, _ = at.listen({"type": "userEvents", "user": at.user})
    at.front.push_price("BTC", ask * Decimal("0.9").quantize(Decimal("0.1")))
    at.wait(2)
    assert at.ask("clearinghouseState", user=at.user)["assetPositions"] == []
    fills = [json.loads(text)["data"]["fills"][0] for text in heard(session)]
    assert any("liquidation" in fill for fill in fills)
    assert fills[-1]["dir"] == "Close Long"


def test_only_the_master_and_its_agents_sign() -> None:
    at = Client()
    at.told["other"] = "0x" + "11" * 32
    order = {"type": "order", "orders": [limit(0, True, 50_000, "0.01")], "grouping": "na"}
    assert at.act(order, "other")["response"].endswith("does not exist.")
    assert at.act(order, "private_key")["status"] == "ok"
    other = recover.address_of_public_key(PrivateKey(bytes.fromhex("11" * 32)).public_key)
    approve = {
        "type": "approveAgent", "hyperliquidChain": "Testnet", "signatureChainId": "0x66eee", "agentAddress": other,
        "agentName": "second", "nonce": STEPPED_START_NS // NS_PER_MS + 7_000,
    }  # fmt: skip
    body = {"action": approve, "nonce": approve["nonce"]}
    wrong = {**body, "signature": at.sign(recover._clear_hash(approve), "api_secret")}
    assert json.loads(at.http("/exchange", wrong).body)["status"] == "err"
    right = {**body, "signature": at.sign(recover._clear_hash(approve), "private_key")}
    assert json.loads(at.http("/exchange", right).body)["status"] == "ok"
    assert at.act(order, "other")["status"] == "ok"
    assert [each["name"] for each in at.ask("extraAgents", user=at.user)] == ["bot", "second"]


def test_weights_are_counted_and_429_follows() -> None:
    at = Client()
    for _ in range(60):
        assert at.http("/info", {"type": "meta"}).status == 200
    at.http("/info", {"type": "l2Book", "coin": "BTC"})
    assert at.http("/info", {"type": "meta"}).status == 429
    assert at.act({"type": "noop"}) == 429
    at.wait(60)
    assert at.http("/info", {"type": "meta"}).status == 200


def test_an_account_that_trades_nothing_runs_out_of_requests() -> None:
    at = Client()
    at.venue.limits.requests_at_first = 2
    for _ in range(2):
        at.order(limit(0, True, 50_000, "0.01"))
    assert "Too many cumulative requests sent (2 > 2)" in at.order(limit(0, True, 50_000, "0.01"))
    cancel = {"type": "cancel", "cancels": [{"a": 0, "o": 1}]}
    assert at.act(cancel)["status"] == "ok"
    at.wait(10)
    assert "resting" in at.order(limit(0, True, 50_000, "0.01"))[0]  # one in ten seconds goes through
    at.wait(10)
    ask = at.best("BTC", asks=True)
    assert "filled" in at.order(limit(0, True, ask, "0.01", IOC))[0]
    assert at.ask("userRateLimit", user=at.user)["nRequestsCap"] == 2 + int(ask / 100)
    assert "resting" in at.order(limit(0, True, 50_000, "0.01"))[0]


def test_the_dead_mans_switch_fires_ten_times_a_day() -> None:
    at = Client()
    for n in range(11):
        now = at.front.timeline.now // NS_PER_MS
        told = at.act({"type": "scheduleCancel", "time": now + 5_000})
        assert told["status"] == ("ok" if n < 10 else "err")
        (status,) = at.order(limit(0, True, 50_000, "0.01"))
        at.wait(6)
        assert at.status(status["resting"]["oid"]) == ("scheduledCancel" if n < 10 else "open")


def test_maintenance_takes_cancels_alone_and_then_nothing() -> None:
    at = Client()
    (status,) = at.order(limit(0, True, 50_000, "0.01"))
    at.front.cause(Rule(Fault.MAINTENANCE, phase=Phase.CANCEL_ONLY))
    assert at.order(limit(0, True, 50_000, "0.01")) == [{"error": "Trading is halted."}]
    assert at.act({"type": "cancel", "cancels": [{"a": 0, "o": status["resting"]["oid"]}]})["status"] == "ok"
    at.front.cause(Rule(Fault.MAINTENANCE, phase=Phase.CLOSED))
    assert at.act({"type": "noop"}) == 503


def test_a_silent_connection_is_closed_after_a_minute_and_a_ping_keeps_it() -> None:
    at = Client()
    quiet, _ = at.listen()
    pinging, _ = at.listen()
    for _ in range(4):
        at.wait(30)
        at.front.receive(pinging, '{"method":"ping"}')
    assert quiet.closed == 1000
    assert pinging.closed is None
    assert '{"channel":"pong"}' in heard(pinging)


def test_what_is_subscribed_twice_or_wrong_is_said() -> None:
    at = Client()
    book = {"type": "l2Book", "coin": "BTC"}
    _, told = at.listen(
        book, book, {"type": "l2Book", "coin": "NONE"}, {"type": "candle", "coin": "BTC", "interval": "7m"}
    )
    assert [each["channel"] for each in told] == ["subscriptionResponse", "l2Book", "error", "error", "error"]
    assert told[0]["data"]["subscription"] == {"nSigFigs": None, "mantissa": None, **book}
    assert "Already subscribed" in told[2]["data"]


def test_requests_may_be_posted_over_the_stream() -> None:
    at = Client()
    session, _ = at.listen()
    ask = {"method": "post", "id": 7, "request": {"type": "info", "payload": {"type": "allMids"}}}
    at.front.receive(session, json.dumps(ask))
    (told,) = [json.loads(text) for text in heard(session)]
    assert (told["data"]["id"], told["data"]["response"]["type"]) == (7, "info")
    assert "BTC" in told["data"]["response"]["payload"]["data"]
    ask["request"] = {"type": "info", "payload": {"type": "nonsense"}}
    at.front.receive(session, json.dumps(ask))
    assert json.loads(heard(session)[0])["data"]["response"]["type"] == "error"


def test_books_are_grouped_on_request() -> None:
    at = Client()
    levels = at.ask("l2Book", coin="BTC", nSigFigs=3)["levels"]
    assert all(Decimal(each["px"]) % 100 == 0 for side in levels for each in side)
    whole = sum(size for _, size in at.venue.exchange.tapes["BTC"].bids.items())
    assert sum(Decimal(each["sz"]) for each in levels[0]) == whole
    assert at.http("/info", {"type": "l2Book", "coin": "BTC", "nSigFigs": 9}).status == 422


def test_a_change_has_a_new_number_and_keeps_the_client_id() -> None:
    at = Client()
    cloid = "0x" + "2" * 32
    (status,) = at.order(limit(0, True, 50_000, "0.01", c=cloid))
    old = status["resting"]["oid"]
    change = {"oid": cloid, "order": limit(0, True, 50_001, "0.02", c=cloid)}
    (status,) = at.act({"type": "batchModify", "modifies": [change]})["response"]["data"]["statuses"]
    assert status["resting"]["oid"] != old
    assert at.status(old) == "canceled"
    found = at.ask("orderStatus", user=at.user, oid=cloid)["order"]["order"]
    assert (found["oid"], found["cloid"]) == (status["resting"]["oid"], cloid)


def test_a_late_action_costs_five_times() -> None:
    at = Client()
    now = at.front.timeline.now // NS_PER_MS
    used = at.venue.limits.weight.used(at.front.timeline.now)
    assert "expired" in at.act({"type": "noop"}, expiresAfter=now - 1)["response"]
    assert at.venue.limits.weight.used(at.front.timeline.now) == used + 5


def test_triggers_say_what_they_wait_for() -> None:
    at = Client()
    bid = at.best("BTC", asks=False)
    stop = {"trigger": {"isMarket": True, "triggerPx": str(bid - 100).removesuffix(".0"), "tpsl": "sl"}}
    at.order(limit(0, False, bid - 200, "0.01", stop))
    (order,) = at.ask("frontendOpenOrders", user=at.user)
    assert (order["orderType"], order["isTrigger"], order["tif"]) == ("Stop Market", True, None)
    assert order["triggerCondition"] == f"Price below {int(bid - 100)}"
    session, _ = at.listen({"type": "orderUpdates", "user": at.user})
    at.front.push_price("BTC", bid - 150)
    at.wait(2)
    statuses = [json.loads(text)["data"][0]["status"] for text in heard(session)]
    assert statuses == ["triggered", "filled"]


def test_the_start_line_has_what_a_client_needs() -> None:
    told = Client(9).told
    assert told == Client(9).told
    assert told["api_key"] == told["wallet_address"]
    assert told["ws"].endswith("/ws")
    assert told["private_key"] != Client(8).told["private_key"]


def test_at_another_speed_a_client_may_go_by_either_clock() -> None:
    at = Client(pace=Pace.of(60, STEPPED_START_NS))
    at.wait(600)  # ten seconds by the wall clock
    wall_ms, venue_ms = (STEPPED_START_NS + 10 * NS_PER_S) // NS_PER_MS, at.front.timeline.now // NS_PER_MS
    for nonce in (wall_ms, venue_ms):
        assert at.act({"type": "scheduleCancel", "time": nonce + 10_000}, nonce=nonce, expiresAfter=nonce + 5_000) == {
            "status": "ok",
            "response": {"type": "default"},
        }
    assert at.act({"type": "scheduleCancel", "time": wall_ms - 10_000}, nonce=wall_ms + 1)["status"] == "err"


SIGNATURES = [
    {"r": "0x0", "s": "0x0", "v": 27}, {"r": "0x" + "f" * 64, "s": "0x1", "v": 28}, {"r": "0x1", "s": "0x1", "v": 99},
    {"r": "0x" + "f" * 65, "s": "0x1", "v": 27}, {"r": "no", "s": "0x1", "v": 27}, {"r": 1, "s": 2, "v": 3}, {},
]  # fmt: skip


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_that_is_none_is_nobodys(signature: dict[str, Any]) -> None:
    at = Client()
    reply = at.http("/exchange", {"action": {"type": "noop"}, "nonce": 1, "signature": signature})
    assert reply.status == 422 or json.loads(reply.body)["status"] == "err"


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{}", b"[]", b"1", b"\xff", b'{"type":["meta"]}', b'{"type":null}'])
@pytest.mark.parametrize("path", ["/info", "/exchange"])
def test_a_body_that_is_none_is_422(path: str, body: bytes) -> None:
    served = Client().front.serve(Request("POST", path, body=body))
    assert served.reply is not None
    assert served.reply.status == 422


@pytest.mark.parametrize(
    "action",
    [
        {"type": "order"}, {"type": "order", "orders": [1], "grouping": "na"}, {"type": ["order"]},
        {"type": "cancel", "cancels": 7},
        {"type": "order", "orders": [{"a": 0, "b": 1, "p": "1", "s": "1", "r": False, "t": GTC}], "grouping": "na"},
        {"type": "order", "orders": [{"a": 0, "b": True, "p": 1, "s": "1", "r": False, "t": GTC}], "grouping": "na"},
        {"type": "order", "orders": [{"a": 9, "b": True, "p": "1", "s": "1", "r": False, "t": GTC}], "grouping": "na"},
        {"type": "updateLeverage", "asset": 0, "isCross": 1, "leverage": "5"}, {"type": "scheduleCancel", "time": "soon"},
        {"type": "batchModify", "modifies": [{"oid": [], "order": {}}]},
    ],
)  # fmt: skip
def test_an_action_of_another_shape_is_422_and_does_nothing(action: dict[str, Any]) -> None:
    at = Client()
    assert at.act(action) == 422
    assert at.venue.book.orders == {}
