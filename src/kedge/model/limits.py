"""Every limit, by its name with the unit last. `None` means that this limit is not set.

Money limits are in the account's currency, quantities in the instrument's units, `..._bps_max` in hundredths
of a percent, `..._ms_max` in milliseconds, ratios (`leverage_max`, `drawdown_ratio_max`) are plain numbers. A
per-symbol entry takes the place of the general one.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from difflib import get_close_matches

from msgspec import Struct, structs

from kedge.model.errors import ConfigError
from kedge.model.exact import check_exact
from kedge.model.money import ZERO


class SymbolLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one symbol that differ from the general ones."""

    order_quantity_max: Decimal | None = None
    order_notional_max: Decimal | None = None
    position_quantity_max: Decimal | None = None
    position_notional_max: Decimal | None = None
    price_collar_bps_max: Decimal | None = None

    def __post_init__(self) -> None:
        check_exact(self)


#: What a live session may not start without (control C32).
REQUIRED = (
    "order_quantity_max",
    "order_notional_max",
    "orders_per_second_max",
    "orders_open_max",
    "price_collar_bps_max",
    "reference_age_ms_max",
    "position_quantity_max",
    "gross_exposure_max",
    "daily_loss_max",
)


#: Counts and times beyond this are slips of the pen; a record of the journal holds 64 bits.
COUNT_MAX = 10**15


class RiskConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The limits of an account.

    - `order_quantity_max`, `order_notional_max`: one order.
    - `orders_per_second_max`, `orders_per_day_max`: orders sent; cancels do not count against them.
    - `orders_open_max`: orders in flight, unknown ones included.
    - `duplicate_window_ms_max`: the same intent again within this time is refused.
    - `price_collar_bps_max`: how far a price may be from the reference, and how far a market order is valued
      from it.
    - `price_band_bps_max`: how far a price may be from the references by which the orders of the last
      `price_band_window_ms` were judged: many small steps, each within the collar, do not lead further.
    - `reference_age_ms_max`: a reference price older than this counts as none.
    - `position_quantity_max`, `position_notional_max`: one symbol, open orders included on the worse side.
    - `gross_exposure_max`, `net_exposure_max`: all symbols, likewise.
    - `leverage_max`: gross exposure over equity; the instruments' own bound holds besides.
    - `strategy_exposure_max`: gross exposure of one strategy; `strategy_loss_max`: its loss since it began.
    - `daily_loss_max`: realized and unrealized loss, fees and funding in a UTC day.
    - `drawdown_ratio_max`: fall of equity from its highest, as a fraction of the highest.
    - `executions_per_window_max` within `executions_window_ms`: fills of one strategy before it is disabled
      (C9).
    - `errors_in_a_row_max`: consecutive errors that trip the circuit breaker.
    - `unknown_age_ms_max`: an order whose outcome stays unknown for longer halts trading.
    - `flatten_slippage_bps_max`: how far from the reference a closing order of a flatten may reach.
    - `clock_offset_ms_max`: a clock further off than this stops new risk.
    - `loss_action`: what a broken loss limit does, `halt` or `flatten`.
    """

    order_quantity_max: Decimal | None = None
    order_notional_max: Decimal | None = None
    orders_per_second_max: int | None = None
    orders_per_day_max: int | None = None
    orders_open_max: int | None = None
    duplicate_window_ms_max: int | None = None
    price_collar_bps_max: Decimal | None = None
    reference_age_ms_max: int | None = None
    position_quantity_max: Decimal | None = None
    position_notional_max: Decimal | None = None
    gross_exposure_max: Decimal | None = None
    net_exposure_max: Decimal | None = None
    leverage_max: Decimal | None = None
    strategy_exposure_max: Decimal | None = None
    strategy_loss_max: Decimal | None = None
    daily_loss_max: Decimal | None = None
    drawdown_ratio_max: Decimal | None = None
    price_band_bps_max: Decimal | None = None
    price_band_window_ms: int = 300_000
    executions_per_window_max: int | None = None
    executions_window_ms: int = 60_000
    errors_in_a_row_max: int = 5
    unknown_age_ms_max: int = 30_000
    flatten_slippage_bps_max: Decimal = Decimal(200)
    clock_offset_ms_max: int = 1_000
    loss_action: str = "flatten"
    symbols: dict[str, SymbolLimits] = {}

    def __post_init__(self) -> None:
        check_exact(self)
        for symbol, own in self.symbols.items():
            if not isinstance(own, SymbolLimits):
                raise ConfigError(f"the limits of {symbol} are {own!r}; give SymbolLimits")
        for field in structs.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Decimal | int) and not value >= ZERO:
                raise ConfigError(f"{field.name} is {value}; a limit must not be below zero")
            if isinstance(value, int) and value > COUNT_MAX:
                raise ConfigError(f"{field.name} is {value}; a limit of this size is none: leave it out")
        if self.loss_action not in ("halt", "flatten"):
            raise ConfigError(f"loss_action is {self.loss_action!r}; it must be 'halt' or 'flatten'")

    def missing(self) -> list[str]:
        """The names of limits that live trading requires and that are not set."""
        return [name for name in REQUIRED if getattr(self, name) is None]

    def check_symbols(self, traded: Collection[str]) -> None:
        """Refuse limits of a symbol that is not `traded`: a misspelt one would be a limit that is not there (H61)."""
        check_traded("risk.symbols", self.symbols, traded)

    def for_symbol(self, symbol: str, limit: str) -> Decimal | None:
        """The value of `limit` for `symbol`: its own where it has one, else the general one."""
        own = self.symbols.get(symbol)
        value: Decimal | None = getattr(own, limit) if own is not None else None
        if value is not None:
            return value
        general: Decimal | None = getattr(self, limit)
        return general


def check_traded(section: str, named: Collection[str], traded: Collection[str]) -> None:
    """Refuse the first of the symbols `named` in a section of the configuration that is not `traded`."""
    for symbol in named:
        if symbol not in traded:
            near = get_close_matches(symbol, list(traded), n=1)
            hint = f"did you mean {near[0]}?" if near else "remove it, or trade that symbol too"
            raise ConfigError(
                f"[{section}.{symbol}] is for a symbol that is not traded here, unlike {', '.join(sorted(traded))}; {hint}"
            )
