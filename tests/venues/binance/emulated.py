"""An emulated venue behind a network in memory, under virtual time, and a gateway of ours to it.

Faults are the emulator's own (`venue.fault(...)`) or the network's (`venue.network.faults`).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from kedge.model.decisions import Approved
from kedge.model.order import OrderIntent, OrderType, Side
from kedge.venues import registry
from kedge.venues.answers import Answer, Whole
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.shell import BinanceGateway
from kedge.venues.emulator.wire import Request
from kedge.venues.wire.http import HttpRequest, HttpResponse, NoAnswer
from kedge.venues.wire.virtual import run
from tests.contract.emulated import Carried


class Emulated(Carried):
    """One emulated venue and one gateway to it."""

    def __init__(self, product: Product, **options: Any) -> None:
        super().__init__(product.value, **options)
        self.gateway = self.new_gateway(product)

    def new_gateway(self, product: Product) -> BinanceGateway:
        """Another gateway to the same account, as another process would have."""
        made = registry.make(product.value, self.access(), self.wires())
        assert isinstance(made, BinanceGateway)
        return made

    async def lost(self, request: HttpRequest) -> HttpResponse:
        """The connection breaks at once: the test's clock stays where it was."""
        raise NoAnswer(f"{request!r}: connection reset")

    def fault(self, fault: str, **figures: Any) -> None:
        """Let the venue go wrong."""
        self.post("faults", fault=fault, **figures)

    def market(self, symbol: str, **figures: Any) -> None:
        """Move a market."""
        self.post("market", symbol=symbol, **figures)

    def post(self, what: str, **given: Any) -> Any:
        """Tell the emulator's control endpoint something."""
        reply = self.control.serve(Request("POST", f"/_emulator/{what}", "", {}, json.dumps(given).encode()))
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def truth(self) -> dict[str, Any]:
        """The account as the venue has it."""
        found: dict[str, Any] = json.loads(self.control.serve(Request("GET", "/_emulator/account")).body)
        return found


Scene = Callable[[Emulated], Awaitable[None]]


def play(product: Product, scene: Scene, **options: Any) -> None:
    """Run a scene with an open gateway."""

    async def main() -> None:
        venue = Emulated(product, **options)
        try:
            await venue.gateway.open()
            await scene(venue)
        finally:
            await venue.gateway.close()
            await venue.close()

    run(main())


def whole(answer: Answer[Any]) -> Any:
    """The value of a whole answer."""
    assert isinstance(answer, Whole), answer
    return answer.value


def order(number: int, side: str = "buy", quantity: str = "0.01", price: str | None = None, **more: Any) -> Approved:
    """An approved order; a limit order where a price is given."""
    kind = more.pop("order_type", OrderType.LIMIT if price else OrderType.MARKET)
    symbol = more.pop("symbol", "BTC-USD")
    wanted = None if price is None else Decimal(price)
    return Approved(OrderIntent(f"exam-1-{number}", symbol, Side(side), kind, Decimal(quantity), wanted, **more))
