"""Coinbase's parsers, with messages of each kind as the venue documents them."""

# ruff: noqa: E501  (a message is one line)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kedge.model.errors import VenueError
from kedge.venues.coinbase import account, errors, exchange, market, messages, orders, products
from kedge.venues.coinbase.products import Fees, Names
from kedge.venues.coinbase.stream import MarketDecoder
from kedge.venues.coinbase.user import orders_told
from kedge.venues.coinbase.values import Fields, decode_object
from tests.fuzz_parsers.fire import Parser

NEVER_NS = 4_000_000_000_000_000_000
_NAMES = Names({"BTC-USD": "", "ETH-USD": "", "BTC-USDC": "BTC-USD"})
_CHANNELS = (messages.LEVEL2_DATA, messages.TRADES, messages.TICKER, messages.CANDLES)

STREAMS = [
    b'{"channel":"l2_data","client_id":"","timestamp":"2026-04-07T14:30:00.123456Z","sequence_num":0,"events":[{"type":"snapshot","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-04-07T14:30:00.123456Z","price_level":"68900.00","new_quantity":"1.50000000"},{"side":"offer","event_time":"2026-04-07T14:30:00.123456Z","price_level":"68901.00","new_quantity":"0.50000000"}]}]}',
    b'{"channel":"l2_data","client_id":"","timestamp":"2026-04-07T14:30:01.456789Z","sequence_num":1,"events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-04-07T14:30:01.456789Z","price_level":"68900.00","new_quantity":"2.00000000"},{"side":"offer","event_time":"2026-04-07T14:30:01.456789Z","price_level":"68901.00","new_quantity":"0.00000000"}]}]}',
    b'{"channel":"market_trades","client_id":"","timestamp":"2024-10-04T07:13:31.158696693Z","sequence_num":2,"events":[{"type":"update","trades":[{"product_id":"ETH-USD","trade_id":"22381691","price":"2375.56","size":"0.5","time":"2024-10-04T07:13:31.088388Z","side":"BUY"},{"product_id":"ETH-USD","trade_id":"22381690","price":"2375.56","size":"0.5","time":"2024-10-04T07:13:31.084859Z","side":"SELL"}]}]}',
    b'{"channel":"ticker","client_id":"","timestamp":"2026-04-07T14:30:03.000000Z","sequence_num":12,"events":[{"type":"snapshot","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"68900.50","best_bid":"68900.00","best_bid_quantity":"1.50000000","best_ask":"68901.00","best_ask_quantity":"0.50000000"}]}]}',
    b'{"channel":"candles","client_id":"","timestamp":"2026-04-07T14:30:05.000000Z","sequence_num":3,"events":[{"type":"update","candles":[{"start":"1775521800","high":"68950.00","low":"68850.00","open":"68900.00","close":"68920.50","volume":"42.15000000","product_id":"BTC-USD"}]}]}',
    b'{"channel":"status","client_id":"","timestamp":"2023-02-09T20:29:49.753424311Z","sequence_num":0,"events":[{"type":"snapshot","products":[{"product_type":"SPOT","id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","status":"online"}]}]}',
    b'{"channel":"subscriptions","client_id":"","timestamp":"2026-04-07T14:30:00.000000Z","sequence_num":0,"events":[{"subscriptions":{"level2":["BTC-USD"],"market_trades":["BTC-USD","ETH-USD"]}}]}',
    b'{"channel":"heartbeats","client_id":"","timestamp":"2026-04-07T14:30:00.000000Z","sequence_num":5,"events":[{"current_time":"2026-04-07 14:30:00 +0000 UTC","heartbeat_counter":"3049"}]}',
    b'{"type":"error","message":"authentication failure"}',
]

USER = [
    b'{"channel":"user","client_id":"","timestamp":"2023-02-09T20:33:57.609931463Z","sequence_num":0,"events":[{"type":"snapshot","orders":[{"avg_price":"50000","cancel_reason":"","client_order_id":"bt-1-2","completion_percentage":"100.00","cumulative_quantity":"0.01","filled_value":"500","leaves_quantity":"0","limit_price":"50000","number_of_fills":"1","order_id":"YYY","order_side":"BUY","order_type":"Limit","post_only":"false","product_id":"BTC-USD","reject_reason":"","status":"FILLED","total_fees":"2","creation_time":"2024-06-21T18:29:13.909347Z"}]}]}',
    b'{"channel":"user","client_id":"","timestamp":"2023-02-09T20:33:57.609931463Z","sequence_num":1,"events":[{"type":"update","orders":[{"client_order_id":"bt-1-2","cumulative_quantity":"0","leaves_quantity":"1","order_id":"YYY","product_id":"BTC-USD","status":"CANCEL_QUEUED"}]}]}',
]

_ORDER = b'{"order_id":"0000-1","product_id":"BTC-USD","order_configuration":{"limit_limit_gtc":{"base_size":"0.01","limit_price":"45000.00","post_only":false}},"side":"BUY","client_order_id":"bt-1-1","status":"OPEN","created_time":"2024-01-15T10:00:00Z","filled_size":"0","average_filled_price":"0","number_of_fills":"0","reject_message":"","cancel_message":""}'
_EDITED = b'{"order_id":"0000-4","product_id":"BTC-USD","order_configuration":{"limit_limit_gtc":{"base_size":"0.001","limit_price":"10000.00","post_only":false}},"side":"BUY","client_order_id":"x","status":"OPEN","created_time":"2024-01-15T10:00:00Z","filled_size":"0","edit_history":[{"price":"10100.00","size":"0.002","replace_accept_timestamp":"2024-01-15T10:01:00Z"},{"price":"10200.00","size":"0.003","replace_accept_timestamp":"2024-01-15T10:02:00Z"}]}'
_STOP = b'{"order_id":"0000-2","product_id":"ETH-USD","order_configuration":{"stop_limit_stop_limit_gtd":{"base_size":"0.01","limit_price":"45000.00","stop_price":"46000","stop_direction":"STOP_DIRECTION_STOP_UP","end_time":"2030-01-01T00:00:00Z"}},"side":"SELL","client_order_id":"x","status":"PENDING","created_time":"2024-01-15T10:00:00Z","filled_size":"0"}'
_BOUGHT = b'{"order_id":"0000-3","product_id":"ETH-USD","order_configuration":{"market_market_ioc":{"quote_size":"100"}},"side":"BUY","client_order_id":"x","status":"FILLED","created_time":"2024-01-15T10:05:00Z","filled_size":"0.0325","average_filled_price":"3076.92"}'
ORDERS = [
    b'{"orders":[' + _ORDER + b"," + _STOP + b"," + _BOUGHT + b'],"sequence":"0","has_next":true,"cursor":"789100"}',
    b'{"orders":[' + _EDITED + b'],"has_next":false,"cursor":""}',
    b'{"fills":[{"entry_id":"2","trade_id":"1111-1","order_id":"0000-1","trade_time":"2024-01-15T10:30:00Z","trade_type":"FILL","price":"45123.45","size":"0.005","commission":"1.14","product_id":"BTC-USD","liquidity_indicator":"MAKER","size_in_quote":true,"side":"BUY"}],"cursor":""}',
    b'{"success":true,"failure_reason":"UNKNOWN_FAILURE_REASON","success_response":{"order_id":"11111-0","product_id":"BTC-USD","side":"BUY","client_order_id":"0000-0"}}',
    b'{"success":false,"failure_reason":"UNKNOWN_FAILURE_REASON","order_id":"","error_response":{"error":"INSUFFICIENT_FUND","message":"Insufficient balance in source account","error_details":"","preview_failure_reason":"PREVIEW_INSUFFICIENT_FUND","new_order_failure_reason":"UNKNOWN_FAILURE_REASON"}}',
    b'{"results":[{"success":true,"failure_reason":"UNKNOWN_CANCEL_FAILURE_REASON","order_id":"id1"},{"success":false,"failure_reason":"UNKNOWN_CANCEL_ORDER","order_id":"id2"}]}',
    b'{"success":false,"errors":[{"edit_failure_reason":"ORDER_NOT_FOUND","preview_failure_reason":"UNKNOWN_PREVIEW_FAILURE_REASON"}]}',
]

MARKET = [
    b'{"pricebook":{"product_id":"BTC-USD","bids":[{"price":"68923.66","size":"0.17189468"},{"price":"68923","size":"0.05795895"}],"asks":[{"price":"68923.67","size":"0.16987193"},{"price":"68926","size":"0.058"}],"time":"2026-04-07T00:28:59.662782Z"}}',
    b'{"trades":[{"trade_id":"995098663","product_id":"BTC-USD","price":"68923.67","size":"0.00064","time":"2026-04-07T00:28:58.544778Z","side":"SELL","bid":"","ask":""}],"best_bid":"68923.66","best_ask":"68923.67"}',
    b'{"candles":[{"start":"1712192400","low":"66055.14","high":"66331.99","open":"66312.4","close":"66181.6","volume":"355.82896243"},{"start":"1712188800","low":"65857.35","high":"66387.77","open":"65984.18","close":"66314.59","volume":"358.74851052"}]}',
    b'{"iso":"2026-04-07T00:28:59Z","epochSeconds":"1775521739","epochMillis":"1775521739662"}',
]

ACCOUNT = [
    b'{"accounts":[{"uuid":"8bfc20d7","name":"BTC Wallet","currency":"BTC","available_balance":{"value":"1.23456789","currency":"BTC"},"hold":{"value":"0.00500000","currency":"BTC"}}],"has_next":false,"cursor":"","size":1}',
    b'{"positions":[{"product_id":"BIP-20DEC30-CDE","side":"LONG","number_of_contracts":"2","current_price":{"value":"50000.00","currency":"USD"},"avg_entry_price":{"value":"49000.00","currency":"USD"},"unrealized_pnl":{"value":"20.00","currency":"USD"},"liquidation_price":{"value":"40000.00","currency":"USD"},"leverage":"5"}]}',
    b'{"fee_tier":{"pricing_tier":"Intro 1","taker_fee_rate":"0.012","maker_fee_rate":"0.006"},"total_volume":0}',
    b'{"can_view":true,"can_trade":true,"can_transfer":false,"portfolio_uuid":"string","portfolio_type":"DEFAULT"}',
]

PRODUCTS = [
    b'{"products":[{"product_id":"BTC-USD","base_increment":"0.00000001","quote_increment":"0.01","quote_min_size":"1","base_min_size":"0.00000001","base_max_size":"3400","status":"online","cancel_only":false,"trading_disabled":false,"auction_mode":false,"product_type":"SPOT","quote_currency_id":"USD","base_currency_id":"BTC","alias":"","alias_to":["BTC-USDC"],"price_increment":"0.01"}],"num_products":1}',
]

ERRORS = [
    b'{"error":"INVALID_ARGUMENT","error_details":"x","message":"y"}',
    b'{"errors":[{"id":"rate_limit_exceeded","message":"slow down"}]}',
    b"Unauthorized\n",
    b"<html><body>502</body></html>",
]

EXCHANGE = [
    b'{"type":"snapshot","product_id":"BAND-GBP","asks":[["14.8024","12.77"],["14.8069","12.49"]],"bids":[["14.75","1.5"]]}',
    b'{"type":"l2update","product_id":"BAND-GBP","changes":[["buy","14.7775","0.00"],["sell","14.81","3"]],"time":"2021-04-17T16:43:30.244075Z"}',
    b'{"type":"last_match","trade_id":881613,"side":"sell","size":"0.04","price":"14.7775","product_id":"BAND-GBP","sequence":333938798,"time":"2021-04-17T16:43:30.244075Z"}',
]


def _any(*readers: Callable[[Fields], Any]) -> Callable[[bytes], Any]:
    """Every reader in turn: whatever one of them accepts must be sane."""

    def parse(message: bytes) -> Any:
        told = decode_object(message, "answer")
        answers: list[Any] = []
        refusals: list[VenueError] = []
        for read in readers:
            try:
                answers.append(read(told))
            except VenueError as error:
                refusals.append(error)
        if not answers:
            raise refusals[0]
        return answers

    return parse


def _stream(message: bytes) -> Any:
    decoder = MarketDecoder(_NAMES, [(each, name) for each in _CHANNELS for name in ("BTC-USD", "ETH-USD", "BTC-USDC")])
    facts = decoder.decode(message, 9)
    return [facts, *decoder.memory.forming.values()]


def _user(message: bytes) -> Any:
    said = messages.envelope(message)
    return (
        [[each, each.told(said.ts, each.client_id)] for each in orders_told(said)]
        if isinstance(said, messages.Envelope)
        else []
    )


def _orders(told: Fields) -> Any:
    read = orders.page(told, "orders").items
    return [
        [orders.open_order(each, "BTC-USD", ""), orders.standing(each), orders.standing(each).told(9, "x")]
        for each in read
    ]


PARSERS = [
    Parser("coinbase-streams", STREAMS, _stream),
    Parser("coinbase-user", USER, _user),
    Parser(
        "coinbase-orders",
        ORDERS,
        _any(
            _orders,
            lambda told: [orders.execution(each).fill("x", "BTC-USD") for each in orders.page(told, "fills").items],
            orders.placed,
            orders.cancels,
            orders.edited,
        ),
    ),
    Parser(
        "coinbase-market",
        MARKET,
        _any(
            lambda told: market.book(told, "BTC-USD", 9),
            lambda told: market.trades(told, "BTC-USD", 9),
            lambda told: market.candles(told, "BTC-USD", 60_000_000_000, NEVER_NS, 9),
            market.best,
            lambda told: {"ts": market.server_time(told)},
        ),
    ),
    Parser(
        "coinbase-account",
        ACCOUNT,
        _any(
            lambda told: account.merged([account.balance(each) for each in orders.page(told, "accounts").items]),
            lambda told: [account.derivative_position(each) for each in told.items("positions")],
            products.fee_tier,
            account.permissions,
        ),
    ),
    Parser(
        "coinbase-products", PRODUCTS, lambda message: products.listings(decode_object(message, "products"), Fees())[0]
    ),
    Parser(
        "coinbase-errors",
        ERRORS,
        lambda message: errors.failure(429, {"retry-after": message[:6].decode("latin-1")}, message, 9),
    ),
    Parser("coinbase-exchange", EXCHANGE, lambda message: exchange.facts(message, 9)),
]
