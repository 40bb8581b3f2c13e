"""The emulator of Coinbase by itself, through its front, without a socket: what the venue's documentation says of it."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.venues.emulator.coinbase.venue import CoinbaseDialect, build
from kedge.venues.emulator.faults import rule_of
from kedge.venues.emulator.front import Front
from kedge.venues.emulator.house import Options
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.wire import Request, Session

START = 1_767_225_600 * NS_PER_S
API = "/api/v3/brokerage"
HOST = "emulator.test:1"
BTC = "BTC-USD"


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Venue:
    """The emulator, and a client that signs with a library of its own hands."""

    def __init__(self, speed: int = 0, *, frozen: bool = True) -> None:
        dialect = build(Options(5, Pace(speed, START, START)))
        assert isinstance(dialect, CoinbaseDialect)
        self.dialect = dialect
        self.front = Front(dialect)
        for market in dialect.exchange.markets.values():
            market.frozen = frozen

    @property
    def now_s(self) -> int:
        return self.front.timeline.now // NS_PER_S

    def token(self, uri: str = "", *, eddsa: bool = False, **more: Any) -> str:
        keys = self.dialect.keys
        name, algorithm = (keys.ed_name, "EdDSA") if eddsa else (keys.ec_name, "ES256")
        claims = {
            "sub": name,
            "iss": "cdp",
            "nbf": self.now_s,
            "exp": self.now_s + 120,
            **({"uri": uri} if uri else {}),
        }
        claims |= more
        text = f"{part({'alg': algorithm, 'kid': name, 'nonce': '0', 'typ': 'JWT'})}.{part(claims)}"
        if eddsa:
            private = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(keys.ed_base64)[:32])
            return f"{text}.{part(private.sign(text.encode()))}"
        key = load_pem_private_key(keys.ec_pem.encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{part(r.to_bytes(32) + s.to_bytes(32))}"

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, query: str = ""
    ) -> tuple[int, Any]:
        place = path if path.startswith("/v2") else f"{API}{path}"
        signed = self.token(f"{method} {HOST}{place}") if token is None else token
        headers = {"host": HOST, "authorization": f"Bearer {signed}"}
        raw = b"" if body is None else json.dumps(body).encode()
        served = self.front.serve(Request(method, place, query, headers, raw))
        assert served.reply is not None
        text = served.reply.body.decode()
        return served.reply.status, json.loads(text) if text.startswith(("{", "[")) else text

    def place(
        self, configuration: dict[str, Any], side: str = "BUY", client_id: str = "", product: str = BTC
    ) -> dict[str, Any]:
        asked = {
            "client_order_id": client_id,
            "product_id": product,
            "side": side,
            "order_configuration": configuration,
        }
        status, told = self.ask("POST", "/orders", asked)
        assert status == 200, "a refusal is HTTP 200 too"
        answer: dict[str, Any] = told
        return answer

    def limit(
        self, price: Any, size: str = "0.01", side: str = "BUY", *, only: bool = False, **more: Any
    ) -> dict[str, Any]:
        terms = {"base_size": size, "limit_price": str(price), "post_only": only}
        return self.place({"limit_limit_gtc": terms}, side, **more)

    def order(self, placed: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = self.ask("GET", f"/orders/historical/{placed['order_id']}")[1]["order"]
        return told

    def wait(self, ms: int) -> None:
        self.front.advance(self.front.timeline.now + ms * NS_PER_MS)

    def best(self, *, asks: bool) -> Decimal:
        best = self.dialect.exchange.tapes[BTC].best(asks=asks)
        assert best is not None
        return best[0]


class Stream:
    """A connection, and what was said on it."""

    def __init__(self, venue: Venue) -> None:
        opened = venue.front.open("/", "", {})
        assert isinstance(opened, Session)
        self.venue, self.session = venue, opened

    def subscribe(self, channel: str, *products: str, jwt: str = "", kind: str = "subscribe") -> None:
        said = {"type": kind, "channel": channel, "product_ids": list(products), **({"jwt": jwt} if jwt else {})}
        self.venue.front.receive(self.session, json.dumps(said))

    def said(self) -> list[dict[str, Any]]:
        told = [json.loads(payload) for kind, payload in self.session.frames if kind == "text"]
        self.session.frames.clear()
        return told


# who may ask


def test_both_kinds_of_token_are_let_in() -> None:
    venue = Venue()
    assert venue.ask("GET", "/accounts")[0] == 200
    assert venue.ask("GET", "/accounts", token=venue.token(f"GET {HOST}{API}/accounts", eddsa=True))[0] == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v, uri: v.token(uri.replace("GET", "POST")),
        lambda v, uri: v.token(f"{uri}?limit=1"),
        lambda v, uri: v.token(uri.replace(HOST, "api.coinbase.com")),
        lambda v, uri: v.token(),
        lambda v, uri: v.token(uri, nbf=v.now_s - 200, exp=v.now_s - 80),
        lambda v, uri: v.token(uri, nbf=v.now_s + 60, exp=v.now_s + 120),
        lambda v, uri: v.token(uri, exp=v.now_s + 4000),
        lambda v, uri: v.token(uri, sub="organizations/other/apiKeys/other"),
        lambda v, uri: v.token(uri)[:-4] + "AAAA",
        lambda v, uri: "",
        lambda v, uri: "a.b.c",
    ],
)
def test_a_token_that_is_wrong_in_any_way_is_unauthorized(spoil: Any) -> None:
    venue = Venue()
    status, told = venue.ask("GET", "/accounts", token=spoil(venue, f"GET {HOST}{API}/accounts"))
    assert (status, told) == (401, "Unauthorized\n")


def test_the_market_needs_no_token() -> None:
    for path in ("/time", "/market/products", "/market/products/BTC-USD", "/market/products/BTC-USD/ticker"):
        assert Venue().ask("GET", path, token="")[0] == 200, path


def test_more_than_the_limit_is_told_to_wait_and_another_second_is_another_window() -> None:
    venue = Venue(speed=1)
    answers = [venue.ask("GET", "/time", token="")[0] for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2
    venue.wait(1000)
    assert venue.ask("GET", "/time", token="")[0] == 200


# orders


def test_an_order_is_pending_then_open_then_queued_for_cancel_and_only_then_cancelled() -> None:
    venue = Venue()
    placed = venue.limit("50000")
    assert venue.order(placed)["status"] == "PENDING"
    venue.wait(5)
    assert venue.order(placed)["status"] == "OPEN"
    (heard,) = venue.ask("POST", "/orders/batch_cancel", {"order_ids": [placed["order_id"]]})[1]["results"]
    assert heard["success"]
    shown = venue.order(placed)
    assert (shown["status"], shown["pending_cancel"]) == ("CANCEL_QUEUED", True)
    (again,) = venue.ask("POST", "/orders/batch_cancel", {"order_ids": [placed["order_id"]]})[1]["results"]
    assert again["failure_reason"] == "DUPLICATE_CANCEL_REQUEST"
    venue.wait(20)
    assert venue.order(placed)["status"] == "CANCELLED"


def test_what_fills_while_the_cancel_is_queued_has_filled() -> None:
    venue = Venue()
    placed = venue.limit(venue.best(asks=False) - 1)
    venue.wait(5)
    venue.ask("POST", "/orders/batch_cancel", {"order_ids": [placed["order_id"]]})
    venue.front.push_price(BTC, venue.best(asks=False) - 50)
    venue.wait(20)
    assert venue.order(placed)["status"] == "FILLED"


def test_a_post_only_order_that_would_take_when_it_arrives_has_failed_after_it_was_taken_in() -> None:
    venue = Venue()
    placed = venue.limit(venue.best(asks=True) - Decimal("0.01"), only=True)
    assert placed["success"]
    venue.front.push_price(BTC, venue.best(asks=True) - 100)
    venue.wait(5)
    shown = venue.order(placed)
    assert (shown["status"], shown["reject_message"]) == ("FAILED", "INVALID_LIMIT_PRICE_POST_ONLY")


def test_a_client_id_is_executed_once() -> None:
    venue = Venue()
    first, again = venue.limit("50000", client_id="a"), venue.limit("50000", client_id="a")
    assert first["order_id"] == again["order_id"]
    other = venue.limit("50001", client_id="a")
    assert other["error_response"]["error"] == "DUPLICATE_CLIENT_ORDER_ID"
    assert len(venue.dialect.desk.orders) == 1


def test_a_buy_for_money_spends_it_with_the_fee_and_no_more() -> None:
    venue = Venue()
    placed = venue.place({"market_market_ioc": {"quote_size": "1000"}})
    venue.wait(5)
    shown = venue.order(placed)
    spent = Decimal(shown["filled_value"]) + Decimal(shown["total_fees"])
    assert shown["status"] == "FILLED"
    assert Decimal(999) < spent <= Decimal(1000)


def test_a_bracket_takes_its_target_or_stops() -> None:
    for move, status in ((Decimal(500), "FILLED"), (Decimal(-500), "FILLED")):
        venue = Venue()
        price = venue.best(asks=False)
        terms = {"base_size": "0.01", "limit_price": str(price + 400), "stop_trigger_price": str(price - 400)}
        placed = venue.place({"trigger_bracket_gtc": terms}, "SELL")
        venue.wait(5)
        venue.front.push_price(BTC, price + move)
        venue.wait(5)
        assert venue.order(placed)["status"] == status
        (fill,) = venue.ask("GET", "/orders/historical/fills")[1]["fills"]
        assert (Decimal(fill["price"]) > price) is (move > 0)


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ({"twap_limit_gtd": {}}, "UNSUPPORTED_ORDER_CONFIGURATION"),
        ({}, "UNSUPPORTED_ORDER_CONFIGURATION"),
        ({"limit_limit_gtc": {"base_size": 0.01, "limit_price": "1"}}, "UNSUPPORTED_ORDER_CONFIGURATION"),
        ({"market_market_ioc": {}}, "UNKNOWN_FAILURE_REASON"),
        ({"limit_limit_gtd": {"base_size": "1", "limit_price": "1"}}, "INVALID_REQUEST"),
        ({"limit_limit_gtc": {"base_size": "1", "limit_price": "1.001"}}, "INVALID_PRICE_PRECISION"),
    ],
)
def test_refusals(configuration: dict[str, Any], reason: str) -> None:
    venue = Venue()
    told = venue.place(configuration)
    assert told["success"] is False
    assert told["failure_reason"] == "UNKNOWN_FAILURE_REASON", "as in successes: it says nothing"
    assert told["error_response"]["error"] == reason


def test_open_orders_hold_what_they_could_spend_and_no_more_than_there_is() -> None:
    venue = Venue()
    free = venue.dialect.desk.available("USD")
    placed = venue.limit("50000", "10")
    assert free - venue.dialect.desk.available("USD") == Decimal(500_000) * Decimal("1.012")
    assert venue.limit("50000", "10")["error_response"]["error"] == "INSUFFICIENT_FUND"
    venue.wait(5)
    venue.ask("POST", "/orders/batch_cancel", {"order_ids": [placed["order_id"]]})
    venue.wait(20)
    assert venue.dialect.desk.available("USD") == free


def test_the_open_list_leaves_out_what_is_pending() -> None:
    venue = Venue()
    venue.limit("50000")
    assert venue.ask("GET", "/orders/historical/batch", query="order_status=OPEN")[1]["orders"] == []
    assert len(venue.ask("GET", "/orders/historical/batch", query="order_status=PENDING")[1]["orders"]) == 1


def test_lists_have_pages() -> None:
    venue = Venue()
    for n in range(5):
        venue.limit(50000 + n)
    seen, cursor = [], ""
    while True:
        told = venue.ask("GET", "/orders/historical/batch", query=f"limit=2&cursor={cursor}")[1]
        seen += [each["order_id"] for each in told["orders"]]
        cursor = told["cursor"]
        if not told["has_next"]:
            break
    assert len(seen) == len(set(seen)) == 5


def test_candles_come_newest_first_and_not_too_many() -> None:
    venue = Venue()
    now = venue.now_s
    query = f"start={now - 3000}&end={now}&granularity=ONE_MINUTE"
    starts = [int(each["start"]) for each in venue.ask("GET", "/products/BTC-USD/candles", query=query)[1]["candles"]]
    assert starts == sorted(starts, reverse=True)
    wide = f"start={now - 60 * 400}&end={now}&granularity=ONE_MINUTE"
    assert venue.ask("GET", "/products/BTC-USD/candles", query=wide)[0] == 400


# streams


def test_one_count_over_all_channels_from_zero() -> None:
    venue = Venue(frozen=False)
    stream = Stream(venue)
    for channel in ("heartbeats", "level2", "ticker", "market_trades", "candles"):
        stream.subscribe(channel, BTC)
    venue.wait(5000)
    numbers = [message["sequence_num"] for message in stream.said()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 15


def test_the_changes_of_level2_lead_from_the_snapshot_to_the_book() -> None:
    venue = Venue(frozen=False)
    stream = Stream(venue)
    stream.subscribe("level2", BTC)
    venue.wait(4000)
    sides: dict[str, dict[str, str]] = {"bid": {}, "offer": {}}
    for message in stream.said():
        for event in message["events"] if message["channel"] == "l2_data" else ():
            if event["type"] == "snapshot":
                sides = {"bid": {}, "offer": {}}
            for update in event["updates"]:
                sides[update["side"]][update["price_level"]] = update["new_quantity"]
    tape = venue.dialect.exchange.tapes[BTC]
    for side, asks in (("bid", False), ("offer", True)):
        held = {Decimal(price): Decimal(size) for price, size in sides[side].items() if Decimal(size)}
        assert held == dict(tape.levels(asks=asks))


def test_the_user_channel_wants_a_token_and_tells_sums() -> None:
    venue = Venue()
    stream = Stream(venue)
    stream.subscribe("user")
    assert stream.said()[0] == {"type": "error", "message": "authentication failure"}
    assert stream.session.closed is not None
    stream = Stream(venue)
    stream.subscribe("user", jwt=venue.token())
    stream.said()
    venue.place({"market_market_ioc": {"base_size": "0.5"}})
    venue.wait(5)
    orders = [order for message in stream.said() for event in message["events"] for order in event["orders"]]
    assert orders[0]["status"] == "PENDING"
    assert orders[-1]["status"] == "FILLED"
    assert Decimal(orders[-1]["cumulative_quantity"]) == Decimal("0.5")
    assert not any("trade_id" in order for order in orders)


def test_who_says_nothing_is_cut_off_and_who_hears_nothing_too() -> None:
    venue = Venue()
    idle, quiet, alive = Stream(venue), Stream(venue), Stream(venue)
    quiet.subscribe("market_trades", BTC)
    alive.subscribe("heartbeats")
    venue.wait(6000)
    assert idle.session.closed is not None
    venue.wait(95_000)
    assert quiet.session.closed is not None
    assert alive.session.closed is None


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        '{"type":"subscribe"}',
        '{"type":"subscribe","channel":5}',
        '{"type":"subscribe","channel":"level2","product_ids":5}',
        '{"type":"subscribe","channel":"level2","product_ids":["X"]}',
    ],
)
def test_nonsense_is_refused(said: str) -> None:
    venue = Venue()
    stream = Stream(venue)
    venue.front.receive(stream.session, said)
    assert stream.said()[0]["type"] == "error"


def test_money_is_neither_made_nor_lost() -> None:
    venue = Venue(frozen=False)
    before = {name: venue.dialect.exchange.balance(name) for name in ("USD", "BTC")}
    for n in range(12):
        venue.place({"market_market_ioc": {"base_size": f"0.0{n + 1}"}}, "BUY" if n % 3 else "SELL")
        venue.limit(venue.best(asks=n % 2 == 0), "0.02", "BUY" if n % 2 else "SELL")
        venue.wait(700)
    fills = venue.dialect.exchange.executions
    assert len(fills) > 12
    usd = sum((-each.side.sign * each.value - each.fee for each in fills), Decimal(0))
    btc = sum((each.side.sign * each.quantity for each in fills), Decimal(0))
    assert venue.dialect.exchange.balance("USD") == before["USD"] + usd
    assert venue.dialect.exchange.balance("BTC") == before["BTC"] + btc


def test_equal_seeds_give_equal_bytes() -> None:
    def run() -> list[Any]:
        venue = Venue(frozen=False)
        stream = Stream(venue)
        stream.subscribe("level2", BTC)
        placed = venue.limit("50000")
        venue.wait(3000)
        return [placed, venue.order(placed), stream.said(), venue.dialect.keys.ec_name]

    assert run() == run()


def test_faults_speak_the_venues_words() -> None:
    venue = Venue()
    venue.front.cause(rule_of({"fault": "error", "status": 502}))
    status, told = venue.ask("GET", "/accounts")
    assert status == 502
    assert "html" in told
    venue.front.cause(rule_of({"fault": "rate_limit", "ms": 3000}))
    assert venue.ask("GET", "/accounts")[0] == 429
    venue.front.cause(rule_of({"fault": "maintenance", "phase": "closed"}))
    assert venue.ask("POST", "/orders", {})[0] == 503
    assert venue.ask("GET", "/market/products")[1]["products"][0]["trading_disabled"]
