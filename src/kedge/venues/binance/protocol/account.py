"""The account: balances, positions, leverage and margin mode, permissions, fees, funding.

Balances: spot tells what is free and what orders hold; futures tell the wallet and what is available of it. Positions
come from `positionRisk` alone: it is the truth, and the sum of our own fills is not, because the venue liquidates and
deleverages (FACTS.md 2.11). It lists a symbol with open orders at a position of zero, which is none.

Margin modes are written CROSSED and ISOLATED and read back as either spelling. `unRealizedProfit` has a capital R in
one answer and not in another.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.money import ONE, ZERO
from kedge.venues.binance.protocol.instruments import Listing
from kedge.venues.binance.protocol.numbers import amount, lenient, positive, price_or_none, signed, when
from kedge.venues.exact import decode, shown
from kedge.venues.gateway import Balance, KeyPermissions, MarginMode, MarginSettings, VenuePosition

_MODES = {
    "CROSSED": MarginMode.CROSS,
    "CROSS": MarginMode.CROSS,
    "ISOLATED": MarginMode.ISOLATED,
}

_POSITION_SIDES = frozenset({"BOTH", "LONG", "SHORT"})


class Fees(Struct, frozen=True, gc=False):
    """Maker and taker fee of one market, fractions of value."""

    maker: Decimal
    taker: Decimal


class Bracket(Struct, frozen=True, gc=False):
    """One step of a symbol's leverage: up to `notional_max`, at most so much leverage, at least so much margin."""

    leverage: Decimal
    notional_min: Decimal
    notional_max: Decimal
    maintenance: Decimal
    deduction: Decimal


class Income(Struct, frozen=True, gc=False):
    """One payment in or out of a futures wallet."""

    raw: str
    kind: str
    amount: Decimal
    currency: str
    ts: int
    id: str


class AccountConfig(Struct, frozen=True, gc=False):
    """What a futures account may do. `hedged`: every symbol has a long and a short position at once."""

    can_trade: bool | None
    can_withdraw: bool | None
    hedged: bool | None
    multi_asset: bool


class _Asset(Struct):
    asset: str
    free: str | None = None
    locked: str | None = None
    walletBalance: str | None = None  # noqa: N815
    balance: str | None = None
    availableBalance: str | None = None  # noqa: N815


class _Rates(Struct):
    maker: str
    taker: str


class _Account(Struct):
    balances: list[_Asset] | None = None
    assets: list[_Asset] | None = None
    canTrade: bool | None = None  # noqa: N815
    canWithdraw: bool | None = None  # noqa: N815
    commissionRates: _Rates | None = None  # noqa: N815


class _Position(Struct):
    symbol: str
    positionAmt: str  # noqa: N815
    positionSide: str = "BOTH"  # noqa: N815
    entryPrice: str = "0"  # noqa: N815
    markPrice: str | None = None  # noqa: N815
    unRealizedProfit: str | None = None  # noqa: N815
    unrealizedProfit: str | None = None  # noqa: N815
    liquidationPrice: str | None = None  # noqa: N815
    leverage: str | int | None = None


class _Config(Struct):
    canTrade: bool | None = None  # noqa: N815
    canWithdraw: bool | None = None  # noqa: N815
    dualSidePosition: bool | None = None  # noqa: N815
    multiAssetsMargin: bool = False  # noqa: N815


class _SymbolConfig(Struct):
    symbol: str
    marginType: str  # noqa: N815
    leverage: int


class _Leverage(Struct):
    symbol: str
    leverage: int


class _BracketRow(Struct):
    initialLeverage: Decimal  # noqa: N815
    notionalCap: Decimal  # noqa: N815
    notionalFloor: Decimal  # noqa: N815
    maintMarginRatio: Decimal  # noqa: N815
    cum: Decimal = ZERO


class _Brackets(Struct):
    symbol: str
    brackets: list[_BracketRow]


class _Commission(Struct):
    makerCommissionRate: str | None = None  # noqa: N815
    takerCommissionRate: str | None = None  # noqa: N815
    standardCommission: _Rates | None = None  # noqa: N815


class _Income(Struct):
    symbol: str
    incomeType: str  # noqa: N815
    income: str
    asset: str
    time: int
    tranId: str | int = ""  # noqa: N815


class _Restrictions(Struct):
    ipRestrict: bool  # noqa: N815
    enableReading: bool  # noqa: N815
    enableWithdrawals: bool  # noqa: N815
    enableSpotAndMarginTrading: bool = False  # noqa: N815
    enableFutures: bool = False  # noqa: N815
    enableInternalTransfer: bool = False  # noqa: N815
    permitsUniversalTransfer: bool = False  # noqa: N815


class _Countdown(Struct):
    symbol: str
    countdownTime: int  # noqa: N815


class _ListenKey(Struct):
    listenKey: str  # noqa: N815


_ACCOUNT = lenient(_Account)
_ASSETS = lenient(list[_Asset])
_POSITIONS = lenient(list[_Position])
_CONFIG = lenient(_Config)
_SYMBOL_CONFIGS = lenient(list[_SymbolConfig])
_LEVERAGE = lenient(_Leverage)
_BRACKETS = lenient(_Brackets | list[_Brackets])
_COMMISSION = lenient(_Commission)
_INCOMES = lenient(list[_Income])
_RESTRICTIONS = lenient(_Restrictions)
_COUNTDOWN = lenient(_Countdown)
_KEY = lenient(_ListenKey)


def balances(body: bytes) -> dict[str, Balance]:
    """Every currency held, of either product's account. An answer without the list is an error, never an empty account
    (hazard H18).
    """
    found = decode(body, _ACCOUNT, "account")
    rows = found.balances if found.balances is not None else found.assets
    if rows is None:
        raise VenueError("account: neither balances nor assets are told")
    return _balances(rows)


def balance_rows(body: bytes) -> dict[str, Balance]:
    """The futures answer that is a list of balances alone."""
    return _balances(decode(body, _ASSETS, "balances"))


def spot_permissions(body: bytes) -> tuple[bool | None, bool | None]:
    """Whether the account may trade and withdraw (the account, not the key: see `key_permissions`)."""
    found = decode(body, _ACCOUNT, "account")
    return found.canTrade, found.canWithdraw


def account_fees(body: bytes) -> Fees | None:
    """The fees that the spot account's answer tells."""
    rates = decode(body, _ACCOUNT, "account").commissionRates
    return Fees(positive(rates.maker, "maker fee"), positive(rates.taker, "taker fee")) if rates else None


def fees(body: bytes) -> Fees:
    """The fees of one market. A rebate is a negative maker fee."""
    found = decode(body, _COMMISSION, "commission")
    if found.standardCommission is not None:
        maker, taker = found.standardCommission.maker, found.standardCommission.taker
    elif found.makerCommissionRate is not None and found.takerCommissionRate is not None:
        maker, taker = found.makerCommissionRate, found.takerCommissionRate
    else:
        raise VenueError("commission: no rates are told")
    return Fees(_below_one(signed(maker, "maker fee")), _below_one(signed(taker, "taker fee")))


def positions(body: bytes, listing: Listing) -> tuple[VenuePosition, ...]:
    """Positions that are not flat. One on a market that is not listed is an error: it is there all the same."""
    found: list[VenuePosition] = []
    for row in decode(body, _POSITIONS, "positions"):
        if row.positionSide not in _POSITION_SIDES:
            raise VenueError(f"position side {shown(row.positionSide)} is none that we know")
        quantity = signed(row.positionAmt, "positionAmt")
        if row.positionSide == "SHORT":  # in hedge mode the side says the sign, whatever the number says
            quantity = -abs(quantity)
        if not quantity:
            continue
        profit = row.unRealizedProfit if row.unRealizedProfit is not None else row.unrealizedProfit
        found.append(
            VenuePosition(
                listing.symbol(row.symbol),
                quantity,
                price_or_none(row.entryPrice, "entry price"),
                price_or_none(row.markPrice, "mark price"),
                signed(profit, "unrealized profit") if profit is not None else ZERO,
                price_or_none(row.liquidationPrice, "liquidation price"),
                positive(str(row.leverage), "leverage") if row.leverage is not None else None,
            )
        )
    return tuple(found)


def config(body: bytes) -> AccountConfig:
    """accountConfig, or the position mode alone."""
    found = decode(body, _CONFIG, "account config")
    return AccountConfig(found.canTrade, found.canWithdraw, found.dualSidePosition, found.multiAssetsMargin)


def margin_settings(body: bytes, listing: Listing, symbol: str) -> MarginSettings:
    """Leverage and margin mode of `symbol`, read back."""
    for row in decode(body, _SYMBOL_CONFIGS, "symbol config"):
        if row.symbol == listing.raw(symbol):
            return MarginSettings(symbol, _leverage(row.leverage), margin_mode(row.marginType))
    raise VenueError(f"symbol config: {symbol} is not in the answer")


def margin_mode(text: str) -> MarginMode:
    """Either spelling of a margin mode."""
    mode = _MODES.get(text.upper())
    if mode is None:
        raise VenueError(f"margin type {shown(text)} is none that we know")
    return mode


def leverage_set(body: bytes) -> tuple[str, Decimal]:
    """The market and the leverage that it now has."""
    found = decode(body, _LEVERAGE, "leverage")
    return found.symbol, _leverage(found.leverage)


def brackets(body: bytes) -> dict[str, tuple[Bracket, ...]]:
    """Leverage brackets by raw symbol, the smallest positions first."""
    found: dict[str, tuple[Bracket, ...]] = {}
    told = decode(body, _BRACKETS, "leverage brackets")
    for row in told if isinstance(told, list) else [told]:
        steps = [
            Bracket(
                positive(step.initialLeverage, "initialLeverage"),
                positive(step.notionalFloor, "notionalFloor"),
                positive(step.notionalCap, "notionalCap"),
                _below_one(positive(step.maintMarginRatio, "maintMarginRatio")),
                positive(step.cum, "cum"),
            )
            for step in row.brackets
        ]
        found[row.symbol] = tuple(sorted(steps, key=lambda step: step.notional_min))
    return found


def incomes(body: bytes) -> tuple[Income, ...]:
    """Payments, oldest first."""
    rows = [
        Income(row.symbol, row.incomeType, signed(row.income, "income"), row.asset, when(row.time), str(row.tranId))
        for row in decode(body, _INCOMES, "income")
    ]
    return tuple(sorted(rows, key=lambda row: row.ts))


def key_permissions(body: bytes, futures: bool) -> KeyPermissions:
    """What the key may do. A key that may move money out by any road may withdraw."""
    found = decode(body, _RESTRICTIONS, "key restrictions")
    out = found.enableWithdrawals or found.enableInternalTransfer or found.permitsUniversalTransfer
    trade = found.enableFutures if futures else found.enableSpotAndMarginTrading
    return KeyPermissions(found.enableReading, trade, out, found.ipRestrict)


def countdown(body: bytes) -> tuple[str, int]:
    """The market and the milliseconds after which its orders will be cancelled (0: off)."""
    found = decode(body, _COUNTDOWN, "countdown")
    if found.countdownTime < 0:
        raise VenueError(f"countdown is {found.countdownTime}; it must not be below zero")
    return found.symbol, found.countdownTime


def listen_key(body: bytes) -> str:
    """The key of a futures user stream."""
    key: str = decode(body, _KEY, "listen key").listenKey
    if not (16 <= len(key) <= 128 and key.isascii() and key.isalnum()):
        raise VenueError("listen key: not 16 to 128 letters and digits")
    return key


def listen_key_kept(body: bytes) -> None:
    """The answer to a renewal: the key again, or since long ago nothing."""
    if body.strip() not in {b"", b"{}"}:
        listen_key(body)


def _balances(rows: list[_Asset]) -> dict[str, Balance]:
    found: dict[str, Balance] = {}
    for row in rows:
        if row.asset in found:
            raise VenueError(f"{shown(row.asset)} is told twice among the balances")
        if row.free is not None and row.locked is not None:
            free = amount(row.free, "free balance")
            found[row.asset] = Balance(row.asset, free + amount(row.locked, "locked balance"), free)
            continue
        total = row.walletBalance if row.walletBalance is not None else row.balance
        if total is None or row.availableBalance is None:
            raise VenueError(f"balance of {shown(row.asset)} is not told")
        found[row.asset] = Balance(
            row.asset, signed(total, "wallet balance"), signed(row.availableBalance, "available balance")
        )
    return found


def _leverage(value: int) -> Decimal:
    if not 1 <= value <= 1_000:
        raise VenueError(f"leverage is {value}; it must be between 1 and 1000")
    return Decimal(value)


def _below_one(value: Decimal) -> Decimal:
    if not -ONE < value < ONE:
        raise VenueError(f"a rate of {value}; it must be a fraction")
    return value


def done(body: bytes) -> None:
    """An answer that only says that it worked: `{"code": 200, "msg": …}`."""
    code = decode(body, _DONE, "answer").code
    if code != 200:
        raise VenueError(f"answer: code is {code}; it must be 200")


class _Done(Struct):
    code: int


_DONE = lenient(_Done)
