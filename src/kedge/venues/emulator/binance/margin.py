"""The margin of a cross account: what positions and open orders need, and what is left.

For each symbol the worse of two outcomes counts: all its open buys fill, or all its open sells. Initial margin is that
notional at the mark price over the leverage. The simulated venue decides fills and liquidation by the positions alone.
"""

from __future__ import annotations

from decimal import Decimal

from kedge.model.money import ZERO
from kedge.model.order import Side
from kedge.venues.emulator.exchange import Exchange


class Margin:
    """Reads an exchange's account. `isolated` are the symbols whose margin type was set so: a label, see the guide."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.isolated: set[str] = set()

    def leverage(self, symbol: str) -> Decimal:
        """As set."""
        return self._exchange.instruments[symbol].max_leverage

    def position(self, symbol: str) -> Decimal:
        """Signed quantity."""
        return self._exchange.holdings[symbol].quantity

    def notional(self, symbol: str) -> Decimal:
        """Signed value at the mark price."""
        return self.position(symbol) * self._exchange.mark(symbol)

    def sides(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Open quantity of buys and of sells that may add to a position."""
        buys = sells = ZERO
        for order in self._exchange.open_orders(symbol):
            if not order.reduce_only:
                buys += order.left if order.side is Side.BUY else ZERO
                sells += order.left if order.side is Side.SELL else ZERO
        return buys, sells

    def needed(self, symbol: str, buys: Decimal = ZERO, sells: Decimal = ZERO) -> Decimal:
        """Initial margin of a symbol with its open orders, and so much more of them."""
        open_buys, open_sells = self.sides(symbol)
        held = self.position(symbol)
        worst = max(abs(held + open_buys + buys), abs(held - open_sells - sells), abs(held))
        return worst * self._exchange.mark(symbol) / self.leverage(symbol)

    def of_position(self, symbol: str) -> Decimal:
        """Initial margin of the position alone."""
        return abs(self.notional(symbol)) / self.leverage(symbol)

    def maintenance(self, symbol: str) -> Decimal:
        """Maintenance margin of the position."""
        return abs(self.notional(symbol)) * self._exchange.instruments[symbol].maintenance_margin

    def wallet(self) -> Decimal:
        """Balance, open profit not counted."""
        return self._exchange.venue.wallet

    def unrealized(self) -> Decimal:
        """Open profit of all positions."""
        return sum((self._exchange.unrealized(symbol) for symbol in self._exchange.instruments), ZERO)

    def initial(self) -> Decimal:
        """Initial margin of positions and open orders."""
        return sum((self.needed(symbol) for symbol in self._exchange.instruments), ZERO)

    def available(self) -> Decimal:
        """What new positions may use."""
        return max(self.wallet() + self.unrealized() - self.initial(), ZERO)

    def allows(self, symbol: str, side: str, quantity: Decimal, price: Decimal) -> bool:
        """Whether one more order can be margined, its loss against the mark price counted in."""
        more = {"buys": quantity} if side == "BUY" else {"sells": quantity}
        step = self.needed(symbol, **more) - self.needed(symbol)
        if step <= ZERO:
            return True
        mark = self._exchange.mark(symbol)
        loss = max(price - mark if side == "BUY" else mark - price, ZERO) * quantity
        return step + loss <= self.wallet() + self.unrealized() - self.initial()
