"""The gateway against the emulator in one process, under virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from kedge.model.decisions import Approved
from kedge.model.order import OrderIntent, OrderType, Side
from kedge.venues.coinbase.shell import CoinbaseGateway
from kedge.venues.emulator.coinbase.desk import BrokerageOrder
from kedge.venues.emulator.coinbase.venue import CoinbaseDialect
from kedge.venues.emulator.faults import rule_of
from kedge.venues.wire.memory import Fault, FaultKind
from kedge.venues.wire.virtual import run
from tests.contract.emulated import HOST, Carried

BTC = "BTC-USD"


class Bench:
    """One emulator behind a network in memory, one gateway."""

    def __init__(self) -> None:
        self.carried = Carried("coinbase")
        self.clock, self.network = self.carried.clock, self.carried.network
        dialect = self.carried.front.dialect
        assert isinstance(dialect, CoinbaseDialect)
        self.dialect = dialect
        self.gateway = self.connect()

    def connect(self, **more: Any) -> CoinbaseGateway:
        """Another gateway with the same key."""
        keys = self.dialect.keys
        given: dict[str, Any] = {"api_key": keys.ec_name, "api_secret": keys.ec_pem, **more}
        wires: dict[str, Any] = {"http": self.network, "sockets": self.network, "clock": self.clock}
        return CoinbaseGateway(f"http://{HOST}", ws_url=f"ws://{HOST}", **wires, **given)

    def fault(self, name: str, **figures: Any) -> None:
        """Ask the venue for a fault."""
        self.carried.front.cause(rule_of({"fault": name, **figures}))

    def break_network(self, kind: FaultKind, where: str = "/orders", times: int = 1) -> None:
        """Ask the network for a fault."""
        self.network.faults.append(Fault(kind, where, times))

    def push(self, price: Decimal | str) -> None:
        """Make the market trade through to a price."""
        self.carried.now()
        self.carried.front.push_price(BTC, Decimal(price))

    def best(self, *, asks: bool) -> Decimal:
        """The best price of a side."""
        best = self.dialect.exchange.tapes[BTC].best(asks=asks)
        assert best is not None
        return best[0]

    @property
    def orders(self) -> list[BrokerageOrder]:
        """What the venue has: the truth."""
        return list(self.dialect.desk.orders.values())


def on_bench(test: Callable[[Bench], Awaitable[None]], *, opened: bool = True) -> None:
    """Run a test under virtual time, the crowd holding still."""

    async def main() -> None:
        bench = Bench()
        for market in bench.dialect.exchange.markets.values():
            market.frozen = True
        try:
            if opened:
                await bench.gateway.open()
            await test(bench)
        finally:
            await bench.gateway.close()
            await bench.carried.close()

    run(main())


def approved(
    order_id: str,
    kind: OrderType = OrderType.LIMIT,
    side: Side = Side.BUY,
    quantity: str = "0.01",
    price: str | Decimal | None = "50000",
    **more: Any,
) -> Approved:
    """An order as risk lets it go."""
    level = None if price is None else Decimal(price)
    return Approved(OrderIntent(order_id, BTC, side, kind, Decimal(quantity), level, **more))
