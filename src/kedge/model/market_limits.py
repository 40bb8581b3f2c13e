"""What of the market is believed, and for how long: every bound by its name with the unit last. `None`: not set.

They are a session's own, as its risk limits are: they stand in its manifest, so that a replay judges every fact by
the bounds that it was judged by. The defaults suit history, where a fact has no time of receipt and a stream has no
silence worth an alarm; a live session sets the silences too.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from msgspec import Struct

from kedge.model.errors import ConfigError
from kedge.model.exact import check_exact
from kedge.model.limits import COUNT_MAX, check_traded
from kedge.model.money import TEN_THOUSAND, ZERO


class MarketLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """The bounds within which market facts are believed.

    - `jump_bps_max`: how far a price may be from the last accepted one, in hundredths of a percent of that;
      `symbols_jump_bps_max` has it for single symbols, by symbol.
    - `jump_confirmations_min`: facts in a row, each later than the one before and all within the limit of the
      first, after which a jump is believed. The first is quarantined, the last is accepted.
    - `age_ms_max`, `ahead_ms_max`: how far the venue's time may be behind or ahead of the time of receipt.
    - `candle_silence_intervals_max`: a candle stream silent for longer than so many of its intervals is
      stale.
    - `..._silence_ms_max`: likewise for the other streams.
    - `book_levels_max`: levels kept on each side of a book; those furthest from the top go first.
    """

    jump_bps_max: Decimal | None = Decimal(5_000)
    symbols_jump_bps_max: dict[str, Decimal] = {}
    jump_confirmations_min: int = 3
    age_ms_max: int = 60_000
    ahead_ms_max: int = 10_000
    candle_silence_intervals_max: int | None = 3
    trade_silence_ms_max: int | None = None
    quote_silence_ms_max: int | None = None
    book_silence_ms_max: int | None = None
    mark_price_silence_ms_max: int | None = None
    funding_rate_silence_ms_max: int | None = None
    book_levels_max: int = 20_000

    def __post_init__(self) -> None:
        check_exact(self)
        for symbol, value in self.symbols_jump_bps_max.items():
            name = f"symbols_jump_bps_max.{symbol}"
            if type(value) not in (Decimal, int):
                raise ConfigError(f"{name} is {value!r}; give a Decimal or an int, so that it is exact")
            _positive(name, value)
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal | int):
                _positive(name, value)

    def jump_limit(self, symbol: str) -> Decimal | None:
        """The limit for `symbol` as a fraction; `None` where a jump of any size is believed."""
        bps = self.symbols_jump_bps_max.get(symbol, self.jump_bps_max)
        return None if bps is None else bps / TEN_THOUSAND

    def check_symbols(self, traded: Collection[str]) -> None:
        """Refuse a bound for a symbol that is not `traded`: a misspelt one would be a bound that is not there."""
        check_traded("market.symbols_jump_bps_max", self.symbols_jump_bps_max, traded)


def _positive(name: str, value: Decimal | int) -> None:
    if isinstance(value, int) and value > COUNT_MAX:
        raise ConfigError(f"{name} is {value}; a bound of this size is none: leave it out")
    if not (Decimal(value).is_finite() and value > ZERO):
        raise ConfigError(f"{name} is {value}; it must be a number above zero")


#: The bounds used unless others are given.
DEFAULT_LIMITS = MarketLimits()
