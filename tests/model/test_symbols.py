"""Symbols: one to one on each exchange, and an error that helps where a name is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import ConfigError, UserError
from kedge.model.exchange import Exchange
from kedge.model.symbols import (
    DOLLARS,
    WELL_KNOWN,
    SymbolTable,
    canonical_name,
    to_canonical_symbol,
    to_exchange_symbol,
)


@pytest.mark.parametrize(
    ("exchange", "raw", "canonical"),
    [
        (Exchange.BINANCE, "BTCUSDT", "BTC-USD"),
        (Exchange.HYPERLIQUID, "BTC", "BTC-USD"),
        (Exchange.COINBASE, "BTC-USD", "BTC-USD"),
        ("binance", "ETHUSDT", "ETH-USD"),
        (Exchange.BINANCE, "BTCUSDC", "BTC-USDC"),
        (Exchange.BINANCE, "ETHBTC", "ETH-BTC"),
        (Exchange.HYPERLIQUID, "HYPE", "HYPE-USD"),
        (Exchange.HYPERLIQUID, "HYPE/USDC", "HYPE-USDC"),
        (Exchange.COINBASE, "BTC-USDT", "BTC-USDT"),
    ],
)
def test_well_known_markets_have_their_names(exchange: Exchange, raw: str, canonical: str) -> None:
    assert to_canonical_symbol(exchange, raw) == canonical
    assert to_exchange_symbol(exchange, canonical) == raw


@pytest.mark.parametrize("exchange", Exchange)
def test_every_market_built_in_goes_round_trip(exchange: Exchange) -> None:
    table = WELL_KNOWN[exchange]
    assert len(table) > 20
    for canonical in table:
        assert to_canonical_symbol(exchange, to_exchange_symbol(exchange, canonical)) == canonical
    assert len({table.raw(canonical) for canonical in table}) == len(table)


assets = st.text("ABCDEFGHXYZ0123456789", min_size=2, max_size=6)
markets = st.lists(st.tuples(assets, st.sampled_from(["USD", "USDC", "BTC", "EUR"])), unique=True, max_size=20)


@given(st.sampled_from(list(Exchange)), markets)
def test_any_instrument_list_goes_round_trip(exchange: Exchange, pairs: list[tuple[str, str]]) -> None:
    quotes = {"USD": DOLLARS[exchange]}
    listed = [(f"{base}/{quotes.get(quote, quote)}", base, quotes.get(quote, quote)) for base, quote in pairs]
    table = SymbolTable(exchange, listed)
    for (raw, _, _), (base, quote) in zip(listed, pairs, strict=True):
        assert table.canonical(raw) == f"{base}-{quote}"
        assert to_exchange_symbol(exchange, table.canonical(raw), table) == raw
        assert to_canonical_symbol(exchange, raw, table) == f"{base}-{quote}"
    assert len(table) == len(pairs)
    assert table.snapshot()["raw"] == {
        f"{base}-{quote}": raw for (raw, _, _), (base, quote) in zip(listed, pairs, strict=True)
    }


@pytest.mark.parametrize("exchange", Exchange)
@pytest.mark.parametrize("name", ["", "NOPE", "BTC-DOGE", "btcusdt", " BTCUSDT", None, 7, "BTCUSDT\n"])
def test_an_unknown_name_is_a_value_error_that_names_it(exchange: Exchange, name: object) -> None:
    for convert in (to_canonical_symbol, to_exchange_symbol):
        with pytest.raises(ValueError, match=f"is unknown on {exchange}") as caught:
            convert(exchange, name)  # type: ignore[arg-type]
        assert isinstance(caught.value, UserError)
        assert repr(name) in str(caught.value)


def test_the_dollar_of_an_exchange_has_one_name_there() -> None:
    with pytest.raises(ValueError, match="BTC-USDT"):
        to_exchange_symbol(Exchange.BINANCE, "BTC-USDT")
    assert canonical_name("binance", "BTC", "USDT") == canonical_name("coinbase", "BTC", "USD") == "BTC-USD"


def test_a_near_miss_is_answered_with_the_name_that_was_meant() -> None:
    with pytest.raises(UserError, match=r"did you mean BTCUSDT\?"):
        to_canonical_symbol(Exchange.BINANCE, "BTCUSTD")


def test_two_markets_cannot_share_a_name() -> None:
    table = SymbolTable(Exchange.BINANCE, [("BTCUSDT", "BTC", "USDT")])
    table.fill([("BTCUSDT", "BTC", "USDT")])
    for raw, base, quote in (("BTCUSD", "BTC", "USD"), ("BTCUSDT", "BTC", "EUR")):
        with pytest.raises(ConfigError, match="one to one"):
            table.fill([(raw, base, quote)])
    assert list(table) == ["BTC-USD"]
    for raw, canonical in (("", "BTC-USD"), ("X", "BTC"), ("X", "-USD"), ("X", "BTC-")):
        with pytest.raises(ConfigError, match="BASE-QUOTE"):
            table.add(raw, canonical)


def test_an_unknown_exchange_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'kraken' is unknown; it must be one of binance, hyperliquid, coinbase"):
        to_canonical_symbol("kraken", "BTC")
    with pytest.raises(ConfigError, match="give the table of that exchange"):
        to_canonical_symbol(Exchange.COINBASE, "BTC", WELL_KNOWN[Exchange.BINANCE])
