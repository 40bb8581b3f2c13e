"""Symbols: the canonical name of a market, and what each exchange calls it.

A canonical symbol is `BASE-QUOTE`. A strategy that trades `BTC-USD` means "bitcoin against the dollar of that
venue", so on each exchange one currency is *the* dollar and is written `USD`:

    exchange      its dollar   raw          canonical
    Binance       USDT         BTCUSDT      BTC-USD
    Hyperliquid   USD (perps)  BTC          BTC-USD
    Coinbase      USD          BTC-USD      BTC-USD

Every other currency keeps its name: `BTCUSDC` on Binance is `BTC-USDC`, `BTC-USDT` on Coinbase is `BTC-USDT`, and spot
on Hyperliquid (`HYPE/USDC`) is `HYPE-USDC`. So `BTC-USDT` is *not* a name on Binance, where it would mean the same
market as `BTC-USD`: within one exchange the mapping is one to one. Across exchanges `BTC-USD` stands for different
dollars; a price difference between them contains the difference of the dollars.

Binance uses the same raw symbol for spot and for USD-M futures. They are two venues here, each with a table of its own.

The tables built in hold a few well-known markets; a venue fills a `SymbolTable` from its own list of instruments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from kedge.model.errors import ConfigError, UserError
from kedge.model.exchange import Exchange

#: What each exchange's dollar is called there.
DOLLARS = {Exchange.BINANCE: "USDT", Exchange.HYPERLIQUID: "USD", Exchange.COINBASE: "USD"}


class SymbolTable:
    """The markets of one exchange: raw name to canonical name and back, one to one."""

    __slots__ = ("_canonical", "_raw", "exchange")

    def __init__(self, exchange: Exchange | str, markets: Iterable[tuple[str, str, str]] = ()) -> None:
        self.exchange = _exchange(exchange)
        self._canonical: dict[str, str] = {}
        self._raw: dict[str, str] = {}
        self.fill(markets)

    def fill(self, markets: Iterable[tuple[str, str, str]]) -> None:
        """Add markets as the exchange lists them: raw name, base, quote."""
        for raw, base, quote in markets:
            self.add(raw, canonical_name(self.exchange, base, quote))

    def add(self, raw: str, canonical: str) -> None:
        """Add one market; naming a known one differently is an error."""
        base, dash, quote = canonical.partition("-")
        if not (raw and base and dash and quote):
            raise ConfigError(f"symbol {raw!r} = {canonical!r} on {self.exchange}; a canonical symbol is BASE-QUOTE")
        known, taken = self._canonical.get(raw, canonical), self._raw.get(canonical, raw)
        if known != canonical or taken != raw:
            raise ConfigError(
                f"{canonical} is {taken} and {raw} is {known} on {self.exchange}; the mapping must be one to one, "
                f"so leave one of the two markets out"
            )
        self._canonical[raw] = canonical
        self._raw[canonical] = raw

    def canonical(self, raw: str) -> str:
        """The canonical name of what the exchange calls `raw`."""
        found = self._canonical.get(raw)
        if found is None:
            raise _unknown(self.exchange, "symbol", raw, self._canonical)
        return found

    def raw(self, canonical: str) -> str:
        """What the exchange calls `canonical`."""
        found = self._raw.get(canonical)
        if found is None:
            raise _unknown(self.exchange, "canonical symbol", canonical, self._raw)
        return found

    def __contains__(self, canonical: object) -> bool:
        return canonical in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal tables agree on."""
        return {"exchange": self.exchange.value, "raw": dict(self._raw)}


def canonical_name(exchange: Exchange | str, base: str, quote: str) -> str:
    """The canonical name of `base` against `quote` on `exchange`, whose own dollar is written USD."""
    venue = _exchange(exchange)
    return f"{base}-{'USD' if quote == DOLLARS[venue] else quote}"


def to_canonical_symbol(exchange: Exchange | str, raw: str, table: SymbolTable | None = None) -> str:
    """The canonical name of what `exchange` calls `raw`, by `table` or the one built in."""
    return _table(exchange, table).canonical(raw)


def to_exchange_symbol(exchange: Exchange | str, canonical: str, table: SymbolTable | None = None) -> str:
    """What `exchange` calls `canonical`, by `table` or the one built in."""
    return _table(exchange, table).raw(canonical)


def _table(exchange: Exchange | str, table: SymbolTable | None) -> SymbolTable:
    venue = _exchange(exchange)
    if table is None:
        return WELL_KNOWN[venue]
    if table.exchange is not venue:
        raise ConfigError(f"the table given is of {table.exchange}, asked for {venue}; give the table of that exchange")
    return table


def _exchange(exchange: Exchange | str) -> Exchange:
    try:
        return Exchange(exchange)
    except ValueError:
        raise UserError(f"exchange {exchange!r} is unknown; it must be one of {', '.join(Exchange)}") from None


def _unknown(exchange: Exchange, what: str, name: object, names: Iterable[str]) -> UserError:
    near = get_close_matches(name, list(names), 1) if isinstance(name, str) else []
    remedy = f"did you mean {near[0]}?" if near else "fill a SymbolTable from the exchange's instruments"
    return UserError(f"{what} {name!r} is unknown on {exchange}; {remedy}")


_BASES = (
    *("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "AVAX", "DOT", "LINK", "LTC", "BCH"),
    *("ATOM", "UNI", "AAVE", "ARB", "OP", "SUI", "APT", "NEAR", "FIL", "ETC"),
)

#: The tables built in.
WELL_KNOWN: dict[Exchange, SymbolTable] = {
    Exchange.BINANCE: SymbolTable(
        Exchange.BINANCE,
        [(f"{base}USDT", base, "USDT") for base in [*_BASES, "BNB", "TRX"]]
        + [(f"{base}USDC", base, "USDC") for base in ("BTC", "ETH", "SOL")]
        + [("ETHBTC", "ETH", "BTC"), ("XRPETH", "XRP", "ETH")],
    ),
    Exchange.HYPERLIQUID: SymbolTable(
        Exchange.HYPERLIQUID,
        [(base, base, "USD") for base in [*_BASES, "BNB", "TRX", "HYPE"]]
        + [("HYPE/USDC", "HYPE", "USDC"), ("PURR/USDC", "PURR", "USDC")],
    ),
    Exchange.COINBASE: SymbolTable(
        Exchange.COINBASE,
        [(f"{base}-USD", base, "USD") for base in _BASES]
        + [("BTC-USDT", "BTC", "USDT"), ("ETH-USDT", "ETH", "USDT"), ("ETH-BTC", "ETH", "BTC")],
    ),
}
