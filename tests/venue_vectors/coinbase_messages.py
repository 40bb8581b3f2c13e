"""`payloads_nautilus_coinbase` and `ws_samples_jkorf_coinbase`: what the venue says, by shape, and what we send.

Each figure of a payload is looked up again in the plain JSON and compared. JKorf's endpoint samples are `method, path,
signed, answer`, of which we must ask the same; its conversations are `>` what a client sends, `<` the acknowledgement and
`=` what is pushed. Its samples hold placeholders (`"side": ""`, all order kinds at once): where a figure is none, our
parser must say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kedge.model.errors import VenueError
from kedge.model.instant import NS_PER_S
from kedge.model.market import BookDelta, OrderBook, Quote, Trade
from kedge.model.order import OrderStatus
from kedge.venues.coinbase import account, market, messages, orders, products, requests
from kedge.venues.coinbase.products import Fees, Names
from kedge.venues.coinbase.stream import MarketDecoder
from kedge.venues.coinbase.user import orders_told
from kedge.venues.coinbase.values import Fields, moment
from tests.venue_vectors.coinbase_responses import markets
from tests.venue_vectors.runner import Case, NotApplicable, to_json

_LATE = 2**62
_OPEN = {"PENDING", "OPEN", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED"}
_ENDED = {
    "FILLED": OrderStatus.FILLED,
    "CANCELLED": OrderStatus.CANCELLED,
    "FAILED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
}


def payload(case: Case) -> None:
    """One payload, known by its shape."""
    _payload(case, case.data["payload"])


def _payload(case: Case, told: dict[str, Any]) -> None:
    if "channel" in told:
        _pushed([told])
        return
    for name, check in _SHAPES.items():
        if name in told:
            check(case, told)
            return
    raise NotApplicable(f"an answer with {', '.join(list(told)[:3])}: Kedge does not ask for it")


def sample(case: Case) -> None:
    """An endpoint's example or a conversation."""
    text = case.data["text"]
    if text.lstrip().startswith(">"):
        _conversation(text)
        return
    method, path, signed, answer = text.split("\n", 3)
    told = json.loads(answer, parse_float=Decimal)
    if not isinstance(told, dict) or not path.startswith(requests.API):
        raise NotApplicable(f"{path}: Kedge asks the Advanced Trade API only")
    name = path.removeprefix(requests.API).removeprefix("/market").partition("?")[0]
    ours = [call for call in _calls(name) if call.path == path]
    if ours:
        assert [(call.method, str(call.signed).lower()) for call in ours] == [(method.strip(), signed.strip())], ours
    if name.startswith(("/orders/edit", "/orders/close_position")):
        if name.startswith("/orders/edit"):
            assert orders.edited(Fields(told, path)) is None
            return
        raise NotApplicable("close_position is for futures; Kedge trades spot here")
    _payload(case, told)


def _calls(name: str) -> list[requests.Call]:
    """Our requests that may be meant; the paths are compared by the caller."""
    product = (re.search(r"/products/([^/]+)", name) or ["", "X-Y"])[1]
    order_id = name.rpartition("/")[2]
    minute = 60 * NS_PER_S
    known = [
        requests.accounts(), requests.key_permissions(), requests.fees(), requests.cancel(["1"]), requests.server_time(),
        requests.orders(), requests.fills(), requests.derivative_positions(), requests.products(), requests.book(product, 1),
        requests.trades(product, 1), requests.candles(product, minute, 0, 0), requests.edit("1", Decimal(1), Decimal(1)),
    ]  # fmt: skip
    if "/orders/historical/" in name and order_id not in {"batch", "fills"}:
        known.append(requests.order(order_id))
    return known


def _conversation(text: str) -> None:
    """`>` we would send, `<` and `=` we must read. Digits after the sign tell connections apart."""
    parts = re.split(r"(?m)^([<>=])\d*[ \t]*\n?", text)[1:]
    said = [(sign, json.loads(body, parse_float=Decimal)) for sign, body in zip(parts[::2], parts[1::2], strict=True)]
    for sign, message in said:
        if sign == ">":
            built = json.loads(
                messages.subscribe(message["channel"], message.get("product_ids", []), message.get("jwt", ""))
            )
            assert built == message, built
    for sign, message in said:
        if sign == "<":
            decoder = MarketDecoder(Names(), ())
            assert decoder.decode(to_json(message)) == []
            assert decoder.subscribed == message["events"][0]["subscriptions"]
    _pushed([message for sign, message in said if sign == "="])


def _pushed(said: list[dict[str, Any]]) -> None:
    for message in said:
        check = _CHANNELS.get(message["channel"])
        if check is None:
            raise NotApplicable(f"channel {message['channel']}: Kedge does not subscribe to it")
        check(message)


# pushes


def _decoder(*named: str) -> MarketDecoder:
    channels = (messages.LEVEL2_DATA, messages.TRADES, messages.TICKER, messages.CANDLES)
    return MarketDecoder(Names(dict.fromkeys(named, "")), [(each, name) for each in channels for name in named])


def _level2(message: dict[str, Any]) -> None:
    event = message["events"][0]
    (fact,) = _decoder(event["product_id"]).decode(to_json(message))
    assert isinstance(fact, OrderBook if event["type"] == "snapshot" else BookDelta)
    assert fact.ts == moment(message["timestamp"], "timestamp")
    for side, levels in (("bid", fact.bids), ("offer", fact.asks)):
        written = [
            (Decimal(u["price_level"]), Decimal(u["new_quantity"])) for u in event["updates"] if u["side"] == side
        ]
        assert sorted(levels) == sorted(written), levels
    assert fact.sequence == message["sequence_num"]


def _market_trades(message: dict[str, Any]) -> None:
    event = message["events"][0]
    written = {each["trade_id"]: each for each in event["trades"]}
    decoder = _decoder(*{each["product_id"] for each in event["trades"]})
    made = [fact for fact in decoder.decode(to_json(message)) if isinstance(fact, Trade)]
    if event["type"] == "snapshot":  # history; told again as an update it is news
        assert made == []
        return
    assert {fact.trade_id for fact in made} == set(written)
    assert [fact.ts for fact in made] == sorted(fact.ts for fact in made)
    for fact in made:
        each = written[fact.trade_id]
        assert (fact.price, fact.quantity) == (Decimal(each["price"]), Decimal(each["size"]))
        assert fact.side is not None
        assert fact.side.opposite == each["side"].lower()


def _ticker(message: dict[str, Any]) -> None:
    (told,) = message["events"][0]["tickers"]
    (fact,) = _decoder(told["product_id"]).decode(to_json(message))
    assert isinstance(fact, Quote)
    assert (fact.bid, fact.ask) == (Decimal(told["best_bid"]), Decimal(told["best_ask"]))
    assert (fact.bid_size, fact.ask_size) == (Decimal(told["best_bid_quantity"]), Decimal(told["best_ask_quantity"]))


def _candle_push(message: dict[str, Any]) -> None:
    for event in message["events"]:
        for told in event["candles"]:
            if "open" not in told:  # a placeholder
                with pytest.raises(VenueError):
                    _decoder(told["product_id"]).decode(to_json(message))
                return
            decoder = _decoder(told["product_id"])
            assert decoder.decode(to_json(message)) == [], "it has not closed yet"
            later = {**message, "sequence_num": message["sequence_num"] + 1, "events": []}
            later["timestamp"] = "2099-01-01T00:00:00Z"
            (fact,) = decoder.decode(to_json(later))
            _same_candle(fact, told)


def _same_candle(fact: Any, told: dict[str, Any]) -> None:
    assert fact.ts == int(told["start"]) * NS_PER_S
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(fact, name) == Decimal(told[name]), name


def _status(message: dict[str, Any]) -> None:
    named = [each["id"] for each in message["events"][0]["products"]]
    assert _decoder(*named).decode(to_json(message)) == []


def _user(message: dict[str, Any]) -> None:
    written = {each["order_id"]: each for event in message["events"] for each in event["orders"]}
    opened = messages.envelope(to_json(message))
    assert isinstance(opened, messages.Envelope)
    told = orders_told(opened)
    assert {each.exchange_id for each in told} == set(written)
    for where in told:
        _same_standing(where, written[where.exchange_id], "cumulative_quantity")


def _same_standing(where: orders.Standing, told: dict[str, Any], filled: str) -> None:
    assert where.filled == Decimal(told[filled]), where
    assert (where.client_id, where.product) == (told["client_order_id"], told["product_id"])
    partial = OrderStatus.PARTIAL if where.filled else OrderStatus.OPEN
    assert where.status == (partial if told["status"] in _OPEN else _ENDED[told["status"]]), where


def _acknowledged(message: dict[str, Any]) -> None:
    decoder = MarketDecoder(Names(), ())
    assert decoder.decode(to_json(message)) == []
    if message["channel"] == "subscriptions":
        assert decoder.subscribed == message["events"][0]["subscriptions"]


_CHANNELS: dict[str, Callable[[dict[str, Any]], None]] = {
    "l2_data": _level2,
    "market_trades": _market_trades,
    "ticker": _ticker,
    "ticker_batch": _ticker,
    "candles": _candle_push,
    "status": _status,
    "user": _user,
    "subscriptions": _acknowledged,
    "heartbeats": _acknowledged,
}


# answers


def _accounts(case: Case, told: dict[str, Any]) -> None:
    made = [account.balance(each) for each in Fields(told, "accounts").items("accounts")]
    for one, each in zip(made, told["accounts"], strict=True):
        free, hold = Decimal(each["available_balance"]["value"]), Decimal(each["hold"]["value"])
        assert (one.currency, one.free, one.total) == (each["currency"], free, free + hold)


def _candles(case: Case, told: dict[str, Any]) -> None:
    made = market.candles(Fields(told, "candles"), "any", 60 * NS_PER_S, _LATE)
    assert [each.ts for each in made] == sorted(int(each["start"]) * NS_PER_S for each in told["candles"])
    for fact in made:
        _same_candle(fact, next(each for each in told["candles"] if int(each["start"]) * NS_PER_S == fact.ts))


def _positions(case: Case, told: dict[str, Any]) -> None:
    written = told["positions"] if "positions" in told else [told["position"]]
    for each in written:
        made = account.derivative_position(Fields(each, "position"))
        sign = -1 if each["side"] == "SHORT" else 1
        assert made.quantity == sign * Decimal(each["number_of_contracts"])
        assert made.entry_price == Decimal(each["avg_entry_price"]["value"])
        assert made.mark_price == Decimal(each["current_price"]["value"])
        assert made.unrealized == Decimal(each["unrealized_pnl"]["value"])
        assert made.liquidation_price == Decimal(each["liquidation_price"]["value"])


def _order(case: Case, told: dict[str, Any]) -> None:
    _same_order(Fields(told, "order").object("order"), told["order"])


def _orders(case: Case, told: dict[str, Any]) -> None:
    read = orders.page(Fields(told, "orders"), "orders")
    assert read.cursor == (told["cursor"] if told["has_next"] else "")
    for order, written in zip(read.items, told["orders"], strict=True):
        _same_order(order, written)


def _same_order(order: Fields, written: dict[str, Any]) -> None:
    _same_standing(orders.standing(order), written, "filled_size")
    kinds = written["order_configuration"]
    if written["side"] and len(kinds) == 1:
        made = orders.open_order(order, written["product_id"], "")
        (inside,) = kinds.values()
        assert made.side == written["side"].lower()
        assert made.price == (Decimal(inside["limit_price"]) if "limit_price" in inside else None)
        if "base_size" in inside:
            assert made.quantity == Decimal(inside["base_size"])
    else:
        with pytest.raises(VenueError):
            orders.open_order(order, written["product_id"], "")


def _fills(case: Case, told: dict[str, Any]) -> None:
    for fill, written in zip(Fields(told, "fills").items("fills"), told["fills"], strict=True):
        made = orders.execution(fill)
        assert (made.price, made.quantity) == (Decimal(written["price"]), Decimal(written["size"]))
        assert (made.fee, made.trade_id) == (Decimal(written["commission"]), written["trade_id"])
        assert made.side == written["side"].lower()


def _products(case: Case, told: dict[str, Any]) -> None:
    if any(each["product_type"] != "SPOT" for each in told["products"]):
        good, bad = products.listings(Fields(told, "products"), Fees())
        assert (good, bad) == ([], []), "only spot is listed"
        return
    markets(Case(case.file, case.format, case.venue, {"response": told}))


def _book(case: Case, told: dict[str, Any]) -> None:
    made = market.book(Fields(told, "book"), "any")
    for side, levels in (("bids", made.bids), ("asks", made.asks)):
        assert list(levels) == [(Decimal(each["price"]), Decimal(each["size"])) for each in told["pricebook"][side]]


def _trades(case: Case, told: dict[str, Any]) -> None:
    assert market.best(Fields(told, "trades")) == (Decimal(told["best_bid"]), Decimal(told["best_ask"]))
    made = {each.trade_id: each for each in market.trades(Fields(told, "trades"), "any")}
    assert set(made) == {each["trade_id"] for each in told["trades"]}
    for each in told["trades"]:
        fact = made[each["trade_id"]]
        assert (fact.price, fact.quantity) == (Decimal(each["price"]), Decimal(each["size"]))


def _fees(case: Case, told: dict[str, Any]) -> None:
    made = products.fee_tier(Fields(told, "fees"))
    tier = told["fee_tier"]
    assert (made.maker, made.taker) == (Decimal(tier["maker_fee_rate"]), Decimal(tier["taker_fee_rate"]))


def _permissions(case: Case, told: dict[str, Any]) -> None:
    made = account.permissions(Fields(told, "key"))
    assert (made.read, made.trade, made.withdraw) == (told["can_view"], told["can_trade"], told["can_transfer"])


def _placed(case: Case, told: dict[str, Any]) -> None:
    made = orders.placed(Fields(told, "placed"))
    if told["success"]:
        assert isinstance(made, orders.Accepted)
        assert made.exchange_id == told["success_response"]["order_id"]
    else:
        assert not isinstance(made, orders.Accepted)


def _cancels(case: Case, told: dict[str, Any]) -> None:
    made = orders.cancels(Fields(told, "cancels"))
    assert {name: not reason for name, reason in made.items()} == {
        each["order_id"]: each["success"] for each in told["results"]
    }


_SHAPES: dict[str, Callable[[Case, dict[str, Any]], None]] = {
    "accounts": _accounts,
    "candles": _candles,
    "position": _positions,
    "positions": _positions,
    "order": _order,
    "orders": _orders,
    "fills": _fills,
    "products": _products,
    "pricebook": _book,
    "trades": _trades,
    "fee_tier": _fees,
    "can_trade": _permissions,
    "success": _placed,
    "results": _cancels,
}
