"""Hyperliquid's parsers, with real messages of each kind (recordings and official examples)."""

# ruff: noqa: E501  (a message is one line)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kedge.model.errors import VenueError
from kedge.venues.exact import decode
from kedge.venues.gateway import Subscription
from kedge.venues.hyperliquid.names import Names
from kedge.venues.hyperliquid.protocol import account, assets, markets
from kedge.venues.hyperliquid.protocol.assets import Asset, AssetTable
from kedge.venues.hyperliquid.protocol.replies import reply
from kedge.venues.hyperliquid.protocol.reports import named, news, report
from kedge.venues.hyperliquid.talk import MarketTalk, UserTalk
from tests.fuzz_parsers.fire import Parser

TABLE = AssetTable(
    [
        Asset(0, "BTC", "BTC-USD", "BTC", "USDC", 5, spot=False, max_leverage=40),
        Asset(10_107, "@107", "HYPE-USDC", "HYPE", "USDC", 2, spot=True),
    ]
)
USER = "0x5e9ee1089755c3435139848e47e6635505d5a13a"

FILL = b'{"coin":"BTC","px":"66653.0","sz":"0.001","side":"A","time":1781528065899,"startPosition":"-0.0213","dir":"Open Short","closedPnl":"0.0","hash":"0xa29fd267b4d2c6f0e41904231bbec90000daea4d4fd5e5c286687dba73d6a0db","oid":55030848197,"crossed":false,"fee":"0.009997","tid":745210434703679,"cloid":"0xe8d5fd7ebbb4c3cff4d1803472a11463","liquidation":{"liquidatedUser":"0x360878d351f05975e25f1807a27895e1e5e004fb","markPx":"66607.0","method":"market"},"feeToken":"USDC","twapId":null}'
OLD_FILL = b'{"closedPnl":"-0.25686","coin":"BTC","crossed":true,"dir":"Close Long","fee":"0.0","hash":"0x3d4770d0527317ef77c404017559cb0103000b34010cc95e97b437cbc3b6087a","oid":189324432,"px":"1.3189","side":"A","startPosition":"4623.5","sz":"142.7","time":1683245884863}'
SPOT_FILL = b'{"coin":"@107","px":"34.895","sz":"0.5","side":"B","time":1764840678849,"startPosition":"0.01388282","dir":"Buy","closedPnl":"0.0","hash":"0x01","oid":257770947487,"crossed":true,"fee":"0.00031499","tid":1,"feeToken":"HYPE","twapId":null}'
ORDER = b'{"coin":"BTC","side":"A","limitPx":"2412.7","sz":"0.0","oid":1,"timestamp":1724361546645,"triggerCondition":"N/A","isTrigger":false,"triggerPx":"0.0","children":[],"isPositionTpsl":false,"reduceOnly":true,"orderType":"Market","origSz":"0.0076","tif":"FrontendMarket","cloid":null}'
TRIGGER = b'{"children":[],"cloid":"0x4b9a07e2801dc1dc0000000000000000","coin":"BTC","isPositionTpsl":false,"isTrigger":true,"limitPx":"0.4","oid":8670685324,"orderType":"Stop Limit","origSz":"40.0","reduceOnly":false,"side":"B","sz":"40.0","tif":null,"timestamp":1715524233290,"triggerCondition":"Price above 0.6","triggerPx":"0.6"}'
UPDATE = b'{"order":' + ORDER + b',"status":"filled","statusTimestamp":1724361546645}'
BOOK = b'{"coin":"BTC","time":1754450974231,"levels":[[{"px":"113377.0","sz":"7.6699","n":17},{"px":"113376.0","sz":"4.13714","n":8}],[{"px":"113397.0","sz":"0.11543","n":3},{"px":"113398.0","sz":"1.5","n":1}]]}'
CANDLE = b'{"t":1681923600000,"T":1681924499999,"s":"BTC","i":"15m","o":"29295.0","c":"29258.0","h":"29309.0","l":"29250.0","v":"0.98639","n":189}'
TRADE = b'{"coin":"BTC","side":"B","px":"35276.0","sz":"5.78","time":1764835613064,"hash":"0x00","tid":716095722814130,"users":["0x8cdba352268065be9d5444e1f82b8fe83717bbd5","0x13558be785661958932ceac35ba20de187275a42"]}'
CONTEXT = b'{"funding":"0.0000125","openInterest":"688.11","prevDayPx":"15.322","dayNtlVlm":"1169046.29406","premium":"0.00031774","oraclePx":"14.32","markPx":"14.3161","midPx":"14.314","impactPxs":["14.3047","14.3444"]}'
PAID = b'{"time":1750172400033,"hash":"0x00","delta":{"type":"funding","coin":"BTC","usdc":"-0.044263","szi":"30.0","fundingRate":"0.0000369155","nSamples":null}}'
MARGIN = b'{"marginSummary":{"accountValue":"13109.48","totalNtlPos":"100.02","totalRawUsd":"13009.45","totalMarginUsed":"4.96"},"withdrawable":"13104.5","assetPositions":[{"type":"oneWay","position":{"coin":"BTC","szi":"0.0335","entryPx":"2986.3","leverage":{"type":"isolated","value":20,"rawUsd":"-95.05"},"liquidationPx":"2866.26","marginUsed":"4.96","positionValue":"100.02","unrealizedPnl":"-0.0134","cumFunding":{"allTime":"514.08","sinceChange":"0.0","sinceOpen":"0.0"}}}],"time":1708622398623}'
META = b'{"universe":[{"szDecimals":5,"name":"BTC","maxLeverage":40,"marginTableId":56},{"szDecimals":4,"name":"ETH","maxLeverage":25,"onlyIsolated":true,"isDelisted":true}],"marginTables":[],"collateralToken":0}'
SPOT_META = b'{"universe":[{"tokens":[1,0],"name":"PURR/USDC","index":0,"isCanonical":true}],"tokens":[{"name":"USDC","szDecimals":8,"weiDecimals":8,"index":0},{"name":"PURR","szDecimals":0,"weiDecimals":5,"index":1}]}'


def _listed(*parts: bytes) -> bytes:
    return b"[" + b",".join(parts) + b"]"


def _pushed(channel: str, data: bytes) -> bytes:
    return b'{"channel":"' + channel.encode() + b'","data":' + data + b"}"


def _reading(*readers: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """All readers in turn: whatever one of them accepts must be sane."""

    def parse(message: bytes) -> Any:
        told: Any = decode(message)
        answers: list[Any] = []
        refusal: VenueError | None = None
        for read in readers:
            try:
                answers.append(read(told))
            except VenueError as error:
                refusal = error
        if not answers:
            assert refusal is not None, "there is a reader"
            raise refusal
        return answers

    return parse


def _market(message: bytes) -> Any:
    channels = [Subscription(each, "BTC-USD") for each in ("book", "quotes", "trades", "mark", "funding")]
    talk = MarketTalk([*channels, Subscription("candles", "BTC-USD", 900_000_000_000)], TABLE)
    first = talk.hear(message, 1_781_528_065_899_000_000)
    return [*first.facts, *talk.hear(b'{"channel":"pong"}', 1_981_528_065_899_000_000).facts]


def _user(message: bytes) -> Any:
    return list(UserTalk(USER, TABLE, Names(), 0).hear(message, 1_781_528_065_899_000_000).facts)


def _orders(told: Any) -> Any:
    states = account.order_updates(told, TABLE)
    return [[news(state, "a-1-1", 9), report(state, "a-1-1", state.filled, 9)] for state in states]


def _status(told: Any) -> Any:
    state = account.order_status(told, TABLE)
    return None if state is None else [news(state, "a-1-1", 9), report(state, "a-1-1", state.filled, 9)]


def _instruments(listed: list[Asset], marks: dict[str, Any]) -> Any:
    return [asset.instrument(marks.get(asset.coin)) for asset in AssetTable(listed)]


def _perpetuals(told: Any) -> Any:
    listed = assets.perpetuals(told[0] if type(told) is list and told else told)
    contexts = markets.contexts(told, listed) if type(told) is list else {}
    return _instruments(listed, {coin: markets.mark(context) for coin, context in contexts.items()})


def _pairs(told: Any) -> Any:
    listed = assets.spot_pairs(told[0] if type(told) is list and told else told)
    contexts = markets.contexts(told, listed, spot=True) if type(told) is list else {}
    return _instruments(listed, {coin: markets.mark(context) for coin, context in contexts.items()})


PARSERS = [
    Parser(
        "hyperliquid-market-stream",
        [
            _pushed("l2Book", BOOK),
            _pushed("trades", _listed(TRADE, TRADE)),
            _pushed("candle", CANDLE),
            _pushed(
                "bbo",
                b'{"coin":"BTC","time":1766566375292,"bbo":[{"px":"23.757","sz":"42.09","n":1},{"px":"23.758","sz":"100.26","n":2}]}',
            ),
            _pushed("activeAssetCtx", b'{"coin":"BTC","ctx":' + CONTEXT + b"}"),
            _pushed("activeSpotAssetCtx", b'{"coin":"@107","ctx":' + CONTEXT + b"}"),
            _pushed(
                "subscriptionResponse",
                b'{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null}}',
            ),
            _pushed("error", b'"Invalid subscription"'),
            _pushed(
                "post", b'{"id":1,"response":{"type":"action","payload":{"status":"ok","response":{"type":"default"}}}}'
            ),
            b'{"channel":"pong"}',
        ],
        _market,
    ),
    Parser(
        "hyperliquid-user-stream",
        [
            _pushed("orderUpdates", _listed(UPDATE)),
            _pushed(
                "userFills",
                b'{"isSnapshot":true,"user":"' + USER.encode() + b'","fills":' + _listed(FILL, SPOT_FILL) + b"}",
            ),
            _pushed("userFills", b'{"user":"' + USER.encode() + b'","fills":' + _listed(FILL) + b"}"),
            _pushed(
                "userFundings",
                b'{"user":"'
                + USER.encode()
                + b'","fundings":[{"time":1750172400033,"coin":"BTC","usdc":"-0.04","szi":"30.0","fundingRate":"0.00003"}]}',
            ),
            _pushed("user", b'{"fills":' + _listed(FILL) + b"}"),
            _pushed(
                "user",
                b'{"funding":{"time":1750172400033,"coin":"BTC","usdc":"-0.04","szi":"30.0","fundingRate":"0.00003"}}',
            ),
        ],
        _user,
    ),
    Parser(
        "hyperliquid-replies",
        [
            b'{"status":"ok","response":{"type":"order","data":{"statuses":[{"resting":{"oid":77738308,"cloid":"0x1234567890abcdef1234567890abcdef"}},{"filled":{"totalSz":"0.02","avgPx":"1891.4","oid":77747314}},{"error":"Order must have minimum value of $10."},"waitingForFill"]}}}',
            b'{"status":"ok","response":{"type":"cancel","data":{"statuses":["success",{"error":"Order was never placed, already canceled, or filled."}]}}}',
            b'{"status":"ok","response":{"type":"default"}}',
            b'{"status":"err","response":"User or API Wallet 0x14791697260e4c9a71f18484c9f997b308e59325 does not exist."}',
        ],
        _reading(reply),
    ),
    Parser(
        "hyperliquid-orders",
        [
            _listed(ORDER, TRIGGER),
            _listed(UPDATE),
            b'{"status":"order","order":' + UPDATE + b"}",
            b'{"status":"unknownOid"}',
        ],
        _reading(lambda told: account.open_orders(told, TABLE, Names().of), _orders, _status),
    ),
    Parser(
        "hyperliquid-account",
        [
            MARGIN,
            _listed(FILL, SPOT_FILL, OLD_FILL),
            _listed(PAID),
            b'{"balances":[{"coin":"USDC","token":0,"total":"14.625485","hold":"0.0","entryNtl":"0.0"},{"coin":"PURR","token":1,"total":"2000","hold":"100","entryNtl":"1234.56"}]}',
            b'{"user":"0x0","coin":"BTC","leverage":{"type":"cross","value":20},"maxTradeSzs":["1","1"],"availableToTrade":["1","1"]}',
            b'{"userCrossRate":"0.00045","userAddRate":"-0.00002","userSpotCrossRate":"0.0007","userSpotAddRate":"0.0004"}',
            b'{"role":"agent","data":{"user":"0x5e9ee1089755c3435139848e47e6635505d5a13a"}}',
            b'[{"name":"ok","address":"0x286edfa08c04f6899dab3bfdecf2dd133f9733b9","validUntil":1767776120478}]',
            b'"unifiedAccount"',
        ],
        _reading(
            lambda told: account.all_balances({}, account.margin_account(told, TABLE), unified=False),
            lambda told: account.margin_account(told, TABLE).positions,
            lambda told: [named(own) for own in account.own_fills(told, TABLE, Names().of)],
            lambda told: account.funding_payments(told, TABLE),
            account.spot_balances,
            lambda told: account.margin_settings(told, "BTC-USD"),
            assets.account_fees,
            account.role,
            account.agents,
            account.unified,
        ),
    ),
    Parser(
        "hyperliquid-market-answers",
        [
            BOOK,
            _listed(TRADE, TRADE),
            _listed(CANDLE, CANDLE),
            b'[{"coin":"BTC","fundingRate":"-0.00022196","premium":"-0.00052196","time":1683849600076}]',
            b'{"BTC":"4.33245","@107":"1.21695"}',
            b'{"specialStatuses":null,"time":1783730719629}',
        ],
        _reading(
            lambda told: markets.book(told, TABLE),
            lambda told: markets.trades(told, TABLE),
            lambda told: markets.candles(told, TABLE),
            lambda told: markets.funding_rates(told, TABLE),
            markets.mids,
            markets.server_time,
        ),
    ),
    Parser(
        "hyperliquid-listing",
        [
            META,
            _listed(META, _listed(CONTEXT, CONTEXT)),
            SPOT_META,
            _listed(SPOT_META, _listed(b'{"coin":"PURR/USDC","markPx":"0.22695","midPx":"0.2268"}')),
            _listed(META, META),
        ],
        _reading(_perpetuals, _pairs, lambda told: _instruments(assets.builders_perpetuals(told, {0: "USDC"}), {})),
    ),
]
