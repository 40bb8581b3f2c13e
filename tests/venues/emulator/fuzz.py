"""Random clients against an emulated Binance, judged by an auditor that knows only what went over the wire.

    python -m tests.venues.emulator.fuzz --seeds 500 [--first N]

Each seed is one client: orders of all kinds, cancels, replacements, lists, pushes of the price, time. At the end, and now
and then: what the user stream told adds up to what the pages say, the pages agree with each other and with the public
record, and no answer was anything but documented JSON.
"""

from __future__ import annotations

import argparse
from decimal import Decimal
from random import Random
from typing import Any

from tests.venues.emulator.futures import FuturesClient
from tests.venues.emulator.spot import Client, events

ZERO = Decimal(0)
STEPS = 60


def spot(seed: int, steps: int = STEPS) -> int:
    """One random Spot client; how many fills it had."""
    dice = Random(seed)
    client = Client(frozen=dice.random() < 0.3, seed=seed % 5)
    session = client.subscribe()
    start = balances(client)
    said: list[Any] = []
    for _ in range(steps):
        _spot_step(client, dice)
        assert client.status in {200, 400, 409}, client.status
        for payload in [payload for kind, payload in session.frames if kind == "ping"][-1:]:
            client.front.heard(session, payload, ping=False)
        said += [each["event"] for each in events(session) if "event" in each]
        book_is_sound(client, "/depth")
    return _audit_spot(client, start, said)


def _spot_step(client: Client, dice: Random) -> None:
    bid, ask = client.best()
    side = dice.choice(("BUY", "SELL"))
    quantity = f"{dice.randint(10, 4000) / 10000:.4f}"
    price = f"{bid + dice.randint(-400, 400):.2f}"
    stop = f"{ask + dice.randint(-400, 400):.2f}"
    stp = {"selfTradePreventionMode": dice.choice(("NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"))}
    what = dice.randrange(13)
    if what < 3:
        client.order(side, quantity=quantity, price=price, timeInForce=dice.choice(("GTC", "GTC", "IOC", "FOK")), **stp)
    elif what == 3:
        client.order(side, "MARKET", quantity=quantity, **stp)
    elif what == 4:
        client.order(side, "MARKET", quoteOrderQty=str(dice.randint(5, 20_000)), **stp)
    elif what == 5:
        client.order(side, "LIMIT_MAKER", quantity=quantity, price=price)
    elif what == 6:
        client.order(side, dice.choice(("STOP_LOSS", "TAKE_PROFIT")), quantity=quantity, stopPrice=stop)
    elif what == 7:
        kind = dice.choice(("STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"))
        client.order(side, kind, quantity=quantity, stopPrice=stop, price=price)
    elif what == 8:
        above, below = f"{ask + dice.randint(50, 400):.2f}", f"{bid - dice.randint(50, 400):.2f}"
        client.signed(
            "POST", "/orderList/oco", symbol="BTCUSDT", side="SELL", quantity=quantity, aboveType="LIMIT_MAKER",
            abovePrice=above, belowType="STOP_LOSS", belowStopPrice=below,
        )  # fmt: skip
    elif what == 9:
        _spot_change(client, dice, price, quantity)
    elif what == 10:
        client.push(f"{bid + dice.randint(-500, 500):.2f}")
    elif what == 11 and dice.random() < 0.2:
        client.signed("DELETE", "/openOrders", symbol="BTCUSDT")
    else:
        client.wait(dice.randint(1, 8_000))


def _spot_change(client: Client, dice: Random, price: str, quantity: str) -> None:
    working = client.signed("GET", "/openOrders", symbol="BTCUSDT")
    if not working:
        return
    order = dice.choice(working)
    number = order["orderId"]
    what = dice.randrange(3)
    if what == 0:
        client.cancel(orderId=number)
    elif what == 1:
        client.signed("PUT", "/order/amend/keepPriority", symbol="BTCUSDT", orderId=number, newQty=quantity)
    else:
        client.signed(
            "POST", "/order/cancelReplace", symbol="BTCUSDT", side=order["side"], type="LIMIT", timeInForce="GTC",
            cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=number, quantity=quantity, price=price,
        )  # fmt: skip


def balances(client: Client) -> dict[str, tuple[Decimal, Decimal]]:
    """Free and locked by asset."""
    client.wait(61_000)
    told = client.signed("GET", "/account")["balances"]
    return {each["asset"]: (Decimal(each["free"]), Decimal(each["locked"])) for each in told}


def _audit_spot(client: Client, start: dict[str, tuple[Decimal, Decimal]], said: list[Any]) -> int:
    client.wait(61_000)
    trades = client.signed("GET", "/myTrades", symbol="BTCUSDT", limit=1_000)
    orders = {each["orderId"]: each for each in client.signed("GET", "/allOrders", symbol="BTCUSDT", limit=1_000)}
    reports = [each for each in said if each["e"] == "executionReport"]
    fills = [each for each in reports if each["x"] == "TRADE"]
    known = {each["t"] for each in fills}
    late = [each for each in trades if each["id"] not in known]  # they happened while the auditor waited
    assert len(known) == len(fills), "a trade was told twice"
    assert known <= {each["id"] for each in trades}
    money = {asset: free + locked for asset, (free, locked) in start.items()}
    filled: dict[int, Decimal] = {}
    for each in trades:
        sign = 1 if each["isBuyer"] else -1
        money["BTC"] += sign * Decimal(each["qty"])
        money["USDT"] -= sign * Decimal(each["quoteQty"])
        money[each["commissionAsset"]] -= Decimal(each["commission"])
        filled[each["orderId"]] = filled.get(each["orderId"], ZERO) + Decimal(each["qty"])
    for asset, (free, locked) in balances(client).items():
        if not late:
            assert free + locked == money[asset] or len(trades) < len(client.exchange.executions), asset
        assert free >= 0, (asset, free)
        assert locked >= 0, (asset, locked)
    last = {each["i"]: each for each in reports}
    for number, order in orders.items():
        assert Decimal(order["executedQty"]) <= Decimal(order["origQty"])
        if not late:
            assert Decimal(order["executedQty"]) >= filled.get(number, ZERO)
            if order["status"] not in {"NEW", "PARTIALLY_FILLED"} and number in last:
                assert last[number]["X"] == order["status"], (last[number], order)
    return len(trades)


def futures(seed: int, steps: int = STEPS) -> int:
    """One random Futures client; how many fills it had."""
    dice = Random(seed)
    client = FuturesClient(frozen=dice.random() < 0.3, seed=seed % 5)
    session = client.listen()
    said: list[Any] = []
    for _ in range(steps):
        _futures_step(client, dice)
        assert client.status in {200, 400}, client.status
        for payload in [payload for kind, payload in session.frames if kind == "ping"][-1:]:
            client.front.heard(session, payload, ping=False)
        said += events(session)
        book_is_sound(client, "/depth")
    return _audit_futures(client, said)


def _futures_step(client: FuturesClient, dice: Random) -> None:
    bid, ask = client.best()
    side = dice.choice(("BUY", "SELL"))
    quantity = f"{dice.randint(1, 3000) / 1000:.3f}"
    price = f"{bid + dice.randint(-400, 400):.1f}"
    trigger = f"{ask + dice.randint(-400, 400):.1f}"
    what = dice.randrange(12)
    reduce_only = {"reduceOnly": "true"} if dice.random() < 0.2 else {}
    stp = {"selfTradePreventionMode": dice.choice(("NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"))}
    if what < 3:
        force = dice.choice(("GTC", "GTC", "IOC", "FOK", "GTX"))
        client.order(side, quantity=quantity, price=price, timeInForce=force, **reduce_only, **stp)
    elif what < 5:
        client.order(side, "MARKET", quantity=quantity, **reduce_only, **stp)
    elif what == 5:
        kind = dice.choice(("STOP_MARKET", "TAKE_PROFIT_MARKET"))
        more = {"closePosition": "true"} if dice.random() < 0.3 else {"quantity": quantity, **reduce_only}
        client.algo(side, kind, triggerPrice=trigger, workingType=dice.choice(("MARK_PRICE", "CONTRACT_PRICE")), **more)
    elif what == 6:
        client.algo(side, dice.choice(("STOP", "TAKE_PROFIT")), triggerPrice=trigger, price=price, quantity=quantity)
    elif what == 7:
        client.algo(side, "TRAILING_STOP_MARKET", callbackRate="0.5", quantity=quantity)
    elif what == 8:
        working = client.signed("GET", "/openOrders", symbol="BTCUSDT")
        if working:
            order = dice.choice(working)
            verb = dice.choice(("DELETE", "PUT"))
            more = {} if verb == "DELETE" else {"side": order["side"], "quantity": quantity, "price": price}
            client.signed(verb, "/order", symbol="BTCUSDT", orderId=order["orderId"], **more)
    elif what == 9:
        client.push(f"{bid + dice.randint(-600, 600):.1f}")
    elif what == 10:
        client.signed("POST", "/leverage", symbol="BTCUSDT", leverage=dice.choice((5, 20, 100)))
    else:
        client.wait(dice.randint(1, 8_000))


def _audit_futures(client: FuturesClient, said: list[Any]) -> int:
    client.wait(61_000)
    trades = client.signed("GET", "/userTrades", symbol="BTCUSDT", limit=1_000)
    updates = [each["o"] for each in said if each["e"] == "ORDER_TRADE_UPDATE"]
    fills = [each for each in updates if each["x"] in {"TRADE", "CALCULATED"}]
    assert len({each["t"] for each in fills}) == len(fills), "a trade was told twice"
    held, wallet = ZERO, Decimal(100_000)
    for each in trades:
        held += Decimal(each["qty"]) * (1 if each["buyer"] else -1)
        wallet += Decimal(each["realizedPnl"]) - Decimal(each["commission"])
    risk = client.held()
    account = client.signed("GET", "/fapi/v3/account")
    incomes = client.signed("GET", "/income", incomeType="FUNDING_FEE", limit=1_000)
    wallet += sum((Decimal(each["income"]) for each in incomes), ZERO)
    if len(trades) < 1_000:
        assert Decimal(risk["positionAmt"] if risk else "0") == held
        assert abs(Decimal(account["totalWalletBalance"]) - wallet) < Decimal("1E-4")
    for order in client.signed("GET", "/allOrders", symbol="BTCUSDT", limit=1_000):
        assert Decimal(order["executedQty"]) <= Decimal(order["origQty"])
        assert order["status"] != "REJECTED"
    for algo in client.signed("GET", "/allAlgoOrders", symbol="BTCUSDT", limit=1_000):
        assert algo["algoStatus"] in {"NEW", "CANCELED", "TRIGGERED", "FINISHED", "REJECTED", "EXPIRED"}
    return len(trades)


def book_is_sound(client: Client, path: str) -> None:
    """Bids below asks, best first, nothing empty; asked for in memory so that no weight is spent."""
    tape = client.exchange.tapes["BTCUSDT"]
    for asks in (False, True):
        assert all(size > ZERO for _, size in tape.levels(asks=asks)), path
    bid, ask = tape.best(asks=False), tape.best(asks=True)
    assert bid is None or ask is None or bid[0] < ask[0], (path, bid, ask)


def main() -> None:
    """Run many seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    chosen = parser.parse_args()
    fills = {"spot": 0, "futures": 0}
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        for name, one in (("spot", spot), ("futures", futures)):
            try:
                fills[name] += one(seed)
            except Exception as error:
                raise AssertionError(f"{name} seed {seed}") from error
    print(f"{chosen.seeds} seeds each, fills: {fills}")


if __name__ == "__main__":
    main()
